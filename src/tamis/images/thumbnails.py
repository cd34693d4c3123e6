"""Pictures small enough to be part of a page."""

import base64
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import simplejpeg
from markupsafe import Markup

from tamis.errors import ImageReadError
from tamis.images.decoders import Decoders
from tamis.images.limits import reading_with

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
