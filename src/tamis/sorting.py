"""Sorting: from predictions to a plan, from a plan to folders on disk."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from tamis.classify import Predictions
from tamis.errors import DestinationError, Failure, printable
from tamis.naming import TakenNames, folder_name, numbered
from tamis.table import write_csv
from tamis.transfer import Mode, Transfer, check_can_link, same_file

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
    destinations : tuple of str
        For each picture of the predictions its place below `out`.
    present : tuple of str
        Pictures whose very bytes are in place already, from an earlier run.
    """

    out: str
    mode: Mode
    folders: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    destinations: tuple[str, ...]
    present: tuple[str, ...]


def plan_sort(predictions: Predictions, out: str, *, mode: Mode = Mode.COPY) -> SortPlan:
    """Plan ``out/<class>/<file>`` for every picture.

    Files with one name get a number (``cat-2.jpg``). A picture whose bytes an
    earlier run has put in place is left alone, so that sorting twice is harmless.

    Parameters
    ----------
    predictions : Predictions
    out : str
    mode : Mode

    Raises
    ------
    TableError
        A class cannot be the name of a folder.
    DestinationError
        Hard links are asked for across disks.
    """
    folders = tuple(folder_name(label) for label in predictions.classes)
    taken = TakenNames(out)
    transfers, destinations, present = [], [], []
    for path, label in zip(predictions.paths, predictions.labels, strict=True):
        name = os.path.basename(path)
        for number in count(2):
            destination = f"{label}/{name}"
            if taken.take(label, name):
                transfers.append(Transfer.of(path, destination))
                break
            if _holds(os.path.join(out, destination), path, mode):
                present.append(path)
                break
            name = numbered(os.path.basename(path), number)
        destinations.append(destination)
    if mode is Mode.HARDLINK and transfers:
        check_can_link(transfers[0].source, _existing(out))
    return SortPlan(out, mode, folders, tuple(transfers), tuple(destinations), tuple(present))


def check_folders(out: str, *, train: str | None, source: str) -> None:
    """Raise DestinationError if sorting into `out` would feed on itself."""
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


def write_predictions(file: str, predictions: Predictions, plan: SortPlan | None = None) -> None:
    """Write one row per picture: its class, how sure, where it goes, and on what grounds.

    The columns: ``path``, ``class``, ``confidence``, ``runner_up``,
    ``runner_up_confidence``, ``sorted_to`` (below the result folder; empty
    without a plan), and for each neighbour i, nearest first, ``neighbour_i``
    (a training picture), ``neighbour_i_class`` and ``neighbour_i_distance``.
    """
    k = predictions.neighbours.indices.shape[1]
    header = ["path", "class", "confidence", "runner_up", "runner_up_confidence", "sorted_to"]
    for i in range(1, k + 1):
        header += [f"neighbour_{i}", f"neighbour_{i}_class", f"neighbour_{i}_distance"]
    write_csv(file, header, _rows(predictions, plan))


def write_failures(file: str, failures: Sequence[Failure]) -> None:
    """Write the files that could not be used: path, reason."""
    write_csv(file, ("path", "reason"), [(f.path, f.reason) for f in failures])


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


def _holds(target: str, source: str, mode: Mode) -> bool:
    if mode is Mode.SYMLINK:
        return os.path.islink(target) and os.path.realpath(target) == os.path.realpath(source)
    return os.path.isfile(target) and same_file(source, target)


def _inside(folder: str, other: str) -> bool:
    parts, others = (os.path.realpath(path).split(os.sep) for path in (folder, other))
    return parts[: len(others)] == others


def _existing(folder: str) -> str:
    """Return the nearest folder above that exists: what will be made lies on its disk."""
    folder = os.path.abspath(folder)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder
