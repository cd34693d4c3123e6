"""`cedd`: which colours lie flat, and which on edges of which direction."""

from dataclasses import dataclass
from typing import ClassVar, Final, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor
from tamis.descriptors.classical.fuzzycolor import PALETTE, block_degrees, luma, quarter_means
from tamis.images import Pixels

_AREAS: Final = 6
_LEAST_EDGE = 14.0
_NON_DIRECTIONAL = 0.68
_DIRECTIONAL = 0.98


@final
@dataclass(frozen=True, kw_only=True)
class Cedd(PixelDescriptor):
    """Colour and edge directivity descriptor.

    The picture is scanned in blocks of 4 x 4 pixels, two pixels apart. A block
    belongs by degrees to 24 colours (`tamis.descriptors.classical.fuzzycolor.PALETTE`),
    through the mean of its pixels, and to one or more of six kinds of texture:
    none, non-directional edge, horizontal, vertical, rising and falling edge. Each
    pair of a texture and a colour is one value: the sum over the blocks of the
    degree to which they have both, divided by the sum of all values.

    The texture comes from the five edge filters of MPEG-7 on the mean luma of the
    block's quarters. If no absolute response reaches 14 grey levels there is no
    texture; else each response divided by the largest one is compared with .68
    (non-directional) or .98 (the others).

    Parameters
    ----------
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = 6 * 24 = 144``. The vector runs over textures first, then colours.

    After Chatzichristofis and Boutalis [1]_. Differs from it: blocks of a fixed
    size that overlap, instead of 1,600 side by side; fuzzy rules joined by
    products; values not quantised to 3 bits. The thresholds of the texture unit
    and the borders of the fuzzy sets were not checked against the paper's drawings.

    References
    ----------
    .. [1] S. A. Chatzichristofis, Y. S. Boutalis, "CEDD: color and edge
       directivity descriptor: a compact descriptor for image indexing and
       retrieval", Computer Vision Systems (ICVS), LNCS 5008, 312-322, 2008.
       https://doi.org/10.1007/978-3-540-79547-6_30

    Examples
    --------
    >>> red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    >>> (vector,) = Cedd().describe([red])
    >>> PALETTE[vector.argmax() % 24]
    'red'
    """

    name: ClassVar[str] = "cedd"
    summary: ClassVar[str] = "colours by the direction of the edges they lie on, no place"
    reference: ClassVar[str] = "Chatzichristofis & Boutalis 2008, doi:10.1007/978-3-540-79547-6_30"

    @property
    def dim(self) -> int:
        """Length of the vectors: ``6 * 24 = 144``."""
        return _AREAS * len(PALETTE)

    def _fill(self, image: Pixels, out: Features) -> None:
        edge_colors(quarter_means(image), out.reshape(_AREAS, len(PALETTE)))


@nb.njit(nogil=True, cache=True)
def edge_colors(quarters: npt.NDArray[np.float32], out: Features) -> None:
    """Write the (6, 24) shares of texture and colour into `out`."""
    sums = np.zeros(out.shape)  # in float64: of millions of blocks float32 loses some
    degrees = np.empty(out.shape[1], np.float32)
    for y in range(quarters.shape[0] - 1):
        for x in range(quarters.shape[1] - 1):
            block_degrees(quarters, y, x, degrees)
            a, b = luma(quarters[y, x]), luma(quarters[y, x + 1])
            c, d = luma(quarters[y + 1, x]), luma(quarters[y + 1, x + 1])
            none = 2.0 * abs(a - b - c + d)
            horizontal, vertical = abs(a + b - c - d), abs(a - b + c - d)
            rising, falling = 2.0**0.5 * abs(a - d), 2.0**0.5 * abs(b - c)
            largest = max(none, horizontal, vertical, rising, falling)
            directional = _DIRECTIONAL * largest
            textures = (
                largest < _LEAST_EDGE,
                none > _NON_DIRECTIONAL * largest,
                horizontal > directional,
                vertical > directional,
                rising > directional,
                falling > directional,
            )
            for area in range(out.shape[0]):
                if textures[area]:
                    for color in range(out.shape[1]):
                        sums[area, color] += degrees[color]
                    if area == 0:
                        break
    out[:] = sums / sums.sum()
