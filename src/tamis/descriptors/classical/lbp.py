"""`lbp`: which small patterns of light and dark there are, region by region."""

from dataclasses import dataclass
from typing import ClassVar, cast, final

import cv2
import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels

_PATTERNS = 59


def _bin_of_code() -> npt.NDArray[np.int64]:
    """Bins 0 to 57: codes with at most two changes around the circle, ascending; 58: the rest."""
    codes = np.arange(256)
    around = (codes[:, np.newaxis] >> np.arange(8)) & 1
    uniform = (around != np.roll(around, 1, axis=1)).sum(axis=1) <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, _PATTERNS - 1)


_BIN_OF_CODE = _bin_of_code()


@final
@dataclass(frozen=True, kw_only=True)
class Lbp(PixelDescriptor):
    """Histogram of uniform local binary patterns by regions.

    Eight points on the circle of radius 1 around each pixel of the grey picture
    (the diagonal ones interpolated between four pixels) are compared with the
    pixel itself; "at least as bright" gives a bit of a code of 8 bits. The 58
    codes with at most two changes between 0 and 1 around the circle (flat, line
    end, edge, corner, each in each direction) have a bin each, the rest share
    the last one. The counts are taken in each of regions x regions cells of the
    picture and divided by the number of pixels that have a code; then again, for
    each further scale, on the picture at half its size (area averages).

    Parameters
    ----------
    regions : int
        Cells per side, 1 to 16; 1 is the global histogram.
    scales : int
        How often the patterns are counted, each time on half the size, 1 to 4.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = 59 * scales * regions**2``: 1,062 by default; scales, then regions,
    then patterns. Each scale adds up to 1 over their number. Pixels on the border
    of the picture have no code; less than 3 pixels high or wide, it gives zeros.

    The finest patterns are the first to go when a photo was stored at a lower
    resolution: of 200 CorelDB photos reduced to 96 pixels, 32 were no longer
    nearest to themselves with one scale, 2 with two.

    These are the patterns LBP(8,1) of Ojala et al. [1]_, who also join those that
    are rotations of each other: here directions are kept apart, as which way an
    edge runs tells photos apart, and they are counted by regions. For other
    scales the paper widens the circle; halving the picture also removes what is
    too fine for it.

    References
    ----------
    .. [1] T. Ojala, M. Pietikäinen, T. Mäenpää, "Multiresolution gray-scale and
       rotation invariant texture classification with local binary patterns",
       IEEE Transactions on Pattern Analysis and Machine Intelligence 24(7),
       971-987, 2002. https://doi.org/10.1109/TPAMI.2002.1017623

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    >>> vectors = Lbp(regions=1, scales=2).describe([noise])
    >>> vectors.shape, round(float(vectors.sum()), 3)
    ((1, 118), 1.0)
    """

    name: ClassVar[str] = "lbp"
    summary: ClassVar[str] = "small light and dark patterns by regions: texture, no colour"
    reference: ClassVar[str] = "Ojala et al. 2002, doi:10.1109/TPAMI.2002.1017623"

    regions: int = 3
    scales: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("regions", self.regions, 1, 16)
        check_int("scales", self.scales, 1, 4)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``59 * scales * regions**2``."""
        return _PATTERNS * self.scales * self.regions**2

    def _fill(self, image: Pixels, out: Features) -> None:
        grey = cast(Pixels, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        for scale, cells in enumerate(
            out.reshape(self.scales, self.regions, self.regions, _PATTERNS)
        ):
            if scale > 0:
                half = (max(grey.shape[1] // 2, 1), max(grey.shape[0] // 2, 1))
                grey = cast(Pixels, cv2.resize(grey, half, interpolation=cv2.INTER_AREA))
            _histogram(grey, _BIN_OF_CODE, cells)
        if self.scales > 1:
            out /= self.scales


@nb.njit(nogil=True, cache=True, inline="always")
def _corner(diagonal: np.int32, beside: np.int32, below: np.int32) -> np.bool:
    """Whether the point at 45 degrees is at least as bright as the centre.

    Takes the differences of the three pixels from the centre. Bilinear weights at
    (f, f), f = sqrt(1/2), are f * f for the diagonal pixel and f * (1 - f) for the
    other two; divided by the latter, and the ratio 1 + sqrt(2) being irrational,
    a tie is found exactly.
    """
    return 2.414213562373095 * diagonal + (beside + below) >= 0.0


@nb.njit(nogil=True, cache=True)
def _histogram(grey: Pixels, bin_of_code: npt.NDArray[np.int64], out: Features) -> None:
    height, width = grey.shape
    if height < 3 or width < 3:
        return
    regions = out.shape[0]
    # Counted in integers: float32 stops at 2**24, which one pattern may exceed.
    counts = np.zeros(out.shape, np.int32)
    codes = np.empty(width, np.uint8)
    row = 0
    for y in range(1, height - 1):
        while y >= region_start(row + 1, regions, height):
            row += 1
        # A loop without the histogram in it: the compiler makes it vector code.
        for x in range(1, width - 1):
            centre = np.int32(grey[y, x])
            east, west = np.int32(grey[y, x + 1]) - centre, np.int32(grey[y, x - 1]) - centre
            north, south = np.int32(grey[y - 1, x]) - centre, np.int32(grey[y + 1, x]) - centre
            north_east = np.int32(grey[y - 1, x + 1]) - centre
            north_west = np.int32(grey[y - 1, x - 1]) - centre
            south_west = np.int32(grey[y + 1, x - 1]) - centre
            south_east = np.int32(grey[y + 1, x + 1]) - centre
            codes[x] = (
                (east >= 0)
                | (_corner(north_east, north, east) << 1)
                | ((north >= 0) << 2)
                | (_corner(north_west, north, west) << 3)
                | ((west >= 0) << 4)
                | (_corner(south_west, south, west) << 5)
                | ((south >= 0) << 6)
                | (_corner(south_east, south, east) << 7)
            )
        for column in range(regions):
            left = max(region_start(column, regions, width), 1)
            right = min(region_start(column + 1, regions, width), width - 1)
            for x in range(left, right):
                counts[row, column, bin_of_code[codes[x]]] += 1
    out[:] = counts / ((height - 2) * (width - 2))
