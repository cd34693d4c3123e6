"""Pictures small enough to be part of a page."""

import base64
import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import simplejpeg
from markupsafe import Markup
from PIL import Image

from tamis.errors import ImageReadError
from tamis.images.decoders import Decoders
from tamis.images.limits import reading_with
from tamis.images.pixels import Pixels

THUMBNAIL: Final = 96
_QUALITY: Final = 80


def thumbnails(
    paths: Iterable[str], *, max_pixels: int, jobs: int, size: int = THUMBNAIL
) -> dict[str, Markup]:
    """Make one data: URI per different path; "" for what cannot be read.

    `size` is their longest side, in pixels.
    """
    with reading_with(max_pixels=max_pixels) as how:
        decoders = Decoders(how)

    def thumbnail(path: str) -> Markup:
        (picture,) = decoders.read([path], [size])
        if isinstance(picture, ImageReadError):
            return Markup("")
        data = simplejpeg.encode_jpeg(picture.at(size), quality=_QUALITY, colorsubsampling="420")
        return Markup("data:image/jpeg;base64," + base64.b64encode(data).decode("ascii"))

    different = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-thumbnail") as pool:
        return dict(zip(different, pool.map(thumbnail, different), strict=True))


def webp(pixels: Pixels, *, longest: int = 0, quality: int = 75) -> bytes:
    """Encode a picture as WebP.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
    longest : int
        Longest side of the result, if the picture is larger; 0 leaves it as it is.
    quality : int
        0 to 100.

    Examples
    --------
    >>> import numpy as np
    >>> webp(np.zeros((8, 8, 3), np.uint8))[:4]
    b'RIFF'
    """
    image = Image.fromarray(pixels)
    if longest and max(image.size) > longest:
        image.thumbnail((longest, longest))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=2)
    return buffer.getvalue()
