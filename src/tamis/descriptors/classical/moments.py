"""`moments`: the mean, spread and skew of colour, region by region."""

from dataclasses import dataclass
from typing import ClassVar, final

import numba as nb
import numpy as np

from tamis.descriptors.base import Features, PixelDescriptor, check_int
from tamis.descriptors.classical.regions import region_start
from tamis.images import Pixels


@final
@dataclass(frozen=True, kw_only=True)
class Moments(PixelDescriptor):
    """First three moments of three opponent colour channels by regions.

    The channels are intensity (R + G + B) / 3, red against green R - G, and yellow
    against blue (R + G) / 2 - B, all over 255. In each of regions x regions cells
    of the picture, for each channel: the mean, twice the standard deviation, and
    half the cube root of the third central moment.

    Parameters
    ----------
    regions : int
        Cells per side, 1 to 16; 1 is the whole picture.
    size : int or None
        Working size in pixels.

    Notes
    -----
    ``dim = 9 * regions**2``: 225 by default. All values are in the unit of the
    channel, so that L1 may add them up. The weights 1, 2 and 1/2, like the choice of
    the channels, were found better on small photos than equal ones. A cell without
    a pixel gives zeros.

    After Stricker and Orengo [1]_. Differs from it: opponent channels instead of
    HSV, whose hue has no mean; regions; the weights, which the paper leaves to
    the user, are part of the vector.

    References
    ----------
    .. [1] M. A. Stricker, M. Orengo, "Similarity of color images", Storage and
       Retrieval for Image and Video Databases III, SPIE 2420, 381-392, 1995.
       https://doi.org/10.1117/12.205308

    Examples
    --------
    >>> dark = np.full((4, 4, 3), 51, np.uint8)
    >>> Moments(regions=1).describe([dark]).round(2)
    array([[0.2, 0. , 0. , 0. , 0. , 0. , 0. , 0. , 0. ]], dtype=float32)
    """

    name: ClassVar[str] = "moments"
    summary: ClassVar[str] = "mean, spread and skew of colour by regions: small and quick"
    reference: ClassVar[str] = "Stricker & Orengo 1995, doi:10.1117/12.205308"

    regions: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_int("regions", self.regions, 1, 16)

    @property
    def dim(self) -> int:
        """Length of the vectors: ``9 * regions**2``."""
        return 9 * self.regions**2

    def _fill(self, image: Pixels, out: Features) -> None:
        _moments(image, out.reshape(self.regions, self.regions, 3, 3))


@nb.njit(nogil=True, cache=True, inline="always")
def _opponent(red: float, green: float, blue: float) -> tuple[float, float, float]:
    r, g, b = float(red), float(green), float(blue)  # numba keeps uint8 in uint64: no minus
    return (r + g + b) / 3.0, r - g, 0.5 * (r + g) - b


@nb.njit(nogil=True, cache=True)
def _moments(image: Pixels, out: Features) -> None:
    height, width = image.shape[:2]
    regions = out.shape[0]
    for row in range(regions):
        top, bottom = region_start(row, regions, height), region_start(row + 1, regions, height)
        for column in range(regions):
            left = region_start(column, regions, width)
            right = region_start(column + 1, regions, width)
            pixels = (bottom - top) * (right - left)
            if pixels > 0:
                _cell(image[top:bottom, left:right], 1.0 / pixels, out[row, column])


@nb.njit(nogil=True, cache=True)
def _cell(cell: Pixels, share: float, out: Features) -> None:
    red, green, blue = 0, 0, 0
    for y in range(cell.shape[0]):
        for x in range(cell.shape[1]):
            red += cell[y, x, 0]
            green += cell[y, x, 1]
            blue += cell[y, x, 2]
    means = _opponent(red * share, green * share, blue * share)
    # The second pass is on differences from the mean: sums of squares and cubes of
    # the pixels themselves would lose the moments of a nearly flat cell.
    a2, a3, b2, b3, c2, c3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for y in range(cell.shape[0]):
        for x in range(cell.shape[1]):
            a, b, c = _opponent(cell[y, x, 0], cell[y, x, 1], cell[y, x, 2])
            a, b, c = a - means[0], b - means[1], c - means[2]
            a2, b2, c2 = a2 + a * a, b2 + b * b, c2 + c * c
            a3, b3, c3 = a3 + a * a * a, b3 + b * b * b, c3 + c * c * c
    seconds, thirds = (a2, b2, c2), (a3, b3, c3)
    for channel in range(3):
        out[channel, 0] = means[channel] / 255.0
        out[channel, 1] = 2.0 / 255.0 * np.sqrt(seconds[channel] * share)
        out[channel, 2] = 0.5 / 255.0 * np.cbrt(thirds[channel] * share)
