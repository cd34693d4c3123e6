"""SIFT on a grid: what many small patches of a picture look like."""

import math
from collections.abc import Iterator
from typing import Any, Final, cast

import cv2
import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.images import Pixels

LENGTH: Final = 128
"""Values of one patch: 4 x 4 cells of 8 directions."""

CELLS: Final = (2, 4, 8)
"""Sides of the cells, in pixels."""

# Length of the mean gradients, in grey levels per pixel, below which a patch is flat.
_FLAT: Final = 0.5
_CLIP: Final = 0.2
# Patches that are in the memory at once.
_TOGETHER: Final = 4096
# The Gaussian window of the paper, half a patch wide, in the middle of each cell.
_WINDOW: Final = np.exp(-0.5 * ((np.arange(4) - 1.5) / 2) ** 2).astype(np.float32)


def root_sift(image: Pixels) -> Iterator[npt.NDArray[np.float32]]:
    """Describe the patches of a picture that are not flat.

    A patch is 4 x 4 square cells of 2, 4 or 8 pixels; patches of one size lie one
    cell apart, the grid in the middle of the picture. What of a patch is outside of a
    picture too small for it is flat. The gradient of each pixel votes with its length
    for its direction, among eight, in the cells around it, shared by linear
    interpolation; cells count by a Gaussian window; the vector is brought to length
    1, clipped at 0.2, divided by its sum, and its root taken.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8

    Yields
    ------
    ndarray of shape (n, 128), float32
        Small patches first, from the top down; n of 0 to about 4,096 patches.

    Notes
    -----
    After Lowe [1]_, with the root of Arandjelovic and Zisserman [2]_. Differs from
    it: patches on a grid and upright, instead of at the extrema of a scale space; the
    picture is not smoothed, which was found best on small photos; a patch whose 128
    mean gradients together have a length under half a grey level per pixel is left out.

    References
    ----------
    .. [1] D. G. Lowe, "Distinctive image features from scale-invariant keypoints",
       International Journal of Computer Vision 60(2), 91-110, 2004.
       https://doi.org/10.1023/B:VISI.0000029664.99615.94
    .. [2] R. Arandjelovic, A. Zisserman, "Three things everyone should know to
       improve object retrieval", IEEE Conference on Computer Vision and Pattern
       Recognition, 2911-2918, 2012. https://doi.org/10.1109/CVPR.2012.6248018
    """
    votes = _votes(cast(Pixels, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)))
    for cell in CELLS:
        cells = _cells(votes, cell)
        rows, columns = cells.shape[0] - 3, cells.shape[1] - 3
        together = max(1, _TOGETHER // columns)
        for first in range(0, rows, together):
            here = min(together, rows - first)
            patches = np.empty((here * columns, LENGTH), np.float32)
            yield patches[: _patches(cells, first, here, _WINDOW, patches)]


@nb.njit(nogil=True, cache=True)
def _votes(grey: Pixels) -> npt.NDArray[np.float32]:
    """Return the gradients as (H, W, 3): direction, and the votes for it and the next."""
    height, width = grey.shape
    votes = np.zeros((height, width, 3), np.float32)
    for y in range(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            dx = np.int64(grey[y, min(x + 1, width - 1)]) - np.int64(grey[y, max(x - 1, 0)])
            dy = np.int64(grey[below, x]) - np.int64(grey[above, x])
            if dx == 0 and dy == 0:
                continue
            length = np.float32(0.5 * math.sqrt(dx * dx + dy * dy))
            # A turn ahead, so that it is positive.
            angle = np.float32(math.atan2(dy, dx) * (4 / math.pi) + 8)
            direction = int(angle)
            second = length * (angle - direction)
            votes[y, x, 0] = direction % 8
            votes[y, x, 1] = length - second
            votes[y, x, 2] = second
    return votes


@nb.njit(nogil=True, cache=True, inline="always")
def _axis(length: int, cell: int) -> tuple[int, float]:
    """How many cells, and where the middle of the first is, along `length` pixels."""
    patches = max(1, (length - 1) // cell - 3)
    return patches + 3, (length - 1 - (patches + 2) * cell) / 2


@nb.njit(nogil=True, cache=True)
def _cells(votes: npt.NDArray[np.float32], cell: int) -> npt.NDArray[np.float32]:
    """Gather the votes in cells, of shape (rows, columns, 8), as means per pixel."""
    height, width = votes.shape[:2]
    rows, top = _axis(height, cell)
    columns, left = _axis(width, cell)
    # One more cell around takes the votes that fall outside.
    cells = np.zeros((rows + 2, columns + 2, 8), np.float32)
    line = np.zeros((columns + 2, 8), np.float32)
    column_of = np.empty(width, np.int64)
    right_share = np.empty(width, np.float32)
    for x in range(width):
        place = (x - left) / cell + 1
        column_of[x] = int(place)
        right_share[x] = place - int(place)
    for y in range(height):
        line[:] = 0
        for x in range(width):
            if votes[y, x, 1] == 0 and votes[y, x, 2] == 0:
                continue
            first = int(votes[y, x, 0])
            second = (first + 1) % 8
            column, right = column_of[x], right_share[x]
            left_one, right_one = line[column], line[column + 1]
            left_one[first] += votes[y, x, 1] * (1 - right)
            left_one[second] += votes[y, x, 2] * (1 - right)
            right_one[first] += votes[y, x, 1] * right
            right_one[second] += votes[y, x, 2] * right
        place = (y - top) / cell + 1
        row = int(place)
        lower = np.float32(place - row)
        cells[row] += line * (1 - lower)
        cells[row + 1] += line * lower
    return cells[1:-1, 1:-1] / np.float32(cell * cell)


@nb.njit(nogil=True, cache=True)
def _patches(
    cells: npt.NDArray[np.float32],
    first: int,
    rows: int,
    window: npt.NDArray[np.float32],
    out: npt.NDArray[Any],
) -> int:
    """Write the patches of some rows that are not flat, and return how many there are."""
    count = 0
    for row in range(first, first + rows):
        for column in range(cells.shape[1] - 3):
            patch = out[count]
            for i in range(4):
                for j in range(4):
                    weight = window[i] * window[j]
                    directions = cells[row + i, column + j]
                    place = 8 * (4 * i + j)
                    for k in range(8):
                        patch[place + k] = directions[k] * weight
            length = np.float32(math.sqrt(_sum_of_squares(patch)))
            if length < np.float32(_FLAT):
                continue
            most = length * np.float32(_CLIP)
            for i in range(128):
                patch[i] = min(patch[i], most)
            total = _sum(patch)
            for i in range(128):
                patch[i] = math.sqrt(patch[i] / total)
            count += 1
    return count


# Eight sums side by side are vector code, in an order that no compiler may change.
@nb.njit(nogil=True, cache=True)
def _sum(x: npt.NDArray[np.float32]) -> np.float32:
    a = b = c = d = e = f = g = h = np.float32(0)
    for i in range(0, x.size, 8):
        a, b, c, d = a + x[i], b + x[i + 1], c + x[i + 2], d + x[i + 3]
        e, f, g, h = e + x[i + 4], f + x[i + 5], g + x[i + 6], h + x[i + 7]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


@nb.njit(nogil=True, cache=True)
def _sum_of_squares(x: npt.NDArray[np.float32]) -> np.float32:
    a = b = c = d = e = f = g = h = np.float32(0)
    for i in range(0, x.size, 8):
        a, b = a + x[i] * x[i], b + x[i + 1] * x[i + 1]
        c, d = c + x[i + 2] * x[i + 2], d + x[i + 3] * x[i + 3]
        e, f = e + x[i + 4] * x[i + 4], f + x[i + 5] * x[i + 5]
        g, h = g + x[i + 6] * x[i + 6], h + x[i + 7] * x[i + 7]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))
