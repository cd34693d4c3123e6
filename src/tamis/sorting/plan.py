"""Sorting: from predictions to a plan, from a plan to folders on disk."""

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from tamis.classifiers.predictions import Predictions
from tamis.errors import Failure, InvalidParameterError, printable
from tamis.files.names import TakenNames, existing_folders, folder_name, numbered
from tamis.files.transfer import Mode, Transfer, check_can_link, same_file
from tamis.images.refusal import reason_of
from tamis.sorting.checks import existing_above
from tamis.table.sidecars import name_beside

UNSURE: Final = "_unsure"
"""Folder of the images whose class is not sure enough for a promise."""


@dataclass(frozen=True, slots=True)
class Placements:
    """What sorting will do: nothing is done yet.

    Attributes
    ----------
    out : str
        The folder that receives the class folders.
    mode : Mode
    folders : tuple of str
        One per class, those that stay empty included.
    transfers : tuple of Transfer
        Each picture that is not in place yet, followed by its sidecars.
    destinations : tuple of str
        For each picture of the predictions its place below `out`; empty for those among
        `failures`.
    present : tuple of str
        Pictures whose very bytes are in place already, from an earlier run.
    sidecars : tuple of str
        Of the files in `transfers` those that are no pictures.
    failures : tuple of Failure
        Pictures that are gone since they were read, and sidecars whose place is taken.
    """

    out: str
    mode: Mode
    folders: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    destinations: tuple[str, ...]
    present: tuple[str, ...]
    sidecars: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    def __repr__(self) -> str:
        n, verb = len(self.transfers), {"copy": "copy", "move": "move"}.get(self.mode, "link")
        parts = [f"{verb} {n} file{'s' * (n != 1)} into {len(self.folders)} folders"]
        if self.present:
            parts.append(f"{len(self.present)} in place already")
        if self.failures:
            parts.append(f"{len(self.failures)} cannot be placed")
        return f"SortPlan({'; '.join(parts)}; below {printable(self.out)})"


def plan_sort(
    predictions: Predictions,
    out: str,
    *,
    mode: Mode = Mode.COPY,
    sidecars: Mapping[str, Sequence[str]] | None = None,
    unsure: Sequence[bool] | None = None,
) -> Placements:
    """Plan ``out/<class>/<file>`` for every picture.

    Files with one name get a number (``cat-2.jpg``). A picture whose bytes an
    earlier run has put in place is left alone, so that sorting twice is harmless.

    Parameters
    ----------
    predictions : Predictions
    out : str
    mode : Mode
    sidecars : mapping from str to sequence of str, optional
        Picture to the files that go with it, as `tamis.table.sidecars.find_sidecars` gives
        them. Each gets the name of the picture, with the same number.

    unsure : sequence of bool, optional
        The pictures that go to `UNSURE` instead of the folder of their class.

    Raises
    ------
    TableError
        A class cannot be the name of a folder.
    InvalidParameterError
        A class has the name of that folder.
    DestinationError
        Hard links are asked for across disks.
    """
    aside = [False] * len(predictions) if unsure is None else list(unsure)
    spare = () if unsure is None else (UNSURE,)
    if UNSURE in spare and UNSURE in predictions.classes:
        raise InvalidParameterError(
            f"{UNSURE} receives the images whose class is not sure, and is a class of the "
            "examples too. Rename the class, or leave out --abstain."
        )
    folder_of = existing_folders(out, map(folder_name, (*predictions.classes, *spare)))
    names = _Names(out, mode)
    transfers: list[Transfer] = []
    destinations, present, placed, failures = [], [], [], []
    for path, answered, apart in zip(predictions.paths, predictions.labels, aside, strict=True):
        label = folder_of[UNSURE if apart else answered]
        beside = list((sidecars or {}).get(path, ()))
        try:
            transfer = Transfer.of(path, "")
            found = names.find(path, label)
        except OSError as error:
            failures.append(Failure(path, reason_of(error)))
            destinations.append("")
            continue
        name = found or names.take(path, label, beside)
        destinations.append(f"{label}/{name}")
        if found:
            present.append(path)
        else:
            transfers.append(replace(transfer, destination=destinations[-1]))
        for sidecar in beside:
            other = name_beside(os.path.basename(sidecar), os.path.basename(path), name)
            try:
                if found and names.holds(sidecar, label, other):
                    continue
                if found and not names.take_one(label, other):
                    failures.append(
                        Failure(sidecar, f"stays: another {printable(other)} is in place")
                    )
                    continue
                transfers.append(Transfer.of(sidecar, f"{label}/{other}"))
                placed.append(transfers[-1].source)
            except OSError as error:
                failures.append(Failure(sidecar, reason_of(error)))
    if mode is Mode.HARDLINK and transfers:
        check_can_link(transfers[0].source, existing_above(out))
    return Placements(
        out, mode, tuple(folder_of.values()), tuple(transfers), tuple(destinations), tuple(present),
        tuple(placed), tuple(failures),
    )  # fmt: skip


