"""A raw file of a camera, as small as LibRaw takes it: a DNG with a preview."""

import struct


def dng(preview: bytes | None, *, width: int = 64, height: int = 48, orientation: int = 1) -> bytes:
    """Write a DNG: a Bayer mosaic, and beside it a JPEG.

    Parameters
    ----------
    preview : bytes or None
        The JPEG.
    width, height : int
        Of the mosaic.
    orientation : int
        As EXIF numbers it.
    """
    mosaic = b"\x40\x10" * (width * height)
    model = b"tamis test camera\0"
    blocks: list[bytes] = []

    def entry(tag: int, kind: int, *values: int) -> tuple[int, int, int, bytes]:
        return tag, kind, len(values), struct.pack(f"<{len(values)}{'BBHI'[kind - 1]}", *values)

    def text(tag: int, value: bytes) -> tuple[int, int, int, bytes]:
        return tag, 2, len(value), value

    def ratio(tag: int, kind: int, *values: int) -> tuple[int, int, int, bytes]:
        pairs = [part for value in values for part in (value, 10_000)]
        return tag, kind, len(values), struct.pack(f"<{len(pairs)}i", *pairs)

    # The first directory is of the mosaic, the second of the preview.
    matrix = (9000, -3000, -1000, -4000, 12000, 2000, -500, 1500, 6000)
    common = [
        entry(254, 4, 0), entry(256, 4, width), entry(257, 4, height), entry(258, 3, 16),
        entry(259, 3, 1), entry(262, 3, 32803), text(271, b"tamis\0"), text(272, model),
        ("mosaic", 273), entry(274, 3, orientation), entry(277, 3, 1), entry(278, 4, height),
        entry(279, 4, len(mosaic)), ("next", 330), entry(33421, 3, 2, 2),
        (33422, 1, 4, b"\0\1\1\2"), (50706, 1, 4, b"\1\4\0\0"), text(50708, model),
        ratio(50721, 10, *matrix), entry(50778, 3, 21),
    ]  # fmt: skip
    if preview is None:
        common = [one for one in common if one != ("next", 330)]
    shown = [
        entry(254, 4, 1), entry(256, 4, 32), entry(257, 4, 24), entry(258, 3, 8, 8, 8),
        entry(259, 3, 7), entry(262, 3, 6), ("preview", 273), entry(277, 3, 3), entry(278, 4, 24),
        entry(279, 4, len(preview or b"")),
    ]  # fmt: skip
    first = 8
    second = first + 2 + 12 * len(common) + 4
    at = second + (2 + 12 * len(shown) + 4 if preview is not None else 0)
    places = {"next": second}
    for name, block in (("mosaic", mosaic), ("preview", preview or b"")):
        places[name] = at
        blocks.append(block)
        at += len(block)

    def directory(entries: list) -> bytes:
        nonlocal at
        out = struct.pack("<H", len(entries))
        for one in entries:
            tag, kind, count, value = (
                entry(one[1], 4, places[one[0]]) if isinstance(one[0], str) else one
            )
            if len(value) > 4:
                where = struct.pack("<I", at)
                blocks.append(value)
                at += len(value)
            else:
                where = value.ljust(4, b"\0")
            out += struct.pack("<HHI", tag, kind, count) + where
        return out + struct.pack("<I", 0)

    head = b"II*\0" + struct.pack("<I", first) + directory(common)
    if preview is not None:
        head += directory(shown)
    return head + b"".join(blocks)
