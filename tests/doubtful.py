"""Examples of which one has a wrong class."""

from pathlib import Path

import cv2
import numpy as np

COLORS = {"red": (40, 40, 200), "green": (40, 200, 40), "blue": (200, 40, 40)}


def paint(path: Path, color: tuple[int, int, int], seed: int) -> None:
    """Write a noisy picture of a colour."""
    chance = np.random.default_rng(seed)
    coarse = chance.normal(0, 18, (9, 12, 3)) + color + chance.normal(0, 12, 3)
    image = cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_NEAREST)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.clip(image, 0, 255).astype(np.uint8))


def make_doubtful(root: Path) -> Path:
    """Make three classes of ten; ``red/wrong.png`` is green."""
    for number, (label, color) in enumerate(COLORS.items()):
        for i in range(10):
            paint(root / label / f"{i}.png", color, 100 * number + i)
    paint(root / "red" / "wrong.png", COLORS["green"], 999)
    return root
