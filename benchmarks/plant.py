"""Copies of photos, planted among them: what `duplicates.py` looks for.

Each kind is made of photos of its own, drawn by a seed, so that a copy has one original.
"""

import csv
import os
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

Pixels = np.ndarray


def half(image: Pixels) -> Pixels:
    """Halve width and height."""
    height, width = image.shape[:2]
    return cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def brighter(image: Pixels) -> Pixels:
    """Multiply all values by 1.2, cut off at white."""
    return np.clip(image.astype(np.float32) * 1.2, 0, 255).astype(np.uint8)


def grey(image: Pixels) -> Pixels:
    """Take the colour away."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def caption(image: Pixels) -> Pixels:
    """Lay a dark bar with white letters over the lowest eighth."""
    out = image.copy()
    height = len(out)
    bar = max(8, height // 8)
    out[height - bar :] = (out[height - bar :] * 0.25).astype(np.uint8)
    cv2.putText(
        out, "holiday 2019, no. 12", (3, height - bar // 4), cv2.FONT_HERSHEY_SIMPLEX, bar / 30,
        (255, 255, 255), 1, cv2.LINE_AA,
    )  # fmt: skip
    return out


def cropped(share: float) -> Callable[[Pixels], Pixels]:
    """Leave out a share of the width and of the height, at sides drawn by the content."""

    def crop(image: Pixels) -> Pixels:
        height, width = image.shape[:2]
        chance = random.Random(int(image.sum()))
        y, x = round(height * share), round(width * share)
        top, left = chance.randint(0, y), chance.randint(0, x)
        return image[top : height - y + top, left : width - x + left]

    return crop


def mirrored(image: Pixels) -> Pixels:
    """Exchange left and right."""
    return image[:, ::-1]


def turned(image: Pixels) -> Pixels:
    """Turn by 10 degrees about the middle; the corners are filled by the border."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 10, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def same(image: Pixels) -> Pixels:
    """Leave it as it is: only the file is written anew."""
    return image


KINDS: dict[str, tuple[Callable[[Pixels], Pixels], int]] = {
    "half size": (half, 90),
    "JPEG quality 30": (same, 30),
    "5 % crop": (cropped(0.05), 90),
    "+20 % brightness": (brighter, 90),
    "grey": (grey, 90),
    "caption": (caption, 90),
    "mirrored": (mirrored, 90),
    "10 % crop": (cropped(0.10), 90),
    "turned by 10 degrees": (turned, 90),
}
"""What is done to a photo, and the JPEG quality in which it is written."""

DEFAULT = tuple(KINDS)[:6]
"""Those that are looked for without being asked."""


def plant(photos: Path, out: Path, *, each: int = 200, seed: int = 0) -> list[tuple[str, str, str]]:
    """Link all photos into a folder, with copies among them.

    Returns
    -------
    list of (kind, copy, original)
        Paths below `out`; also written to ``truth.csv`` beside it.
    """
    names = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.jpg"))
    for name in names:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(photos.resolve() / name, target)
    drawn = random.Random(seed).sample(names, each * len(KINDS))
    rows = []
    for number, (kind, (change, quality)) in enumerate(KINDS.items()):
        for i, name in enumerate(drawn[number * each : (number + 1) * each]):
            copy = f"{Path(name).parent}/planted-{number}-{i:03}.jpg"
            image = cv2.imread(str(photos / name))
            cv2.imwrite(str(out / copy), change(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
            rows.append((kind, copy, name))
    with open(out.with_name("truth.csv"), "w", newline="") as file:
        csv.writer(file).writerows([("kind", "copy", "original"), *rows])
    return rows