class _Names:
    """Names in the class folders of a result: which are there with which bytes, which are free.

    Work grows with the number of files, not with its square, however many have one name.
    """

    def __init__(self, out: str, mode: Mode) -> None:
        self._out = out
        self._mode = mode
        self._taken = TakenNames(out)
        self._next: dict[tuple[str, str], int] = {}
        self._present: dict[str, dict[int | str, list[str]]] = {}

    def find(self, path: str, label: str) -> str:
        """Find the name under which the bytes of a picture lie in a class folder already."""
        if label not in self._present:
            self._present[label] = self._listed(label)
        key = os.path.realpath(path) if self._mode is Mode.SYMLINK else os.stat(path).st_size
        wanted = os.path.basename(path)
        alike = self._present[label].get(key, [])
        for name in alike:
            if _is_numbered(name, wanted) and self.holds(path, label, name):
                alike.remove(name)  # the next of this name is likely the next in the list
                alike.append(name)
                return name
        return ""

    def holds(self, path: str, label: str, name: str) -> bool:
        """Tell whether a file of the result is what placing `path` there would give."""
        target = os.path.join(self._out, label, name)
        if self._mode is Mode.SYMLINK:
            return os.path.islink(target) and os.path.realpath(target) == os.path.realpath(path)
        return os.path.isfile(target) and same_file(path, target)

    def take(self, path: str, label: str, sidecars: Sequence[str]) -> str:
        """Take a name for a picture under which its sidecars can have theirs, and take those."""
        wanted = os.path.basename(path)
        for number in count(self._next.get((label, wanted), 1)):
            name = wanted if number == 1 else numbered(wanted, number)
            others = [name_beside(os.path.basename(one), wanted, name) for one in sidecars]
            if self._taken.take_all(label, [name, *others]):
                break
        self._next[label, wanted] = number + 1
        return name

    def take_one(self, label: str, name: str) -> bool:
        """Take a name in a class folder; False if it is taken already."""
        return self._taken.take(label, name)

    def _listed(self, label: str) -> dict[int | str, list[str]]:
        """Group the files in a class folder by what tells most of them apart."""
        found: dict[int | str, list[str]] = defaultdict(list)
        folder = os.path.join(self._out, label)
        names = os.listdir(folder) if os.path.isdir(folder) else []
        for name in sorted(names, key=lambda name: (len(name), name)):
            target = os.path.join(folder, name)
            if self._mode is not Mode.SYMLINK:
                with contextlib.suppress(OSError):  # a link to nothing
                    found[os.stat(target).st_size].append(name)
            elif os.path.islink(target):
                found[os.path.realpath(target)].append(name)
        return found


def _is_numbered(name: str, wanted: str) -> bool:
    """Tell whether a file name is another one, with or without a number."""
    if name == wanted:
        return True
    number = re.search(r"-(\d{1,9})$", os.path.splitext(name)[0]) or re.search(r"-(\d{1,9})$", name)
    return number is not None and numbered(wanted, int(number[1])) == name
