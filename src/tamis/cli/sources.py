"""Where pictures come from: a folder, a list, or a collection, all asked alike."""

import os
from collections.abc import Sequence

from tamis.cli.console import progress, warn_ignored
from tamis.descriptors import Descriptor, Reduction
from tamis.errors import TableError, printable
from tamis.features import FeatureTable, combine, extract_several
from tamis.store import Collection, find_reduction, is_collection
from tamis.table import ImageTable


def read_table(
    source: str, *, classes: str | None = None, exclude: Sequence[str] = ()
) -> ImageTable:
    """List the pictures of a folder, a CSV file or a collection; say what is passed over."""
    if is_collection(source):
        table = Collection.open(source).table()
    elif os.path.isfile(source):
        table = ImageTable.from_csv(source)
    else:
        chosen = classes.split(",") if classes else None
        table = ImageTable.from_folder(source, classes=chosen, exclude=exclude)
        warn_ignored(table.ignored, source)
    if not len(table):
        raise TableError(f"{printable(source)} holds no picture.")
    return table


def stored_features(source: str, descriptor: Descriptor) -> list[FeatureTable] | None:
    """Read the vectors of a descriptor's leaves if the source is a collection that has them."""
    if not is_collection(source):
        return None
    collection = Collection.open(source)
    if not {leaf.spec for leaf in descriptor.leaves} <= set(collection.specs):
        return None
    return [collection.features(leaf.spec) for leaf in descriptor.leaves]


def learn(
    source: str,
    table: ImageTable,
    descriptor: Descriptor,
    *,
    distance: str,
    jobs: int | None,
    max_pixels: int,
) -> tuple[Descriptor, FeatureTable]:
    """Read or compute the vectors of the examples, and fit the descriptor to them.

    A reduction that the collection of the examples keeps is taken as it is.
    """
    if isinstance(descriptor, Reduction) and not descriptor.fitted and is_collection(source):
        descriptor = find_reduction(Collection.open(source), descriptor) or descriptor
    found = stored_features(source, descriptor)
    if found is None:
        with progress("examples", len(table)) as advance:
            found = extract_several(
                table, descriptor.leaves, jobs=jobs, max_pixels=max_pixels, progress=advance
            )
    if not descriptor.fitted:
        descriptor = descriptor.fit([one.features for one in found], distance=distance)
    return descriptor, combine(descriptor, found)
