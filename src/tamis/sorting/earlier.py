"""What earlier runs placed in a result, and what became of it since.

The journals say from where each file came and where it lies. A file that is where a run put
it, unchanged, may be moved when the answer for it changes. One that a person has moved is a
correction and stays; one that a person has removed stays removed.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Self

from tamis.errors import JournalError
from tamis.files.entry import Entry, entry_below
from tamis.files.evidence import fingerprint_or_none
from tamis.files.journal import Journal, journals
from tamis.files.result import FOLDER
from tamis.files.transfer import Mode, Transfer, same_file
from tamis.images import SUFFIXES, promises_picture
from tamis.table.sidecars import name_beside

_TIMES_NS: Final = 2_000_000_000  # how far FAT, the coarsest, rounds times


class State(Enum):
    """What became of a file that an earlier run placed."""

    PLACED = auto()
    """It lies there, as it was."""
    MOVED = auto()
    """It lies elsewhere in the result: a person moved it."""
    EDITED = auto()
    """It lies there, and was changed, or its folder was."""
    OUTDATED = auto()
    """It lies there, but the original was changed since."""
    GONE = auto()
    """It is nowhere in the result, though it was placed: a person removed it."""
    NOWHERE = auto()
    """It is not there, perhaps since it could not be placed."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A file that an earlier run placed.

    Attributes
    ----------
    place : str
        Where the last run left it, below the result; with ``/``.
    first : Transfer
        By which it came into the result: from where, and what it was like.
    mode : Mode
    sure : bool
        Nothing says that it was not placed, or was taken back.
    """

    place: str
    first: Transfer
    mode: Mode
    sure: bool = True

    @property
    def label(self) -> str:
        """The folder of the result that holds it; empty if it lies beside the folders."""
        return self.place.rpartition("/")[0].partition("/")[0]


@dataclass(frozen=True, slots=True)
class Correction:
    """A picture that a person moved to another place in the result.

    Attributes
    ----------
    path : str
        Of the original, as it was named last.
    label : str
        The folder in which it lies now; empty if it lies beside the folders.
    place : str
        Where it lies now, below the result.
    was : str
        The folder into which a run had put it.
    """

    path: str
    label: str
    place: str
    was: str


class Earlier:
    """The files that earlier runs placed in a folder.

    Parameters
    ----------
    out : str
        The folder.
    placements : iterable of Placement
    made : iterable of str
        Places of files that earlier runs wrote themselves, and no run has put aside.
    """

    def __init__(self, out: str, placements: Iterable[Placement], made: Iterable[str] = ()) -> None:
        self.out = out
        self.made = frozenset(made)
        self._folders: dict[str, str] = {}
        self._placements = {self._key(one.first.source): one for one in placements}
        self._by_place = {one.place: one for one in self._placements.values()}
        self._companions = defaultdict[tuple[str, str], list[Placement]](list)
        self._strays: dict[int | str, list[str]] | None = None
        self._lost: dict[tuple[str, int], list[Placement]] | None = None
        self._adopted_as: dict[str, Placement] = {}
        shown = {
            os.path.splitext(key)[0]
            for key in self._placements
            if os.path.splitext(key)[1].lower() in SUFFIXES
        }
        self._pictures = {
            key: one
            for key, one in self._placements.items()
            if os.path.splitext(key)[1].lower() in SUFFIXES
            or (promises_picture(key) and os.path.splitext(key)[0] not in shown)
        }
        for key, one in self._placements.items():
            if key not in self._pictures:
                folder, name = os.path.split(key)
                self._companions[folder, name.partition(".")[0]].append(one)

    @classmethod
    def read(cls, out: str) -> Self:
        """Read what the journals of a result tell; nothing if there are none.

        Raises
        ------
        JournalError
            One is damaged, or written by a newer tamis.
        """
        runs = [run for run in journals(out) if run.command == "sort" and not run.foreign]
        return cls(out, *_replayed(out, runs))

    def __len__(self) -> int:
        return len(self._placements)

    def __iter__(self) -> Iterator[Placement]:
        return iter(self._placements.values())

    def find(self, path: str) -> Placement | None:
        """Find what was placed for a file, or what a path in the result is."""
        key = self._key(path)
        found = self._placements.get(key) or self._adopted_as.get(key)
        if found is not None and found.mode is Mode.MOVE and os.path.lexists(path):
            return None  # that one left: this is another of its name
        if found is not None or not self._placements:
            return found
        root = os.path.join(self._folder(os.path.abspath(self.out)), "")
        if key.startswith(root):
            return self._by_place.get(key[len(root) :].replace(os.sep, "/"))
        return self._adopted(path)

    def state(self, placement: Placement, path: str = "") -> tuple[State, str]:
        """Tell what became of a file, and where it lies now.

        Parameters
        ----------
        placement : Placement
        path : str
            The original as it is named now; by default as it was.
        """
        origin = path or placement.first.source
        try:
            with entry_below(self.out, placement.place) as file:
                if file.status() is None:
                    return self._elsewhere(placement, origin)
                if _is_same(file, placement, origin):
                    return State.PLACED, placement.place
                if placement.sure and _is_changed(placement.first, origin):
                    return State.OUTDATED, placement.place
        except NotADirectoryError:  # its folder is a link or a file now: not by us
            pass
        return State.EDITED if placement.sure else State.NOWHERE, placement.place

    def companions(self, placement: Placement) -> list[Placement]:
        """List the files that were placed with a picture, and lie beside it as they were."""
        folder, name = os.path.split(self._key(placement.first.source))
        beside, picture = os.path.split(placement.place)
        found = []
        for one in self._companions.get((folder, name.partition(".")[0]), ()):
            own = os.path.basename(one.first.source)
            if os.path.splitext(own)[0] not in (name, os.path.splitext(name)[0]):
                continue
            wanted = f"{beside}/{name_beside(own, name, picture)}"
            if wanted == one.place and self.state(one)[0] is State.PLACED:
                found.append(one)
        return found

    def corrections(self) -> list[Correction]:
        """List the pictures that a person moved, in the order in which they were placed."""
        return [
            found
            for one in self._pictures.values()
            if (found := self.correction(one, one.first.source)) is not None
        ]

    def correction(self, placement: Placement, path: str) -> Correction | None:
        """Tell where a person moved a picture; None if nobody did."""
        state, place = self.state(placement, path)
        if state is not State.MOVED:
            return None
        return Correction(path, replace(placement, place=place).label, place, placement.label)

    @property
    def emptied(self) -> bool:
        """Whether all folders of pictures are gone: the result was cleared by hand."""
        folders = {one.label for one in self}
        return bool(folders) and not any(
            os.path.lexists(os.path.join(self.out, folder)) for folder in folders
        )

    def moved_from(self, folder: str) -> list[str]:
        """List the pictures that were moved here from below a folder, and lie where they were put.

        They are no longer in that folder, and so in no listing of it.
        """
        above = os.path.join(self._folder(os.path.abspath(folder)), "")
        return [
            os.path.join(self.out, one.place)
            for key, one in self._pictures.items()
            if one.mode is Mode.MOVE
            and key.startswith(above)
            and self.state(one)[0] is State.PLACED
        ]

    def _elsewhere(self, placement: Placement, origin: str) -> tuple[State, str]:
        """Look for a file among those of the result which no run put where they are."""
        if self._strays is None:
            self._strays = self._listed()
        first = placement.first
        key: int | str = first.size
        if placement.mode is Mode.SYMLINK:
            key = first.old_link()
        elif first.link is not None and os.path.isfile(origin):
            key = os.stat(origin).st_size
        name = os.path.basename(placement.place)
        for place in sorted(self._strays.get(key, ()), key=lambda p: os.path.basename(p) != name):
            with entry_below(self.out, place) as file:
                status = file.status()
                known = os.path.basename(place) == name or (
                    status is not None and abs(status.st_mtime_ns - first.mtime_ns) < _TIMES_NS
                )
                if status is not None and known and _is_same(file, placement, origin):
                    return State.MOVED, place
        if not placement.sure:
            return State.NOWHERE, ""
        # A new picture may have come under the old name.
        return State.OUTDATED if _is_changed(first, origin) else State.GONE, ""

    def _listed(self) -> dict[int | str, list[str]]:
        """Group the files that are not where a run put them by what tells most apart."""
        found: dict[int | str, list[str]] = defaultdict(list)
        for folder, folders, names in os.walk(self.out):
            if folder == self.out and FOLDER in folders:
                folders.remove(FOLDER)
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                place = os.path.relpath(path, self.out).replace(os.sep, "/")
                if place in self._by_place:
                    continue
                try:
                    key = os.readlink(path) if os.path.islink(path) else os.stat(path).st_size
                except OSError:  # gone meanwhile
                    continue
                found[key].append(place)
        return found

    def _adopted(self, path: str) -> Placement | None:
        """Find what was placed for a file whose folder was moved or renamed since."""
        if self._lost is None:
            self._lost = defaultdict(list)
            for one in self._placements.values():
                if one.first.link is None and not os.path.lexists(one.first.source):
                    key = os.path.basename(one.first.source), one.first.size
                    self._lost[key].append(one)
        if not self._lost or os.path.islink(path):
            return None
        try:
            status = os.stat(path)
        except OSError:
            return None
        alike = self._lost.get((os.path.basename(path), status.st_size), [])
        for one in alike:
            late = abs(status.st_mtime_ns - one.first.mtime_ns) >= _TIMES_NS
            if late or one.mode not in (Mode.COPY, Mode.HARDLINK):
                continue
            if self.state(one, path)[0] in (State.PLACED, State.MOVED):
                alike.remove(one)
                self._adopted_as[self._key(path)] = one
                return one
        return None

    def _key(self, path: str) -> str:
        folder, name = os.path.split(os.path.abspath(path))
        return os.path.join(self._folder(folder), name)

    def _folder(self, folder: str) -> str:
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return self._folders[folder]


def read_earlier(out: str) -> Earlier:
    """Read what earlier runs placed in a folder; nothing where its journals cannot be read.

    Whoever writes into the folder reads them again, and says what is wrong with them.
    """
    try:
        return Earlier.read(out)
    except (JournalError, OSError):
        return Earlier(out, ())


def _replayed(out: str, runs: Iterable[Journal]) -> tuple[Iterable[Placement], set[str]]:
    """Follow what was placed, and what was written, from run to run."""
    found: dict[str, Placement] = {}  # by its place
    made: set[str] = set()
    for run in runs:
        for i, transfer in enumerate(run.transfers):
            sure = i not in run.failed and not run.undoing
            place = transfer.destination
            if transfer.made:
                made.add(place)
                continue
            if not transfer.aside:
                found[place] = Placement(place, transfer, run.mode, sure)
            elif sure or os.path.lexists(os.path.join(out, place)):
                made.discard(transfer.below(out))
                before = found.pop(transfer.below(out), None)
                if before is not None:  # else it is an output
                    found[place] = replace(before, place=place)
    return found.values(), made


def _is_same(file: Entry, placement: Placement, origin: str) -> bool:
    """Tell whether a file is what a run placed."""
    first = placement.first
    text = file.link_text()
    if text is not None:
        return text == first.old_link() or (placement.mode is Mode.MOVE and first.link is not None)
    status = file.status()
    if status is None or not file.is_file():
        return False
    here = os.path.realpath(origin) == os.path.realpath(file.path)
    if placement.mode is Mode.MOVE or here:  # there is no original to compare with
        if status.st_size != first.size:
            return False
        if first.digest is not None:
            return fingerprint_or_none(file) == first.digest
    elif os.path.isfile(origin):
        return same_file(origin, file.path)
    elif status.st_size != first.size and first.link is None:
        return False
    return abs(status.st_mtime_ns - first.mtime_ns) < _TIMES_NS


def _is_changed(first: Transfer, origin: str) -> bool:
    """Tell whether an original is there, and no longer as it was."""
    try:
        status = os.lstat(origin)
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) != (first.size, first.mtime_ns)
