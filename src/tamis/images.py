"""Opening pictures: any file in, an (H, W, 3) uint8 RGB array out.

This is the only place in tamis that opens image files. JPEG goes through
libjpeg-turbo (simplejpeg), which scales while it decodes; everything else goes
through Pillow. What "the picture" means is settled here, once, for training and
for use:

- EXIF orientation is applied;
- transparency is shown over white;
- of an animation or a multi-page file the first frame counts;
- grey becomes three equal channels; more than 8 bits are scaled, never clipped;
- CMYK is converted without a colour profile, whichever way round the file
  stores its inks (Adobe's programs store them inverted in JPEG, and say so);
- embedded colour profiles are not applied.

A descriptor sees every picture at its *working size*, so that the same photo at
96 and at 1200 pixels gives nearly the same vector.
"""

import os
import stat
import struct
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any, BinaryIO, Final, cast

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    TiffImageFile,
)

from tamis.errors import ImageReadError, InvalidParameterError, MissingExtraError

Pixels = npt.NDArray[np.uint8]

DEFAULT_SIZE: Final = 128
"""Longest side, in pixels, at which descriptors look at a picture."""

DEFAULT_MAX_PIXELS: Final = 200_000_000
"""Pictures of more pixels than this are refused: 600 MB once decoded."""

SUFFIXES: Final = frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .gif .bmp .dib .tif .tiff .webp .heic .heif .avif "
    ".jp2 .j2k .jpx .ppm .pgm .pbm .pnm .ico".split()
)
"""File names that promise a picture, in lower case."""

# Formats Pillow may open. Not all it can: EPS starts Ghostscript, and the rest
# are either not pictures or recognised by nothing but a hope.
_PILLOW_FORMATS: Final = (
    *("PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO"),
    "JPEG",  # the few, MPO among them, that libjpeg-turbo's simple interface refuses
)
_HEIF_BRANDS: Final = frozenset((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))
_SIGNATURES: Final = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*"),
    *(b"II+\x00", b"MM\x00+", b"\x00\x00\x00\x0cjP  "),
)
_JPEG_MAX_BYTES: Final = 1 << 30
_JPEG_DAMAGE: Final = ("Corrupt JPEG data", "Premature end")
_JPEG_HARMLESS: Final = ("extraneous bytes", "Invalid SOS", "Adobe color", "JFIF revision")
_ORIENTATION: Final = 0x0112
_pillow_lock = threading.Lock()

# Pillow warns of odd metadata in pictures that it reads well, which nobody who sorts a
# folder can act upon. Once for the process: to do so around each call is not thread-safe.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def read_image(
    path: str | os.PathLike[str],
    *,
    size: int | None = DEFAULT_SIZE,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Pixels:
    """Read one picture at its working size.

    Parameters
    ----------
    path : str or os.PathLike
        Any file; what it is is read from its first bytes, not from its name.
    size : int or None
        Longest side of the result, in pixels; see `working_shape`. Smaller
        pictures are brought up to it. None leaves the picture as it is.
    max_pixels : int
        Refuse files whose header announces more pixels than this.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        RGB, C-contiguous.

    Raises
    ------
    ImageReadError
        The file is missing, unreadable, empty, truncated, too large or not a
        picture. Its `reason` says which.
    """
    name = os.fspath(path)
    try:
        with _open_regular(name) as file:
            head = file.read(64)
            if not head:
                raise _Unreadable("is empty (0 bytes)")
            file.seek(0)
            if head.startswith(b"\xff\xd8\xff"):
                image = _decode_jpeg(file, size, max_pixels)
            else:
                image = _decode_pillow(file, head, max_pixels)
    except _Unreadable as error:
        raise ImageReadError(name, str(error)) from None
    except Exception as error:  # a decoder may fail in any way on a damaged file
        raise ImageReadError(name, _reason(error)) from error
    return fit(image, size)


