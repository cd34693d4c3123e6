"""`colorlayout`: where light and colour lie, as a thumbnail of 8 x 8."""

from dataclasses import dataclass
from typing import ClassVar, Final, final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels

_SIDE: Final = 8
_CHROMA_WEIGHT = 2.0


def _cosines() -> npt.NDArray[np.float64]:
    """Matrix of the orthonormal DCT-II: one frequency in each row."""
    frequency, place = np.arange(_SIDE)[:, np.newaxis], np.arange(_SIDE)
    waves = np.cos(np.pi / _SIDE * frequency * (place + 0.5)) * np.sqrt(2 / _SIDE)
    waves[0] /= np.sqrt(2)
    return waves


def _zigzag() -> npt.NDArray[np.int64]:
    """Frequencies (vertical, horizontal) in the order of JPEG, low ones first."""
    places = [(v, h) for v in range(_SIDE) for h in range(_SIDE)]
    # Along each diagonal v + h the direction turns: odd ones run downwards.
    places.sort(key=lambda p: (sum(p), p[0] if sum(p) % 2 else p[1]))
    return np.array(places)


_COSINES = _cosines()
_ZIGZAG = _zigzag()


@final
@dataclass(frozen=True, kw_only=True)
class ColorLayout(PixelDescriptor):
    """Colour layout of MPEG-7: the low frequencies of a tiny picture.

    The picture is reduced to the means of 8 x 8 cells, in YCbCr (ITU-R BT.601,
    full range, over 255). Of the discrete cosine transform (orthonormal, over 8,
    so that the first coefficient is the mean of the picture) of each channel the
    first coefficients in zigzag order are kept: `luma` of Y, `chroma` each of Cb
    and Cr. Chroma counts twice.

    Parameters
    ----------
    luma : int
        Coefficients of Y, 1 to 64.
    chroma : int
        Coefficients of Cb and of Cr, 1 to 64.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = luma + 2 * chroma``: 27 by default. Values are in [-2, 2]. A cell
    without a pixel (the picture is less than 8 pixels high or wide) takes the
    nearest one.

    After Kasutani and Yamada [1]_. Differs from it: 15 and 6 coefficients by
    default instead of 6 and 3, found better on small photos; not quantised; the
    weight of chroma is part of the vector, where MPEG-7 puts weights per coefficient
    into its distance.

    References
    ----------
    .. [1] E. Kasutani, A. Yamada, "The MPEG-7 color layout descriptor: a compact
       image feature description for high-speed image/video segment retrieval",
       ICIP, 674-677, 2001. https://doi.org/10.1109/ICIP.2001.959135

    Examples
    --------
    >>> red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    >>> ColorLayout(luma=1, chroma=1).describe([red]).round(2)
    array([[ 0.3 , -0.34,  1.  ]], dtype=float32)
    """

    name: ClassVar[str] = "colorlayout"
    summary: ClassVar[str] = "a thumbnail's low frequencies: where light and colour lie"
    reference: ClassVar[str] = "Kasutani & Yamada 2001, doi:10.1109/ICIP.2001.959135"

    luma: int = 15
    chroma: int = 6

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("luma", self.luma, 1, _SIDE**2)
        check_int("chroma", self.chroma, 1, _SIDE**2)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``luma + 2 * chroma``."""
        return self.luma + 2 * self.chroma

    def _fill(self, image: Pixels, out: Features) -> None:
        red, green, blue = _cell_means(image) / 255
        y = 0.299 * red + 0.587 * green + 0.114 * blue
        cb, cr = (blue - y) / 1.772, (red - y) / 1.402
        start = 0
        for channel, count, weight in (
            (y, self.luma, 1.0),
            (cb, self.chroma, _CHROMA_WEIGHT),
            (cr, self.chroma, _CHROMA_WEIGHT),
        ):
            spectrum = _transformed(channel, _COSINES) * (weight / _SIDE)
            out[start : start + count] = spectrum[_ZIGZAG[:count, 0], _ZIGZAG[:count, 1]]
            start += count


@nb.njit(nogil=True, cache=True)
def _transformed(
    channel: npt.NDArray[np.float64], cosines: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return ``cosines @ channel @ cosines.T``, added in the same order everywhere."""
    half = np.zeros_like(channel)
    whole = np.zeros_like(channel)
    for i in range(_SIDE):
        for k in range(_SIDE):
            for j in range(_SIDE):
                half[i, j] += cosines[i, k] * channel[k, j]
    for i in range(_SIDE):
        for k in range(_SIDE):
            for j in range(_SIDE):
                whole[i, j] += half[i, k] * cosines[j, k]
    return whole


@nb.njit(nogil=True, cache=True)
def _cell_means(image: Pixels) -> npt.NDArray[np.float64]:
    height, width = image.shape[:2]
    means = np.empty((3, _SIDE, _SIDE))
    for row in range(_SIDE):
        top = min(region_start(row, _SIDE, height), height - 1)
        bottom = max(region_start(row + 1, _SIDE, height), top + 1)
        for column in range(_SIDE):
            left = min(region_start(column, _SIDE, width), width - 1)
            right = max(region_start(column + 1, _SIDE, width), left + 1)
            red, green, blue = 0, 0, 0
            for y in range(top, bottom):
                for x in range(left, right):
                    red += image[y, x, 0]
                    green += image[y, x, 1]
                    blue += image[y, x, 2]
            pixels = (bottom - top) * (right - left)
            means[0, row, column] = red / pixels
            means[1, row, column] = green / pixels
            means[2, row, column] = blue / pixels
    return means
