"""`haralick`: how grey levels stand beside each other, region by region."""

from dataclasses import dataclass
from typing import ClassVar, Final, cast, final

import cv2
import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels

# Down and right, in steps: one direction of each pair of opposite ones.
_DIRECTIONS = np.array([(0, 1), (1, 1), (1, 0), (1, -1)])
_FEATURES: Final = 13


def _x_log_x() -> npt.NDArray[np.float64]:
    """``n * log2(n)`` for small counts: a logarithm takes longer than all else here."""
    counts = np.arange(4096.0)
    return counts * np.log2(np.maximum(counts, 1))


_X_LOG_X = _x_log_x()


@final
@dataclass(frozen=True, kw_only=True)
class Haralick(PixelDescriptor):
    """Haralick's thirteen texture features by regions and directions.

    In each of regions x regions cells of the grey picture (256 levels), for each
    of four directions (right, down right, down, down left), the levels of all
    pairs of pixels `distance` steps apart are counted both ways round. Of this
    table of shares p, these values are taken, each brought to a range of about 1
    by a fixed scale, so that L1 may add them up:

    0. angular second moment (sum of squares of p); its square root
    1. contrast (mean squared difference); its square root over 255
    2. correlation of the two levels; half of it
    3. variance of a level; its square root over 127.5
    4. inverse difference moment, the mean of 1 / (1 + squared difference)
    5. mean of the sum of both levels; over 510
    6. variance of the sum; its square root over 255
    7. entropy of the sum; over 9 bits
    8. entropy of p; over 16 bits
    9. variance of the absolute difference; its square root over 127.5
    10. entropy of the difference; over 8 bits
    11. first information measure of correlation, in [-1, 0]
    12. second information measure of correlation, in [0, 1]

    Parameters
    ----------
    regions : int
        Cells per side, 1 to 16; 1 is the whole picture.
    distance : int
        Steps from a pixel to the other one of its pair, 1 to 64.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = 52 * regions**2``: 468 by default; regions, then directions, then
    features. A cell with no such pair gives zeros, a flat one a correlation of 1.

    Pairs two steps apart are less moved by the resolution a photo was stored at
    than neighbours: of 200 CorelDB photos reduced to 96 pixels, 3 were no longer
    nearest to themselves, with ``distance=1`` 9.

    After Haralick et al. [1]_. Differs from it: regions; the four directions are
    kept instead of their mean and range; the variance of the sum is taken about
    its mean, where the paper has its entropy, by a slip; logarithms to base 2; the
    scales. The paper does not say about what the variance of the difference (9)
    is: here it is that of the absolute difference about its mean.

    References
    ----------
    .. [1] R. M. Haralick, K. Shanmugam, I. Dinstein, "Textural features for image
       classification", IEEE Transactions on Systems, Man, and Cybernetics SMC-3(6),
       610-621, 1973. https://doi.org/10.1109/TSMC.1973.4309314

    Examples
    --------
    >>> flat = np.full((8, 8, 3), 200, np.uint8)
    >>> (vector,) = Haralick(regions=1).describe([flat])
    >>> float(vector[0])  # the root of the angular second moment
    1.0
    """

    name: ClassVar[str] = "haralick"
    summary: ClassVar[str] = "statistics of neighbouring grey levels by regions: texture, no colour"
    reference: ClassVar[str] = "Haralick et al. 1973, doi:10.1109/TSMC.1973.4309314"

    regions: int = 3
    distance: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("regions", self.regions, 1, 16)
        check_int("distance", self.distance, 1, 64)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``52 * regions**2``."""
        return len(_DIRECTIONS) * _FEATURES * self.regions**2

    def _fill(self, image: Pixels, out: Features) -> None:
        grey = cast(Pixels, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        cells = out.reshape(self.regions, self.regions, len(_DIRECTIONS), _FEATURES)
        _haralick(grey, self.distance * _DIRECTIONS, _X_LOG_X, cells)


@nb.njit(nogil=True, cache=True)
def _haralick(
    grey: Pixels,
    steps: npt.NDArray[np.int64],
    x_log_x: npt.NDArray[np.float64],
    out: Features,
) -> None:
    height, width = grey.shape
    regions = out.shape[0]
    table = np.zeros((256, 256), np.int32)
    for row in range(regions):
        top, bottom = region_start(row, regions, height), region_start(row + 1, regions, height)
        for column in range(regions):
            left = region_start(column, regions, width)
            right = region_start(column + 1, regions, width)
            cell = grey[top:bottom, left:right]
            for direction in range(steps.shape[0]):
                down, along = steps[direction]
                rows = cell.shape[0] - down
                columns = cell.shape[1] - abs(along)
                if rows > 0 and columns > 0:
                    first = cell[:rows, max(-along, 0) : max(-along, 0) + columns]
                    second = cell[down:, max(along, 0) : max(along, 0) + columns]
                    _features(first, second, table, x_log_x, out[row, column, direction])


@nb.njit(nogil=True, cache=True, inline="always")
def _x_log2_x(count: int, x_log_x: npt.NDArray[np.float64]) -> float:
    return x_log_x[count] if count < x_log_x.shape[0] else count * np.log2(count)


@nb.njit(nogil=True, cache=True)
def _entropy(counts: npt.NDArray[np.int64], x_log_x: npt.NDArray[np.float64]) -> float:
    """Entropy, in bits, of counts that are not all 0."""
    total, terms = 0, 0.0
    for count in counts:
        if count > 0:
            total += count
            terms += _x_log2_x(count, x_log_x)
    return max(np.log2(total) - terms / total, 0.0)


@nb.njit(nogil=True, cache=True)
def _features(
    first: Pixels,
    second: Pixels,
    table: npt.NDArray[np.int32],
    x_log_x: npt.NDArray[np.float64],
    out: Features,
) -> None:
    """Write the features of pairs of pixels; `table` is all 0 before and after.

    Counting pairs both ways round makes the table symmetric: half of it is
    enough, and all but two features follow from the counts of single levels, of
    sums and of differences. The table itself is mostly empty and is never
    scanned, but visited where the pairs are.
    """
    pairs = first.size
    levels = np.zeros(256, np.int64)
    sums = np.zeros(511, np.int64)
    differences = np.zeros(256, np.int64)
    for y in range(first.shape[0]):
        for x in range(first.shape[1]):
            a, b = np.int64(first[y, x]), np.int64(second[y, x])
            levels[a] += 1
            levels[b] += 1
            sums[a + b] += 1
            differences[abs(a - b)] += 1
            table[min(a, b), max(a, b)] += 1
    squares, terms = 0.0, 0.0
    for y in range(first.shape[0]):
        for x in range(first.shape[1]):
            a, b = np.int64(first[y, x]), np.int64(second[y, x])
            count = table[min(a, b), max(a, b)]
            if count > 0:
                # Off the diagonal a count stands for two entries of half of it.
                squares += float(count) * float(count) * (1.0 if a == b else 0.5)
                terms += _x_log2_x(count, x_log_x)
                table[min(a, b), max(a, b)] = 0
    entropy = max(np.log2(pairs) - terms / pairs + 1.0 - differences[0] / pairs, 0.0)
    level_entropy = _entropy(levels, x_log_x)

    total, total_squares = 0, 0
    for level in range(256):
        total += level * levels[level]
        total_squares += level * level * levels[level]
    mean = total / (2 * pairs)
    variance = max(total_squares / (2 * pairs) - mean * mean, 0.0)
    contrast, closeness, distance = 0.0, 0.0, 0.0
    for difference in range(256):
        share = differences[difference] / pairs
        distance += share * difference
        contrast += share * difference * difference
        closeness += share / (1.0 + difference * difference)

    out[0] = np.sqrt(squares) / pairs
    out[1] = np.sqrt(contrast) / 255.0
    out[2] = 0.5 * max(1.0 - contrast / (2.0 * variance), -1.0) if variance > 1e-9 else 0.5
    out[3] = np.sqrt(variance) / 127.5
    out[4] = closeness
    out[5] = 2.0 * mean / 510.0
    out[6] = np.sqrt(max(4.0 * variance - contrast, 0.0)) / 255.0
    out[7] = _entropy(sums, x_log_x) / 9.0
    out[8] = entropy / 16.0
    out[9] = np.sqrt(max(contrast - distance * distance, 0.0)) / 127.5
    out[10] = _entropy(differences, x_log_x) / 8.0
    # Of a symmetric table both sums of the paper, HXY1 and HXY2, are twice the
    # entropy of a level.
    shared = max(2.0 * level_entropy - entropy, 0.0)
    out[11] = -min(shared / level_entropy, 1.0) if level_entropy > 1e-9 else 0.0
    out[12] = np.sqrt(1.0 - np.exp(-2.0 * shared))
