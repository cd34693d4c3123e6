"""Making a collection, and bringing one of an earlier format to the present one."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tamis.errors import CollectionError, DestinationError, printable
from tamis.images import default_reading
from tamis.store.adding import FOLDER as ADDING
from tamis.store.checking import FACTS, NEEDED, lance_errors
from tamis.store.collection import (
    FORMAT,
    FORMAT_KEY,
    ICC_KEY,
    ROOT_KEY,
    Collection,
    dataset_path,
    is_committed,
    lance,
)

_EMBEDDINGS: Final = {b"tamis:companion", b"tamis:embedding"}
"""Keys of the metadata of columns in formats 1 and 2: vectors for indexes of Lance."""


@contextmanager
def all_or_nothing(name: str) -> Iterator[None]:
    """Remove a collection that is made here and fails before it holds an image."""
    new = not os.path.lexists(name)
    try:
        yield
    except Exception:
        # A run that is killed keeps what it has; here a full disk gets its room back.
        if new and not _holds_images(name):
            shutil.rmtree(name, ignore_errors=True)
        raise


def _holds_images(name: str) -> bool:
    try:
        return Collection.open(name).dataset.count_rows() > 0
    except (CollectionError, DestinationError):
        return False


def open_or_create(name: str, root: str) -> Collection:
    """Open a collection to be written to; make it if there is none.

    Parameters
    ----------
    name : str
    root : str
        The folder of the images. A collection whose own root is gone takes this one.

    Raises
    ------
    CollectionError
        It is the collection of another folder, or cannot be used.
    DestinationError
        `name` is something else.
    """
    absolute = os.path.abspath(root)
    if is_committed(name):
        collection = Collection.open(name)
        collection.check_reading()
        changes = {}
        if os.path.realpath(collection.root) != os.path.realpath(root):
            if os.path.isdir(collection.root):
                raise CollectionError(
                    f"{printable(name)} is the collection of {printable(collection.root)}, not of "
                    f"{printable(absolute)}. Index that into a collection of its own."
                )
            changes[ROOT_KEY.decode()] = json.dumps(absolute)
        if collection.format < FORMAT:
            _upgrade(collection)
            changes[FORMAT_KEY.decode()] = str(FORMAT)
        if not changes:
            return collection
        with lance_errors(name):
            collection.dataset.update_schema_metadata(changes)
        return Collection.open(name)
    started = {os.path.basename(dataset_path(name)), ADDING}  # by a run that was killed at once
    if os.path.lexists(name) and (not os.path.isdir(name) or set(os.listdir(name)) - started):
        raise DestinationError(
            f"{printable(name)} exists and is not a collection. Choose another name."
        )
    return _create(name, absolute)


def _create(name: str, root: str) -> Collection:
    import pyarrow as pa

    types = {"int32": pa.int32(), "int64": pa.int64(), "string": pa.string(), "binary": pa.binary()}
    schema = pa.schema(
        [pa.field(fact, types[kind], nullable=fact not in NEEDED) for fact, kind in FACTS.items()],
        metadata={
            FORMAT_KEY: str(FORMAT).encode(),
            ROOT_KEY: json.dumps(root).encode(),  # ASCII, whatever the bytes of the name
            ICC_KEY: b"applied" if default_reading().icc else b"ignored",
        },
    )
    os.makedirs(name, exist_ok=True)
    with lance_errors(name):
        lance().write_dataset(
            pa.Table.from_batches([], schema=schema),
            dataset_path(name),
            data_storage_version="stable",
        )
    return Collection.open(name)


def _upgrade(collection: Collection) -> None:
    """Bring a collection of an earlier format to the present one; every step may be repeated."""
    import pyarrow as pa

    dataset = collection.dataset
    with lance_errors(collection.path):
        if "group" not in dataset.schema.names:
            dataset.add_columns(pa.schema([pa.field("group", pa.binary())]))
        for index in dataset.describe_indices():  # of vectors, which lie beside the dataset now
            dataset.drop_index(index.name)
        embeddings = [
            field.name for field in dataset.schema if _EMBEDDINGS & set(field.metadata or {})
        ]
        if embeddings:
            dataset.drop_columns(embeddings)
