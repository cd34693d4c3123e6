"""What a TIFF says of its pixels, for those that Pillow reads wrongly or not at all."""

import struct
from typing import Any, Final

from PIL.TiffImagePlugin import TiffImageFile

BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, SAMPLES = 258, 259, 262, 273, 277
ROWS, COUNTS, PLANES, FORMAT, COLORMAP = 278, 279, 284, 339, 320
_TILE_OFFSETS, TILE_COUNTS = 324, 325
_TYPES: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_KINDS: Final = {1: "unsigned", 2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}


def tag(picture: TiffImageFile, number: int, default: Any = None) -> Any:
    """Give a tag of an opened TIFF; Pillow raises over some damaged ones."""
    try:
        return picture.tag_v2.get(number, default)
    except Exception:
        return default


def short_colormap(picture: TiffImageFile) -> bytes | None:
    """Give the palette of a TIFF whose colours go to 255 instead of 65535, in order R, G, B."""
    values = tag(picture, COLORMAP)
    if picture.mode != "P" or not values or max(values) > 255 or not max(values):
        return None
    third = len(values) // 3
    return bytes(values[third * channel + i] for i in range(third) for channel in range(3))


def kind_of(data: bytes) -> str | None:
    """Name the kind of a whole TIFF that no decoder here reads; None if it is damaged."""
    tags = _first_directory(data)
    if tags is None or BITS not in tags:
        return None
    offsets = tags.get(OFFSETS) or tags.get(_TILE_OFFSETS) or ()
    counts = tags.get(COUNTS) or tags.get(TILE_COUNTS) or ()
    ends = [offset + count for offset, count in zip(offsets, counts, strict=False)]
    if not ends or max(ends) > len(data):
        return None
    samples = tags.get(SAMPLES, (1,))[0]
    how = _KINDS.get(tags.get(FORMAT, (1,))[0], "unknown")
    planes = " in planes" if tags.get(PLANES, (1,))[0] == 2 else ""
    return (
        f"{samples} {how} sample{'s' if samples != 1 else ''} of {max(tags[BITS])} bits{planes}, "
        f"compression {tags.get(COMPRESSION, (1,))[0]}, photometric "
        f"interpretation {tags.get(PHOTOMETRIC, (0,))[0]}"
    )


def _first_directory(data: bytes) -> dict[int, tuple[int, ...]] | None:
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return None
    big = data[2:4] in (b"+\0", b"\0+")
    word, entry, inline = ("Q", 20, 8) if big else ("I", 12, 4)
    tags = {}
    try:
        (at,) = struct.unpack_from(order + word, data, 8 if big else 4)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
        at += 8 if big else 2
        for start in range(at, at + min(count, 4096) * entry, entry):
            number, kind, length = struct.unpack_from(order + "HH" + word, data, start)
            if kind not in _TYPES or length * struct.calcsize(_TYPES[kind]) > len(data):
                continue
            where = start + entry - inline
            if length * struct.calcsize(_TYPES[kind]) > inline:
                (where,) = struct.unpack_from(order + word, data, where)
            tags[number] = struct.unpack_from(f"{order}{length}{_TYPES[kind]}", data, where)
    except struct.error:
        return None
    return tags
