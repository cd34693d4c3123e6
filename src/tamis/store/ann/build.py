"""Making the indexes of a collection, and keeping them up to date."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tamis.descriptors import Descriptor
from tamis.errors import CollectionError, InvalidParameterError, UnknownNameError, printable
from tamis.files.lock import locked
from tamis.store.ann.embedding import METRICS, Companion
from tamis.store.checking import lance_errors
from tamis.store.collection import Collection
from tamis.store.columns import decode, encode

_PREFIX: Final = "approximate"
_CELL: Final = 16_384  # vectors per cell of the inverted file, each a graph of its own
_UNINDEXED: Final = 1024
_BATCH_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Built:
    """An index that a collection has.

    Attributes
    ----------
    name : str
    metric : str
    column : str
        Which it is of: a descriptor's, or its companion's.
    companion : Companion or None
    """

    name: str
    metric: str
    column: str
    companion: Companion | None

    def of(self, spec: str, column: str) -> bool:
        """Tell whether it is of a descriptor, whose vectors are in a column."""
        return self.column == column or (self.companion is not None and self.companion.of == spec)


def check_metric(metric: str) -> None:
    """Raise UnknownNameError unless `metric` is one of the `METRICS`."""
    if metric not in METRICS:
        raise UnknownNameError.among("metric", metric, METRICS)


def build(
    path: str | os.PathLike[str], descriptor: Descriptor, *, metric: str | None = None
) -> None:
    """Make the index of a descriptor's vectors, or make it anew.

    Parameters
    ----------
    path : str or os.PathLike
        Of the collection, which holds vectors by the descriptor.
    descriptor : Descriptor
        Not a fusion: that is searched through the indexes of its parts.
    metric : {"l2", "cosine", "dot", "hellinger"}, optional
        By which candidates are found; the results can be ranked by any distance. By
        default hellinger for vectors that are stored sparsely, the descriptor's own
        distance if an index can be made by it, else l2.

    Raises
    ------
    CollectionError
        The collection has no such vectors, or none at all.
    InvalidParameterError
        The descriptor has several parts; or the metric is hellinger, and a value is
        negative.
    UnknownNameError
        Another metric.
    """
    metric = metric or _metric_for(descriptor)
    check_metric(metric)
    if len(descriptor.leaves) > 1:
        raise InvalidParameterError(
            f"{descriptor.spec} has several parts: make an index of each of them."
        )
    with locked(os.fspath(path)):
        collection = Collection.open(path)
        vectors = column_of(collection, descriptor.spec)
        dataset = collection.dataset
        n = dataset.count_rows("failure IS NULL")
        if not n:
            raise CollectionError(
                f"the collection {printable(collection.path)} has no picture that could be read: "
                "there is nothing to make an index of."
            )
        with lance_errors(collection.path):
            if metric == "hellinger":
                _check_not_negative(dataset, vectors, descriptor)
            _drop(dataset, vectors, descriptor.spec)
            column = _column_for(collection, descriptor, metric, vectors)
            dataset.create_index(
                column,
                "IVF_HNSW_SQ",
                name=f"{_PREFIX}_{metric}_{column}",
                metric="l2" if metric == "hellinger" else metric,
                num_partitions=max(1, n // _CELL),
            )


def _column_for(collection: Collection, descriptor: Descriptor, metric: str, vectors: str) -> str:
    """Name the column that an index is made of; a companion is filled first."""
    companion = Companion.for_metric(descriptor, metric)
    if companion is None:
        return vectors
    taken = {field.name for field in collection.dataset.schema}
    column = next(c for i in range(len(taken) + 1) if (c := f"companion_{i}") not in taken)
    source = Collection.open(collection.path).dataset  # one that is written to cannot be read
    _add_companion(collection.dataset, source, vectors, companion, column)
    return column


def _metric_for(descriptor: Descriptor) -> str:
    if descriptor.sparse:
        return "hellinger"
    own = descriptor.default_distance
    return own if own in METRICS else "l2"


def _batches(dataset: Any, column: str, dim: int) -> Iterator[Any]:
    """Read a column, all rows in order, some MB at a time."""
    size = max(64, _BATCH_BYTES // (4 * dim))
    for batch in dataset.scanner(columns=[column], batch_size=size).to_batches():
        yield batch.column(column)


def _check_not_negative(dataset: Any, column: str, descriptor: Descriptor) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    lowest = 0.0
    for vectors in _batches(dataset, column, descriptor.dim):
        values = vectors.drop_null()
        values = values.field("value") if pa.types.is_struct(values.type) else values
        lowest = min(lowest, pc.min(values.flatten()).as_py() or 0.0)
    if lowest < 0:
        raise InvalidParameterError(
            f"hellinger needs values that are not negative. Got {lowest:g} among the vectors by "
            f"{descriptor.spec}: take l2 or cosine."
        )


def _add_companion(
    dataset: Any, source: Any, vectors: str, companion: Companion, column: str
) -> None:
    """Fill the companion for the rows that are there, in one commit."""
    import pyarrow as pa

    schema = pa.schema([companion.column(column)])

    def filled() -> Iterator[Any]:
        for found in _batches(source, vectors, companion.dim):
            known = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
            features = np.zeros((len(known), companion.dim), np.float32)
            if len(known):
                decode(found.take(pa.array(known)), features, np.arange(len(known)))
            embedded = encode(
                companion.embed(features), known.tolist(), len(found), schema.field(0)
            )
            yield pa.record_batch([embedded], schema=schema)

    dataset.add_columns(pa.RecordBatchReader.from_batches(schema, filled()))


def _drop(dataset: Any, vectors: str, spec: str) -> None:
    """Remove the index of a descriptor, and its companion."""
    for one in built(dataset):
        if one.of(spec, vectors):
            dataset.drop_index(one.name)
    # By its column, not by its index: a run that was stopped may have left one alone.
    companions = {field.name: Companion.of_column(field) for field in dataset.schema}
    if old := [name for name, one in companions.items() if one is not None and one.of == spec]:
        dataset.drop_columns(old)


def refresh(dataset: Any) -> None:
    """Add the rows to the indexes that were written after them, if they are many."""
    n = dataset.count_rows()
    for index in dataset.describe_indices():
        if index.name.startswith(f"{_PREFIX}_") and n - index.num_rows_indexed > max(
            _UNINDEXED, n // 10
        ):
            dataset.optimize.optimize_indices(index_names=[index.name])


def built(dataset: Any) -> list[Built]:
    """List the approximate indexes."""
    found = []
    for index in dataset.describe_indices():
        if index.name.startswith(f"{_PREFIX}_"):
            (column,) = index.field_names
            companion = Companion.of_column(dataset.schema.field(column))
            found.append(Built(index.name, index.name.split("_")[1], column, companion))
    return found


def column_of(collection: Collection, spec: str) -> str:
    """Name the column of a descriptor's vectors.

    Raises
    ------
    CollectionError
        There is none.
    """
    if spec not in collection.columns:
        raise CollectionError(
            f"the collection {printable(collection.path)} holds no vectors by {spec}. It holds: "
            f"{', '.join(collection.specs) or 'none'}."
        )
    return collection.columns[spec]
