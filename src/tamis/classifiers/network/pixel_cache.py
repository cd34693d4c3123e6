"""Pictures decoded once, into a file that is mapped into memory.

Training looks at every picture many times. They are kept at the network's size, as
uint8, in one file: what is in memory is what the system has room for, and what this
process holds of it is let go again as it goes.
"""

import contextlib
import errno
import hashlib
import mmap
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.errors import DestinationError, Failure, ImageReadError, InvalidParameterError, printable
from tamis.features import available_processors
from tamis.files.faults import explain
from tamis.images import Decoders, Pixels, Square, default_reading, fit, read_picture

Pictures = Sequence[str | os.PathLike[str]] | Pixels
"""Paths, or an array of shape (n, H, W, 3), uint8."""

# Pictures that may have been touched before they are let go. Few: the system may map 2 MiB
# of a file for every byte that is touched.
_LET_GO: Final = 16
_CHUNK: Final = 64


class PixelCache:
    """Pictures of one size, on disk, mapped into memory.

    Parameters
    ----------
    n, size : int
        How many pictures, and their height and width in pixels.
    folder : str, optional
        Where the file is made: a temporary folder by default. It needs ``3 * size**2``
        bytes per picture, has no name where the system allows that, and is gone when
        the process is. The space is reserved at once: a file mapped into memory that
        finds its disk full later kills the process.
    spare : str, optional
        Where it is made if the temporary folder has no room.

    Attributes
    ----------
    pixels : ndarray of shape (n, size, size, 3), uint8

    Raises
    ------
    DestinationError
        There is no room.
    """

    def __init__(
        self, n: int, size: int, *, folder: str | None = None, spare: str | None = None
    ) -> None:
        self.size = size
        length = max(1, n * size * size * 3)
        self._file = _reserved(length, (folder,) if folder is not None else (None, spare))
        self._map = mmap.mmap(self._file.fileno(), length)
        self.pixels = np.frombuffer(self._map, np.uint8, n * size * size * 3).reshape(
            n, size, size, 3
        )
        self._touched = 0

    def touch(self, n: int) -> None:
        """Say that n pictures were read or written: now and then memory is given back.

        Nothing is lost: what was written stays in the file.
        """
        self._touched += n
        if self._touched >= _LET_GO:
            self._touched = 0
            if hasattr(mmap, "MADV_DONTNEED"):
                self._map.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Give the file back; `pixels` is gone."""
        del self.pixels
        with contextlib.suppress(BufferError):  # somebody still looks at it
            self._map.close()
        self._file.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _reserved(length: int, folders: Sequence[str | None]) -> IO[bytes]:
    """Make a file without a name, with room for all its bytes, in the first folder that has it.

    None is the temporary folder.
    """
    reasons = {}
    for folder in dict.fromkeys(folders):
        shown = folder
        try:
            shown = folder or tempfile.gettempdir()
            file = tempfile.TemporaryFile(prefix="tamis-pixels-", dir=shown)  # noqa: SIM115
        except OSError as error:
            reasons[shown or "the temporary folder"] = explain(error)[0]
            continue
        try:
            _reserve(file, length)
        except OSError as error:
            file.close()
            reasons[shown] = explain(error)[0]
        except BaseException:
            file.close()
            raise
        else:
            return file
    tried = "; ".join(f"{printable(place)}: {reason}" for place, reason in reasons.items())
    raise DestinationError(
        f"the decoded pictures need {length / 1e6:,.0f} MB of temporary space, and there is none "
        f"({tried}). Free some, or set TMPDIR to a folder on another disk."
    )


def _reserve(file: IO[bytes], length: int) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, length)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
        else:
            return
    zeros = bytes(1 << 20)
    for start in range(0, length, len(zeros)):
        file.write(zeros[: length - start])
    file.flush()


def read_all(
    pictures: Pictures,
    size: int,
    *,
    folder: str | None = None,
    spare: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> tuple[PixelCache, npt.NDArray[np.intp], tuple[Failure, ...]]:
    """Bring all pictures to the network's size.

    Parameters
    ----------
    pictures : sequence of paths, or ndarray of shape (n, H, W, 3), uint8
    size : int
        Height and width, in pixels.
    folder, spare : str, optional
        As `PixelCache` takes them.
    jobs : int, optional
        Threads; as many as there are processors by default.
    progress : callable, optional
        Told how many more are done.

    Returns
    -------
    cache : PixelCache
        A row per picture; of those that could not be read it is black.
    good : ndarray of shape (n_good,), int
        The rows that hold a picture, in order.
    failures : tuple of Failure
        The files that could not be read, in order.
    """
    pictures = as_pictures(pictures)
    cache = PixelCache(len(pictures), size, folder=folder, spare=spare)
    failed: dict[int, Failure] = {}

    square = Square(size)
    decoders = Decoders(default_reading())

    def work(start: int) -> int:
        some = pictures[start : start + _CHUNK]
        if isinstance(some, np.ndarray):
            for row, picture in enumerate(some, start):
                cache.pixels[row] = fit(picture, square)
            return len(some)
        with contextlib.closing(
            decoders.read([os.fspath(path) for path in some], [square])
        ) as found:
            for row, answer in enumerate(found, start):
                if isinstance(answer, ImageReadError):
                    failed[row] = Failure(answer.path, answer.reason)
                else:
                    cache.pixels[row] = answer.at(square)
        return len(some)

    try:
        with (
            ThreadPoolExecutor(jobs or available_processors(), "tamis-read") as pool,
            contextlib.closing(decoders),
        ):
            for done in pool.map(work, range(0, len(pictures), _CHUNK)):
                cache.touch(done)
                if progress is not None:
                    progress(done)
    except BaseException:
        cache.close()
        raise
    good = np.array([row for row in range(len(pictures)) if row not in failed], np.intp)
    return cache, good, tuple(failed[row] for row in sorted(failed))


def picture_at(pictures: Pictures, row: int, size: int) -> Pixels:
    """Show one picture at the network's size.

    Raises
    ------
    ImageReadError
        Its file is not a readable picture.
    """
    if isinstance(pictures, np.ndarray):
        return fit(pictures[row], Square(size))
    square = Square(size)
    return read_picture(pictures[row], (square,)).at(square)


def as_pictures(pictures: Any) -> Pictures:
    """Take what a network can look at: a list of paths, or an array of pixels.

    Raises
    ------
    InvalidParameterError
        It is neither paths nor an array of RGB pictures.
    """
    if isinstance(pictures, np.ndarray) and pictures.dtype == np.uint8:
        if pictures.ndim == 4 and pictures.shape[3] == 3 and 0 not in pictures.shape[1:]:
            return pictures
        raise InvalidParameterError(
            f"pictures as an array must have the shape (n, H, W, 3). Got {pictures.shape}."
        )
    if isinstance(pictures, str | bytes) or not hasattr(pictures, "__len__"):
        raise InvalidParameterError(
            f"pictures must be a sequence of paths, or an array of shape (n, H, W, 3), uint8. Got "
            f"{type(pictures).__name__}."
        )
    paths = list(pictures)
    for path in paths:
        if not isinstance(path, str | os.PathLike):
            shown = f" {printable(repr(path))[:60]}"
            if isinstance(pictures, np.ndarray):
                shown = f" an array of {pictures.dtype} and shape {pictures.shape}"
            raise InvalidParameterError(
                f"pictures must be paths, or an array of shape (n, H, W, 3), uint8. Got{shown}."
            )
    return paths


def targets_of(X: Pictures, y: npt.ArrayLike, part: str) -> npt.NDArray[Any]:
    """Check that every picture has one class.

    Raises
    ------
    InvalidParameterError
        Numbers do not match, or there is no picture.
    """
    X = as_pictures(X)
    targets = np.asarray(y)
    if targets.shape != (len(X),):
        raise InvalidParameterError(
            f"every {part} picture needs one class: {len(X)} pictures, classes of shape "
            f"{targets.shape}."
        )
    if not len(targets):
        raise InvalidParameterError(f"there is no {part} picture.")
    return targets


def digest_of_pixels(cache: PixelCache, rows: npt.NDArray[np.intp]) -> str:
    """Hash pictures, to know them again."""
    hashed = hashlib.blake2b(digest_size=16)
    for row in rows:
        hashed.update(cache.pixels[row].data)
        cache.touch(1)
    return hashed.hexdigest()
