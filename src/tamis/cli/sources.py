"""Where pictures come from: a folder, a list, or a collection, all asked alike."""

import os
from collections.abc import Sequence
from dataclasses import replace

from tamis.cli.console import progress, warn
from tamis.cli.notes import warn_passed_over
from tamis.descriptors import Descriptor, Reduction
from tamis.errors import InvalidParameterError, TableError, printable
from tamis.features import FeatureTable, available_processors, combine, extract_several
from tamis.parts import part_folders, with_parts
from tamis.split import TRUTH_SUFFIX, with_truth
from tamis.store import Collection, find_reduction, is_collection
from tamis.table import ImageTable


def read_table(
    source: str,
    *,
    classes: str | None = None,
    splits: str | None = None,
    exclude: Sequence[str] = (),
    follow_links: bool = False,
    root: str | None = None,
) -> ImageTable:
    """List the pictures of a folder, a CSV file or a collection; say what is passed over.

    Of a folder that `tamis split` wrote the classes are the folders in its parts. `root` is
    where the pictures of a CSV file or a collection lie, if not where it says.
    """
    if root is not None and not (is_collection(source) or os.path.isfile(source)):
        raise InvalidParameterError(
            f"--root is for a CSV file or a collection, and {printable(source)} is neither. Leave "
            "it out."
        )
    chosen = classes.split(",") if classes else None
    divided = part_folders(source)
    if is_collection(source):
        table = _only(Collection.open(source, root=root).table(), chosen, source)
    elif os.path.isfile(source):
        table = _only(ImageTable.from_csv(source, root=root), chosen, source)
    elif divided:
        table = with_parts(
            ImageTable.from_folder(source, exclude=exclude, follow_links=follow_links), divided
        )
        warn_passed_over(table, source)
        warn(
            f"{printable(source)} was written by tamis split: {', '.join(divided)} are its parts, "
            "the classes are the folders in them"
        )
        table = _only(table, chosen, source)
    else:
        table = ImageTable.from_folder(
            source, classes=chosen, exclude=exclude, follow_links=follow_links
        )
        warn_passed_over(table, source)
    if splits:
        wanted = splits.split(",")
        check_splits(table, wanted, source)
        table = table.select(i for i, part in enumerate(table.splits) if part in wanted)
    if not len(table):
        raise TableError(f"{printable(source)} holds no picture.")
    return table


def check_splits(table: ImageTable, wanted: Sequence[str], source: str) -> None:
    """Raise TableError unless there are pictures of each of the wanted parts of a split."""
    known = sorted({part for part in table.splits if part is not None})
    if missing := sorted(set(wanted) - set(known)):
        raise TableError(
            f"{printable(source)} has no split {', '.join(map(printable, missing))}. It has: "
            f"{', '.join(map(printable, known)) or 'none'}. Splits come from the column split of "
            "a CSV file, or from a folder that tamis split wrote."
        )


def _only(table: ImageTable, classes: Sequence[str] | None, source: str) -> ImageTable:
    """Take only the pictures of some classes."""
    if not classes:
        return table
    if missing := sorted(set(classes) - set(table.classes)):
        raise TableError(
            f"no pictures of the class {', '.join(map(printable, missing))} in "
            f"{printable(source)}. It has: {', '.join(map(printable, table.classes)) or 'none'}."
        )
    return table.select(i for i, label in enumerate(table.labels) if label in set(classes))


def read_labelled(
    source: str,
    *,
    truth: str | None = None,
    classes: str | None = None,
    splits: str | None = None,
    follow_links: bool = False,
) -> tuple[ImageTable, int]:
    """List the pictures whose class is known, from folders or a truth manifest.

    Gives also the number of those that are left out because it is not.
    """
    table = read_table(source, splits=splits, follow_links=follow_links)
    if truth is None and not table.classes:
        truth = os.path.normpath(source) + TRUTH_SUFFIX
        if not os.path.exists(truth):
            raise TableError(
                f"{printable(source)} has no class folders, and there is no {printable(truth)}. "
                "Name the manifest of a blind test by --truth."
            )
    if truth is not None:
        table = with_truth(table, truth)
    if classes:
        return _only(table, classes.split(","), source), 0
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
