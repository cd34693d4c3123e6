"""`correlogram`: how each colour clusters, from specks to wide areas."""

from dataclasses import dataclass
from typing import ClassVar, Final, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.colorspace import hsv_bin
from tamis.images import Pixels

_DISTANCES: Final = (1, 3, 5, 7)


@final
@dataclass(frozen=True, kw_only=True)
class Correlogram(PixelDescriptor):
    """Auto-correlogram of HSV colours.

    Hue, saturation and value are cut into `hues`, `saturations` and `values`
    equal intervals. For each such colour and each distance of 1, 3, 5 and 7
    pixels: of the pixels that lie so far from one of that colour, horizontally,
    vertically or diagonally, the share that has the same colour. Values run over
    colours first, then distances; a colour that is not there gives 0.

    Parameters
    ----------
    hues : int
        Intervals of hue, 1 to 64.
    saturations : int
        Intervals of saturation, 1 to 16.
    values : int
        Intervals of value, 1 to 16.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = 4 * hues * saturations * values``: 1,024 by default. Values are in
    [0, 1]; one flat colour gives 1 at every distance the picture is long enough
    for.

    After Huang et al. [1]_. Differs from it: HSV instead of 64 RGB colours; the
    eight pixels in line instead of all pixels on the square at a distance; what
    lies outside of the picture is not counted as another colour.

    References
    ----------
    .. [1] J. Huang, S. R. Kumar, M. Mitra, W.-J. Zhu, R. Zabih, "Image indexing
       using color correlograms", CVPR, 762-768, 1997.
       https://doi.org/10.1109/CVPR.1997.609412

    Examples
    --------
    >>> flat = np.full((9, 9, 3), 200, np.uint8)
    >>> vectors = Correlogram().describe([flat])
    >>> vectors[vectors > 0]
    array([1., 1., 1., 1.], dtype=float32)
    """

    name: ClassVar[str] = "correlogram"
    summary: ClassVar[str] = "how each colour clusters: colours and their texture, no place"
    reference: ClassVar[str] = "Huang et al. 1997, doi:10.1109/CVPR.1997.609412"

    hues: int = 16
    saturations: int = 4
    values: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("hues", self.hues, 1, 64)
        check_int("saturations", self.saturations, 1, 16)
        check_int("values", self.values, 1, 16)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``4 * hues * saturations * values``."""
        return len(_DISTANCES) * self.hues * self.saturations * self.values

    def _fill(self, image: Pixels, out: Features) -> None:
        _correlogram(
            _quantised(image, self.hues, self.saturations, self.values),
            np.array(_DISTANCES),
            out.reshape(-1, len(_DISTANCES)),
        )


@nb.njit(nogil=True, cache=True)
def _quantised(image: Pixels, hues: int, saturations: int, values: int) -> npt.NDArray[np.uint16]:
    height, width = image.shape[:2]
    colors = np.empty((height, width), np.uint16)
    for y in range(height):
        for x in range(width):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            colors[y, x] = hsv_bin(red, green, blue, hues, saturations, values)
    return colors


@nb.njit(nogil=True, cache=True)
def _correlogram(
    colors: npt.NDArray[np.uint16], distances: npt.NDArray[np.int64], out: Features
) -> None:
    height, width = colors.shape
    same = np.empty(width, np.uint8)
    for index, far in enumerate(distances):
        alike = np.zeros(out.shape[0], np.int64)
        pairs = np.zeros(out.shape[0], np.int64)
        for y in range(height):
            here = colors[y]
            # Each pair is seen once, from the pixel above or left of the other, and
            # counted twice below. Loops over one row and one direction: vector code.
            same[:] = 0
            for x in range(width - far):
                same[x] += here[x] == here[x + far]
            if y + far < height:
                below = colors[y + far]
                for x in range(width):
                    same[x] += here[x] == below[x]
                for x in range(width - far):
                    same[x] += here[x] == below[x + far]
                for x in range(far, width):
                    same[x] += here[x] == below[x - far]
            rows = (y >= far) + (y + far < height)
            for x in range(width):
                columns = (x >= far) + (x + far < width)
                alike[here[x]] += 2 * same[x]
                pairs[here[x]] += rows + columns + rows * columns
        for color in range(out.shape[0]):
            if pairs[color] > 0:
                out[color, index] = alike[color] / pairs[color]
