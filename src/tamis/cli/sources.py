"""Where pictures come from: a folder, a list, or a collection, all asked alike."""

import os
from collections.abc import Sequence

from tamis.cli.console import progress, warn_ignored
from tamis.descriptors import Descriptor
from tamis.errors import TableError, printable
from tamis.features import FeatureTable, combine, extract_several
from tamis.store import Collection, is_collection
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
    """Read or compute the vectors of the examples, and fit the descriptor to them."""
    found = stored_features(source, descriptor)
    if found is None:
        with progress("examples", len(table)) as advance:
            found = extract_several(
                table, descriptor.leaves, jobs=jobs, max_pixels=max_pixels, progress=advance
            )
    if not descriptor.fitted:
        descriptor = descriptor.fit([one.features for one in found], distance=distance)
    return descriptor, combine(descriptor, found)


def read_several(
    source: str,
    table: ImageTable,
    descriptors: Sequence[Descriptor],
    *,
    jobs: int | None,
    max_pixels: int,
) -> list[FeatureTable]:
    """Read or compute the vectors of the pictures of `table` by several descriptors."""
    stored = [stored_features(source, one) for one in descriptors]
    missing = [one for one, found in zip(descriptors, stored, strict=True) if found is None]
    computed: list[FeatureTable] = []
    if missing:
        with progress("pictures", len(table)) as advance:
            computed = extract_several(
                table, missing, jobs=jobs, max_pixels=max_pixels, progress=advance
            )
    fresh = iter(computed)
    wanted = set(table.paths)
    tables = []
    for one, found in zip(descriptors, stored, strict=True):
        if found is None:
            tables.append(next(fresh))
            continue
        whole = combine(one, found)
        tables.append(whole.select([i for i, p in enumerate(whole.paths) if p in wanted]))
    return tables
