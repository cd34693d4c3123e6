"""`hsv`: how much of each hue, pale or strong, dark or bright, region by region."""

from dataclasses import dataclass
from typing import ClassVar, final

import numba as nb
import numpy as np

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.colorspace import hsv_bin
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels


@final
@dataclass(frozen=True, kw_only=True)
class Hsv(PixelDescriptor):
    """Joint histogram of hue, saturation and value by regions.

    Hue, saturation and value are cut into `hues`, `saturations` and `values`
    equal intervals; their joint counts are taken in each of regions x regions
    cells of the picture (as `color` cuts it) and divided by the number of pixels
    of the picture. Bins run over hue first, then saturation, then value.

    Parameters
    ----------
    hues : int
        Intervals of hue, 1 to 64.
    saturations : int
        Intervals of saturation, 1 to 16.
    values : int
        Intervals of value, 1 to 16.
    regions : int
        Cells per side, 1 to 16; 1 is the global histogram.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = regions**2 * hues * saturations * values``: 2,304 by default. Greys
    have hue 0, that of red.

    The quantisation to few saturations and values and more hues follows Smith
    and Chang [1]_, who used 18 hues, 3 saturations, 3 values and 4 greys for the
    whole picture.

    References
    ----------
    .. [1] J. R. Smith, S.-F. Chang, "VisualSEEk: a fully automated content-based
       image query system", ACM Multimedia, 87-98, 1996.
       https://doi.org/10.1145/244130.244151

    Examples
    --------
    >>> blue = np.full((4, 4, 3), (0, 0, 255), np.uint8)
    >>> Hsv(hues=3, saturations=1, values=1, regions=1).describe([blue])
    array([[0., 0., 1.]], dtype=float32)
    """

    name: ClassVar[str] = "hsv"
    summary: ClassVar[str] = "hue, saturation, value by regions: colours, less moved by light"
    reference: ClassVar[str] = "Smith & Chang 1996, doi:10.1145/244130.244151"
    sparse: ClassVar[bool] = True

    hues: int = 16
    saturations: int = 4
    values: int = 4
    regions: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("hues", self.hues, 1, 64)
        check_int("saturations", self.saturations, 1, 16)
        check_int("values", self.values, 1, 16)
        check_int("regions", self.regions, 1, 16)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``regions**2 * hues * saturations * values``."""
        return self.regions**2 * self.hues * self.saturations * self.values

    def _fill(self, image: Pixels, out: Features) -> None:
        cells = out.reshape(self.regions, self.regions, -1)
        _histogram(image, self.hues, self.saturations, self.values, cells)


@nb.njit(nogil=True, cache=True)
def _histogram(image: Pixels, hues: int, saturations: int, values: int, out: Features) -> None:
    height, width = image.shape[:2]
    regions = out.shape[0]
    # Counted in integers: float32 stops at 2**24, which one colour may exceed.
    counts = np.zeros(out.shape, np.int32)
    for row in range(regions):
        top, bottom = region_start(row, regions, height), region_start(row + 1, regions, height)
        for column in range(regions):
            left = region_start(column, regions, width)
            right = region_start(column + 1, regions, width)
            cell = counts[row, column]
            for y in range(top, bottom):
                for x in range(left, right):
                    red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
                    cell[hsv_bin(red, green, blue, hues, saturations, values)] += 1
    out[:] = counts / (height * width)
