"""The blocks, and the fuzzy palette of 24 colours, that `cedd`, `fcth` and `jcd` count in.

A colour belongs to several entries of the palette, by degrees that add up to 1,
so that a small change of it never moves a whole count from one bin to another.

After the two fuzzy systems of Chatzichristofis and Boutalis (see `cedd`). The
first sorts into black, grey, white and seven hues, red counting once at each end
of the circle: 20 rules. The second, 4 rules, parts each hue into dark, plain and
light. The borders of the fuzzy sets are meant to be those the papers draw, but were
not compared with the drawings one by one. Differs from them: a rule holds to the
product of the degrees of its conditions instead of their minimum, which makes the
sum 1.
"""

from typing import Any, Final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features
from tamis.descriptors.classical.colorspace import hsv
from tamis.images import Pixels

PALETTE: Final = (
    *("black", "grey", "white"),
    *("dark red", "red", "light red"),
    *("dark orange", "orange", "light orange"),
    *("dark yellow", "yellow", "light yellow"),
    *("dark green", "green", "light green"),
    *("dark cyan", "cyan", "light cyan"),
    *("dark blue", "blue", "light blue"),
    *("dark magenta", "magenta", "light magenta"),
)
"""What the 24 values of `palette_degrees` stand for, in their order."""

# Degrees of the colour circle over which a hue gives way to the next one.
_HUE_BORDERS: Final = np.array(
    [
        (5.0, 10.0),  # red to orange
        (35.0, 50.0),  # to yellow
        (70.0, 85.0),  # to green
        (150.0, 165.0),  # to cyan
        (195.0, 205.0),  # to blue
        (265.0, 280.0),  # to magenta
        (315.0, 330.0),  # to red again
    ]
)


@nb.njit(nogil=True, cache=True, inline="always")
def above(value: float, low: float, high: float) -> float:
    """Degree to which `value` is large: 0 up to `low`, 1 from `high` on, linear between."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


@nb.njit(nogil=True, cache=True)
def palette_degrees(red: float, green: float, blue: float, out: Features) -> None:
    """Write how far a colour of 0 to 255 per channel is each colour of `PALETTE`."""
    out[:] = 0.0
    turn, share, value = hsv(red, green, blue)
    angle, saturation = 60.0 * turn, 255.0 * share
    colored, lit = above(saturation, 10.0, 75.0), above(value, 10.0, 75.0)
    bright = above(value, 180.0, 220.0)
    out[0] = 1.0 - lit
    out[1] = lit * (1.0 - colored) * (1.0 - bright)
    out[2] = lit * (1.0 - colored) * bright
    chromatic = lit * colored
    if chromatic == 0.0:
        return
    pure, light = above(saturation, 68.0, 188.0), above(value, 68.0, 188.0)
    hue = 0
    while hue < 7 and angle >= _HUE_BORDERS[hue, 1]:
        hue += 1
    # Of the two hues that `angle` may lie between, all of it goes to the first
    # unless it has come past the border's beginning.
    next_one = above(angle, _HUE_BORDERS[hue, 0], _HUE_BORDERS[hue, 1]) if hue < 7 else 0.0
    for step in range(2):
        degree = chromatic * (next_one if step == 1 else 1.0 - next_one)
        if degree > 0.0:
            first = 3 + 3 * ((hue + step) % 7)
            out[first] += degree * (1.0 - light)
            out[first + 1] += degree * light * pure
            out[first + 2] += degree * light * (1.0 - pure)


@nb.njit(nogil=True, cache=True)
def quarter_means(image: Pixels) -> npt.NDArray[np.float32]:
    """Means of squares of 2 x 2 pixels, four of which make a block.

    A picture less than 4 pixels high or wide is continued by its last row or
    column, so that there is one block at least.
    """
    height, width = image.shape[:2]
    means = np.empty((max(height // 2, 2), max(width // 2, 2), 3), np.float32)
    for y in range(means.shape[0]):
        upper, lower = min(2 * y, height - 1), min(2 * y + 1, height - 1)
        for x in range(means.shape[1]):
            left, right = min(2 * x, width - 1), min(2 * x + 1, width - 1)
            for channel in range(3):
                total = np.float32(image[upper, left, channel])
                total += np.float32(image[upper, right, channel])
                total += np.float32(image[lower, left, channel])
                total += np.float32(image[lower, right, channel])
                means[y, x, channel] = np.float32(0.25) * total
    return means


@nb.njit(nogil=True, cache=True)
def block_degrees(quarters: npt.NDArray[np.float32], y: int, x: int, out: Features) -> None:
    """Write how far the block of 2 x 2 quarters from (y, x) on has each of the 24 colours."""
    a, b = quarters[y, x], quarters[y, x + 1]
    c, d = quarters[y + 1, x], quarters[y + 1, x + 1]
    palette_degrees(
        0.25 * (a[0] + b[0] + c[0] + d[0]),
        0.25 * (a[1] + b[1] + c[1] + d[1]),
        0.25 * (a[2] + b[2] + c[2] + d[2]),
        out,
    )


@nb.njit(nogil=True, cache=True, inline="always")
def luma(color: npt.NDArray[Any]) -> float:
    """Y of YIQ, the luma of the papers."""
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
