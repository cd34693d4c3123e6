"""Where the codebook that comes with tamis is from.

``python -m tamis.descriptors.classical.default_codebook FILE`` learns it again.
"""

import sys
from typing import Final

from tamis.descriptors.classical.codebook import Codebook, fit_codebook
from tamis.images import Pixels, as_rgb

SOURCES: Final = (
    "astronaut",
    "brick",
    "camera",
    "cat",
    "cell",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "retina",
    "rocket",
    "text",
)
"""Functions of skimage.data; all in its wheel, all without known copyright or CC0."""

_LEAST: Final = 64


def crops() -> list[Pixels]:
    """Cut each photograph as a whole, into 2 x 2, and into 4 x 4 parts.

    The parts show it closer, so that words are learned at several scales. None has a
    side under 64 pixels.
    """
    from skimage import data

    parts = []
    for source in SOURCES:
        photo = as_rgb(getattr(data, source)())
        for side in (1, 2, 4):
            height, width = photo.shape[0] // side, photo.shape[1] // side
            if min(height, width) >= _LEAST:
                parts += [
                    photo[row * height : (row + 1) * height, column * width : (column + 1) * width]
                    for row in range(side)
                    for column in range(side)
                ]
    return parts


def default_codebook() -> Codebook:
    """Learn 64 words of 64 values from the photographs of scikit-image."""
    return fit_codebook(crops())


if __name__ == "__main__":
    default_codebook().save(sys.argv[1])
