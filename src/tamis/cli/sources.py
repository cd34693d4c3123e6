"""Where pictures come from: a folder, a list, or a collection, all asked alike."""

import os
from collections.abc import Sequence

from tamis.cli.console import progress, warn_ignored
from tamis.descriptors import Descriptor
from tamis.errors import TableError, printable
from tamis.features import FeatureTable, extract
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


def stored_features(source: str, descriptor: Descriptor) -> FeatureTable | None:
    """Read the vectors of a source if it is a collection that holds them."""
    if not is_collection(source):
        return None
    collection = Collection.open(source)
    return collection.features(descriptor.spec) if descriptor.spec in collection.specs else None


def read_features(
    source: str,
    table: ImageTable,
    descriptor: Descriptor,
    *,
    what: str,
    jobs: int | None,
    max_pixels: int,
) -> FeatureTable:
    """Read or compute the vectors of all pictures of a source."""
    found = stored_features(source, descriptor)
    if found is not None:
        return found
    with progress(what, len(table)) as advance:
        return extract(table, descriptor, jobs=jobs, max_pixels=max_pixels, progress=advance)
