"""Copying one file, with what its disk says about it."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator

from tamis.files.entry import Entry
from tamis.files.evidence import changed


class ChangedMeanwhile(Exception):  # noqa: N818 - a state, reported per file
    """The file was written to while it was copied."""


def copy_file(source: Entry, target: Entry, *, durable: bool = False) -> bool:
    """Copy a file to a new name: bytes, times, permissions, extended attributes.

    Parameters
    ----------
    source : Entry
        A regular file.
    target : Entry
        Must not exist.
    durable : bool
        Return only when the bytes are on the disk.

    Returns
    -------
    bool
        Whether the disk took everything besides the bytes too; what it refuses is
        left out.

    Raises
    ------
    ChangedMeanwhile
        The source was written to during the copy.
    OSError
        The system says no; nothing is left at `target`.
    """
    with source.opened() as read:
        before = os.fstat(read)
        if not stat.S_ISREG(before.st_mode):
            raise ChangedMeanwhile
        with target.opened(os.O_WRONLY | os.O_CREAT | os.O_EXCL) as write:
            try:
                _pour(read, write)
                if changed(before, os.fstat(read)):
                    raise ChangedMeanwhile
                complete = _describe(read, write, target, before)
                if durable:
                    os.fsync(write)
            except BaseException:
                with contextlib.suppress(OSError):
                    target.unlink()
                raise
    return complete


def _pour(read: int, write: int) -> None:
    with open(read, "rb", closefd=False) as source, open(write, "wb", closefd=False) as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _describe(read: int, write: int, target: Entry, status: os.stat_result) -> bool:
    """Give a file the attributes, permissions and times of another, as far as may be."""
    refused: list[OSError] = []
    _copy_attributes(read, write, refused)
    times = (status.st_atime_ns, status.st_mtime_ns)
    with _counted(refused):
        if hasattr(os, "fchmod"):
            os.fchmod(write, stat.S_IMODE(status.st_mode))
        else:
            os.chmod(target.path, stat.S_IMODE(status.st_mode))
    with _counted(refused):
        os.utime(write if os.utime in os.supports_fd else target.path, ns=times)
    return not refused


def _copy_attributes(read: int, write: int, refused: list[OSError]) -> None:
    if not hasattr(os, "listxattr"):
        return
    names: list[str] = []
    with contextlib.suppress(OSError):  # a disk that knows none
        names = os.listxattr(read)
    for name in names:
        if name.startswith("user."):  # the others belong to the system
            with _counted(refused):
                os.setxattr(write, name, os.getxattr(read, name))


@contextlib.contextmanager
def _counted(refused: list[OSError]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        refused.append(error)
