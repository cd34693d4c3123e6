"""The pictures of `tamis demo`: tiles of photographs that come with scikit-image.

The class of a tile is the photograph it was cut from, as in the Brodatz texture
benchmarks. Tiles do not overlap, so training and test tiles are disjoint areas.
"""

import os
from typing import Final

import numpy as np
from PIL import Image

from tamis.errors import MissingExtraError
from tamis.images import as_rgb

TILE: Final = 64
"""Side of a tile, in pixels."""

MOST: Final = 48
"""Tiles per class, at most; spread evenly over the photograph."""

# Class: function of skimage.data. All lie in scikit-image's wheel.
SOURCES: Final = {
    "astronaut": "astronaut",
    "brick": "brick",
    "camera man": "camera",
    "cat": "chelsea",
    "coffee": "coffee",
    "galaxies": "hubble_deep_field",
    "grass": "grass",
    "gravel": "gravel",
    "moon": "moon",
    "retina": "retina",
    "rocket": "rocket",
    "tissue": "immunohistochemistry",
}


def write_tiles(folder: str) -> int:
    """Cut the photographs into ``folder/<class>/<row>-<column>.png``.

    Tiles that exist already are left as they are.

    Returns
    -------
    int
        Number of tiles.

    Raises
    ------
    MissingExtraError
        scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError:
        raise MissingExtraError.for_extra("demo", "tamis demo") from None

    number = 0
    for label, source in SOURCES.items():
        photo = as_rgb(getattr(data, source)())
        rows, columns = photo.shape[0] // TILE, photo.shape[1] // TILE
        chosen = np.unique(np.linspace(0, rows * columns - 1, min(MOST, rows * columns)).round())
        os.makedirs(os.path.join(folder, label), exist_ok=True)
        for row, column in (divmod(int(place), columns) for place in chosen):
            file = os.path.join(folder, label, f"{row:02}-{column:02}.png")
            if not os.path.exists(file):
                y, x = row * TILE, column * TILE
                Image.fromarray(photo[y : y + TILE, x : x + TILE]).save(file)
            number += 1
    return number
