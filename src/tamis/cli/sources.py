"""Where pictures come from: a folder, a list, or a collection, all asked alike."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tamis.cli.console import progress, warn, warn_failures
from tamis.cli.notes import warn_passed_over, warn_split
from tamis.descriptors import Descriptor, Reduction
from tamis.errors import InvalidParameterError, TableError, printable
from tamis.features import FeatureTable, available_processors, combine, extract_several
from tamis.splits import class_remarks, part_named, split_of, take_part, with_split
from tamis.splits.labels import TRUTH_SUFFIX, with_truth
from tamis.store import Collection, find_reduction, is_collection
from tamis.table import ImageTable, class_key

Role = Literal["pictures", "scored", "examples"]
"""What a source is read for; see `read_table`."""


def read_table(
    source: str,
    *,
    role: Role = "pictures",
    classes: Sequence[str] | None = None,
    splits: str | None = None,
    exclude: Sequence[str] = (),
    follow_links: bool = False,
    root: str | None = None,
    may_be_empty: bool = False,
) -> ImageTable:
    """List the pictures of a folder, a CSV file or a collection; say what is odd about them.

    Parameters
    ----------
    source : str
    role : {"pictures", "scored", "examples"}
        What the classes are for. Those of plain pictures are not needed. Where they are, a
        folder that is a split only in part is refused, and a list must have the column
        ``label``; empty classes are named, of examples also those of one picture.
    classes, splits
        As the user named them; all by default.
    exclude, follow_links
        As `ImageTable.from_folder` takes them.
    root : str, optional
        Where the pictures of a CSV file or a collection lie, if not where it says.
    may_be_empty : bool
        A source without pictures is no error.
    """
    if root is not None and not (is_collection(source) or os.path.isfile(source)):
        raise InvalidParameterError(
            f"--root is for a CSV file or a collection, and {printable(source)} is neither. Leave "
            "it out."
        )
    if is_collection(source):
        table = Collection.open(source, root=root).table()
    elif os.path.isfile(source):
        table = ImageTable.from_csv(source, root=root, labelled=role != "pictures")
    else:
        table = ImageTable.from_folder(source, exclude=exclude, follow_links=follow_links)
        warn_passed_over(table, source)
    split = split_of(table, refuse=role != "pictures")
    table = with_split(table, split)
    if split is not None:
        warn_split(split, source)
    if splits:
        wanted = chosen_splits(splits, table, source)
        table = table.select(i for i, part in enumerate(table.splits) if part in wanted)
    if classes:
        table = table.of_classes(chosen_classes(classes, table))
    if not len(table) and not may_be_empty:
        warn_failures(table.failures)
        raise TableError(f"{printable(source)} holds no picture.")
    if role != "pictures":
        for remark in class_remarks(table, singles=role == "examples"):
            warn(f"{printable(source)}: {remark}")
    return table


def chosen_classes(values: Sequence[str], table: ImageTable) -> list[str]:
    """Read names of classes: each value is one, or several with commas between.

    A class of `table` whose own name holds a comma is known by its whole name.
    """
    known = {class_key(name) for name in table.classes}
    chosen: list[str] = []
    for value in values:
        if class_key(value) in known:
            chosen.append(value)
        else:
            names = value.split(",")
            chosen += [n if class_key(n) in known else n.strip() or n for n in names]
    return chosen


def chosen_splits(splits: str, table: ImageTable, source: str) -> list[str]:
    """Read names of parts with commas between; raise TableError if one has no picture."""
    wanted = [part_named(word) or word for word in splits.split(",")]
    known = sorted({part for part in table.splits if part is not None})
    if missing := sorted(set(wanted) - set(known)):
        raise TableError(
            f"{printable(source)} has no split {', '.join(map(printable, missing))}. It has: "
            f"{', '.join(map(printable, known)) or 'none'}. Splits come from the column split of "
            "a CSV file, or from folders such as train, val and test."
        )
    return wanted


def read_part(
    source: str,
    part: str,
    *,
    role: Role,
    or_only: str = "",
    follow_links: bool = False,
) -> ImageTable:
    """List the pictures of a source; of a split, those of one part, and say so."""
    table = read_table(source, role=role, follow_links=follow_links)
    taken = take_part(table, part, or_only=or_only)
    if len(taken) < len(table):
        warn(f"taking the part {taken.splits[0]} of {printable(source)}, {len(taken)} pictures")
    return taken


def read_test(
    source: str, *, truth: str | None = None, follow_links: bool = False
) -> tuple[ImageTable, int]:
    """List the pictures to score a classification by; of a split, those of its test part.

    Gives also the number of those that are left out because their class is not known.
    """
    # With a manifest the classes of the source itself do not matter.
    role: Role = "scored" if truth is None else "pictures"
    table = read_part(source, "test", role=role, or_only="val", follow_links=follow_links)
    place = os.path.normpath(source)
    if table.splits[0] is not None:
        place = os.path.join(place, table.names[0].partition("/")[0])
    return labelled(table, source, truth=truth, place=place)


def labelled(
    table: ImageTable, source: str, *, truth: str | None = None, place: str = ""
) -> tuple[ImageTable, int]:
    """Take the pictures whose class is known, from folders or from the manifest of `place`.

    Gives also the number of those that are left out because it is not.
    """
    if truth is None and not table.classes:
        truth = (place or os.path.normpath(source)) + TRUTH_SUFFIX
        if not os.path.exists(truth):
            raise TableError(
                f"{printable(source)} has no class folders, and there is no {printable(truth)}. "
                "Name the manifest of a blind test by --truth."
            )
    if truth is not None:
        table = with_truth(table, truth)
    known = [row for row, label in enumerate(table.labels) if label is not None]
    if left_out := len(table) - len(known):
        warn(f"leaving out {left_out} pictures of {printable(source)} that are in no class folder")
        table = table.select(known)
    return table, left_out


def stored_features(
    source: str, table: ImageTable, descriptor: Descriptor
) -> list[FeatureTable] | None:
    """Read the vectors of a descriptor's leaves, for the pictures of `table`.

    None if the source is no collection, or one that does not hold them all.
    """
    if not is_collection(source):
        return None
    collection = Collection.open(source, root=table.root)
    if not {leaf.spec for leaf in descriptor.leaves} <= set(collection.specs):
        return None
    return [_restricted(collection.features(leaf.spec), table) for leaf in descriptor.leaves]


def _restricted(found: FeatureTable, table: ImageTable) -> FeatureTable:
    """Keep the rows of the pictures of `table`, with the classes that it says they have."""
    labels = dict(zip(table.paths, table.labels, strict=True))
    rows = [row for row, path in enumerate(found.paths) if path in labels]
    if len(rows) < len(found):
        found = found.select(rows)
    return replace(
        found,
        labels=tuple(labels[path] for path in found.paths),
        failures=tuple(one for one in found.failures if one.path in labels),
    )


def read_several(
    source: str,
    table: ImageTable,
    descriptors: Sequence[Descriptor],
    *,
    what: str = "pictures",
    jobs: int | None,
    max_pixels: int,
) -> list[FeatureTable]:
    """Read or compute the vectors of the pictures of `table` by several fitted descriptors."""
    stored = [stored_features(source, table, one) for one in descriptors]
    missing = [one for one, found in zip(descriptors, stored, strict=True) if found is None]
    computed: list[FeatureTable] = []
    if missing:
        with progress(what, len(table)) as advance:
            computed = extract_several(
                table, missing, jobs=jobs, max_pixels=max_pixels, progress=advance
            )
    fresh = iter(computed)
    tables = [
        next(fresh) if found is None else combine(one, found)
        for one, found in zip(descriptors, stored, strict=True)
    ]
    # Folders that could not be entered come first: pictures in them were not even listed.
    return [replace(one, failures=(*table.failures, *one.failures)) for one in tables]


def learn(
    source: str,
    table: ImageTable,
    descriptor: Descriptor,
    *,
    what: str = "examples",
    distance: str,
    jobs: int | None,
    max_pixels: int,
) -> tuple[Descriptor, FeatureTable]:
    """Read or compute the vectors of the examples, and fit the descriptor to them.

    The vectors say by which distance they are to be compared: `distance`, or if that is
    empty the descriptor's own; of a late fusion, part by part. A reduction that the
    collection of the examples keeps is taken as it is.
    """
    if isinstance(descriptor, Reduction) and not descriptor.fitted and is_collection(source):
        descriptor = find_reduction(Collection.open(source), descriptor) or descriptor
    found = read_several(
        source, table, descriptor.leaves, what=what, jobs=jobs, max_pixels=max_pixels
    )
    if not descriptor.fitted:
        descriptor = descriptor.fit(
            [one.features for one in found],
            labels=found[0].labels,
            distance=distance,
            jobs=jobs or available_processors(),
        )
    table_of = combine(descriptor, found)
    return descriptor, replace(table_of, distance=descriptor.compared_by(distance))
