"""Making the indexes of a collection, and keeping them up to date."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tamis.descriptors import Descriptor
from tamis.errors import CollectionError, InvalidParameterError, UnknownNameError, printable
from tamis.files.lock import locked
from tamis.store.ann.embedding import METRICS, OUTDATED_KEY, IndexedEmbedding
from tamis.store.checking import lance_errors
from tamis.store.collection import Collection, dataset_path, lance
from tamis.store.columns import decode, encode

_PREFIX: Final = "approximate"
_CELL: Final = 16_384  # vectors per cell of the inverted file, each a graph of its own
_UNINDEXED: Final = 1024
_BATCH_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Built:
    """An index of a collection.

    Attributes
    ----------
    name : str
    metric : str
    column : str
        The indexed column: of a descriptor's vectors, or of an embedding of them.
    embedding : IndexedEmbedding or None
    """

    name: str
    metric: str
    column: str
    embedding: IndexedEmbedding | None

    def of(self, spec: str, column: str) -> bool:
        """Tell whether it indexes a descriptor whose vectors are in a column."""
        return self.column == column or (self.embedding is not None and self.embedding.of == spec)


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
        Path of a collection that holds vectors by the descriptor.
    descriptor : Descriptor
        Not a fusion: that is searched through the indexes of its parts.
    metric : {"l2", "cosine", "dot", "hellinger"}, optional
        Metric for candidates; the results can be ranked by any distance. The default is
        hellinger for vectors that are stored sparsely, else the descriptor's default
        distance if it is a metric of an index, else l2.

    Raises
    ------
    CollectionError
        The collection has no such vectors, or none at all.
    InvalidParameterError
        The descriptor has several parts; or the metric is hellinger, and a value is
        negative.
    UnknownNameError
        There is no such metric.
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
        n = collection.dataset.count_rows("failure IS NULL")
        if not n:
            raise CollectionError(
                f"the collection {printable(collection.path)} has no picture that could be read: "
                "there is nothing to make an index of."
            )
        with lance_errors(collection.path):
            if metric == "hellinger":
                _check_not_negative(collection.dataset, vectors, descriptor)
            dataset = lance().dataset(dataset_path(collection.path))
            _drop(dataset, vectors, descriptor.spec)
            embedding = IndexedEmbedding.for_metric(descriptor, metric)
            column = vectors
            if embedding is not None:
                column = _add_embedding(dataset, collection.dataset, vectors, embedding)
            dataset.create_index(
                column,
                "IVF_HNSW_SQ",
                name=f"{_PREFIX}_{metric}_{column}",
                metric="l2" if metric == "hellinger" else metric,
                num_partitions=max(1, n // _CELL),
            )


def _metric_for(descriptor: Descriptor) -> str:
    if descriptor.sparse:
        return "hellinger"
    default = descriptor.default_distance
    return default if default in METRICS else "l2"


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


def _add_embedding(dataset: Any, source: Any, vectors: str, embedding: IndexedEmbedding) -> str:
    """Add the column of an embedding, filled for all rows, in one commit; give its name.

    `source` is the dataset for reading: one that is being written cannot be read.
    """
    import pyarrow as pa

    names = {field.name for field in dataset.schema}
    column = next(c for i in range(len(names) + 1) if (c := f"embedding_{i}") not in names)
    schema = pa.schema([embedding.column(column)])

    def filled() -> Iterator[Any]:
        for batch in _batches(source, vectors, embedding.dim):
            known = np.flatnonzero(batch.is_valid().to_numpy(zero_copy_only=False))
            features = np.zeros((len(known), embedding.dim), np.float32)
            if len(known):
                decode(batch.take(pa.array(known)), features, np.arange(len(known)))
            embedded = encode(
                embedding.embed(features), known.tolist(), len(batch), schema.field(0)
            )
            yield pa.record_batch([embedded], schema=schema)

    dataset.add_columns(pa.RecordBatchReader.from_batches(schema, filled()))
    return column


def _drop(dataset: Any, vectors: str, spec: str) -> None:
    """Remove the index of a descriptor, and its embedding."""
    for index in built(dataset):
        if index.of(spec, vectors):
            dataset.drop_index(index.name)
    # By its column, not by its index: a run that was stopped may have left one alone.
    embeddings = {field.name: IndexedEmbedding.of_column(field) for field in dataset.schema}
    if old := [name for name, one in embeddings.items() if one is not None and one.of == spec]:
        dataset.drop_columns(old)


def drop_outdated(dataset: Any) -> None:
    """Remove the embeddings of format 1, and their indexes."""
    old = [field.name for field in dataset.schema if OUTDATED_KEY in (field.metadata or {})]
    for index in dataset.describe_indices():
        if set(index.field_names) & set(old):
            dataset.drop_index(index.name)
    if old:
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
    indexes = []
    for index in dataset.describe_indices():
        if index.name.startswith(f"{_PREFIX}_"):
            (column,) = index.field_names
            field = dataset.schema.field(column)
            if OUTDATED_KEY not in (field.metadata or {}):
                embedding = IndexedEmbedding.of_column(field)
                indexes.append(Built(index.name, index.name.split("_")[1], column, embedding))
    return indexes


def column_of(collection: Collection, spec: str) -> str:
    """Name the column of a descriptor's vectors.

    Raises
    ------
    CollectionError
        There is none.
    """
    if spec not in collection.vector_columns:
        raise CollectionError(
            f"the collection {printable(collection.path)} holds no vectors by {spec}. It holds: "
            f"{', '.join(collection.specs) or 'none'}."
        )
    return collection.vector_columns[spec]
