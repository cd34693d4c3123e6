"""Pictures whose data are gone: some decoders show one colour, and say nothing."""

import io
from typing import Any, BinaryIO, Final, cast

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from tamis.images import tiff
from tamis.images.refusal import Unreadable

# Bytes that a picture of one colour takes at most, and pixels for which it takes one more.
_ONE_COLOUR: Final = {
    **dict.fromkeys(("AVIF", "HEIF"), (1000, 1000)),
    **dict.fromkeys(("GIF", "TIFF", "WEBP", "JPEG2000"), (2000, 10)),
}


def check_not_filled(picture: Image.Image, file: BinaryIO) -> None:
    """Refuse a picture whose data are gone.

    A picture that has one colour takes some hundred bytes, and how many more per pixel
    depends on the format.
    """
    least, pixels_per_byte = _ONE_COLOUR.get(picture.format or "", (0, 0))
    if picture.mode == "1" and picture.format == "TIFF":  # a fax
        least, pixels_per_byte = 500, 50
    if not least:
        return
    limit = least + picture.width * picture.height // pixels_per_byte
    if _packed_bytes(picture, file) <= limit and picture.format != "HEIF":
        return
    extrema = cast(Any, picture.getextrema())
    channels = extrema[:3] if isinstance(extrema[0], tuple) else (extrema,)
    if any(low != high for low, high in channels) or getattr(picture, "is_animated", False):
        return
    # libde265 fills up with this grey, however few data there are.
    if _packed_bytes(picture, file) > limit or set(channels) == {(128, 128)}:
        raise Unreadable("is damaged (its data show nothing but one colour)")


def _packed_bytes(picture: Image.Image, file: BinaryIO) -> int:
    """Count the bytes of compressed pixels; 0 where they say nothing of the colours."""
    if isinstance(picture, TiffImageFile):
        if tiff.tag(picture, tiff.COMPRESSION, 1) in (1, 32773):  # none, and PackBits
            return 0
        counts = tiff.tag(picture, tiff.COUNTS) or tiff.tag(picture, tiff.TILE_COUNTS) or ()
        return sum(counts)
    beside = sum(len(picture.info.get(name) or b"") for name in ("exif", "xmp", "icc_profile"))
    return file.seek(0, io.SEEK_END) - beside
