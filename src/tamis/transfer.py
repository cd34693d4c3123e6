"""Putting one file in another place so that no picture can be lost.

`put` and `take_back` may be interrupted at any point and called again: what is
already done is recognised from the files themselves. Neither ever replaces a
file, and neither removes one unless the same bytes are certain to be elsewhere.
"""

import contextlib
import errno
import filecmp
import os
import shutil
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from tamis.errors import DestinationError, printable


class Mode(StrEnum):
    """How a file comes to its new place."""

    COPY = "copy"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"
    MOVE = "move"


class Occupied(Exception):  # noqa: N818 - a state, answered by choosing another name
    """Another file has the name already."""


class Refused(Exception):  # noqa: N818 - a state, reported per file
    """The action would lose something, or there is nothing to act on; says why."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file and where it goes.

    Attributes
    ----------
    source : str
        Absolute path.
    destination : str
        Path below the folder that receives the files.
    size : int
        Of the source when the transfer was planned, in bytes.
    mtime_ns : int
        Likewise, in nanoseconds.
    link : str or None
        What the source points to if it is a symbolic link.
    made : bool
        The source was made by tamis itself: it is always moved, and taking it
        back means to delete it.
    """

    source: str
    destination: str
    size: int
    mtime_ns: int
    link: str | None = None
    made: bool = False

    @classmethod
    def of(cls, source: str, destination: str, *, made: bool = False) -> Self:
        """Plan a transfer of a file as it is now."""
        path = os.path.abspath(source)
        status = os.lstat(path)
        link = os.readlink(path) if os.path.islink(path) else None
        return cls(path, destination, status.st_size, status.st_mtime_ns, link, made)

    def to_dict(self) -> dict[str, Any]:
        """In plain types, without what is at its default."""
        values = asdict(self)
        return {k: v for k, v in values.items() if v not in (None, False)}


def put(transfer: Transfer, root: str, mode: Mode, scratch: str) -> None:
    """Bring a file to its place below `root`; harmless if it is there already.

    Parameters
    ----------
    transfer : Transfer
    root : str
        Its folder for the destination must exist.
    mode : Mode
    scratch : str
        A path on the file system of `root` at which a copy may grow; it is
        overwritten.

    Raises
    ------
    Occupied
        Another file has that name.
    Refused
        The source is gone, or was changed since the plan.
    OSError
        The system says no.
    """
    source, target = transfer.source, os.path.join(root, transfer.destination)
    mode = Mode.MOVE if transfer.made else mode
    if os.path.lexists(target):
        if not os.path.lexists(source):
            if mode is Mode.MOVE and _unchanged(transfer, target):
                return
            raise Refused("is gone")
        if not _is_result(transfer, target, mode):
            raise Occupied
        if mode is Mode.MOVE:  # interrupted between its two halves
            os.unlink(source)
        return
    if not os.path.lexists(source):
        raise Refused("is gone")
    if not _unchanged(transfer, source):
        raise Refused("was changed while tamis was at work; left where it is")
    try:
        match mode:
            case Mode.SYMLINK:
                os.symlink(_link_target(transfer), target)
            case Mode.HARDLINK:
                os.link(os.path.realpath(source), target)
            case Mode.COPY:
                _copy(source, target, scratch)
            case Mode.MOVE:
                _move(transfer, source, target, scratch)
    except FileExistsError:
        raise Occupied from None


