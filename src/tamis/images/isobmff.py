"""The boxes of HEIF and AVIF files, as far as decoders do not see to them."""

import itertools
import struct
from collections.abc import Iterator

_Box = tuple[bytes, int, int, int]  # type, start, start of its content, end


def brands(head: bytes) -> set[bytes]:
    """Give the brands that a file announces, the main one included."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12], *(head[i : i + 4] for i in range(16, end - 3, 4))}


def mended_avif(data: bytes) -> bytes:
    """Give an AVIF in the form that libavif takes.

    The main brand becomes ``avif``, whatever container the file says it is, and several
    boxes of property associations become one: old encoders wrote one per item.
    """
    mended = bytearray(data)
    mended[8:12] = b"avif"
    try:
        properties = _inside(data, b"meta", b"iprp")
        if properties is not None:
            _join_associations(mended, list(_boxes(data, *properties)))
    except (struct.error, IndexError):  # libavif will say what is wrong
        pass
    return bytes(mended)


def clean_aperture(data: bytes) -> tuple[float, float, float, float] | None:
    """Find the part of the first item that is to be shown.

    Returns
    -------
    width, height, across, down : float, or None
        In pixels: its size, and how far its middle lies from the picture's. None if all
        is to be shown.
    """
    try:
        container = _inside(data, b"meta", b"iprp", b"ipco")
        if container is None:
            return None
        for kind, _, start, _ in _boxes(data, *container):
            if kind == b"clap":
                values = struct.unpack_from(">IIIIiIiI", data, start)
                over = list(zip(values[::2], values[1::2], strict=True))
                if all(below for _, below in over):
                    width, height, across, down = (above / below for above, below in over)
                    return width, height, across, down
    except (struct.error, IndexError):
        pass
    return None


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, content)
            content += 8
        elif length == 0:
            length = end - start
        if length < 8 or start + length > end:
            return
        yield kind, start, content, start + length
        start += length


def _inside(data: bytes, *path: bytes) -> tuple[int, int] | None:
    start, end = 0, len(data)
    for name in path:
        for kind, _, content, stop in _boxes(data, start, end):
            if kind == name:
                start, end = content + (4 if name == b"meta" else 0), stop
                break
        else:
            return None
    return start, end


def _join_associations(data: bytearray, boxes: list[_Box]) -> None:
    found = [box for box in boxes if box[0] == b"ipma"]
    if len(found) < 2 or any(a[3] != b[1] for a, b in itertools.pairwise(found)):
        return
    version = bytes(data[found[0][2] : found[0][2] + 4])
    if any(data[content : content + 4] != version for _, _, content, _ in found):
        return
    count = sum(int.from_bytes(data[content + 4 : content + 8]) for _, _, content, _ in found)
    entries = b"".join(data[content + 8 : end] for _, _, content, end in found)
    start, end = found[0][1], found[-1][3]
    # As long as before, so that no offset changes: what is left over is never read.
    joined = struct.pack(">I4s4sI", end - start, b"ipma", version, count) + entries
    data[start:end] = joined.ljust(end - start, b"\0")
