"""Sorting in Python: plan, look, apply; `tamis.undo` takes it back."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from tamis.classifiers.predictions import Predictions
from tamis.errors import JournalError, printable
from tamis.files.journal import Journal, Outcome, journals
from tamis.files.lock import locked
from tamis.files.transfer import Mode
from tamis.sorting.checks import check_destination
from tamis.sorting.outputs import OUTPUTS, outputs
from tamis.sorting.placements import Placements
from tamis.sorting.plan import plan_sort
from tamis.table.sidecars import find_sidecars
from tamis.trust.aside import Aside

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True, repr=False)
class SortPlan:
    """A plan of `sort`, which `apply` carries out.

    Attributes
    ----------
    placements : Placements
        What will go where, as the folder is now.
    predictions : Predictions

    Examples
    --------
    >>> model = tamis.train("examples", by="moments", classifier="knn", validation=0)
    >>> plan = tamis.sort(model.predict("photos"), "sorted", mode="move")
    >>> plan
    SortPlan(move 6 files into 3 folders; below sorted)
    """

    placements: Placements
    predictions: Predictions
    with_sidecars: bool = False
    keep_folders: bool = False
    aside: Aside | None = None
    with_keywords: bool = False

    def __repr__(self) -> str:
        return repr(self.placements)

    def apply(self, *, title: str = "", progress: Progress | None = None) -> Outcome:
        """Place the files, and write predictions.csv and report.html beside the folders.

        The plan is made again under the lock of the folder, so that another run in between
        does no harm. Nothing is overwritten; `undo` takes it back.

        Parameters
        ----------
        title : str
            Heading of the report.
        progress : callable, optional
            Told how many files were placed, as they are.

        Raises
        ------
        JournalError
            A run into this folder was interrupted: take it back with `undo` first, or finish it
            with its command.
        DestinationError
            The folder cannot be written to, or another run is writing there.
        """
        out = self.placements.out
        with locked(out, inside=True):
            if unfinished := [run for run in journals(out) if not run.finished]:
                raise JournalError(
                    f"a {unfinished[0].command} into {printable(out)} was interrupted "
                    f"({unfinished[0].created}). Take it back first: tamis.undo."
                )
            plan = _planned(
                self.predictions, out, self.placements.mode,
                self.with_sidecars, self.keep_folders, self.aside,
                self.with_keywords,
            )  # fmt: skip
            title = title or f"{os.path.basename(out)}, sorted"
            made = outputs(self.predictions, plan, title=title, aside=self.aside)
            journal = Journal.create(
                out,
                command="sort",
                mode=plan.mode,
                folders=plan.folders,
                transfers=plan.transfers,
                made=made,
                absent=[name for name in OUTPUTS if name not in made],
            )
            return journal.carry_out(progress=progress)


def sort(
    predictions: Predictions,
    out: str | os.PathLike[str],
    *,
    mode: str | Mode = Mode.COPY,
    sidecars: bool = False,
    keep_folders: bool = False,
    aside: Aside | None = None,
    keywords: bool = False,
) -> SortPlan:
    """Plan to put images into a folder per class; nothing is touched yet.

    Parameters
    ----------
    predictions : Predictions
    out : str or os.PathLike
        Receives the class folders.
    mode : {"copy", "hardlink", "symlink", "move"}
    sidecars : bool
        Take along the files that go with an image, such as ``.xmp``.
    keep_folders : bool
        Keep the folders between an image and the folder that all have in common.
    aside : Aside, optional
        Images that go to another folder than that of their class, by
        `tamis.model.Model.set_aside`.
    keywords : bool
        Write the class of each image into an XMP file beside it.

    Returns
    -------
    SortPlan
        Its `apply` carries it out.

    Raises
    ------
    DestinationError
        The folder cannot receive them.
    TableError
        A class cannot be the name of a folder.

    Examples
    --------
    >>> model = tamis.train("examples", by="moments", classifier="knn", validation=0)
    >>> plan = tamis.sort(model.predict("photos"), "sorted", mode="move")
    >>> plan.apply().done
    8
    >>> tamis.undo("sorted").done
    8
    """
    place = os.fspath(out)
    check_destination(place, predictions.classes)
    plan = _planned(predictions, place, Mode(mode), sidecars, keep_folders, aside, keywords)
    return SortPlan(plan, predictions, sidecars, keep_folders, aside, keywords)


def _planned(
    predictions: Predictions,
    out: str,
    mode: Mode,
    sidecars: bool,
    keep_folders: bool,
    aside: Aside | None,
    keywords: bool,
) -> Placements:
    beside = find_sidecars(predictions.paths) if sidecars else None
    return plan_sort(
        predictions, out, mode=mode, sidecars=beside, keep_folders=keep_folders, aside=aside,
        keywords=keywords,
    )  # fmt: skip
