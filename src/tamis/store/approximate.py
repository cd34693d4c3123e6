"""Approximate search in a collection: candidates from Lance's index, ranked exactly.

The index (an HNSW graph per cell of an inverted file, over vectors of one byte per
value) answers with candidates without looking at every vector. Their true vectors are
then compared by the distance that was asked for, so that the index need not know it:
what can be lost is a neighbour that was no candidate. How many are, `recall` measures.

Rows that were added after the index was made are searched one by one until they are
many; then `refresh` adds them to it. Rows that were deleted are not found.
"""

import os
from collections.abc import Collection as Several
from collections.abc import Iterable
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features
from tamis.distances import nearest
from tamis.errors import CollectionError, InvalidParameterError, UnknownNameError, printable
from tamis.features import FeatureTable, available_processors
from tamis.index import Index, Matches, taken_together
from tamis.lock import locked
from tamis.store.collection import Collection
from tamis.store.columns import decode

METRICS: Final = ("l2", "cosine")
"""By which an index can be made."""

_PREFIX: Final = "approximate"
_CELL: Final = 16_384  # vectors per cell of the inverted file, each a graph of its own
_PROBES: Final = 8  # cells that are searched
_FACTOR: Final = 5  # candidates per result, if the index is by the distance asked for
_OTHER_FACTOR: Final = 50  # if it is by another
_LEAST: Final = 50
_UNINDEXED: Final = 1024
_BATCH_BYTES: Final = 64 << 20
_SEED: Final = 0


