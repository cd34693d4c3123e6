"""Moving what is there again out of the way: planned, written in the journal, and undone."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tamis.deduplication.groups import Duplicates
from tamis.errors import DestinationError, Failure, InvalidParameterError, printable
from tamis.files.faults import explain
from tamis.files.journal import Outcome
from tamis.files.moving import folders_of, move
from tamis.files.transfer import Transfer
from tamis.images.listing import DUPLICATES

FOLDER: Final = DUPLICATES
"""Below the source, where the others go unless another folder is named."""


@dataclass(frozen=True, slots=True, repr=False)
class KeepPlan:
    """A plan that keeps the best of each group in its place, and moves the others.

    Attributes
    ----------
    out : str
        Receives the others, each at its path below the root of the source.
    folders : tuple of str
    transfers : tuple of Transfer
    failures : tuple of Failure
        Pictures that are gone since they were read, or do not lie below the root.

    Examples
    --------
    >>> import shutil
    >>> _ = shutil.copytree("photos", "photos/again")
    >>> plan = tamis.keep_best(tamis.duplicates("photos", kinds=["copy"]))
    >>> plan
    KeepPlan(move 6 pictures into photos/_duplicates)
    >>> plan.apply().failures
    ()
    """

    out: str
    folders: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    failures: tuple[Failure, ...]

    def __repr__(self) -> str:
        n = len(self.transfers)
        return f"KeepPlan(move {n} picture{'s' * (n != 1)} into {printable(self.out)})"

    def apply(self, *, progress: Callable[[int], object] | None = None) -> Outcome:
        """Move the files; `tamis.undo` takes it back.

        Raises
        ------
        JournalError
            A run into this folder was interrupted.
        DestinationError
            The folder cannot be written to.
        """
        return move(self.out, self.transfers, command="duplicates", progress=progress)


def keep_best(found: Duplicates, out: str | os.PathLike[str] | None = None) -> KeepPlan:
    """Plan to move all but the best of each group; bursts are left alone.

    Parameters
    ----------
    found : Duplicates
    out : str or os.PathLike, optional
        ``_duplicates`` in the folder of the source by default.

    Raises
    ------
    InvalidParameterError
        The source is no folder, so that it is not known where pictures belong.

    Examples
    --------
    >>> tamis.keep_best(tamis.duplicates("photos", kinds=["copy"]), "elsewhere")
    KeepPlan(move 0 pictures into elsewhere)
    """
    root = found.table.root
    if not os.path.isdir(root):
        raise InvalidParameterError("only a folder of pictures can be tidied. Name a folder.")
    place = os.path.join(root, FOLDER) if out is None else os.fspath(out)
    if os.path.realpath(place) == os.path.realpath(root):
        raise DestinationError(
            f"the others cannot be moved to {printable(root)}, where they are. Choose another "
            "folder."
        )
    names = dict(zip(found.table.paths, found.table.names, strict=True))
    transfers, failures = [], []
    for path in found.extra:
        if names[path].startswith("../"):
            failures.append(Failure(path, "stays: it does not lie below the folder"))
            continue
        try:
            transfers.append(Transfer.of(path, names[path]))
        except OSError as error:
            failures.append(Failure(path, explain(error)[0]))
    folders = folders_of(one.destination for one in transfers)
    return KeepPlan(place, folders, tuple(transfers), tuple(failures))
