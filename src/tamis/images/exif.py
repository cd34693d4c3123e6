"""The orientation in an EXIF block."""

import struct
from typing import Final

_ORIENTATION: Final = 0x0112
# The integer types of TIFF, by number: BYTE, SHORT, LONG, SBYTE, SSHORT, SLONG, and 8 bytes.
_INTEGERS: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q"}


def orientation_of(exif: bytes) -> int:
    """Find the orientation, 1 to 8: 1, upright, if the block has none or is damaged.

    Pillow's reader takes all tags, and its exceptions and warnings over the damaged
    ones are not worth a picture.

    Parameters
    ----------
    exif : bytes
        From the byte order on; the mark "Exif" before it may stay.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}4xI", exif)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(count):
            at = start + 2 + 12 * entry
            tag, kind = struct.unpack_from(f"{order}HH", exif, at)
            if tag == _ORIENTATION and kind in _INTEGERS:
                if struct.calcsize(_INTEGERS[kind]) > 4:
                    (where,) = struct.unpack_from(f"{order}I", exif, at + 8)
                else:
                    where = at + 8
                (value,) = struct.unpack_from(f"{order}{_INTEGERS[kind]}", exif, where)
                return value if 1 <= value <= 8 else 1
    except struct.error:  # ends too early
        pass
    return 1
