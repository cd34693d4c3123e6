"""Reading one file."""

import hashlib
import io
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

from tamis.errors import ImageReadError
from tamis.images.jpeg import decode_jpeg
from tamis.images.pillow import decode_pillow
from tamis.images.pixels import DEFAULT_SIZE, Pixels, Size, fit
from tamis.images.refusal import Unreadable, reason_of

DEFAULT_MAX_PIXELS: Final = 200_000_000
"""Pictures of more pixels than this are refused: 600 MB once decoded."""

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
    """

    height: int
    width: int
    digest: bytes
    _decoded: dict[Size, Pixels]

    @property
    def nbytes(self) -> int:
        """Bytes of its pixels in memory."""
        return sum(pixels.nbytes for pixels in self._decoded.values())

    def at(self, size: Size) -> Pixels:
        """Show the picture at one of the working sizes it was read for."""
        return fit(self._decoded[_decoding_size(size)], size)


def read_image(
    path: str | os.PathLike[str],
    *,
    size: Size = DEFAULT_SIZE,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Pixels:
    """Read one picture at its working size.

    Parameters
    ----------
    path : str or os.PathLike
        Any file; what it is is read from its first bytes, not from its name.
    size : int, Square or None
        Longest side of the result, in pixels; see `working_shape`. Smaller
        pictures are brought up to it. None leaves the picture as it is.
    max_pixels : int
        Refuse files whose header announces more pixels than this.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        RGB, C-contiguous.

    Raises
    ------
    ImageReadError
        The file is missing, unreadable, empty, truncated, too large or not a
        picture. Its `reason` says which.
    """
    return read_picture(path, (size,), max_pixels=max_pixels).at(size)


def read_picture(
    path: str | os.PathLike[str],
    sizes: Iterable[Size],
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    digest: bool = False,
) -> Picture:
    """Read one picture for several working sizes, from one reading of the file.

    What it shows `at` a size does not depend on the other sizes: sizes up to
    `DEFAULT_SIZE` share one decoding; each larger one has its own, and each square.

    Parameters
    ----------
    path, max_pixels
        As `read_image` takes them.
    sizes : iterable of (int, Square or None)
    digest : bool
        Also hash the bytes of the file.

    Raises
    ------
    ImageReadError
        As `read_image`.
    """
    name = os.fspath(path)
    try:
        with _open_regular(name) as file:
            head = file.read(64)
            if not head:
                raise Unreadable("is empty (0 bytes)")
            file.seek(0)
            if head.startswith(b"\xff\xd8\xff"):
                return _read_jpeg(file, sizes, max_pixels, digest)
            return _read_other(file, head, sizes, max_pixels, digest)
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


def _read_jpeg(file: BinaryIO, sizes: Iterable[Size], max_pixels: int, digest: bool) -> Picture:
    if os.fstat(file.fileno()).st_size > _JPEG_MAX_BYTES:
        raise Unreadable("is a JPEG of more than 1 GiB")
    data = file.read()
    decoded = {}
    height = width = 0
    for size in {_decoding_size(size) for size in sizes}:
        decoded[size], height, width = decode_jpeg(data, size, max_pixels)
    return Picture(height, width, _digest(io.BytesIO(data)) if digest else b"", decoded)


def _read_other(
    file: BinaryIO, head: bytes, sizes: Iterable[Size], max_pixels: int, digest: bool
) -> Picture:
    whole = decode_pillow(file, head, max_pixels)
    decoded = {size: fit(whole, size) for size in {_decoding_size(size) for size in sizes}}
    if digest:
        file.seek(0)
    height, width = whole.shape[:2]
    return Picture(height, width, _digest(file) if digest else b"", decoded)


def _decoding_size(size: Size) -> Size:
    """Size to which a picture is decoded for a working size.

    One for all the small ones, so that several descriptors share a decoding
    without any of them seeing other pixels than it would alone.
    """
    return max(size, DEFAULT_SIZE) if isinstance(size, int) else size


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
