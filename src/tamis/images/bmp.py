"""BMP of bit fields, of which Pillow knows only a few."""

import struct
from collections.abc import Callable
from typing import Final

import numpy as np

from tamis.images.pixels import Pixels
from tamis.images.refusal import Unreadable, check_pixels

_BITFIELDS: Final = (3, 6)
_BAND: Final = 1 << 22  # pixels taken apart at a time


def has_bitfields(data: bytes) -> bool:
    """Tell whether a BMP says by masks where its colours are."""
    if data[:2] != b"BM" or len(data) < 54:
        return False
    size, bits, kind = (
        struct.unpack_from("<I", data, 14)[0],
        *struct.unpack_from("<HI", data, 28),
    )
    return size >= 40 and bits in (16, 32) and kind in _BITFIELDS


def decode_bitfields(data: bytes, max_pixels: int, afford: Callable[[int], None]) -> Pixels:
    """Decode a BMP of bit fields; `afford` is told how many pixels it has.

    Returns
    -------
    ndarray of shape (H, W, 3) or (H, W, 4), uint8
        With alpha if the file has a mask for it.
    """
    start, size, width, signed_height = struct.unpack_from("<IIii", data, 10)
    (bits,) = struct.unpack_from("<H", data, 28)
    height = abs(signed_height)
    if width < 1 or height < 1:
        raise Unreadable("is damaged (a BMP without pixels)")
    check_pixels(height, width, max_pixels)
    afford(height * width)
    with_alpha = size >= 56 or struct.unpack_from("<I", data, 30)[0] == 6
    masks = struct.unpack_from(f"<{3 + with_alpha}I", data, 54)
    masks = masks[:3] if not masks[3:] or not masks[3] else masks
    stride = (width * bits // 8 + 3) // 4 * 4
    if len(data) < start + stride * height:
        raise Unreadable("is truncated or damaged (its data ends too early)")
    rows = np.ndarray(
        (height, width), "<u2" if bits == 16 else "<u4", data, start, (stride, bits // 8)
    )
    if signed_height > 0:
        rows = rows[::-1]
    out = np.empty((height, width, len(masks)), np.uint8)
    at_once = max(1, _BAND // width)
    for top in range(0, height, at_once):
        band = rows[top : top + at_once]
        for channel, mask in enumerate(masks):
            out[top : top + at_once, :, channel] = _field(band, mask)
    return out


def _field(values: np.ndarray[tuple[int, ...], np.dtype[np.unsignedinteger]], mask: int) -> Pixels:
    if not mask:
        return np.zeros(values.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    field = ((values & mask) >> shift).astype(np.uint64)
    return ((field * 255 + most // 2) // most).astype(np.uint8)
