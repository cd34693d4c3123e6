"""Opening files that somebody else may have put there."""

import os
import stat
from typing import BinaryIO

from tamis.errors import FileFormatError, printable


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading.

    A named pipe would wait for its writer and a device may be endless, so neither is
    opened. A link to a regular file is followed.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    binary file

    Raises
    ------
    FileFormatError
        The path names a pipe, a socket or a device, or no path at all.
    OSError
        The file cannot be opened; as `open` raises it.
    """
    check_regular(path)
    # The file may have been exchanged since: without O_NONBLOCK a pipe would wait here.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        _check(os.fstat(descriptor), path)
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def check_regular(path: str | os.PathLike[str]) -> os.stat_result:
    """Give the status of a regular file, or of the one that a link leads to.

    Raises
    ------
    FileFormatError, OSError
        As `open_regular`.
    """
    if "\0" in os.fspath(path):
        raise FileFormatError(f"{printable(os.fspath(path))} is no path: it holds a NUL.")
    found = os.stat(path)
    _check(found, path)
    return found


def size_of(file: BinaryIO) -> int:
    """Size of an open file in bytes; its position stays."""
    here = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(here)
    return size


def _check(found: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(21, "Is a directory", os.fspath(path))
    if not stat.S_ISREG(found.st_mode):
        raise FileFormatError(
            f"{printable(os.fspath(path))} is {_kind(found.st_mode)}, not a regular file. "
            "Give the path of a regular file."
        )


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"
