"""JPEG, through libjpeg-turbo, which scales while it decodes."""

import io
import struct
from collections.abc import Iterator
from typing import Final

import simplejpeg

from tamis.images.pillow import decode_pillow
from tamis.images.pixels import (
    Pixels,
    Size,
    Square,
    fit,
    inks_to_rgb,
    resize,
    turn,
    working_shape,
)
from tamis.images.refusal import Unreadable, check_pixels

_DAMAGE: Final = ("Corrupt JPEG data", "Premature end")
_HARMLESS: Final = ("extraneous bytes", "Invalid SOS", "Adobe color", "JFIF revision")
_ORIENTATION: Final = 0x0112


def decode_jpeg(data: bytes, size: Size, max_pixels: int) -> tuple[Pixels, int, int]:
    """Decode a JPEG upright, at working size `size`.

    Returns
    -------
    pixels : ndarray of shape (H, W, 3), uint8
    height, width : int
        Of the whole picture, upright.
    """
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data, strict=False)
        check_pixels(height, width, max_pixels)
        if isinstance(size, Square):
            image = _decode(data, space, *_enough(height, width, size))
            image = _trim(image, height, width)
        else:
            shrinks = size is not None and size < max(height, width)
            least = working_shape(height, width, size) if shrinks else (0, 0)
            image = _decode(data, space, *least)
            if shrinks:  # to the shape that belongs to the whole picture, not to the scaled one
                image = resize(_trim(image, height, width), *least)
    except (ValueError, KeyError) as error:  # KeyError: no header was found
        if str(error).startswith(_DAMAGE) and not _is_harmless(error):
            raise Unreadable(f"is truncated or damaged ({error})") from None
        whole = decode_pillow(io.BytesIO(data), data[:64], max_pixels)
        return fit(whole, size), whole.shape[0], whole.shape[1]
    exif = (part[6:] for part in _segments(data, 0xE1) if part[:6] == b"Exif\x00\x00")
    orientation = _orientation(next(exif, b""))
    if 5 <= orientation <= 8:  # lies on its side
        height, width = width, height
    return fit(turn(image, orientation), size), height, width


def _enough(height: int, width: int, square: Square) -> tuple[int, int]:
    """Compute the shape from which a square is only made smaller; (0, 0) if all is needed."""
    # What is cut off is whole pixels: of twice the size half as much is lost or won.
    side = 2 * square.side if square.crop else square.side
    shorter = min(height, width)
    if shorter <= side:
        return 0, 0
    if not square.crop:
        return side, side
    return -(-height * side // shorter), -(-width * side // shorter)


def _decode(data: bytes, space: str, height: int, width: int) -> Pixels:
    by_adobe = any(part.startswith(b"Adobe") for part in _segments(data, 0xEE))
    inks_as_stored = space == "CMYK" and not by_adobe

    def decode(strict: bool) -> Pixels:
        pixels = simplejpeg.decode_jpeg(
            data,
            "CMYK" if inks_as_stored else "RGB",
            min_height=height,
            min_width=width,
            strict=strict,
        )
        return inks_to_rgb(pixels) if inks_as_stored else pixels

    try:
        return decode(strict=True)
    except ValueError as error:
        # Cameras write stray bytes between segments; the picture is whole. Other
        # warnings are damage, which would show as grey or torn parts.
        if _is_harmless(error):
            return decode(strict=False)
        raise


def _is_harmless(error: Exception) -> bool:
    return any(harmless in str(error) for harmless in _HARMLESS)


def _trim(scaled: Pixels, height: int, width: int) -> Pixels:
    """Cut off the last row and column if less than half of them shows the picture.

    A decoder that scales to n/8 rounds up: of 1025 columns it makes 129, the last of
    which stands for one column, and would displace all others by up to seven.
    """
    eighths = round(8 * max(scaled.shape[:2]) / max(height, width))
    rows, columns = round(height * eighths / 8), round(width * eighths / 8)
    return scaled[: max(rows, 1), : max(columns, 1)]


def _segments(data: bytes, marker: int) -> Iterator[bytes]:
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


def _orientation(exif: bytes) -> int:
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