def has_signature(head: bytes) -> bool:
    """Tell whether a file that begins with `head` (16 bytes or more) says it is a picture."""
    if head[4:8] == b"ftyp":
        return head[8:12] in _HEIF_BRANDS | _AVIF_BRANDS
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def as_rgb(image: npt.NDArray[Any]) -> Pixels:
    """Return an array of pixels as (H, W, 3) uint8 RGB.

    Parameters
    ----------
    image : ndarray of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), uint8
        Grey, RGB, or RGB with alpha, which is shown over white.

    Raises
    ------
    InvalidParameterError
        If the array has another dtype or shape, or no pixel.
    """
    if image.dtype != np.uint8:
        raise InvalidParameterError(
            f"a picture must be uint8 with values 0 to 255. Got {image.dtype}; convert it first, "
            "for example (255 * image).round().astype('uint8') for floats in [0, 1]."
        )
    if (
        image.ndim not in (2, 3)
        or 0 in image.shape
        or image.shape[2:] not in ((), (1,), (3,), (4,))
    ):
        raise InvalidParameterError(
            f"a picture must have the shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with at "
            f"least one pixel. Got {image.shape}."
        )
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    elif image.shape[2] == 4:
        alpha = image[:, :, 3:].astype(np.uint16)
        over = (image[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
        image = over.astype(np.uint8)
    return np.ascontiguousarray(image)


def fit(image: Pixels, size: int | None) -> Pixels:
    """Bring an RGB picture to its working size: area average down, linear up.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
    size : int or None
        See `working_shape`.

    Returns
    -------
    ndarray of shape (H', W', 3), uint8
        The argument itself if it has that size already.
    """
    height, width = image.shape[:2]
    return _resize(image, *working_shape(height, width, size))


def working_shape(height: int, width: int, size: int | None) -> tuple[int, int]:
    """Compute the shape a picture has at working size `size`.

    The longest side becomes `size`. The other keeps the proportions, rounded to
    the nearest length with no prime factor above 11, so that an FFT of the
    picture is quick: this changes the proportions by less than 5.3 % for sides
    above 32, and by less than 3.5 % for sides above 54.

    Parameters
    ----------
    height, width : int
        In pixels, at least 1.
    size : int or None
        Longest side in pixels; None keeps the shape.

    Returns
    -------
    height, width : int

    Examples
    --------
    >>> working_shape(80, 120, 128)
    (84, 128)
    >>> working_shape(3000, 4000, 128)
    (96, 128)
    >>> working_shape(80, 120, None)
    (80, 120)
    """
    if size is None:
        return height, width
    if size < 1:
        raise InvalidParameterError(f"size must be at least 1 pixel, or none. Got {size}.")
    longest = max(height, width)
    if height == longest:
        return size, _smooth_length(width * size / longest, size)
    return _smooth_length(height * size / longest, size), size


def _resize(image: Pixels, height: int, width: int) -> Pixels:
    if image.shape[:2] == (height, width):
        return image
    shrinks = height * width < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(Pixels, cv2.resize(image, (width, height), interpolation=how))


@cache
def _smooth_lengths(size: int) -> npt.NDArray[np.int64]:
    rest = np.arange(1, size + 1)
    for prime in (2, 3, 5, 7, 11):
        while (divisible := (rest % prime == 0)).any():
            rest[divisible] //= prime
    return np.append(np.flatnonzero(rest == 1) + 1, size)


def _smooth_length(length: float, size: int) -> int:
    lengths = _smooth_lengths(size)
    return int(lengths[np.abs(lengths - length).argmin()])


class _Unreadable(Exception):  # noqa: N818 - never leaves this file
    """Carries the reason from the place that knows it to `read_image`."""


def _open_regular(name: str) -> BinaryIO:
    mode = os.stat(name).st_mode
    if stat.S_ISDIR(mode):
        listable = os.access(name, os.R_OK | os.X_OK)
        raise _Unreadable(
            "is a folder, not a picture" if listable else "is a folder that may not be entered"
        )
    if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
        raise _Unreadable("is not a regular file")
    return open(name, "rb")


def _decode_jpeg(file: BinaryIO, size: int | None, max_pixels: int) -> Pixels:
    if os.fstat(file.fileno()).st_size > _JPEG_MAX_BYTES:
        raise _Unreadable("is a JPEG of more than 1 GiB")
    data = file.read()
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data, strict=False)
        _check_pixels(height, width, max_pixels)
        shrinks = size is not None and size < max(height, width)
        least = working_shape(height, width, size) if shrinks else (0, 0)
        image = _jpeg_pixels(data, space, *least)
        if shrinks:  # to the shape that belongs to the whole picture, not to the scaled one
            image = _resize(_trim(image, height, width), *least)
    except (ValueError, KeyError) as error:  # KeyError: no header was found
        if str(error).startswith(_JPEG_DAMAGE) and not _is_harmless(error):
            raise _Unreadable(f"is truncated or damaged ({error})") from None
        file.seek(0)
        return _decode_pillow(file, data[:32], max_pixels)
    exif = (part[6:] for part in _jpeg_segments(data, 0xE1) if part[:6] == b"Exif\x00\x00")
    return _turn(image, _exif_orientation(next(exif, b"")))


def _jpeg_segments(data: bytes, marker: int) -> Iterator[bytes]:
    """Yield what the segments of one kind hold, up to where the picture data begin."""
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 4 and data[at + 1] != 0xDA:
        if data[at + 1] in (0x00, 0xFF):  # stray bytes, or filling before a marker
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if data[at + 1] == marker:
            yield data[at + 4 : end]
        at = end


def _exif_orientation(exif: bytes) -> int:
    """Find the orientation in an EXIF block: 1, upright, if it has none or is damaged.

    Pillow's reader takes all tags, and its exceptions and warnings over the damaged
    ones are not worth a picture.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}4xI", exif)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(count):
            tag, value = struct.unpack_from(f"{order}H6xH", exif, start + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:  # ends too early
        pass
    return 1


def _jpeg_pixels(data: bytes, space: str, height: int, width: int) -> Pixels:
    by_adobe = any(part.startswith(b"Adobe") for part in _jpeg_segments(data, 0xEE))
    inks_as_stored = space == "CMYK" and not by_adobe

    def decode(strict: bool) -> Pixels:
        pixels = simplejpeg.decode_jpeg(
            data,
            "CMYK" if inks_as_stored else "RGB",
            min_height=height,
            min_width=width,
            strict=strict,
        )
        return _inks_to_rgb(pixels) if inks_as_stored else pixels

    try:
        return decode(strict=True)
    except ValueError as error:
        # Cameras write stray bytes between segments; the picture is whole. Other
        # warnings are damage, which would show as grey or torn parts.
        if _is_harmless(error):
            return decode(strict=False)
        raise


def _is_harmless(error: Exception) -> bool:
    return any(harmless in str(error) for harmless in _JPEG_HARMLESS)


def _trim(scaled: Pixels, height: int, width: int) -> Pixels:
    """Cut off the last row and column if less than half of them shows the picture.

    A decoder that scales to n/8 rounds up: of 1025 columns it makes 129, the last of
    which stands for one column, and would displace all others by up to seven.
    """
    eighths = round(8 * max(scaled.shape[:2]) / max(height, width))
    rows, columns = round(height * eighths / 8), round(width * eighths / 8)
    return scaled[: max(rows, 1), : max(columns, 1)]


def _inks_to_rgb(inks: Pixels) -> Pixels:
    cmy, key = inks[:, :, :3].astype(np.uint16), inks[:, :, 3:].astype(np.uint16)
    return (((255 - cmy) * (255 - key) + 127) // 255).astype(np.uint8)


def _turn(image: Pixels, orientation: int) -> Pixels:
    """Undo the rotation and mirroring that EXIF orientation 1 to 8 describes."""
    if orientation in (2, 4, 5, 7):
        image = image[:, ::-1]
    quarter_turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if orientation > 1 else image


def _decode_pillow(file: BinaryIO, head: bytes, max_pixels: int) -> Pixels:
    # An AVIF may call itself an image container first, and AVIF only second.
    heif = head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS and b"avif" not in head[16:]
    with _pillow_open_heif(file) if heif else _pillow_open(file, head) as picture:
        _check_pixels(picture.height, picture.width, max_pixels)
        _check_planes(picture)
        picture.load()
        pixels = np.ascontiguousarray(_pillow_pixels(picture))
        return _turn(pixels, _pillow_orientation(picture))


def _pillow_orientation(picture: Image.Image) -> int:
    try:
        orientation = picture.getexif().get(_ORIENTATION)
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
        raise _Unreadable("is a TIFF of uncompressed 16-bit planes, which cannot be read")


def _pillow_open(file: BinaryIO, head: bytes) -> Image.Image:
    # Pillow's own limit is a global; ours is an argument, checked by the caller.
    with _pillow_lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=_PILLOW_FORMATS)
        except UnidentifiedImageError:
            raise _Unreadable(
                "is truncated or damaged, or of a rare kind that cannot be read"
                if has_signature(head)
                else "is not a picture, or damaged in its first bytes"
            ) from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _pillow_open_heif(file: BinaryIO) -> Image.Image:
    try:
        from pi_heif import HeifImageFile
    except ImportError:
        raise MissingExtraError.for_extra("heif", "HEIC") from None
    return cast(Image.Image, HeifImageFile(file))


def _pillow_pixels(picture: Image.Image) -> Pixels:
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        grey = _to_8_bits(np.asarray(picture))
        if isinstance(picture, TiffImageFile):
            white_is_zero = picture.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0
            grey = 255 - grey if white_is_zero else grey
        return as_rgb(grey)
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        return as_rgb(np.asarray(picture.convert("RGBA")))
    if mode == "CMYK":
        return _inks_to_rgb(np.asarray(picture))
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
        return np.asarray(ImageCms.applyTransform(picture, transform))
    return np.asarray(picture.convert("RGB"))


def _to_8_bits(grey: npt.NDArray[Any]) -> Pixels:
    """Scale grey values of more than 8 bits to 0..255, without clipping.

    Unsigned 16-bit values by their full range, or by 4095 if none exceeds it:
    cameras on microscopes store 12 bits in 16. Anything else (32 bits, floats)
    has no agreed white: 0..1 if all values lie there, else smallest to largest.
    """
    with np.errstate(invalid="ignore"):  # a signalling NaN would warn
        values = np.nan_to_num(grey.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if not np.issubdtype(grey.dtype, np.floating) and low >= 0 and high <= 65535:
        low, high = 0.0, 4095.0 if high <= 4095 else 65535.0
    elif low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return (scaled + 0.5).astype(np.uint8)


def _check_pixels(height: int, width: int, max_pixels: int) -> None:
    if height * width > max_pixels:
        raise _Unreadable(
            f"has {width} x {height} pixels, more than the limit of {max_pixels} "
            "(raise it with --max-pixels)"
        )


def _reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "is missing, or a link to nothing"
        case PermissionError():
            return "may not be read (permission denied)"
        case MissingExtraError():
            return str(error)
        case MemoryError():
            return "needs more memory than there is"
        case OSError(strerror=str(message)):
            return message
        case OSError() if "truncated" in str(error).lower():
            return "is truncated or damaged (its data ends too early)"
    text = " ".join(str(error).split()) or type(error).__name__
    return f"is damaged ({text[:200]})"
