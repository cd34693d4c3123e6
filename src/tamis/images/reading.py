"""Reading one file."""

import os
import stat
from typing import BinaryIO, Final

from tamis.errors import ImageReadError
from tamis.images.jpeg import decode_jpeg
from tamis.images.pillow import decode_pillow
from tamis.images.pixels import DEFAULT_SIZE, Pixels, fit
from tamis.images.refusal import Unreadable, reason_of

DEFAULT_MAX_PIXELS: Final = 200_000_000
"""Pictures of more pixels than this are refused: 600 MB once decoded."""


def read_image(
    path: str | os.PathLike[str],
    *,
    size: int | None = DEFAULT_SIZE,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Pixels:
    """Read one picture at its working size.

    Parameters
    ----------
    path : str or os.PathLike
        Any file; what it is is read from its first bytes, not from its name.
    size : int or None
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
    name = os.fspath(path)
    try:
        with _open_regular(name) as file:
            head = file.read(64)
            if not head:
                raise Unreadable("is empty (0 bytes)")
            file.seek(0)
            if head.startswith(b"\xff\xd8\xff"):
                image = decode_jpeg(file, size, max_pixels)
            else:
                image = decode_pillow(file, head, max_pixels)
    except Unreadable as error:
        raise ImageReadError(name, str(error)) from None
    except Exception as error:  # a decoder may fail in any way on a damaged file
        raise ImageReadError(name, reason_of(error)) from error
    return fit(image, size)


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
