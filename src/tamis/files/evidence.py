"""What must be certain before a file is removed: that its bytes are elsewhere too."""

import contextlib
import hashlib
import os
import stat
import unicodedata
from typing import Final

from tamis.files.entry import Entry

_CHUNK: Final = 1 << 20
_WHOLE: Final = 1 << 20  # longer files are told by three pieces
_PIECE: Final = 1 << 18


def is_kept(doomed: Entry, kept: Entry) -> bool:
    """Tell whether the bytes of an entry stay if it is removed, since another has them.

    Two names of one file count if the file has two names at least and these are two
    of them: a folder that is a link to another shows one name twice. Files that are
    not one are compared byte by byte, and must not change meanwhile. A symbolic link
    keeps nothing.
    """
    first, second = doomed.status(), kept.status()
    if first is None or second is None:
        return False
    if not stat.S_ISREG(first.st_mode) or not stat.S_ISREG(second.st_mode):
        return False
    if os.path.samestat(first, second):
        return first.st_nlink >= 2 and not _one_name(doomed, kept)
    if (first.st_ino, first.st_size, first.st_ctime_ns) == (
        second.st_ino,
        second.st_size,
        second.st_ctime_ns,
    ):
        return False  # perhaps one file, seen through two mounts
    return same_bytes(doomed, kept)


def same_bytes(first: Entry, second: Entry) -> bool:
    """Tell whether two files have the same bytes, and had them all the while."""
    with first.opened() as one, second.opened() as other:
        before = os.fstat(one), os.fstat(other)
        if not all(stat.S_ISREG(status.st_mode) for status in before):
            return False
        if before[0].st_size != before[1].st_size:
            return False
        while True:
            chunk = _read(one)
            if chunk != _read(other):
                return False
            if not chunk:
                break
        after = os.fstat(one), os.fstat(other)
        return all(not changed(b, a) for b, a in zip(before, after, strict=True))


def changed(before: os.stat_result, after: os.stat_result) -> bool:
    """Tell whether a file was written to between two looks at it."""
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )


def fingerprint(file: Entry, *, whole: bool = False) -> str:
    """Digest a file: SHA-256 of its size and of its bytes.

    Of a file longer than 1 MiB the first, middle and last 256 KiB are read, unless
    `whole`: enough to know a picture again without reading a disk full of them.
    """
    with file.opened() as descriptor:
        size = os.fstat(descriptor).st_size
        digest = hashlib.sha256(b"%d\0" % size)
        if whole or size <= _WHOLE:
            while chunk := _read(descriptor):
                digest.update(chunk)
        else:
            for start in (0, (size - _PIECE) // 2, size - _PIECE):
                os.lseek(descriptor, start, os.SEEK_SET)
                digest.update(_read(descriptor, _PIECE))
    return digest.hexdigest()


def fingerprint_or_none(file: Entry, *, whole: bool = False) -> str | None:
    """Digest a file as `fingerprint` does; None if it cannot be read."""
    with contextlib.suppress(OSError):
        return fingerprint(file, whole=whole)
    return None


def _one_name(first: Entry, second: Entry) -> bool:
    """Tell whether two entries may be one, on a disk of any habits."""
    same = [
        unicodedata.normalize("NFC", os.path.basename(e.path)).casefold() for e in (first, second)
    ]
    return same[0] == same[1] and first.folder_identity() == second.folder_identity()


def _read(descriptor: int, size: int = _CHUNK) -> bytes:
    """Read that many bytes, fewer only at the end of the file."""
    pieces = []
    while size and (piece := os.read(descriptor, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
