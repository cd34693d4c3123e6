"""Write a file whole or not at all, and only where that destroys nothing."""

import contextlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from typing import BinaryIO, Final

from tamis.errors import DestinationError, TamisError, printable
from tamis.files.entry import sync_folder
from tamis.files.faults import cannot_write
from tamis.files.kinds import Kind

_STREAM: Final = re.compile(r"/dev/(?:(stdout)|(stderr)|fd/(\d+))|/proc/self/fd/(\d+)")


@contextlib.contextmanager
def write_whole(
    path: str | os.PathLike[str], kind: Kind | None = None, *, sync: bool = True
) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name once it is complete.

    What is written goes to a new file in the same folder, with a random name that
    nothing can have. When the block ends it is renamed; when it fails, the file is
    removed, and what was at `path` is as it was.

    Parameters
    ----------
    path : str or os.PathLike
        A link is followed: the file that it leads to is replaced. A device or a pipe
        (``/dev/stdout``) is written to as it is.
    kind : Kind, optional
        Replace only a file of this kind, as `check_output` says. None replaces any
        file: for folders that are tamis's own.
    sync : bool
        Whether the data must be on the disk before the file is renamed.

    Yields
    ------
    BinaryIO
        Its mode follows the umask, or is that of the file which is replaced.

    Raises
    ------
    DestinationError
        The file cannot be written, or `check_output` refuses it.
    """
    name = os.fspath(path)
    try:
        if kind is not None:
            check_output(name, kind)
        if (stream := _stream(name)) is not None:
            with stream:
                yield stream
            return
        place = os.path.realpath(name)
        with _scratch(os.path.dirname(place)) as (file, scratch):
            yield file
            file.flush()
            with contextlib.suppress(OSError):
                os.chmod(scratch, stat.S_IMODE(os.stat(place).st_mode))
            if sync:
                os.fsync(file.fileno())
            file.close()
            if kind is not None:
                check_output(name, kind)
            os.replace(scratch, place)
        if sync:
            sync_folder(os.path.dirname(place))
    except TamisError:
        raise
    except OSError as error:
        raise cannot_write(name, error) from error


def check_output(path: str | os.PathLike[str], kind: Kind) -> None:
    """Refuse a path where a file of some kind must not or cannot be written.

    A new file in a folder that is there, an empty file, a file of the same kind that
    tamis wrote, a device and a pipe are accepted.

    Raises
    ------
    DestinationError
        It is refused; the message says why, and what to do.
    """
    name = os.fspath(path)
    shown = printable(name)
    if not name or "\0" in name:
        raise DestinationError(f"cannot write {shown!r}: that is no file name. Name a file.")
    if _STREAM.fullmatch(name):
        return
    place = os.path.realpath(name)
    try:
        status = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        _check_folder(os.path.dirname(place), shown)
        if name.endswith(("/", os.sep)):
            raise DestinationError(
                f"cannot write {shown}: it names a folder. Name a file."
            ) from None
        return
    except OSError as error:
        raise cannot_write(name, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise DestinationError(f"cannot write {shown}: it is a folder. Name a file.")
    if stat.S_ISLNK(status.st_mode):
        raise DestinationError(
            f"cannot write {shown}: its links lead round in a circle. Name a file."
        )
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_size and not kind.wrote(place):
        raise DestinationError(
            f"{shown} is there already and is not {kind.what}: it is left alone. Choose another "
            "name, or move it away."
        )
    if not os.access(place, os.W_OK):
        raise DestinationError(f"cannot write {shown}: permission denied. Choose another name.")
    _check_folder(os.path.dirname(place), shown)


def _check_folder(folder: str, shown: str) -> None:
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.lexists(folder) else "does not exist"
        raise DestinationError(
            f"cannot write {shown}: the folder {printable(folder)} {what}. Make it, or choose "
            "another place."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DestinationError(
            f"cannot write {shown}: permission denied in {printable(folder)}. Choose another "
            "place, or ask its owner for the permission."
        )


def _stream(name: str) -> BinaryIO | None:
    """Open what is no regular file; None where a regular file is or will be."""
    if match := _STREAM.fullmatch(name):
        number = 1 if match[1] else 2 if match[2] else int(match[3] or match[4])
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        return os.fdopen(os.dup(number), "wb")
    try:
        if stat.S_ISREG(os.stat(name).st_mode):
            return None
    except FileNotFoundError:
        return None
    return os.fdopen(os.open(name, os.O_WRONLY), "wb")


@contextlib.contextmanager
def _scratch(folder: str) -> Iterator[tuple[BinaryIO, str]]:
    """Make a new file, which is removed unless it was renamed."""
    scratch = os.path.join(folder, f".tamis-{secrets.token_hex(8)}")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(scratch, flags, 0o666)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file, scratch
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise
