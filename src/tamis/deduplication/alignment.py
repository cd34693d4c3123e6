"""How alike two pictures are once one is laid over the other.

One picture is moved, stretched and turned until it fits the other best (Gauss-Newton steps
after Baker and Matthews, on pictures of mean 0 and deviation 1, in which what fits badly counts
less); then their details are correlated where both are. A caption or frame must not spoil the
comparison of the rest, so a strip at the top or bottom may be left out if the rest agrees
better without it.

References
----------
S. Baker, I. Matthews, "Lucas-Kanade 20 years on: a unifying framework", International Journal
of Computer Vision 56(3), 221-255, 2004. https://doi.org/10.1023/B:VISI.0000011205.11775.fd
"""

from typing import Any, Final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.deduplication.sketches import SIDE, detail

Array = npt.NDArray[Any]

_COARSE: Final = 24
_ROWS: Final = 16  # strips of a picture
_STRIPS: Final = 3  # as many may be left out, at the top or at the bottom
_HOPELESS: Final = 0.45  # coarse agreement below which no finer look is taken


def agreement(first: Array, second: Array, left: Array, right: Array) -> Array:
    """Compare pairs of thumbnails after aligning them.

    Parameters
    ----------
    first, second : ndarray of shape (n, 48, 48), uint8
    left, right : ndarray of shape (m,), intp
        The pairs: rows of `first` and of `second`.

    Returns
    -------
    ndarray of shape (m,), float32
        Correlation of their details, up to 1; -1 where they do not lie over each other.
    """
    pictures = [first] if first is second else [first, second]
    coarse, middle, fine = (
        [np.array([detail(one, side, width) for one in some]) for some in pictures]
        for side, width in ((_COARSE, 6), (SIDE, 8), (SIDE, 16))
    )
    out = np.empty(len(left), np.float32)
    _compare(coarse[0], coarse[-1], middle[0], middle[-1], fine[0], fine[-1], left, right, out)
    return out


@nb.njit(nogil=True, cache=True)
def _compare(
    coarse_a: Array, coarse_b: Array, middle_a: Array, middle_b: Array, fine_a: Array,
    fine_b: Array, left: Array, right: Array, out: Array,
) -> None:  # fmt: skip
    matrix = np.empty((2, 3))
    for pair in range(len(left)):
        i, j = left[pair], right[pair]
        matrix[:] = 0
        matrix[0, 0] = matrix[1, 1] = 1
        out[pair] = -1
        if not _align(coarse_a[i], coarse_b[j], matrix, 8):
            continue
        rough = _agree(coarse_a[i], coarse_b[j], matrix)
        if rough < _HOPELESS:
            out[pair] = min(rough, 0.0)
            continue
        if _align(middle_a[i], middle_b[j], matrix, 6):
            out[pair] = _agree(fine_a[i], fine_b[j], matrix)


@nb.njit(nogil=True, cache=True, fastmath=True)
def _lay(picture: Array, matrix: Array, out: Array, there: Array) -> int:
    """Sample a picture through an affine map of coordinates in [-1, 1]; counts what is there."""
    side = picture.shape[0]
    middle = (side - 1) / 2
    count = 0
    for row in range(side):
        y = (row - middle) / middle
        for column in range(side):
            x = (column - middle) / middle
            u = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) * middle + middle
            v = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) * middle + middle
            if u < 0 or v < 0 or u > side - 1 or v > side - 1:
                there[row, column] = False
                out[row, column] = 0
                continue
            left, top = min(int(u), side - 2), min(int(v), side - 2)
            right_share, low_share = u - left, v - top
            upper = picture[top, left] * (1 - right_share) + picture[top, left + 1] * right_share
            lower = (
                picture[top + 1, left] * (1 - right_share)
                + picture[top + 1, left + 1] * right_share
            )
            out[row, column] = upper * (1 - low_share) + lower * low_share
            there[row, column] = True
            count += 1
    return count


@nb.njit(nogil=True, cache=True, fastmath=True)
def _moments(picture: Array, there: Array, count: int) -> tuple[float, float]:
    total, squares = 0.0, 0.0
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            if there[row, column]:
                value = picture[row, column]
                total += value
                squares += value * value
    mean = total / count
    return mean, np.sqrt(max(squares / count - mean * mean, 1e-9))


