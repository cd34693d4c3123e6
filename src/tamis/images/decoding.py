"""Decoding one file, in this process."""

import hashlib
import io
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

from tamis.errors import ImageReadError, MissingExtraError
from tamis.images.jpeg import decode_jpeg
from tamis.images.limits import Host, Reading
from tamis.images.pillow import decode_pillow
from tamis.images.pixels import DEFAULT_SIZE, Pixels, Size, fit
from tamis.images.raw import decode_raw
from tamis.images.refusal import Unreadable, reason_of
from tamis.images.signature import is_tiff, raw_kind

DIGEST_BYTES: Final = 16

_JPEG_MAX_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One file, read once for several working sizes.

    Attributes
    ----------
    height, width : int
        In pixels, upright, as the file has them.
    digest : bytes
        BLAKE2b of the file's bytes, `DIGEST_BYTES` long; empty if not asked for.
    decoded : dict from Size to ndarray of shape (H, W, 3), uint8
        By decoding size; `at` shows the working sizes.
    """

    height: int
    width: int
    digest: bytes
    decoded: dict[Size, Pixels]

    @property
    def nbytes(self) -> int:
        """Bytes of its pixels in memory."""
        return sum(pixels.nbytes for pixels in self.decoded.values())

    def at(self, size: Size) -> Pixels:
        """Show the picture at one of the working sizes it was read for."""
        return fit(self.decoded[decoding_size(size)], size)


def decode_file(
    name: str, sizes: Iterable[Size], *, how: Reading, digest: bool, host: Host
) -> Picture:
    """Read one picture in this process, for several decoding sizes.

    Raises
    ------
    ImageReadError
        The file is no picture, or not a readable one.
    """
    try:
        with _open_regular(name) as file:
            head = file.read(64)
            if not head:
                raise Unreadable("is empty (0 bytes)")
            file.seek(0)
            if head.startswith(b"\xff\xd8\xff"):
                return _read_jpeg(file, sizes, how, digest, host)
            if kind := raw_kind(head, name):
                return _read_raw(file, head, kind, sizes, how, digest, host)
            return _read_other(file, head, sizes, how, digest, host)
    except Unreadable as error:
        raise ImageReadError(name, str(error)) from None
    except Exception as error:  # a decoder may fail in any way on a damaged file
        raise ImageReadError(name, reason_of(error)) from error


def digest_of(path: str | os.PathLike[str]) -> bytes:
    """Hash a file as `read_picture` does.

    Raises
    ------
    ImageReadError
        It cannot be read.
    """
    name = os.fspath(path)
    try:
        with _open_regular(name) as file:
            return _digest(file)
    except (Unreadable, OSError) as error:
        reason = str(error) if isinstance(error, Unreadable) else reason_of(error)
        raise ImageReadError(name, reason) from None


def decoding_size(size: Size) -> Size:
    """Give the size to which a picture is decoded for a working size.

    One for all the small ones, so that several descriptors share a decoding
    without any of them seeing other pixels than it would alone.
    """
    return max(size, DEFAULT_SIZE) if isinstance(size, int) else size


def _read_jpeg(
    file: BinaryIO, sizes: Iterable[Size], how: Reading, digest: bool, host: Host
) -> Picture:
    if os.fstat(file.fileno()).st_size > _JPEG_MAX_BYTES:
        raise Unreadable("is a JPEG of more than 1 GiB")
    data = file.read()
    decoded = {}
    height = width = 0
    for size in sizes:
        decoded[size], height, width = decode_jpeg(data, size, how, host)
    return Picture(height, width, _digest(io.BytesIO(data)) if digest else b"", decoded)


def _read_raw(
    file: BinaryIO,
    head: bytes,
    kind: str,
    sizes: Iterable[Size],
    how: Reading,
    digest: bool,
    host: Host,
) -> Picture:
    """Read the preview of a raw file; without LibRaw what a TIFF shows first."""
    try:
        decoded, height, width = decode_raw(
            file, f"a camera's raw picture ({kind})", sizes, how, host
        )
    except MissingExtraError:
        if not is_tiff(head):
            raise
        file.seek(0)
        return _read_other(file, head, sizes, how, digest, host)
    file.seek(0)
    return Picture(height, width, _digest(file) if digest else b"", decoded)


def _read_other(
    file: BinaryIO, head: bytes, sizes: Iterable[Size], how: Reading, digest: bool, host: Host
) -> Picture:
    decoded, height, width = decode_pillow(file, head, sizes, how, host)
    if digest:
        file.seek(0)
    return Picture(height, width, _digest(file) if digest else b"", decoded)


def _digest(file: BinaryIO) -> bytes:
    hashed = hashlib.blake2b(digest_size=DIGEST_BYTES)
    while block := file.read(1 << 20):
        hashed.update(block)
    return hashed.digest()


def _open_regular(name: str) -> BinaryIO:
    mode = os.stat(name).st_mode
    if stat.S_ISDIR(mode):
        listable = os.access(name, os.R_OK | os.X_OK)
        raise Unreadable(
            "is a folder, not a picture" if listable else "is a folder that may not be entered"
        )
    if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
        raise Unreadable("is not a regular file")
    return open(name, "rb")
