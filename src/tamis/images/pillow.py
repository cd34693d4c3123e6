"""Every other format, through Pillow."""

import threading
import warnings
from typing import BinaryIO, Final, cast

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    TiffImageFile,
)

from tamis.errors import MissingExtraError
from tamis.images.pixels import Pixels, as_rgb, inks_to_rgb, to_8_bits, turn
from tamis.images.refusal import Unreadable, check_pixels
from tamis.images.signature import HEIF_BRANDS, has_signature

# Formats Pillow may open. Not all it can: EPS starts Ghostscript, and the rest
# are either not pictures or recognised by nothing but a hope.
_FORMATS: Final = (
    *("PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO"),
    "JPEG",  # the few, MPO among them, that libjpeg-turbo's simple interface refuses
)
_lock = threading.Lock()

# Pillow warns of odd metadata in pictures that it reads well, which nobody who sorts a
# folder can act upon. Once for the process: to do so around each call is not thread-safe.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode_pillow(file: BinaryIO, head: bytes, max_pixels: int) -> Pixels:
    """Decode any picture upright and in full; `head` is how the file begins."""
    # An AVIF may call itself an image container first, and AVIF only second.
    heif = head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS and b"avif" not in head[16:]
    with _open_heif(file) if heif else _open(file, head) as picture:
        check_pixels(picture.height, picture.width, max_pixels)
        _check_planes(picture)
        picture.load()
        pixels = np.ascontiguousarray(_pixels(picture))
        return turn(pixels, _orientation(picture))


def _open(file: BinaryIO, head: bytes) -> Image.Image:
    # Pillow's own limit is a global; ours is an argument, checked by the caller.
    with _lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError:
            raise Unreadable(
                "is truncated or damaged, or of a rare kind that cannot be read"
                if has_signature(head)
                else "is not a picture, or damaged in its first bytes"
            ) from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _open_heif(file: BinaryIO) -> Image.Image:
    try:
        from pi_heif import HeifImageFile
    except ImportError:
        raise MissingExtraError.for_extra("heif", "HEIC") from None
    return cast(Image.Image, HeifImageFile(file))


def _pixels(picture: Image.Image) -> Pixels:
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        grey = to_8_bits(np.asarray(picture))
        if isinstance(picture, TiffImageFile):
            white_is_zero = picture.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0
            grey = 255 - grey if white_is_zero else grey
        return as_rgb(grey)
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        return as_rgb(np.asarray(picture.convert("RGBA")))
    if mode == "CMYK":
        return inks_to_rgb(np.asarray(picture))
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
        return np.asarray(ImageCms.applyTransform(picture, transform))
    return np.asarray(picture.convert("RGB"))


def _orientation(picture: Image.Image) -> int:
    try:
        orientation = picture.getexif().get(Base.Orientation)
    except Exception:  # damaged metadata do no harm to the picture
        return 1
    return orientation if isinstance(orientation, int) else 1


def _check_planes(picture: Image.Image) -> None:
    # Pillow takes the bytes of uncompressed 16-bit planes for planes of 8 bits, and says nothing.
    if (
        isinstance(picture, TiffImageFile)
        and picture.tag_v2.get(PLANAR_CONFIGURATION) == 2
        and max(picture.tag_v2.get(BITSPERSAMPLE, (1,))) > 8
        and any(tile.codec_name == "raw" for tile in picture.tile)
    ):
        raise Unreadable("is a TIFF of uncompressed 16-bit planes, which cannot be read")
