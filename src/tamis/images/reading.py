"""Reading one picture."""

import os
from collections.abc import Iterable

from tamis.errors import ImageReadError
from tamis.images.decoders import Decoders
from tamis.images.decoding import Picture
from tamis.images.limits import (
    DEFAULT_MAX_MEMORY,
    DEFAULT_MAX_PIXELS,
    DEFAULT_MAX_SECONDS,
    Reading,
    default_reading,
)
from tamis.images.pixels import DEFAULT_SIZE, Pixels, Size


def read_image(
    path: str | os.PathLike[str],
    *,
    size: Size = DEFAULT_SIZE,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    max_memory: int = DEFAULT_MAX_MEMORY,
    max_seconds: int = DEFAULT_MAX_SECONDS,
    icc: bool = True,
) -> Pixels:
    """Read one picture at its working size.

    It is decoded in another process, which is started at the first call and kept: a
    file that crashes its decoder raises ImageReadError.

    Parameters
    ----------
    path : str or os.PathLike
        Any file; its kind is read from its first bytes, not from its name.
    size : int, Square or None
        Longest side of the result, in pixels; see `working_shape`. Smaller
        pictures are brought up to it. None leaves the picture as it is.
    max_pixels : int
        Refuse files whose header announces more pixels than this.
    max_memory : int
        Bytes. Refuse files whose decoding needs more than this.
    max_seconds : int
        Refuse files whose decoding takes longer than this.
    icc : bool
        Convert the colours to sRGB by the embedded ICC profile.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        RGB, C-contiguous.

    Raises
    ------
    ImageReadError
        The file is missing, unreadable, empty, truncated, too large or not a
        picture, or its decoder crashed. Its `reason` says which.

    Examples
    --------
    >>> path = tamis.open("photos").table.paths[0]
    >>> tamis.read_image(path, size=None).shape
    (40, 60, 3)
    """
    how = Reading(max_pixels, max_memory, max_seconds, icc)
    return read_picture(path, (size,), how=how).at(size)


def read_picture(
    path: str | os.PathLike[str],
    sizes: Iterable[Size],
    *,
    how: Reading | None = None,
    digest: bool = False,
) -> Picture:
    """Read one picture for several working sizes, from one reading of the file.

    What it shows `at` a size does not depend on the other sizes: sizes up to
    `DEFAULT_SIZE` share one decoding; each larger one has its own, and each square.

    Parameters
    ----------
    path : str or os.PathLike
    sizes : iterable of (int, Square or None)
    how : Reading, optional
        By default as `reading_with` has set.
    digest : bool
        Also hash the bytes of the file.

    Raises
    ------
    ImageReadError
        As `read_image`.
    """
    decoders = Decoders(how or default_reading())
    try:
        (answer,) = decoders.read([os.fspath(path)], sizes, digest=digest)
    finally:
        decoders.close()
    if isinstance(answer, ImageReadError):
        raise answer
    return answer
