"""Moving doubtful examples to another class: planned, written in the journal, and undone."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tamis.checking.confirmed import add_confirmed, confirmed_file
from tamis.checking.result import Checkup
from tamis.dataset import Dataset, Source
from tamis.errors import Failure, InvalidParameterError, printable
from tamis.files.csvfile import read_csv
from tamis.files.faults import explain
from tamis.files.journal import Outcome
from tamis.files.moving import folders_of, move
from tamis.files.names import TakenNames
from tamis.files.transfer import Transfer
from tamis.table import ImageTable, class_key
from tamis.table.rows import RowFinder


@dataclass(frozen=True, slots=True, repr=False)
class RelabelPlan:
    """A plan that moves examples into the folder of another class.

    Attributes
    ----------
    out : str
        The folder of the examples.
    folders : tuple of str
        To be made: those of classes that are new.
    transfers : tuple of Transfer
    confirmed : mapping from str to str
        Name below the folder to the class, of examples that stay and are confirmed.
    failures : tuple of Failure
        Pictures that are gone, or whose class does not stand in the name of a folder.

    Examples
    --------
    >>> plan = tamis.relabel(tamis.check("examples", by="moments"))
    >>> plan
    RelabelPlan(move 0 pictures within examples, 0 confirmed)
    """

    out: str
    folders: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    confirmed: Mapping[str, str]
    failures: tuple[Failure, ...]

    def __repr__(self) -> str:
        n = len(self.transfers)
        return (
            f"RelabelPlan(move {n} picture{'s' * (n != 1)} within {printable(self.out)}, "
            f"{len(self.confirmed)} confirmed)"
        )

    def remember(self) -> None:
        """Write down the examples that are confirmed, in the file beside the folder."""
        if self.confirmed:
            add_confirmed(confirmed_file(self.out), self.confirmed)

    def apply(self, *, progress: Callable[[int], object] | None = None) -> Outcome:
        """Move the files, and write down what is confirmed; `tamis.undo` takes the moves back.

        Raises
        ------
        JournalError
            A run into this folder was interrupted.
        DestinationError
            The folder cannot be written to.
        """
        self.remember()
        return move(self.out, self.transfers, command="check", progress=progress)


def relabel(
    source: Checkup | Source | Dataset,
    reviewed: str | os.PathLike[str] | Mapping[str, str] | None = None,
) -> RelabelPlan:
    """Plan to move examples to another class; nothing is touched yet.

    Parameters
    ----------
    source : Checkup, or what `Dataset.open` takes
        A folder of class folders, or what was found in it.
    reviewed : str, os.PathLike or mapping from str to str, optional
        Path of a picture to its class, or a CSV file with the columns ``path`` and ``to``, as
        `Checkup.to_csv` writes it and a person has gone through it: where ``to`` is the class
        that the picture has, it is confirmed; where it is empty, or the row was removed, the
        picture stays and is asked for again. By default every suspect of a Checkup goes to the
        likeliest class.

    Raises
    ------
    InvalidParameterError
        The source is no folder, a picture is named that is not there, or nothing says which
        class is to be whose.

    Examples
    --------
    >>> found = tamis.check("examples", by="moments")
    >>> path = found.table.paths[0]
    >>> plan = tamis.relabel(found, {path: "sky"})
    >>> plan.transfers[0].destination
    'sky/000-000.jpg'
    >>> tamis.relabel(found, {path: "bars"}).confirmed
    {'bars/000-000.jpg': 'bars'}
    """
    table = source.table if isinstance(source, Checkup) else Dataset.open(source).table
    if not os.path.isdir(table.root):
        raise InvalidParameterError(
            "only examples in class folders can be moved to another class. Name a folder."
        )
    wanted = _reviewed(reviewed)
    if wanted is None and isinstance(source, Checkup):
        wanted = {one.path: one.answer for one in source.suspects}
    if wanted is None:
        raise InvalidParameterError(
            "nothing says which picture is of which class. Name a table, or give what tamis.check "
            "found."
        )
    finder, names = RowFinder(table), table.names
    taken = TakenNames(table.root)
    transfers: list[Transfer] = []
    confirmed: dict[str, str] = {}
    failures: list[Failure] = []
    for path, label in wanted.items():
        row = finder.row(path)
        if row is None:
            raise InvalidParameterError(
                f"{printable(path)} is no picture of {printable(table.root)}. Name pictures as "
                "the table of tamis check does."
            )
        if class_key(label) == class_key(table.labels[row] or ""):
            confirmed[names[row]] = label
            continue
        folder = _folder(table, names, row, label)
        if folder is None:
            said = "stays: its class does not stand in the name of a folder, but in a list"
            failures.append(Failure(table.paths[row], said))
            continue
        name = taken.take_free(folder, os.path.basename(table.paths[row]))
        try:
            transfers.append(Transfer.of(table.paths[row], f"{folder}/{name}"))
        except OSError as error:
            failures.append(Failure(table.paths[row], explain(error)[0]))
    folders = folders_of(one.destination for one in transfers)
    return RelabelPlan(table.root, folders, tuple(transfers), confirmed, tuple(failures))


def _reviewed(
    reviewed: str | os.PathLike[str] | Mapping[str, str] | None,
) -> dict[str, str] | None:
    if reviewed is None:
        return None
    if isinstance(reviewed, Mapping):
        return dict(reviewed)
    rows = read_csv(reviewed, required=("path", "to"))
    return {row["path"]: row["to"].strip() for row in rows if row["to"].strip()}


def _folder(table: ImageTable, names: Sequence[str], row: int, label: str) -> str | None:
    """Name the folder of a class beside that of a picture, as it is spelled on the disk."""
    pieces = names[row].split("/")[:-1]
    own = class_key(table.labels[row] or "")
    at = next((i for i, piece in enumerate(pieces) if class_key(piece) == own), None)
    if at is None or ".." in pieces:
        return None
    above = "/".join(pieces[:at])
    place = os.path.join(table.root, above)
    spelled = {class_key(name): name for name in sorted(os.listdir(place), reverse=True)}
    return "/".join([*pieces[:at], spelled.get(class_key(label), label)])