@nb.njit(nogil=True, cache=True)
def _align(fixed: Array, moved: Array, matrix: Array, steps: int) -> bool:
    """Improve the map under which `moved` fits `fixed`; False if they hardly overlap."""
    side = fixed.shape[0]
    middle = (side - 1) / 2
    laid, there = np.empty((side, side), np.float32), np.empty((side, side), np.bool_)
    normal, target, slope = np.empty((6, 6)), np.empty(6), np.empty(6)
    for _ in range(steps):
        count = _lay(moved, matrix, laid, there)
        if count < side * side // 2:
            return False
        mean_a, spread_a = _moments(fixed, there, count)
        mean_b, spread_b = _moments(laid, there, count)
        normal[:], target[:] = 0, 0
        for row in range(1, side - 1):
            y = (row - middle) / middle
            for column in range(1, side - 1):
                if not there[row, column]:
                    continue
                x = (column - middle) / middle
                error = (laid[row, column] - mean_b) / spread_b
                error -= (fixed[row, column] - mean_a) / spread_a
                across = (fixed[row, column + 1] - fixed[row, column - 1]) * middle / spread_a / 2
                down = (fixed[row + 1, column] - fixed[row - 1, column]) * middle / spread_a / 2
                weight = 1.0 if abs(error) <= 1 else 1 / abs(error)
                slope[0], slope[1], slope[2] = across * x, across * y, across
                slope[3], slope[4], slope[5] = down * x, down * y, down
                for k in range(6):
                    weighted = weight * slope[k]
                    target[k] += weighted * error
                    for other in range(k + 1):
                        normal[k, other] += weighted * slope[other]
        for k in range(6):
            normal[k, k] += 1e-3 * count
            for other in range(k):
                normal[other, k] = normal[k, other]
        step = np.linalg.solve(normal, target)
        a, b, c, d = 1 + step[0], step[1], step[3], 1 + step[4]
        determinant = a * d - b * c
        if abs(determinant) < 1e-3:
            return False
        a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
        x, y = -(a * step[2] + b * step[5]), -(c * step[2] + d * step[5])
        for k in range(2):
            first, second = matrix[k, 0], matrix[k, 1]
            matrix[k, 0], matrix[k, 1] = first * a + second * c, first * b + second * d
            matrix[k, 2] += first * x + second * y
        if np.abs(step).max() * middle < 0.02:
            break
    return True


@nb.njit(nogil=True, cache=True, fastmath=True)
def _agree(fixed: Array, moved: Array, matrix: Array) -> float:
    """Correlate two pictures where both are, without a strip if that is better."""
    side = fixed.shape[0]
    laid, there = np.empty((side, side), np.float32), np.empty((side, side), np.bool_)
    if _lay(moved, matrix, laid, there) < side * side // 2:
        return -1.0
    sums = np.zeros((_ROWS, 6))
    for row in range(side):
        strip = row * _ROWS // side
        for column in range(side):
            if there[row, column]:
                a, b = fixed[row, column], laid[row, column]
                sums[strip, 0] += 1
                sums[strip, 1] += a
                sums[strip, 2] += b
                sums[strip, 3] += a * a
                sums[strip, 4] += b * b
                sums[strip, 5] += a * b
    whole = sums.sum(axis=0)
    best = _correlation(whole)
    upper, lower = whole.copy(), whole.copy()
    for strip in range(_STRIPS):
        upper -= sums[strip]
        lower -= sums[_ROWS - 1 - strip]
        best = max(best, _correlation(upper), _correlation(lower))
    return best


@nb.njit(nogil=True, cache=True)
def _correlation(sums: Array) -> float:
    n = sums[0]
    if n < 1:
        return -1.0
    spread_a = sums[3] - sums[1] * sums[1] / n
    spread_b = sums[4] - sums[2] * sums[2] / n
    if spread_a < n * 1e-3 or spread_b < n * 1e-3:  # nothing is to be seen
        return -1.0
    return (sums[5] - sums[1] * sums[2] / n) / np.sqrt(spread_a * spread_b)
