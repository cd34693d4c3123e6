"""Grey without rounding."""

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.images import Pixels

GREY_SCALE = 2_550_000
"""What white is in `exact_grey`."""


@nb.njit(nogil=True, cache=True)
def exact_grey(image: Pixels) -> npt.NDArray[np.int32]:
    """Return scikit-image's ``rgb2gray`` times `GREY_SCALE`, of shape (H, W).

    Its weights have four decimals, so that grey fits into integers. Equal colours
    then have differences of exactly 0.
    """
    height, width = image.shape[:2]
    grey = np.empty((height, width), np.int32)
    for y in range(height):
        for x in range(width):
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            grey[y, x] = 2125 * np.int32(red) + 7154 * np.int32(green) + 721 * np.int32(blue)
    return grey