def build(path: str | os.PathLike[str], descriptor: Descriptor, *, metric: str = "l2") -> None:
    """Make the index of a descriptor's vectors, or make it anew.

    Parameters
    ----------
    path : str or os.PathLike
        Of the collection, which holds vectors by the descriptor.
    descriptor : Descriptor
        Not a sparse one, and not a fusion.
    metric : {"l2", "cosine"}
        By which candidates are found; the results can be ranked by any distance.

    Raises
    ------
    CollectionError
        The collection has no such vectors, or none at all.
    InvalidParameterError
        The descriptor has several parts, or its vectors are stored sparsely.
    UnknownNameError
        Another metric.
    """
    if metric not in METRICS:
        raise UnknownNameError.among("metric", metric, METRICS)
    check_dense(descriptor)
    with locked(os.fspath(path)):
        collection = Collection.open(path)
        column = _column(collection, descriptor.spec)
        dataset = collection.dataset
        n = dataset.count_rows("failure IS NULL")
        if not n:
            raise CollectionError(
                f"the collection {printable(collection.path)} has no picture that could be read: "
                "there is nothing to make an index of."
            )
        for index in _indexes(dataset, column):
            dataset.drop_index(index.name)
        dataset.create_index(
            column,
            "IVF_HNSW_SQ",
            name=f"{_PREFIX}_{metric}_{column}",
            metric=metric,
            num_partitions=max(1, n // _CELL),
        )


def check_dense(descriptor: Descriptor) -> None:
    """Raise InvalidParameterError if no index can be made for a descriptor."""
    if len(descriptor.leaves) > 1:
        raise InvalidParameterError(
            f"{descriptor.spec} has several parts: an approximate index is of one descriptor. "
            "Search without --approximate."
        )
    if descriptor.sparse:
        raise InvalidParameterError(
            f"vectors by {descriptor.spec} are stored sparsely, which Lance's index does not "
            "take. Search by it without --approximate."
        )


def refresh(dataset: Any) -> None:
    """Add the rows to the indexes that were written after them, if they are many."""
    n = dataset.count_rows()
    for index in _indexes(dataset):
        if n - index.num_rows_indexed > max(_UNINDEXED, n // 10):
            dataset.optimize.optimize_indices(index_names=[index.name])


class Approximate:
    """Search in the vectors of one descriptor of a collection through its index.

    Attributes
    ----------
    collection : Collection
    spec : str
        The descriptor.
    metric : str
        By which the index was made.
    """

    def __init__(self, collection: Collection, spec: str, metric: str) -> None:
        self.collection = collection
        self.spec = spec
        self.metric = metric
        self._column = collection.columns[spec]
        rows = collection.rows
        self._order = np.argsort(rows.ids)
        self._sorted = rows.ids[self._order]
        self._paths = collection.table().paths
        self._row = {path: row for row, path in enumerate(self._paths)}

    @classmethod
    def open(cls, collection: Collection, descriptor: Descriptor) -> Self:
        """Find the index of a descriptor.

        Raises
        ------
        CollectionError
            The collection has no such vectors, or no index of them.
        InvalidParameterError
            There can be none.
        """
        check_dense(descriptor)
        column = _column(collection, descriptor.spec)
        for index in _indexes(collection.dataset, column):
            return cls(collection, descriptor.spec, index.name.split("_")[1])
        raise CollectionError(
            f"the collection {printable(collection.path)} has no approximate index by "
            f"{descriptor.spec}. Make it: tamis index {printable(collection.root)} --into "
            f"{printable(collection.path)} --by '{descriptor.spec}' --approximate"
        )

    def stored(self, paths: Iterable[str]) -> FeatureTable:
        """Read the vectors of some pictures; those without are left out."""
        rows = [self._row[path] for path in paths if path in self._row]
        if not rows:
            return self._table([], np.empty((0, self._dim), np.float32))
        ids = ", ".join(str(self.collection.rows.ids[row]) for row in rows)
        found = self.collection.dataset.to_table(
            columns=["id", self._column], filter=f"failure IS NULL AND id IN ({ids})"
        )
        return self._table(*self._read(found))

    def candidates(
        self,
        queries: Features,
        n: int,
        *,
        labels: Several[str] | None = None,
        splits: Several[str] | None = None,
    ) -> FeatureTable:
        """Take about the n nearest pictures to each query, by the metric of the index.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, dim), float32
        n : int
        labels, splits : collection of str, optional
            Only pictures of these classes, and of these parts of a split.

        Returns
        -------
        FeatureTable
            In the order of the collection, each picture once.
        """
        filters = []
        if labels is not None:
            words = ", ".join(f"X'{os.fsencode(label).hex()}'" for label in sorted(labels))
            filters.append(f"label IN ({words})")
        if splits is not None:
            names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(splits))
            filters.append(f"split IN ({names})")
        choice: dict[str, Any] = {}
        if filters:
            choice = {"filter": " AND ".join(filters), "prefilter": True}
        rows: list[int] = []
        vectors = [np.empty((0, self._dim), np.float32)]
        for query in queries:
            found = self.collection.dataset.to_table(
                columns=["id", self._column, "_distance"],
                nearest={
                    "column": self._column,
                    "q": query,
                    "k": n,
                    "nprobes": _PROBES,
                    "ef": n + n // 2,
                },
                **choice,
            )
            some, features = self._read(found)
            rows += some
            vectors.append(features)
        _, first = np.unique(np.asarray(rows, np.intp), return_index=True)
        return self._table([rows[i] for i in first], np.concatenate(vectors)[first])

    def search(
        self,
        queries: FeatureTable,
        k: int,
        *,
        distance: str = "l2",
        combine: str = "average",
        without: Several[str] = (),
        labels: Several[str] | None = None,
        splits: Several[str] | None = None,
        jobs: int | None = None,
    ) -> tuple[FeatureTable, Matches]:
        """Find about the k nearest pictures to several queries taken as one.

        Parameters
        ----------
        queries, k, combine, jobs
            As `tamis.index.Index.search_together` takes them.
        distance : str
            One of `tamis.distances.DISTANCES`: candidates are ranked by it, exactly.
        without : collection of str
            Paths of pictures that are no results.
        labels, splits : collection of str, optional
            Only pictures of these classes, and of these parts of a split.

        Returns
        -------
        candidates : FeatureTable
        matches : Matches
            Rows of the candidates.
        """
        if k < 1:
            raise InvalidParameterError(f"k must be at least 1. Got {k}.")
        queries = taken_together(queries, combine)
        factor = _FACTOR if distance == self.metric else _OTHER_FACTOR
        n = max(_LEAST, factor * k) + len(without)
        gallery = self.candidates(queries.features, n, labels=labels, splits=splits)
        left_out = [row for row, path in enumerate(gallery.paths) if path in without]
        index = Index(gallery, distance)
        return gallery, index.search_together(
            queries, k, combine=combine, without=left_out, jobs=jobs or 1
        )

    def recall(
        self, k: int, *, distance: str = "l2", sample: int = 20, jobs: int | None = None
    ) -> float:
        """Measure which share of the k nearest is found, on a sample of the stored pictures.

        Each is searched for with itself left out, approximately and exactly; the exact
        search reads all vectors once, in pieces.

        Parameters
        ----------
        k : int
        distance : str
            As `search` takes it.
        sample : int
            Pictures, the same each time.
        jobs : int, optional
            Threads; as many as there are processors by default.

        Returns
        -------
        float
            1.0 if there is nothing to find.
        """
        good = [row for row, reason in enumerate(self.collection.rows.failures) if reason is None]
        chosen = np.random.default_rng(_SEED).permutation(len(good))[:sample]
        queries = self.stored(self._paths[good[i]] for i in chosen)
        k = min(k, len(good) - 1)
        if k < 1 or not len(queries):
            return 1.0
        limits = self._exact_limits(queries, k, distance, jobs or available_processors())
        hits = 0
        for i, path in enumerate(queries.paths):
            _, matches = self.search(queries.select([i]), k, distance=distance, without=[path])
            hits += int((matches.distances[0] <= limits[i]).sum())
        return hits / (k * len(queries))

    def _exact_limits(
        self, queries: FeatureTable, k: int, distance: str, jobs: int
    ) -> npt.NDArray[np.float64]:
        """Distance from each query to the k-th nearest other picture."""
        own = [self._row[path] for path in queries.paths]
        best = np.full((len(queries), 0), np.inf)
        scanner = self.collection.dataset.scanner(
            columns=["id", self._column],
            filter="failure IS NULL",
            batch_size=max(1024, _BATCH_BYTES // (4 * self._dim)),
        )
        for batch in scanner.to_batches():
            rows, features = self._read(batch)
            if not rows:
                continue
            many = min(k + 1, len(rows))
            at, found = nearest(queries.features, features, many, distance=distance, jobs=jobs)
            found[np.asarray(rows)[at] == np.asarray(own)[:, np.newaxis]] = np.inf
            best = np.sort(np.hstack([best, found]), axis=1)[:, :k]
        return best[:, k - 1]

    @property
    def _dim(self) -> int:
        return int(self.collection.dataset.schema.field(self._column).type.list_size)

    def _read(self, found: Any) -> tuple[list[int], Features]:
        """Rows and vectors of what Lance gives, without what a newer row replaces."""
        ids = found["id"].to_numpy()
        column = found[self._column]
        column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        if not len(ids) or not len(self._sorted):
            return [], np.empty((0, self._dim), np.float32)
        features = np.empty((len(ids), self._dim), np.float32)
        decode(column, features, np.arange(len(ids)))
        place = np.minimum(np.searchsorted(self._sorted, ids), len(self._sorted) - 1)
        current = self._sorted[place] == ids
        return self._order[place[current]].tolist(), features[current]

    def _table(self, rows: list[int], features: Features) -> FeatureTable:
        labels = self.collection.rows.labels
        return FeatureTable(
            paths=tuple(self._paths[row] for row in rows),
            labels=tuple(labels[row] for row in rows),
            features=features,
            spec=self.spec,
        )


def _column(collection: Collection, spec: str) -> str:
    if spec not in collection.columns:
        raise CollectionError(
            f"the collection {printable(collection.path)} holds no vectors by {spec}. It holds: "
            f"{', '.join(collection.specs) or 'none'}."
        )
    return collection.columns[spec]


def _indexes(dataset: Any, column: str | None = None) -> list[Any]:
    """Describe the approximate indexes, of one column or of all."""
    return [
        index
        for index in dataset.describe_indices()
        if index.name.startswith(f"{_PREFIX}_") and column in (None, *index.field_names)
    ]
