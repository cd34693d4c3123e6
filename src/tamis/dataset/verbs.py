"""What is done with the images of a source: open it, describe it, split it, index it."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Unpack

from tamis.dataset.dataset import Dataset, Source
from tamis.dataset.grouping import DUPLICATES, duplicates, grouped
from tamis.dataset.opening import Role
from tamis.deduplication import Duplicates, with_copies_together
from tamis.deduplication.finding import Stages
from tamis.descriptors import AUTO, Descriptor, descriptor
from tamis.errors import DestinationError, InvalidParameterError, printable
from tamis.features import FeatureTable, Progress, Reading
from tamis.files.journal import Journal, Outcome, journals
from tamis.files.lock import locked
from tamis.files.result import FOLDER
from tamis.files.transfer import Mode
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.splits import check_one_fold
from tamis.splits.assign import DEFAULT_RATIO, assign_folds, assign_parts
from tamis.splits.labels import write_truth
from tamis.splits.plan import SplitPlan as Placements
from tamis.splits.plan import plan_split
from tamis.store import Collection, is_committed, update


def open(
    source: Source | Dataset,
    *,
    role: Role = "pictures",
    classes: Sequence[str] | None = None,
    parts: str | Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    follow_links: bool = False,
    root: str | os.PathLike[str] | None = None,
) -> Dataset:
    """List the images of a source; as `Dataset.open`.

    Examples
    --------
    >>> tamis.open("examples", classes=["bars", "sky"])
    Dataset(10 images of 2 classes, from examples)
    """
    return Dataset.open(
        source,
        role=role,
        classes=classes,
        parts=parts,
        exclude=exclude,
        follow_links=follow_links,
        root=root,
    )


def describe(
    source: Source | Dataset, by: str | Descriptor = AUTO, **reading: Unpack[Reading]
) -> FeatureTable:
    """Describe the images of a source by a descriptor.

    Parameters
    ----------
    source : str, os.PathLike, sequence of paths, ImageTable or Dataset
        Of a collection, stored vectors are read.
    by : str or Descriptor
        What it learns (the weights of a fusion, the axes of a reduction) is fitted to the source.
    **reading
        ``jobs``, ``max_pixels``, ``icc``, ``progress``, as `tamis.features.extract` takes them.

    Returns
    -------
    FeatureTable

    Examples
    --------
    >>> vectors = tamis.describe("examples", "moments")
    >>> vectors
    FeatureTable(15 images x 225 values by moments(regions=5,size=128))
    >>> vectors.to_csv("vectors.csv")
    """
    made = descriptor(by) if isinstance(by, str) else by
    return Dataset.open(source).fit(made, **reading)[1]


def index(
    source: Source | Dataset,
    into: str | os.PathLike[str],
    by: str | Sequence[str] = (),
    *,
    prune: bool = False,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> Collection:
    """Keep the images of a source and their vectors in a collection, or bring it up to date.

    Parameters
    ----------
    source : str, os.PathLike, sequence of paths, ImageTable or Dataset
    into : str or os.PathLike
        The collection; made if it does not exist.
    by : str or sequence of str
        Descriptors to store, besides those that the collection has. A new collection gets
        ``auto`` if none is named.
    prune : bool
        Remove also images whose folder is empty or cannot be entered.
    jobs, max_pixels, progress
        As `tamis.features.extract` takes them.

    Returns
    -------
    Collection
        As it is afterwards.

    Examples
    --------
    >>> collection = tamis.index("photos", "photos.tamis", by="moments")
    >>> collection
    Collection(photos.tamis: 6 images by moments)
    """
    place = os.fspath(into)
    specs = [by] if isinstance(by, str) else list(by)
    if not specs and not is_committed(place):
        specs = [AUTO]
    several = [descriptor(spec) for spec in specs]
    table = Dataset.open(source, exclude=[place]).table
    return update(
        place, table, several, jobs=jobs, max_pixels=max_pixels, progress=progress, prune=prune
    ).collection


@dataclass(frozen=True, slots=True, repr=False)
class SplitPlan:
    """A plan of `split`, which `apply` carries out.

    Attributes
    ----------
    out : str
    mode : Mode
    placements : tamis.splits.plan.SplitPlan
    images : Dataset
        Those that the parts get; its remarks name what was left out.
    copies : list of list of int
        Positions of images with the same content, two or more in each group.
    duplicates : Duplicates or None
        What was found for `groups`.

    Examples
    --------
    >>> plan = tamis.split("examples", "parts", ratio=(0.6, 0, 0.4))
    >>> plan
    SplitPlan(train 9, test 6; below parts)
    """

    out: str
    mode: Mode
    placements: Placements
    images: Dataset
    copies: list[list[int]]
    duplicates: Duplicates | None = None

    def __repr__(self) -> str:
        parts = ", ".join(f"{part} {counts.total()}" for part, counts in self.counts.items())
        return f"SplitPlan({parts}; below {printable(self.out)})"

    @property
    def counts(self) -> Mapping[str, Counter[str]]:
        """Part to the number of images of each class."""
        return self.placements.counts

    @property
    def manifests(self) -> dict[str, Callable[[str], object]]:
        """Name of each manifest of a blind test to a function that writes it to a path."""
        truth = self.placements.truth
        return {name: partial(write_truth, rows=rows) for name, rows in truth.items()}

    def apply(self) -> Outcome:
        """Place the files; `tamis.undo` takes it back.

        Raises
        ------
        DestinationError
            The folder is not empty, or cannot be written to.
        """
        with locked(self.out, inside=True):
            present = set(os.listdir(self.out)) - {FOLDER} if os.path.isdir(self.out) else set()
            if present or journals(self.out):
                raise DestinationError(
                    f"{printable(self.out)} is not empty. Choose a new folder, or take an earlier "
                    "split back first: tamis.undo."
                )
            return Journal.create(
                self.out,
                command="split",
                mode=self.mode,
                folders=self.placements.folders,
                transfers=self.placements.transfers,
                made=self.manifests,
            ).carry_out()


def split(
    source: Source | Dataset,
    out: str | os.PathLike[str],
    *,
    ratio: tuple[float, float, float] = DEFAULT_RATIO,
    folds: int | None = None,
    blind: bool = False,
    groups: str | os.PathLike[str] | Duplicates | None = None,
    seed: int = 0,
    mode: str | Mode = Mode.COPY,
    follow_links: bool = False,
    stages: Stages | None = None,
) -> SplitPlan:
    """Plan to split class folders into train, val and test; nothing is touched yet.

    Parameters
    ----------
    source : str, os.PathLike, sequence of paths, ImageTable or Dataset
        Images without a class are left out. Files with the same content stay in one part.
    out : str or os.PathLike
        Receives the parts.
    ratio : (float, float, float)
        Shares of train, val and test.
    folds : int, optional
        As many folds instead, each with train and test.
    blind : bool
        Give test images neutral names, and keep their classes in a manifest.
    groups : str, os.PathLike or Duplicates, optional
        A group stays in one part, as `grouped` makes them.
    seed : int
    mode : {"copy", "hardlink", "symlink", "move"}
    follow_links : bool
        Take also what lies outside of the root of the source, as `Dataset.to_take` does.
    stages : callable, optional
        Told of the search for duplicates.

    Returns
    -------
    SplitPlan
        Its `apply` carries it out.

    Raises
    ------
    InvalidParameterError
        A parameter is out of its range.

    Examples
    --------
    >>> done = tamis.split("examples", "parts", ratio=(0.6, 0, 0.4)).apply()
    >>> tamis.open("parts", parts="test")
    Dataset(6 images of 3 classes, from parts)
    """
    placed = Mode(mode)
    check_folds(folds, placed)
    place = os.fspath(out)
    opened = Dataset.open(source, role="examples", exclude=[place], follow_links=follow_links)
    images = opened.to_take(follow_links=follow_links)
    check_one_fold(images.table)
    images = images.labelled()
    if groups == DUPLICATES:
        groups = duplicates(images, stages=stages)
    if groups is not None:
        images = grouped(images, groups)
    found = groups if isinstance(groups, Duplicates) else None
    table, copies = with_copies_together(images.table)
    if folds is None:
        parts = assign_parts(table, ratio=ratio, seed=seed)
    else:
        parts = assign_folds(table, folds, seed=seed)
    placements = plan_split(table, parts, place, blind=blind, seed=seed)
    return SplitPlan(place, placed, placements, images.having(table), copies, found)


def check_folds(folds: int | None, mode: Mode) -> None:
    """Raise InvalidParameterError if files are to be moved into several folds."""
    if folds is not None and mode is Mode.MOVE:
        raise InvalidParameterError(
            "folds need every picture several times, so --mode move cannot be. Choose another."
        )