def take_back(transfer: Transfer, root: str, mode: Mode, scratch: str) -> bool:
    """Undo `put`; harmless if nothing is there to undo.

    Returns
    -------
    bool
        Whether there was something to do.

    Raises
    ------
    Refused
        The file was changed since, its old place is taken, or it is the only one
        left.
    OSError
        The system says no.
    """
    source, target = transfer.source, os.path.join(root, transfer.destination)
    if not os.path.lexists(target):
        if mode is Mode.MOVE and not transfer.made and not os.path.lexists(source):
            raise Refused("is gone, and so is the original")
        return False
    if transfer.made:
        if not _unchanged(transfer, target):
            raise Refused("was changed since; left where it is")
        os.unlink(target)
        return True
    if mode is Mode.MOVE:
        if os.path.lexists(source):
            if not _is_result(transfer, target, mode):
                raise Refused(f"stays: its old place {printable(source)} is taken")
            os.unlink(target)
            return True
        if not _unchanged(transfer, target):
            raise Refused("was changed since; left where it is")
        os.makedirs(os.path.dirname(source), exist_ok=True)
        if transfer.link is not None:
            os.symlink(transfer.link, source)
            os.unlink(target)
        else:
            _move(transfer, target, source, scratch)
        return True
    if not os.path.exists(source):
        raise Refused("stays: the original is gone, this is the only one left")
    if not _is_result(transfer, target, mode):
        raise Refused("was changed since; left where it is")
    os.unlink(target)
    return True


def same_file(first: str, second: str) -> bool:
    """Tell whether two paths lead to the same bytes: one file, or two equal ones."""
    if os.path.samefile(first, second):
        return True
    return os.path.getsize(first) == os.path.getsize(second) and filecmp.cmp(
        first, second, shallow=False
    )


def check_can_link(source: str, root: str) -> None:
    """Raise DestinationError if hard links from `source` into `root` cannot be."""
    if os.stat(source).st_dev != os.stat(root).st_dev:
        raise DestinationError(
            f"cannot make hard links to {printable(source)} in {printable(root)}: they are on "
            "different disks. Use --mode copy or --mode symlink."
        )


def _is_result(transfer: Transfer, target: str, mode: Mode) -> bool:
    """Tell whether `target` is what `put` leaves, the source being there still."""
    if mode is Mode.SYMLINK or (mode is Mode.MOVE and transfer.link is not None):
        return os.path.islink(target) and os.readlink(target) == _link_target(transfer)
    if os.path.islink(target) or not os.path.isfile(target):
        return False
    if mode is Mode.HARDLINK:
        return os.path.samefile(transfer.source, target)
    return os.path.isfile(transfer.source) and same_file(transfer.source, target)


def _unchanged(transfer: Transfer, path: str) -> bool:
    if transfer.link is not None:
        return os.path.islink(path)
    status = os.lstat(path)
    if status.st_size != transfer.size:
        return False
    late = abs(status.st_mtime_ns - transfer.mtime_ns)
    # A file that came from another disk has its times at that disk's precision.
    elsewhere = path != transfer.source and not _one_disk(path, transfer.source)
    return late == 0 or (elsewhere and late < 2_000_000_000)


def _one_disk(path: str, other: str) -> bool:
    folder = os.path.dirname(other)
    return os.path.isdir(folder) and os.lstat(path).st_dev == os.stat(folder).st_dev


def _link_target(transfer: Transfer) -> str:
    if transfer.link is None:
        return transfer.source
    return os.path.join(os.path.dirname(transfer.source), transfer.link)


def _move(transfer: Transfer, source: str, target: str, scratch: str) -> None:
    if transfer.link is not None:
        os.symlink(_link_target(transfer), target)
    else:
        try:
            _name(source, target)
            return
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        _copy(source, target, scratch, durable=True)
    os.unlink(source)


def _copy(source: str, target: str, scratch: str, *, durable: bool = False) -> None:
    """Copy bytes and times; `target` appears whole or not at all."""
    try:
        shutil.copyfile(source, scratch)
        shutil.copystat(source, scratch)
        if durable:
            with open(scratch, "rb") as file:
                os.fsync(file.fileno())
        try:
            _name(scratch, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # `target` lies on a third disk: let the copy grow beside it.
            _copy(source, target, target + ".part", durable=durable)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)


def _name(path: str, new: str) -> None:
    """Rename a file, but never onto another one."""
    try:
        os.link(path, new, follow_symlinks=False)
    except FileExistsError:
        raise Occupied from None
    except (OSError, NotImplementedError) as error:
        if getattr(error, "errno", None) == errno.EXDEV:
            raise
        # No hard links on this file system (exFAT, some network shares).
        if os.path.lexists(new):
            raise Occupied from None
        os.rename(path, new)
        return
    os.unlink(path)
