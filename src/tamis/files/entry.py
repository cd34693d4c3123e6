"""Directory entries, reached through open directories so that no link leads elsewhere.

A path is looked up anew by every system call, and each folder in it may have become
a link in between. An `Entry` is a name in a directory that is held open: all calls
on it concern the same directory. Systems without such calls (Windows) use paths,
after a check that the folder is where it should be.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

_HELD: Final = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")
_LINK_FOLLOWS: Final = os.link not in os.supports_follow_symlinks  # Windows: nothing to say
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NONBLOCK: Final = getattr(os, "O_NONBLOCK", 0)  # a FIFO must not be waited for
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a directory; the file itself may exist or not.

    Attributes
    ----------
    folder : int or None
        The open directory; None if `name` is a whole path.
    name : str
        In that directory. Empty if the directory does not exist.
    path : str
        The whole path, for messages.
    """

    folder: int | None
    name: str
    path: str

    def beside(self, name: str) -> Self:
        """Name another entry of the same directory."""
        path = os.path.join(os.path.dirname(self.path), name)
        at = name if self.folder is not None else self.name and path
        return type(self)(self.folder, at, path)

    def status(self) -> os.stat_result | None:
        """Return the status of the entry itself, not of what a link leads to; None if missing."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def is_file(self) -> bool:
        """Tell whether the entry is a regular file, and no link to one."""
        status = self.status()
        return status is not None and stat.S_ISREG(status.st_mode)

    def link_text(self) -> str | None:
        """Return the text of a symbolic link; None if the entry is none."""
        status = self.status()
        if status is None or not stat.S_ISLNK(status.st_mode):
            return None
        return os.readlink(self.name, dir_fd=self.folder)

    @contextlib.contextmanager
    def opened(self, flags: int = os.O_RDONLY) -> Iterator[int]:
        """Open the file, never through a link; a new one is readable by its owner only."""
        flags |= _NOFOLLOW | _CLOEXEC | _NONBLOCK
        descriptor = os.open(self.name, flags, 0o600, dir_fd=self.folder)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def unlink(self) -> None:
        """Remove the entry."""
        os.unlink(self.name, dir_fd=self.folder)

    def link_to(self, new: "Entry") -> None:
        """Give the file a second name; never replaces an entry."""
        os.link(
            self.name,
            new.name,
            src_dir_fd=self.folder,
            dst_dir_fd=new.folder,
            follow_symlinks=_LINK_FOLLOWS,
        )

    def rename_to(self, new: "Entry") -> None:
        """Rename the file; replaces an entry on some systems."""
        os.rename(self.name, new.name, src_dir_fd=self.folder, dst_dir_fd=new.folder)

    def symlink(self, text: str) -> None:
        """Make the entry a symbolic link; never replaces one."""
        os.symlink(text, self.name, dir_fd=self.folder)

    def sync(self) -> None:
        """Write the directory to the disk, so that the entry outlives a power cut."""
        if self.folder is not None:
            sync_folder(self.folder)

    def folder_identity(self) -> tuple[int, int]:
        """Return device and number of the directory."""
        where = os.path.dirname(self.path) if self.folder is None else self.folder
        status = os.stat(where)
        return status.st_dev, status.st_ino


@contextlib.contextmanager
def entry(path: str) -> Iterator[Entry]:
    """Hold the directory of a path, links to it followed, and name the entry in it."""
    folder, name = os.path.split(path)
    if not _HELD:
        yield Entry(None, path, path)
        return
    try:
        held = os.open(folder, _FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        yield Entry(None, "", path)
        return
    try:
        yield Entry(held, name, path)
    finally:
        os.close(held)


@contextlib.contextmanager
def entry_below(root: str, below: str) -> Iterator[Entry]:
    """Hold the directory of a path below a folder, through no link, and name the entry in it.

    Parameters
    ----------
    root : str
        May be reached through links itself.
    below : str
        With ``/``, checked by the caller: no ``..``, not absolute.

    Raises
    ------
    NotADirectoryError
        A folder below `root` is a link or a file.
    """
    folder, _, name = below.rpartition("/")
    path = os.path.join(root, below)
    try:
        held = _open_folder(root, folder, make=False)
    except FileNotFoundError:
        yield Entry(None, "", path)
        return
    try:
        yield Entry(held, path if held is None else name, path)
    finally:
        if held is not None:
            os.close(held)


def make_folder(root: str, below: str) -> None:
    """Make a folder below `root` and those above it, through no link; harmless if it exists.

    Raises
    ------
    NotADirectoryError
        One of them is a link or a file.
    """
    held = _open_folder(root, below, make=True)
    if held is not None:
        os.close(held)


def sync_folder(folder: int | str) -> None:
    """Write a directory to the disk, where the system can."""
    if not _HELD:
        return
    held = os.open(folder, _FOLDER) if isinstance(folder, str) else folder
    try:
        # Some network disks have no fsync for folders; the bytes are written all the same.
        with contextlib.suppress(OSError):
            os.fsync(held)
    finally:
        if held is not folder:
            os.close(held)


def _open_folder(root: str, below: str, *, make: bool) -> int | None:
    parts = below.split("/") if below else []
    if not _HELD:
        _check_folder(root, parts, make=make)
        return None
    held = os.open(root, _FOLDER)
    for part in parts:
        try:
            if make:
                _make(part, held)
            inner = os.open(part, _FOLDER | _NOFOLLOW, dir_fd=held)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR, errno.EEXIST):
                raise _not_a_folder(os.path.join(root, below)) from None
            raise
        finally:
            os.close(held)
        held = inner
    return held


def _make(part: str, held: int) -> None:
    try:
        os.mkdir(part, dir_fd=held)
    except FileExistsError:
        return
    sync_folder(held)


def _check_folder(root: str, parts: list[str], *, make: bool) -> None:
    path = os.path.realpath(root)
    for part in parts:
        path = os.path.join(path, part)
        if make and not os.path.lexists(path):
            os.mkdir(path)
        if not os.path.lexists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if os.path.realpath(path) != path or not os.path.isdir(path):
            raise _not_a_folder(path)


def _not_a_folder(path: str) -> NotADirectoryError:
    return NotADirectoryError(errno.ENOTDIR, "its folder is a link or a file, not a folder", path)
