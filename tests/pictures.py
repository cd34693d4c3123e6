"""Small pictures of a few kinds that any descriptor can tell apart."""

import os
from pathlib import Path

import numpy as np
import simplejpeg

KINDS = ("bars", "sky", "tiles")


def picture(kind: str, seed: int, *, height: int = 40, width: int = 60) -> np.ndarray:
    """One picture of a kind, with its own noise."""
    random = np.random.default_rng([KINDS.index(kind), seed])
    y, x = np.mgrid[:height, :width]
    match kind:
        case "bars":
            image = np.stack([200 * (x // 6 % 2), 0 * x + 40, 0 * x + 40], axis=-1)
        case "sky":
            image = np.stack([90 + y, 140 + y, 0 * y + 230], axis=-1)
        case _:
            tile = (x // 8 + y // 8) % 2
            image = np.stack([60 * tile, 180 - 90 * tile, 60 * tile], axis=-1)
    noise = random.integers(-12, 13, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def write_kinds(folder: Path, n: int, *, first: int = 0, flat: bool = False) -> dict[str, str]:
    """Write n JPEGs of each kind into a folder per class, or all into one.

    Returns the path of each and its class.
    """
    made = {}
    for kind in KINDS:
        place = folder if flat else folder / kind
        place.mkdir(parents=True, exist_ok=True)
        for seed in range(first, first + n):
            # Flat names do not give the class away.
            name = f"{(seed * 7 + KINDS.index(kind) * 31) % 1000:03}-{len(made):03}.jpg"
            file = place / name
            file.write_bytes(simplejpeg.encode_jpeg(picture(kind, seed), quality=92))
            made[os.fspath(file)] = kind
    return made
