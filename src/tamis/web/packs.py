"""Many small files in few: thumbnails by the digest of the picture that they show."""

import mmap
import os
import secrets
import struct
import threading
import zlib
from pathlib import Path
from typing import BinaryIO, Final

_RECORD: Final = struct.Struct("<4s16sHII")  # mark, key, size, length, checksum
_MARK: Final = b"tThb"
_MAX: Final = 16 << 20  # bytes of a thumbnail


class Packs:
    """Thumbnails in files that only grow, read through the memory of the system.

    Every process writes into a file of its own and reads those of all; a record that a
    killed process left unfinished ends its file.

    Parameters
    ----------
    folder : Path or None
        Made at the first `put`. None keeps all in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._places: dict[tuple[bytes, int], tuple[memoryview, int, int]] = {}
        self._fresh: dict[tuple[bytes, int], bytes] = {}
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()
        if folder is not None and folder.is_dir():
            for file in sorted(folder.glob("*.pack")):
                self._read(file)

    def get(self, key: bytes, size: int) -> bytes | None:
        """Return the thumbnail of a picture at a size, if there is one."""
        with self._lock:
            if (fresh := self._fresh.get((key, size))) is not None:
                return fresh
            place = self._places.get((key, size))
        if place is None:
            return None
        view, start, check = place
        data = bytes(view[start : start + struct.unpack_from("<I", view, start - 8)[0]])
        return data if zlib.crc32(data) == check else None

    def has(self, key: bytes, size: int) -> bool:
        """Tell whether there is one."""
        return (key, size) in self._places or (key, size) in self._fresh

    def put(self, key: bytes, size: int, data: bytes) -> None:
        """Keep a thumbnail; if the disk takes none, in memory."""
        record = _RECORD.pack(_MARK, key, size, len(data), zlib.crc32(data)) + data
        with self._lock:
            if (key, size) in self._fresh:
                return
            try:
                if self._file is None and self._folder is not None:
                    self._folder.mkdir(parents=True, exist_ok=True)
                    name = f"{secrets.token_hex(8)}.pack"
                    self._file = (self._folder / name).open("xb")
                if self._file is not None:
                    self._file.write(record)
                    self._file.flush()
            except OSError:
                self._folder, self._file = None, None
            self._fresh[key, size] = data

    def close(self) -> None:
        """Close the file that is written to."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file, self._folder = None, None

    def _read(self, file: Path) -> None:
        try:
            with open(file, "rb") as stream:
                if not os.fstat(stream.fileno()).st_size:
                    return
                view = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError):
            return
        at = 0
        while at + _RECORD.size <= len(view):
            mark, key, size, length, check = _RECORD.unpack_from(view, at)
            start = at + _RECORD.size
            if mark != _MARK or length > _MAX or start + length > len(view):
                return
            self._places[key, size] = (view, start, check)
            at = start + length
