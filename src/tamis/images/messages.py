"""How a process that reads pictures and one that decodes them talk: JSON, and raw pixels."""

import json
from typing import Any, BinaryIO

from tamis.images.pixels import Size, Square


def send(file: BinaryIO, message: dict[str, Any]) -> None:
    """Write a message; the caller flushes."""
    text = json.dumps(message).encode("ascii")  # file names that are not UTF-8 are escaped
    file.write(len(text).to_bytes(4) + text)


def receive(file: BinaryIO) -> Any:
    """Read a message; None if the other side has closed or died."""
    length = file.read(4)
    if len(length) < 4:
        return None
    text = file.read(int.from_bytes(length))
    return json.loads(text) if len(text) == int.from_bytes(length) else None


def from_size(size: Size) -> Any:
    """Put a working size into plain types."""
    return [size.side, size.crop] if isinstance(size, Square) else size


def as_size(plain: Any) -> Size:
    """Make a working size of what `from_size` gave."""
    return Square(*plain) if isinstance(plain, list) else plain
