"""`hog`: in which directions the grey changes, cell by cell."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import ClassVar, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_choice, check_int
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels

_VARIANTS = ("standard", "values")


@final
@dataclass(frozen=True, kw_only=True)
class Hog(PixelDescriptor):
    """Histograms of oriented gradients.

    ``variant=standard``: the picture is cut into regions x regions cells, whatever
    its shape. The gradient of every pixel votes with its length for its direction,
    among nine over 180 degrees, in the cells around it; a vote is shared by linear
    interpolation between the two nearest directions and the four nearest cells. Each
    2x2 cells make a block, one cell apart; a block is divided by its Euclidean
    length L, clipped at 0.2, and brought to the length ``L / sqrt(L**2 + 1)``, nearly 1
    where L, in grey levels, is more than noise. The vector is the blocks in row-major
    order, in each the four cells, in each the nine directions.

    ``variant=values``: the original system's histogram of HOG *values*. In each of
    regions x regions cells of the picture the HOG of eight directions, in squares
    of 2x2 pixels normalised one by one, is reduced to how often its values fall into
    each tenth of the range from 0 to their largest. Direction and position within
    the cell are gone.

    Parameters
    ----------
    variant : {"standard", "values"}
    regions : int or None
        Cells per side, up to 32, from 2 (standard) or 1 (values) on. None: 8 for
        standard, 6 for values.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = 36 * (regions - 1)**2`` for standard, ``10 * regions**2`` for values:
    1,764 and 360 by default. A picture of one colour gives zeros for standard; for
    values all of a cell without gradients is in its last tenth, as in the original,
    and a cell with less than 2x2 pixels gives zeros.

    After Dalal and Triggs [1]_. Differs from it: the grid is stretched to the picture
    instead of sliding over it in cells of 8x8 pixels; no Gaussian weighs the pixels of
    a block; the last length of a block is 1 in the paper, which takes the noise of an
    even sky for a shape. With ``variant=values,size=none`` the values are those of the original.

    References
    ----------
    .. [1] N. Dalal, B. Triggs, "Histograms of oriented gradients for human
       detection", IEEE Conference on Computer Vision and Pattern Recognition,
       886-893, 2005. https://doi.org/10.1109/CVPR.2005.177

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    >>> Hog(regions=4).describe([noise]).shape
    (1, 324)
    """

    name: ClassVar[str] = "hog"
    summary: ClassVar[str] = "gradient directions on a grid: shapes and layout, no colour"
    reference: ClassVar[str] = "Dalal & Triggs 2005, doi:10.1109/CVPR.2005.177"

    variant: str = "standard"
    regions: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("variant", self.variant, _VARIANTS)
        least = 2 if self.variant == "standard" else 1
        check_int("regions", self.regions, least, 32, optional=True)
        # Written out, so that equal descriptors have equal specs.
        if self.regions is None:
            object.__setattr__(self, "regions", 8 if self.variant == "standard" else 6)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``36 * (regions - 1)**2`` or ``10 * regions**2``."""
        if self.variant == "standard":
            return 36 * (self._regions - 1) ** 2
        return 10 * self._regions**2

    @property
    def _regions(self) -> int:
        assert self.regions is not None
        return self.regions

    def _fill(self, image: Pixels, out: Features) -> None:
        if self.variant == "standard":
            blocks = self._regions - 1
            _standard(image, out.reshape(blocks, blocks, 4, 9))
        else:
            _values(image, *_luma(), out.reshape(self._regions**2, 10))


