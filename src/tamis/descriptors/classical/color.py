"""`color`: how much of each colour there is, region by region."""

from dataclasses import dataclass
from typing import ClassVar, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels


@final
@dataclass(frozen=True, kw_only=True)
class Color(PixelDescriptor):
    """Joint RGB histogram by regions.

    Each channel is cut into `bins` equal intervals of [0, 256); the counts of
    the bins**3 colours are taken in each of regions x regions cells of the
    picture (cell borders at ``round(i * height / regions)``, likewise for the
    width; cells in row-major order) and divided by the number of pixels of the
    picture. Bins run over red first, then green, then blue.

    Parameters
    ----------
    bins : int
        Intervals per channel, 1 to 32.
    regions : int
        Cells per side, 1 to 16; 1 is the global histogram.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = regions**2 * bins**3``: 15,552 by default.

    The histogram as an index to pictures is due to Swain and Ballard [1]_, who
    used opponent colours and no regions. With ``size=none`` the values are those
    of the original system.

    References
    ----------
    .. [1] M. J. Swain, D. H. Ballard, "Color indexing", International Journal of
       Computer Vision 7, 11-32, 1991. https://doi.org/10.1007/BF00130487

    Examples
    --------
    >>> red = np.full((4, 4, 3), (255, 0, 0), np.uint8)
    >>> Color(bins=2, regions=1).describe([red])
    array([[0., 0., 0., 0., 1., 0., 0., 0.]], dtype=float32)
    """

    name: ClassVar[str] = "color"
    summary: ClassVar[str] = "RGB histogram by regions: which colours, roughly where"
    reference: ClassVar[str] = "Swain & Ballard 1991, doi:10.1007/BF00130487"
    sparse: ClassVar[bool] = True

    bins: int = 12
    regions: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("bins", self.bins, 1, 32)
        check_int("regions", self.regions, 1, 16)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``regions**2 * bins**3``."""
        return self.regions**2 * self.bins**3

    def _fill(self, image: Pixels, out: Features) -> None:
        _histogram(image, self.bins, self.regions, out)


@nb.njit(nogil=True, cache=True)
def _histogram(image: Pixels, bins: int, regions: int, out: Features) -> None:
    height, width = image.shape[:2]
    # Counted in integers: float32 stops at 2**24, which one colour may exceed.
    counts = np.zeros(len(out), np.int32)
    bin_of: npt.NDArray[np.int64] = np.arange(256) * bins // 256
    for row in range(regions):
        top, bottom = region_start(row, regions, height), region_start(row + 1, regions, height)
        for column in range(regions):
            left = region_start(column, regions, width)
            right = region_start(column + 1, regions, width)
            base = (row * regions + column) * bins**3
            for y in range(top, bottom):
                for x in range(left, right):
                    red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
                    counts[base + (bin_of[red] * bins + bin_of[green]) * bins + bin_of[blue]] += 1
    scale = np.float32(1 / (height * width))
    for i in range(len(out)):
        out[i] = np.float32(counts[i]) * scale
