"""Sorting: from predictions to a plan, from a plan to folders on disk."""

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from tamis.classifiers.predictions import Predictions
from tamis.errors import DestinationError, Failure, printable
from tamis.files.csvfile import write_csv
from tamis.files.names import TakenNames, existing_folders, folder_name, numbered
from tamis.files.transfer import Mode, Transfer, check_can_link, same_file
from tamis.images.refusal import reason_of
from tamis.store import is_collection
from tamis.table.sidecars import name_beside

PREDICTIONS: Final = "predictions.csv"
REPORT: Final = "report.html"
FAILURES: Final = "failures.csv"


@dataclass(frozen=True, slots=True)
class SortPlan:
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


def plan_sort(
    predictions: Predictions,
    out: str,
    *,
    mode: Mode = Mode.COPY,
    sidecars: Mapping[str, Sequence[str]] | None = None,
) -> SortPlan:
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

    Raises
    ------
    TableError
        A class cannot be the name of a folder.
    DestinationError
        Hard links are asked for across disks.
    """
    folder_of = existing_folders(out, map(folder_name, predictions.classes))
    names = _Names(out, mode)
    transfers: list[Transfer] = []
    destinations, present, placed, failures = [], [], [], []
    for path, answered in zip(predictions.paths, predictions.labels, strict=True):
        label = folder_of[answered]
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
        check_can_link(transfers[0].source, _existing(out))
    return SortPlan(
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


def check_folders(out: str, *, train: str | None, source: str) -> None:
    """Raise DestinationError if sorting into `out` would feed on itself, or spoil a collection."""
    place = os.path.realpath(out)
    while place != os.path.dirname(place):
        if is_collection(place):
            raise DestinationError(
                f"cannot sort into {printable(out)}: {printable(place)} is a collection. Choose "
                "a folder beside it."
            )
        place = os.path.dirname(place)
    for name, folder in (("the training folder", train), ("the folder to sort", source)):
        if folder is not None and os.path.realpath(out) == os.path.realpath(folder):
            raise DestinationError(
                f"cannot sort into {name} itself, {printable(out)}. Choose another folder for "
                "the result, look at it, and move from there what is right."
            )
    if train is not None and _inside(out, train):
        raise DestinationError(
            f"cannot sort into {printable(out)}: it lies in the training folder, where it would "
            "become a class. Choose a folder beside it."
        )


def check_destination(out: str, classes: Sequence[str]) -> None:
    """Raise an error if class folders cannot be made in `out`, as far as that can be seen.

    It is asked before pictures are described, which may take hours. What only a write
    shows (a full disk) is still found later.

    Parameters
    ----------
    out : str
        It need not exist.
    classes : sequence of str

    Raises
    ------
    DestinationError
        `out` or a class folder is a file, may not be written to, or has a name that its
        disk does not take.
    TableError
        A class cannot be the name of a folder.
    """
    _check_folder(out)
    above = _existing(out)
    for label in classes:
        folder = os.path.join(above, folder_name(label))
        try:
            os.lstat(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DestinationError(
                f"cannot make a folder {printable(label)} in {printable(out)}: {error.strerror}. "
                "Rename the class, or choose another disk for the result."
            ) from error
        if os.path.isdir(out):
            _check_folder(os.path.join(out, label))


def _check_folder(folder: str) -> None:
    above = os.path.abspath(folder)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    cause = "it" if above == os.path.abspath(folder) else printable(above)
    if not os.path.isdir(above):
        raise DestinationError(
            f"cannot write into {printable(folder)}: {cause} is a file, not a folder. Rename it, "
            "or choose another folder for the result."
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise DestinationError(
            f"cannot write into {printable(folder)}: {cause} may not be written to. Change the "
            "permissions, or choose another folder for the result."
        )


def write_predictions(
    file: str,
    predictions: Predictions,
    plan: SortPlan | None = None,
    *,
    for_spreadsheets: bool = False,
) -> None:
    """Write one row per picture: its class, how sure, where it goes, and on what grounds.

    The columns: ``path``, ``class``, ``confidence``, ``runner_up``,
    ``runner_up_confidence``, ``sorted_to`` (below the result folder; empty
    without a plan), and for each neighbour i, nearest first, ``neighbour_i``
    (a training picture), ``neighbour_i_class`` and ``neighbour_i_distance``.
    `for_spreadsheets` is as `tamis.files.csvfile.write_csv` takes it.
    """
    k = predictions.neighbours.indices.shape[1]
    header = ["path", "class", "confidence", "runner_up", "runner_up_confidence", "sorted_to"]
    for i in range(1, k + 1):
        header += [f"neighbour_{i}", f"neighbour_{i}_class", f"neighbour_{i}_distance"]
    write_csv(file, header, _rows(predictions, plan), for_spreadsheets=for_spreadsheets)


def write_failures(
    file: str, failures: Sequence[Failure], *, for_spreadsheets: bool = False
) -> None:
    """Write the files that could not be used: path, reason."""
    rows = [(f.path, f.reason) for f in failures]
    write_csv(file, ("path", "reason"), rows, for_spreadsheets=for_spreadsheets)


def _rows(predictions: Predictions, plan: SortPlan | None) -> Iterator[list[str]]:
    destinations = plan.destinations if plan is not None else [""] * len(predictions)
    for path, label, confidence, (second, share), destination, indices, distances in zip(
        predictions.paths,
        predictions.labels,
        predictions.confidence,
        predictions.runners_up,
        destinations,
        predictions.neighbours.indices,
        predictions.neighbours.distances,
        strict=True,
    ):
        row = [path, label, f"{confidence:.4f}", second, f"{share:.4f}", destination]
        for index, distance in zip(indices, distances, strict=True):
            row += [predictions.train_paths[index], predictions.train_labels[index]]
            row.append(f"{distance:.6g}")
        yield row


def _inside(folder: str, other: str) -> bool:
    parts, others = (os.path.realpath(path).split(os.sep) for path in (folder, other))
    return parts[: len(others)] == others


def _existing(folder: str) -> str:
    """Return the nearest folder above that exists: what will be made lies on its disk."""
    folder = os.path.abspath(folder)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder
