"""`fcth`: which colours lie on how strong a texture, running which way."""

from dataclasses import dataclass
from typing import ClassVar, Final, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor
from tamis.descriptors.classical.fuzzycolor import (
    PALETTE,
    above,
    block_degrees,
    luma,
    quarter_means,
)
from tamis.images import Pixels

_AREAS: Final = 8


@final
@dataclass(frozen=True, kw_only=True)
class Fcth(PixelDescriptor):
    """Fuzzy colour and texture histogram.

    The picture is scanned in blocks of 4 x 4 pixels, two pixels apart. A block
    belongs by degrees to 24 colours (`tamis.descriptors.classical.fuzzycolor.PALETTE`),
    through the mean of its pixels, and by degrees to eight kinds of texture. Each
    pair of a texture and a colour is one value: the mean over the blocks of the
    degree to which they have both.

    The texture comes from one level of the orthonormal Haar transform of the
    block's luma. The root mean squares of the four coefficients of each of the
    three detail bands are each low or high, by degrees: from 20 to 90 for
    horizontal and for vertical detail, from 20 to 80 for diagonal detail. In this
    order: diagonal low with none high, horizontal high, vertical high, both high;
    then the same with diagonal high.

    Parameters
    ----------
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = 8 * 24 = 192``. The vector adds up to 1; it runs over textures first,
    then colours.

    After Chatzichristofis and Boutalis [1]_. Differs from it: blocks of a fixed
    size that overlap, instead of 1,600 side by side; fuzzy rules joined by
    products; values not quantised to 3 bits. The limits of low and high were not
    compared with the paper's drawings.

    References
    ----------
    .. [1] S. A. Chatzichristofis, Y. S. Boutalis, "FCTH: fuzzy color and texture
       histogram, a low level feature for accurate image retrieval", WIAMIS,
       191-196, 2008. https://doi.org/10.1109/WIAMIS.2008.24

    Examples
    --------
    >>> blue = np.full((8, 8, 3), (0, 0, 255), np.uint8)
    >>> (vector,) = Fcth().describe([blue])
    >>> PALETTE[vector.argmax() % 24]
    'blue'
    """

    name: ClassVar[str] = "fcth"
    summary: ClassVar[str] = "colours by the strength of the texture they lie on, no place"
    reference: ClassVar[str] = "Chatzichristofis & Boutalis 2008, doi:10.1109/WIAMIS.2008.24"

    @property
    def dim(self) -> int:
        """Length of the vectors: ``8 * 24 = 192``."""
        return _AREAS * len(PALETTE)

    def _fill(self, image: Pixels, out: Features) -> None:
        texture_colors(image, quarter_means(image), out.reshape(_AREAS, len(PALETTE)))


@nb.njit(nogil=True, cache=True)
def texture_colors(image: Pixels, quarters: npt.NDArray[np.float32], out: Features) -> None:
    """Write the (8, 24) shares of texture and colour into `out`."""
    energies = _haar_energies(image, quarters.shape[0], quarters.shape[1])
    sums = np.zeros(out.shape)  # in float64: of millions of blocks float32 loses some
    colors = np.empty(out.shape[1], np.float32)
    textures = np.empty(out.shape[0])
    for y in range(quarters.shape[0] - 1):
        for x in range(quarters.shape[1] - 1):
            block_degrees(quarters, y, x, colors)
            # Each band halves what the ones before it have left to the textures so
            # far: number 1 has horizontal detail, 2 and 3 vertical, 4 to 7 diagonal.
            textures[0] = 1.0
            known = 1
            for band in range(3):
                energy = energies[y, x, band] + energies[y, x + 1, band]
                energy += energies[y + 1, x, band] + energies[y + 1, x + 1, band]
                high = above(0.5 * energy**0.5, 20.0, 80.0 if band == 2 else 90.0)
                for area in range(known):
                    textures[known + area] = textures[area] * high
                    textures[area] *= 1.0 - high
                known *= 2
            for area in range(out.shape[0]):
                if textures[area] > 0.0:
                    for color in range(out.shape[1]):
                        sums[area, color] += textures[area] * colors[color]
    out[:] = sums / sums.sum()


@nb.njit(nogil=True, cache=True)
def _haar_energies(image: Pixels, rows: int, columns: int) -> npt.NDArray[np.float32]:
    """Squares of the horizontal, vertical and diagonal coefficient of each 2 x 2 square."""
    height, width = image.shape[:2]
    energies = np.empty((rows, columns, 3), np.float32)
    for y in range(rows):
        upper, lower = image[min(2 * y, height - 1)], image[min(2 * y + 1, height - 1)]
        for x in range(columns):
            left, right = min(2 * x, width - 1), min(2 * x + 1, width - 1)
            a, b, c, d = (
                luma(upper[left]),
                luma(upper[right]),
                luma(lower[left]),
                luma(lower[right]),
            )
            energies[y, x, 0] = (0.5 * (a + b - c - d)) ** 2
            energies[y, x, 1] = (0.5 * (a - b + c - d)) ** 2
            energies[y, x, 2] = (0.5 * (a - b - c + d)) ** 2
    return energies
