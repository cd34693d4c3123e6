"""JPEG, through libjpeg-turbo, which scales while it decodes."""

import io
import re
from typing import Final

import numpy as np
import simplejpeg

from tamis.images.exif import orientation_of
from tamis.images.icc import to_srgb
from tamis.images.jpeg_header import JpegHeader, read_header
from tamis.images.limits import MAX_SCANS, Host, Reading
from tamis.images.pillow import decode_pillow
from tamis.images.pixels import Pixels, Size, Square, fit, inks_to_rgb, resize, turn, working_shape
from tamis.images.refusal import Unreadable, check_pixels

_DAMAGE: Final = ("Corrupt JPEG data", "Premature end")
_UNIMPORTANT: Final = ("Invalid SOS", "Adobe color", "JFIF revision")
_STRAY: Final = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
_END: Final = b"\xff\xd9"


def decode_jpeg(data: bytes, size: Size, how: Reading, host: Host) -> tuple[Pixels, int, int]:
    """Decode a JPEG upright, at working size `size`.

    Returns
    -------
    pixels : ndarray of shape (H, W, 3), uint8
    height, width : int
        Of the whole picture, upright.
    """
    header = read_header(data)
    _check_kind(header)
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data, strict=False)
        check_pixels(height, width, how.max_pixels)
        least = _least(height, width, size) if header.scales else (0, 0)
        _afford(header, height, width, least, space, host)
        image = _decode(data, header, space, *least, icc=how.icc)
        _check_not_filled(image, len(data) - header.scans_at, height * width)
        if any(least):
            image = _trim(image, height, width)
        if size is not None and not isinstance(size, Square) and size < max(height, width):
            # to the shape that belongs to the whole picture, not to the scaled one
            image = resize(image, *working_shape(height, width, size))
    except (ValueError, KeyError) as error:  # KeyError: no header was found
        if str(error).startswith(_DAMAGE):
            raise Unreadable(f"is truncated or damaged ({error})") from None
        decoded, height, width = decode_pillow(io.BytesIO(data), data[:64], (size,), how, host)
        return decoded[size], height, width
    orientation = orientation_of(header.exif)
    if 5 <= orientation <= 8:  # lies on its side
        height, width = width, height
    image = fit(turn(image, orientation), size)
    if how.icc and space != "CMYK":
        converted = to_srgb(image, header.icc)
        image = image if converted is None else converted
    return np.ascontiguousarray(image), height, width


def _check_kind(header: JpegHeader) -> None:
    if header.frame is None:
        return
    if header.scans > MAX_SCANS:
        raise Unreadable(
            f"is a JPEG of {header.scans} scans or more, and the limit is {MAX_SCANS}: each costs "
            "as much time as a picture"
        )
    if header.bits != 8 and header.frame != 0xC3:
        raise Unreadable(f"is a JPEG of {header.bits} bits per sample, which cannot be read")
    if header.frame not in (0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA):
        raise Unreadable(f"is a JPEG of a rare kind (SOF{header.frame - 0xC0}) that cannot be read")


def _afford(
    header: JpegHeader, height: int, width: int, least: tuple[int, int], space: str, host: Host
) -> None:
    shown = height * width
    if any(least):
        eighths = max(1, min(8, -(-8 * max(least) // max(1, max(height, width)))))
        shown = shown * eighths * eighths // 64
    channels = 10 if space == "CMYK" else 3  # inks, and RGB of them
    needed = shown * channels * (2 if orientation_of(header.exif) > 1 else 1)
    if not header.in_one_pass:
        needed += 2 * header.coefficients
    host.afford(needed)


def _least(height: int, width: int, size: Size) -> tuple[int, int]:
    """Compute the shape that a picture may be scaled to; (0, 0) if all of it is needed."""
    if not isinstance(size, Square):
        shrinks = size is not None and size < max(height, width)
        return working_shape(height, width, size) if shrinks else (0, 0)
    # What is cut off is whole pixels: of twice the size half as much is lost or won.
    side = 2 * size.side if size.crop else size.side
    shorter = min(height, width)
    if shorter <= side:
        return 0, 0
    if not size.crop:
        return side, side
    return -(-height * side // shorter), -(-width * side // shorter)


def _decode(
    data: bytes, header: JpegHeader, space: str, height: int, width: int, *, icc: bool
) -> Pixels:
    profile = header.icc if icc and space == "CMYK" else b""
    as_inks = space == "CMYK" and (bool(profile) or not header.adobe)

    def decode(data: bytes, *, strict: bool) -> Pixels:
        pixels = simplejpeg.decode_jpeg(
            data,
            "CMYK" if as_inks else "RGB",
            min_height=height,
            min_width=width,
            strict=strict,
        )
        if not as_inks:
            return pixels
        inks = 255 - pixels if header.adobe else pixels
        converted = to_srgb(inks, profile, "CMYK")
        return inks_to_rgb(inks) if converted is None else converted

    try:
        return decode(data, strict=True)
    except ValueError as error:
        reason = str(error)
    # libjpeg names only the first thing that it finds odd. What does no harm is mended, and
    # decoded again, so that damage behind it is seen: it would show as grey or torn parts.
    stray = _STRAY.search(reason)
    if "bad ICC marker" in reason or (stray and not 0xD0 <= int(stray[2], 16) <= 0xD9):
        try:
            return decode(header.tidy + data[header.scans_at :], strict=True)
        except ValueError as error:
            reason = str(error)
    if "Premature end of JPEG file" in reason and header.complete:  # only its end is missing
        return decode(data.removesuffix(b"\xff") + _END, strict=True)
    if _is_harmless(reason, data, header):
        return decode(data, strict=False)
    raise ValueError(reason)


def _is_harmless(reason: str, data: bytes, header: JpegHeader) -> bool:
    if any(one in reason for one in _UNIMPORTANT):
        return True
    if not (stray := _STRAY.search(reason)):
        return False
    count, marker = int(stray[1]), int(stray[2], 16)
    if marker != 0xD9:  # between scans; before a restart it is lost data
        return not 0xD0 <= marker <= 0xD7
    # Filling before the end is what some writers leave; other bytes are what a torn
    # picture had no more room for.
    end = data.rfind(_END)
    return header.ended and len(set(data[max(0, end - count) : end])) == 1


def _check_not_filled(image: Pixels, data_bytes: int, pixels: int) -> None:
    """Refuse a picture of one colour whose data are those of many: a table is damaged.

    One colour takes 12 bits per block of 64 pixels at most in each of four components.
    """
    if data_bytes <= 2000 + pixels // 10 or (image[0] != image[0, 0]).any():
        return
    if (image == image[0, 0]).all():
        raise Unreadable("is damaged (its data show nothing but one colour)")


def _trim(scaled: Pixels, height: int, width: int) -> Pixels:
    """Cut off the last row and column if less than half of them shows the picture.

    A decoder that scales to n/8 rounds up: of 1025 columns it makes 129, the last of
    which stands for one column, and would displace all others by up to seven.
    """
    eighths = round(8 * max(scaled.shape[:2]) / max(height, width))
    rows, columns = round(height * eighths / 8), round(width * eighths / 8)
    return scaled[: max(rows, 1), : max(columns, 1)]