@nb.njit(nogil=True, cache=True)
def _standard(image: Pixels, out: npt.NDArray[np.float32]) -> None:
    height, width = image.shape[:2]
    cells = out.shape[0] + 1
    # One more cell around takes the votes that fall outside.
    votes = np.zeros((cells + 2, cells + 2, 9), np.float32)
    column_of = np.empty(width, np.int64)
    right_share = np.empty(width, np.float32)
    for x in range(width):
        place = (x + 0.5) * cells / width + 0.5
        column_of[x] = int(place)
        right_share[x] = place - int(place)
    for y in range(height):
        above, below = image[max(y - 1, 0)], image[min(y + 1, height - 1)]
        here = image[y]
        place = (y + 0.5) * cells / height + 0.5
        row = int(place)
        lower = np.float32(place - row)
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            square, dx, dy = np.int64(0), np.int64(0), np.int64(0)
            for channel in range(3):
                h = np.int64(here[right, channel]) - np.int64(here[left, channel])
                v = np.int64(below[x, channel]) - np.int64(above[x, channel])
                if h * h + v * v > square:
                    square, dx, dy = h * h + v * v, h, v
            if square == 0:
                continue
            length = np.float32(math.sqrt(square))
            # A turn ahead, so that it is positive; the middle of the first direction
            # is at 10 degrees.
            angle = np.float32(math.atan2(dy, dx) * (9 / math.pi) + 17.5)
            direction = int(angle)
            second = length * (angle - direction)
            first = length - second
            d1 = direction % 9
            d2 = (direction + 1) % 9
            share = right_share[x]
            for i in range(2):
                down = lower if i else 1 - lower
                for j in range(2):
                    weight = down * (share if j else 1 - share)
                    cell = votes[row + i, column_of[x] + j]
                    cell[d1] += weight * first
                    cell[d2] += weight * second
    # Grey levels per pixel, whatever the size of the cells.
    votes *= np.float32(cells * cells / (height * width))
    for y in range(cells - 1):
        for x in range(cells - 1):
            block = out[y, x]
            for i in range(4):
                block[i] = votes[y + 1 + i // 2, x + 1 + i % 2]
            length = np.sqrt((block * block).sum())
            if length > 0:
                clipped = np.minimum(block / length, np.float32(0.2))
                rest = np.sqrt((clipped * clipped).sum() * (length * length + 1))
                block[:] = clipped * (length / rest)


@cache
def _luma() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Tabulate what each level of red, green and blue adds to grey.

    Equal greys give equal gradients, and half of the values lie on the edges of
    directions and tenths: the last bit of grey moves them. The original's grey is
    scikit-image's rgb2gray as processors with fused multiply-add compute it, where
    the products of red and blue are not rounded before they are added to green's.

    Returns
    -------
    products, rests : ndarray of shape (3, 256), float64
        ``products + rests`` is exact for red and blue.
    """
    levels = np.arange(256) * (1 / 255)
    products = np.outer((0.2125, 0.7154, 0.0721), levels)
    rests = np.zeros_like(products)
    for channel, weight in ((0, 0.2125), (2, 0.0721)):
        for level in range(256):
            exact = Fraction(weight) * Fraction(float(levels[level]))
            rests[channel, level] = exact - Fraction(float(products[channel, level]))
    return products, rests


@nb.njit(nogil=True, cache=True, inline="always")
def _add(value: float, product: float, rest: float) -> float:
    """``value + (product + rest)``, rounded once."""
    total = value + product
    part = total - value
    return total + ((value - (total - part)) + (product - part) + rest)


@nb.njit(nogil=True, cache=True)
def _grey(
    image: Pixels, products: npt.NDArray[np.float64], rests: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    height, width = image.shape[:2]
    grey = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            value = _add(products[1, green], products[0, red], rests[0, red])
            grey[y, x] = _add(value, products[2, blue], rests[2, blue])
    return grey


@nb.njit(nogil=True, cache=True, inline="always")
def _direction(dx: float, dy: float) -> int:
    """Eighth of 180 degrees that holds a direction; -1 if it is too near an edge to tell."""
    if dy < 0 or (dy == 0 and dx < 0):
        dx, dy = -dx, -dy
    across, along = abs(dx), dy
    # Comparisons are quicker than arctangents, and as exact away from the edges
    # between eighths, and on those at 0, 45, 90 and 135 degrees, where many lie.
    near = 1e-9 * (across + along)
    first, second = across * 0.41421356237309503, across * 2.414213562373095
    if along == 0:
        return 0
    if across == 0:
        return 4
    if along == across:
        return 2 if dx > 0 else 6
    if (
        along < near
        or across < near
        or abs(along - across) < near
        or abs(along - first) < near
        or abs(along - second) < near
    ):
        return -1
    eighth = 0 if along < first else 1 if along < across else 2 if along < second else 3
    return eighth if dx > 0 else 7 - eighth


@nb.njit(nogil=True, cache=True)
def _values(
    image: Pixels,
    products: npt.NDArray[np.float64],
    rests: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
) -> None:
    height, width = image.shape[:2]
    grey = _grey(image, products, rests)
    regions = round(math.sqrt(out.shape[0]))
    values = np.empty((height // regions + 2) * (width // regions + 2) * 2)
    filled = 0
    for row in range(regions):
        top, bottom = region_start(row, regions, height), region_start(row + 1, regions, height)
        for column in range(regions):
            left = region_start(column, regions, width)
            right = region_start(column + 1, regions, width)
            count = _hog(grey, top, bottom, left, right, values)
            if count > 0:
                filled += 1
                _tenths(values[:count], out[row * regions + column])
    if filled > 0:
        out /= np.float32(filled)


@nb.njit(nogil=True, cache=True)
def _hog(
    grey: npt.NDArray[np.float64],
    top: int,
    bottom: int,
    left: int,
    right: int,
    values: npt.NDArray[np.float64],
) -> int:
    """Write the HOG of a region into `values`, and return how many values it has."""
    count = 0
    sums = np.empty(9)
    for y in range(top, bottom - 1, 2):
        for x in range(left, right - 1, 2):
            sums[:] = 0
            for v in range(y, y + 2):
                for u in range(x, x + 2):
                    # No gradient across the borders of the region, nor on them.
                    dx = grey[v, u + 1] - grey[v, u - 1] if left < u < right - 1 else 0.0
                    dy = grey[v + 1, u] - grey[v - 1, u] if top < v < bottom - 1 else 0.0
                    if dx != 0 or dy != 0:
                        direction = _direction(dx, dy)
                        if direction < 0:
                            # As the original, rounding included: 180 is possible,
                            # and counts for no direction.
                            degrees = math.atan2(dy, dx) * (180 / math.pi) % 180
                            direction = int(degrees // 22.5)
                        sums[direction] += math.sqrt(dx * dx + dy * dy)
            square = 1e-10
            for direction in range(8):
                sums[direction] *= 0.25
                square += sums[direction] * sums[direction]
            scale = math.sqrt(square)
            square = 1e-10
            for direction in range(8):
                sums[direction] = min(sums[direction] / scale, 0.2)
                square += sums[direction] * sums[direction]
            scale = math.sqrt(square)
            for direction in range(8):
                values[count + direction] = sums[direction] / scale
            count += 8
    return count


@nb.njit(nogil=True, cache=True)
def _tenths(values: npt.NDArray[np.float64], out: npt.NDArray[np.float32]) -> None:
    """Write the shares of the values that fall into each tenth of 0 to their maximum."""
    most = values.max()
    if most == 0:
        out[9] = 1
        return
    step = most / 10
    per_step = 10 / most  # near enough: the edges are looked at below
    for value in values:
        tenth = min(int(value * per_step), 9)
        # Values on an edge belong above it.
        if value < tenth * step:
            tenth -= 1
        elif tenth < 9 and value >= (tenth + 1) * step:
            tenth += 1
        out[tenth] += 1
    out /= np.float32(values.size)
