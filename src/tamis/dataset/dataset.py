"""`Dataset`: images, from whatever names them, opened once."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self, Unpack

from tamis.dataset.conflicts import conflict_remarks
from tamis.dataset.opening import (
    Role,
    default_truth,
    first_reason,
    ignored_remarks,
    listed,
    moved_remarks,
    split_remark,
    takeable,
    unlabelled_remark,
)
from tamis.dataset.vectors import (
    Stored,
    check_can_compute,
    in_pieces,
    read_or_compute,
    stored_leaves,
)
from tamis.descriptors import Descriptor, Reduction
from tamis.errors import TableError, printable
from tamis.features import FeatureTable, Reading, available_processors, combine
from tamis.splits import Split, class_remarks, part_named, split_of, take_part, with_split
from tamis.splits.labels import with_truth
from tamis.store import Collection, find_reduction
from tamis.table import ImageTable, class_key
from tamis.table.frames import html_table
from tamis.table.sources import from_paths, with_metadata

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | ImageTable


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Dataset:
    """Images with their classes, and the collection that holds their vectors if there is one.

    Attributes
    ----------
    source : str
        What was opened, as it was named; the root for a sequence of paths.
    table : ImageTable
    collection : Collection or None
        Opened once; all vectors that it holds are read from it.
    split : Split or None
        The parts of a source that is a split.
    remarks : tuple of str
        What a person should know about the source: ignored files, classes without an image,
        images that were left out. Sentences without a full stop.
    n_unlabelled : int
        Images that `labelled` left out.

    Examples
    --------
    >>> photos = Dataset.open(["a/1.png", "a/2.png", "b/3.png"])
    >>> photos
    Dataset(3 images without a class, from a list of paths)
    >>> len(photos), photos.classes
    (3, [])
    """

    source: str
    table: ImageTable
    collection: Collection | None = None
    split: Split | None = None
    remarks: tuple[str, ...] = ()
    n_unlabelled: int = 0

    @classmethod
    def open(
        cls,
        source: "Source | Dataset",
        *,
        role: Role = "pictures",
        classes: Sequence[str] | None = None,
        parts: str | Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        follow_links: bool = False,
        root: str | os.PathLike[str] | None = None,
        may_be_empty: bool = False,
    ) -> "Dataset":
        """List the images of a source.

        Parameters
        ----------
        source : str, os.PathLike, sequence of paths, ImageTable or Dataset
            A folder with a folder per class; a split with ``train``, ``val``, ``test``; a CSV
            or Parquet file with a column ``path``; a collection that `tamis index` made; an
            image; a pattern such as ``photos/**/*.jpg``; or paths. In a folder, the classes
            may stand in ``metadata.csv``, ``metadata.jsonl`` or ``metadata.parquet`` with the
            columns ``file_name`` and ``label``. A Dataset is returned as it is.
        role : {"pictures", "scored", "examples"}
            Plain pictures need no class. Where classes are needed, a folder that is a split
            only in part is refused, and a list must have the column ``label``; the remarks
            name empty classes, and those of examples also classes of a single image.
        classes, parts : sequence of str, optional
            Take only these classes, or these parts of a split; all by default. A text names
            several with commas between.
        exclude : sequence of str
            Folders to pass over.
        follow_links : bool
            Enter linked folders that lead out of the source.
        root : str or os.PathLike, optional
            Where the images of a list or of a collection lie, if not where it says.
        may_be_empty : bool
            A source without images is no error.

        Raises
        ------
        TableError
            The source cannot be listed or holds no image.
        CollectionError
            The collection cannot be opened.
        InvalidParameterError
            `root` is given for another source than a list or a collection.
        """
        if isinstance(source, Dataset):
            return source
        collection = None
        remarks: list[str] = []
        if isinstance(source, ImageTable):
            name, table = source.root, source
        elif not isinstance(source, str | os.PathLike):
            table = from_paths(source)
            name = "a list of paths"
        else:
            name = os.fspath(source)
            table, collection = listed(
                name, role=role, exclude=exclude, follow_links=follow_links, root=root
            )
            if collection is None:
                remarks += ignored_remarks(table, name)
            else:
                remarks += moved_remarks(collection)
        split = split_of(table, refuse=role != "pictures")
        table = with_split(table, split)
        if os.path.isdir(name) and collection is None:
            table = with_metadata(table)
        if split is not None:
            remarks.append(split_remark(split, name))
        opened = cls(name, table, collection, split, tuple(remarks)).select(
            classes=classes, parts=parts
        )
        if not len(opened) and not may_be_empty:
            raise TableError(f"{printable(name)} holds no picture.{first_reason(table.failures)}")
        if role == "pictures":
            return opened
        odd = class_remarks(opened.table, singles=role == "examples")
        odd += conflict_remarks(opened.table, collection)
        return opened._with(remarks=[f"{printable(name)}: {remark}" for remark in odd])

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        n = len(self.table.classes)
        what = f"of {n} class{'es' * (n > 1)}" if n else "without a class"
        plural = "" if len(self) == 1 else "s"
        return f"Dataset({len(self):,} image{plural} {what}, from {printable(self.source)})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.table.columns())

    @property
    def classes(self) -> list[str]:
        """The different classes, sorted."""
        return self.table.classes

    def _with(
        self, table: ImageTable | None = None, *, remarks: Iterable[str] = (), n_unlabelled: int = 0
    ) -> Self:
        return replace(
            self,
            table=self.table if table is None else table,
            remarks=(*self.remarks, *remarks),
            n_unlabelled=self.n_unlabelled + n_unlabelled,
        )

    def having(self, table: ImageTable) -> Self:
        """Take the images of a table, which are some of this dataset's."""
        return replace(self, table=table)

    def select(
        self,
        *,
        classes: Sequence[str] | None = None,
        parts: str | Sequence[str] | None = None,
    ) -> Self:
        """Take the images of some classes, and of some parts of a split.

        Raises
        ------
        TableError
            A class or a part has no image.
        """
        table = self.table
        if parts:
            wanted = self.parts_named(parts)
            table = table.select(i for i, part in enumerate(table.splits) if part in wanted)
        if classes:
            table = table.of_classes(replace(self, table=table).classes_named(classes))
        return self if table is self.table else self._with(table)

    def classes_named(self, names: str | Sequence[str]) -> list[str]:
        """Read names of classes: each text is a class, or several with commas between."""
        known = {class_key(name) for name in self.table.classes}  # some with commas of their own
        chosen: list[str] = []
        for value in [names] if isinstance(names, str) else names:
            whole = class_key(value) in known
            words = [value] if whole else value.split(",")
            chosen += [word if class_key(word) in known else word.strip() or word for word in words]
        return chosen

    def parts_named(self, names: str | Sequence[str]) -> list[str]:
        """Read names of parts, with commas between; raise TableError if one has no image."""
        words = names.split(",") if isinstance(names, str) else names
        wanted = [part_named(word) or word for word in words]
        known = sorted({part for part in self.table.splits if part is not None})
        if missing := sorted(set(wanted) - set(known)):
            raise TableError(
                f"{printable(self.source)} has no split {', '.join(map(printable, missing))}. It "
                f"has: {', '.join(map(printable, known)) or 'none'}. Splits come from the column "
                "split of a CSV file, or from folders such as train, val and test."
            )
        return wanted

    def part(self, name: str, *, or_only: str = "") -> Self:
        """Take a part of a split; everything if this is no split.

        Parameters
        ----------
        name : str
            ``train`` or ``test``.
        or_only : str
            This part is taken instead, if it is the only part.
        """
        taken = take_part(self.table, name, or_only=or_only)
        if len(taken) == len(self.table):
            return self._with(taken)
        said = (
            f"taking the part {taken.splits[0]} of {printable(self.source)}, {len(taken)} pictures"
        )
        return self._with(taken, remarks=[said])

    def labelled(self, truth: str | os.PathLike[str] | None = None) -> Self:
        """Take the images whose class is known.

        Parameters
        ----------
        truth : str or os.PathLike, optional
            CSV file with the columns path,label of a blind test. Without classes, the default
            is the file beside the source, or beside its part, that `tamis split --blind` wrote.

        Raises
        ------
        TableError
            No class is known.
        """
        table = self.table
        if truth is None and not table.classes:
            truth = default_truth(table, self.source)
        if truth is not None:
            table = with_truth(table, truth)
        known = [row for row, label in enumerate(table.labels) if label is not None]
        left_out = len(table) - len(known)
        if not left_out:
            return self._with(table)
        remark = unlabelled_remark(left_out, self.source)
        return self._with(table.select(known), remarks=[remark], n_unlabelled=left_out)

    def to_take(self, *, follow_links: bool = False) -> Self:
        """Take the images that may be copied, linked or moved; the others are failures.

        An image may be taken if it really lies below the root of the source. What a list or a
        collection names must also be there, and be an image; what a collection names, the image
        that was indexed.

        Parameters
        ----------
        follow_links : bool
            Take also what lies elsewhere.

        Raises
        ------
        TableError
            No image may be taken.
        """
        table, remarks = takeable(
            self.table, self.source, self.collection, follow_links=follow_links
        )
        return self._with(table, remarks=remarks)

    def features_by(
        self, descriptors: Sequence[Descriptor], **reading: Unpack[Reading]
    ) -> list[FeatureTable]:
        """Read or compute the vectors by several fitted descriptors; each image is read once.

        Parameters
        ----------
        descriptors : sequence of Descriptor
            Leaves that a collection holds are read from it.
        **reading
            ``jobs``, ``max_pixels``, ``icc``, ``progress``, as `tamis.features.extract` takes them.

        Returns
        -------
        list of FeatureTable
            In the order of `descriptors`, all of the same images. Folders that could not be
            entered are among the failures, before images that could not be read.

        Raises
        ------
        CollectionError
            The collection lacks vectors, and its images are not there to compute them from.
        """
        tables = read_or_compute(self.table, descriptors, self._stored(descriptors), **reading)
        return [replace(one, failures=(*self.table.failures, *one.failures)) for one in tables]

    def _stored(self, descriptors: Sequence[Descriptor]) -> Stored:
        stored = stored_leaves(self.table, self.collection, descriptors)
        check_can_compute(self.table, self.collection, descriptors, stored)
        return stored

    def features(self, descriptor: Descriptor, **reading: Unpack[Reading]) -> FeatureTable:
        """Read or compute the vectors by a fitted descriptor; as `features_by`."""
        (found,) = self.features_by([descriptor], **reading)
        return found

    def pieces(self, descriptor: Descriptor, **reading: Unpack[Reading]) -> Iterator[FeatureTable]:
        """Give the vectors piece by piece, in bounded memory; stored vectors in one piece."""
        return in_pieces(self.table, descriptor, self._stored([descriptor]), **reading)

    def fit(
        self, descriptor: Descriptor, *, distance: str = "", **reading: Unpack[Reading]
    ) -> tuple[Descriptor, FeatureTable]:
        """Read or compute the vectors, and fit a descriptor that learns to them.

        Parameters
        ----------
        descriptor : Descriptor
            A reduction that the collection holds is taken as it was fitted.
        distance : str
            By which the vectors are to be compared; the default of the descriptor if empty, of
            a late fusion part by part.
        **reading
            ``jobs``, ``max_pixels``, ``icc``, ``progress``, as `tamis.features.extract` takes them.

        Returns
        -------
        descriptor : Descriptor
            Fitted.
        features : FeatureTable
            With that distance.

        Raises
        ------
        TableError
            No image can be read.
        """
        if (
            isinstance(descriptor, Reduction)
            and not descriptor.fitted
            and self.collection is not None
        ):
            descriptor = find_reduction(self.collection, descriptor) or descriptor
        leaves = self.features_by(descriptor.leaves, **reading)
        if not len(leaves[0]):
            raise TableError(
                f"none of the {len(self)} pictures of {printable(self.source)} can be read."
                f"{first_reason(leaves[0].failures)}"
            )
        if not descriptor.fitted:
            descriptor = descriptor.fit(
                [leaf.features for leaf in leaves],
                labels=leaves[0].labels,
                distance=distance,
                jobs=reading.get("jobs") or available_processors(),
            )
        features = combine(descriptor, leaves)
        return descriptor, replace(features, distance=descriptor.distance_for(distance))
