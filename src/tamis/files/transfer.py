"""One file and where it goes."""

import filecmp
import os
import stat
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from tamis.errors import DestinationError, printable
from tamis.files.entry import entry
from tamis.files.evidence import fingerprint_or_none


class Mode(StrEnum):
    """How a file comes to its new place."""

    COPY = "copy"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"
    MOVE = "move"


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
    digest : str or None
        `tamis.files.evidence.fingerprint` of the source, where the file is to be
        known again without it.
    made : bool
        The source was made by tamis itself: it is always moved, and taking it
        back means to delete it.
    aside : bool
        The source lies below the same folder: an output of an earlier run that makes room
        for one of this run, or a file that an earlier run placed and this one places
        elsewhere. It is always moved.
    """

    source: str
    destination: str
    size: int
    mtime_ns: int
    link: str | None = None
    digest: str | None = None
    made: bool = False
    aside: bool = False

    @classmethod
    def of(cls, source: str, destination: str, *, made: bool = False, aside: bool = False) -> Self:
        """Plan a transfer of a file as it is now."""
        path = os.path.abspath(source)
        status = os.lstat(path)
        link = os.readlink(path) if stat.S_ISLNK(status.st_mode) else None
        plan = cls(path, destination, status.st_size, status.st_mtime_ns, link, None, made, aside)
        return plan.with_digest() if made or aside else plan

    def below(self, root: str) -> str:
        """Return the path of the source below a folder, with ``/``; for those put aside."""
        return os.path.relpath(self.source, os.path.abspath(root)).replace(os.sep, "/")

    def with_digest(self) -> Self:
        """Add the digest of the source, if it is a file that can be read."""
        if self.link is not None:
            return self
        with entry(self.source) as source:
            return replace(self, digest=fingerprint_or_none(source, whole=self.made or self.aside))

    def describe_undo(self, root: str, mode: Mode) -> str:
        """Say what taking it back would do."""
        path = os.path.join(root, self.destination)
        if self.aside or (mode is Mode.MOVE and not self.made):
            return f"move {path} to {self.source}"
        return f"remove {path}, {'an output' if self.made else f'a {mode} of {self.source}'}"

    def old_link(self) -> str:
        """Return what a link to the source, or the source that is a link, leads to."""
        if self.link is None:
            return self.source
        return os.path.join(os.path.dirname(self.source), self.link)


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
