"""Raw files of cameras, by the preview that the camera put into them.

The preview is what the camera shows: a JPEG with its own development. LibRaw finds it (extra
``raw``); the sensor's values are not developed.
"""

import os
from collections.abc import Iterable
from typing import Any, BinaryIO, Final

import numpy as np

from tamis.errors import MissingExtraError
from tamis.images.exif import orientation_of
from tamis.images.jpeg import decode_jpeg
from tamis.images.jpeg_header import read_header
from tamis.images.limits import Host, Reading
from tamis.images.pixels import Pixels, Size, fit, turn
from tamis.images.refusal import Unreadable, check_pixels

_ORIENTATIONS: Final = {3: 3, 5: 8, 6: 6}  # of LibRaw's flip in EXIF's numbers


def decode_raw(
    file: BinaryIO, kind: str, sizes: Iterable[Size], how: Reading, host: Host
) -> tuple[dict[Size, Pixels], int, int]:
    """Decode the largest preview of a raw file, upright.

    Parameters
    ----------
    file : binary file
        At its beginning.
    kind : str
        What it is, for messages.
    sizes : iterable of Size
    how : Reading
    host : Host

    Returns
    -------
    decoded : dict from Size to ndarray of shape (H, W, 3), uint8
    height, width : int
        Of the preview, upright.

    Raises
    ------
    Unreadable
        It has no preview, or not one that can be read.
    MissingExtraError
        The extra ``raw`` is not installed.
    """
    try:
        import rawpy
    except ImportError:
        raise MissingExtraError.for_extra("raw", kind) from None
    host.afford(os.fstat(file.fileno()).st_size)
    try:
        with rawpy.imread(file) as raw:
            orientation = _ORIENTATIONS.get(raw.sizes.flip, 1)
            preview: Any = raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        raise Unreadable(f"is {kind} without a preview. Convert it, for example to JPEG") from None
    except rawpy.LibRawError:
        raise Unreadable(
            f"is {kind} whose preview cannot be read. Convert it, for example to JPEG"
        ) from None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return _shown(preview.data, orientation, sizes, how)
    data = preview.data
    if orientation_of(read_header(data).exif) > 1:
        orientation = 1  # it says so itself
    decoded: dict[Size, Pixels] = {}
    height = width = 0
    for size in sizes:
        pixels, height, width = decode_jpeg(data, size, how, host)
        decoded[size] = turn(pixels, orientation)
    return (decoded, width, height) if orientation in (6, 8) else (decoded, height, width)


def _shown(
    preview: Pixels, orientation: int, sizes: Iterable[Size], how: Reading
) -> tuple[dict[Size, Pixels], int, int]:
    image = turn(np.ascontiguousarray(preview), orientation)
    height, width = image.shape[:2]
    check_pixels(height, width, how.max_pixels)
    return {size: fit(image, size) for size in sizes}, height, width
