"""Searching a collection through its approximate indexes."""

from collections.abc import Collection as Several
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Final, Self
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features
from tamis.descriptors.fusion.fusion import Fusion
from tamis.descriptors.fusion.weights import sample_to_fit
from tamis.distances import gallery_of
from tamis.errors import CollectionError, InvalidParameterError, printable
from tamis.features import FeatureTable
from tamis.features.index import Index, Matches, combine_queries, nearest_of_any
from tamis.store.ann.build import column_of
from tamis.store.ann.counts import SAME, candidates_per_result
from tamis.store.ann.folder import IndexFolder, folders
from tamis.store.ann.indexed import IndexedVectors, Rows
from tamis.store.collection import Collection

_LEAST: Final = 50
_BATCH_BYTES: Final = 64 << 20
_SEED: Final = 0


class Approximate:
    """Search the vectors of a descriptor in a collection through its index.

    A fusion is searched through the indexes of its parts: the candidates of any part are
    candidates of the fusion. A search among some classes or parts is exact.

    Attributes
    ----------
    collection : Collection
    descriptor : Descriptor
        Fitted.
    metric : str
        Metric of the index; the metrics of the parts of a fusion, joined by `+`.
    n_newer : int
        Images that are newer than the index; each query is compared with all of them.
    """

    def __init__(
        self, collection: Collection, descriptor: Descriptor, indexes: list[IndexedVectors]
    ) -> None:
        self.collection = collection
        self.descriptor = descriptor
        self.metric = "+".join(index.known.metric for index in indexes)
        self.n_newer = max(index.n_newer for index in indexes)
        self._indexes = indexes
        self._paths = collection.table().paths
        self._row_of: dict[str, int] | None = None
        readable = collection.rows.readable
        # Each part has every image that could be read.
        self._all: Rows = np.asarray(readable, np.intp)

    @cached_property
    def spec(self) -> str:
        """Spec of the descriptor."""
        return self.descriptor.spec

    @classmethod
    def open(cls, collection: Collection, descriptor: Descriptor, *, distance: str = "") -> Self:
        """Find the index of a descriptor, or those of the parts of a fusion.

        A fusion without weights gets those that an exact search fits. The index is mapped once
        for each version of the collection, and again when it has been made anew.

        Parameters
        ----------
        collection : Collection
        descriptor : Descriptor
        distance : str
            Distance for which weights are fitted; the descriptor's default if empty.

        Raises
        ------
        CollectionError
            The collection has no such vectors, or no index of them, or a damaged one.
        InvalidParameterError
            The descriptor is a reduction of others, or a fusion whose weights, norms or
            ranks cannot be had from a sample and the vectors of the parts.
        MissingExtraError
            FAISS is not installed.
        """
        if not isinstance(descriptor, Fusion) and descriptor.leaves != (descriptor,):
            raise InvalidParameterError(
                f"an approximate index is of vectors that a collection holds; those by "
                f"{descriptor.spec} are made of others. Search without --approximate."
            )
        if isinstance(descriptor, Fusion):
            _check_fusion(descriptor)
        present = {folder.manifest.spec: folder for folder in folders(collection.path)}
        indexes = []
        for leaf in descriptor.leaves:
            column_of(collection, leaf.spec)
            if leaf.spec not in present:
                raise CollectionError(
                    f"the collection {printable(collection.path)} has no approximate index by "
                    f"{leaf.spec}. Make it: tamis index {printable(collection.root)} --into "
                    f"{printable(collection.path)} --by '{leaf.spec}' --approximate"
                )
            indexes.append(_opened(collection, present[leaf.spec]))
        opened = cls(collection, descriptor, indexes)
        if not descriptor.fitted:
            rows = opened._all[sample_to_fit(len(opened._all))]
            leaves = [index.take(rows) for index in indexes]
            return cls(collection, descriptor.fit(leaves, distance=distance), indexes)
        return opened

    def stored(self, paths: Iterable[str]) -> FeatureTable:
        """Read the vectors of some images; images without vectors are left out."""
        if self._row_of is None:
            self._row_of = {self._paths[row]: row for row in self._all.tolist()}
        rows = [self._row_of[path] for path in paths if path in self._row_of]
        return self._table(np.asarray(rows, np.intp))

    def candidates(
        self,
        queries: Features,
        n: int,
        *,
        labels: Several[str] | None = None,
        splits: Several[str] | None = None,
    ) -> Rows:
        """Take about the n nearest images to each query, by the metric of each index.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, dim), float32
        n : int
        labels, splits : collection of str, optional
            All images of these classes, and of these parts of a split.

        Returns
        -------
        ndarray of shape (n_candidates,), intp
            Rows of the collection, in order, each once.
        """
        if labels is not None or splits is not None:
            return self._chosen(labels, splits)
        if n >= len(self._all):
            return self._all
        found = [
            index.candidates(vector, n)
            for index, part in zip(self._indexes, self._parts(queries), strict=True)
            for vector in index.known.embedding.embed(part)
        ]
        return np.unique(np.concatenate(found)) if len(found) > 1 else np.sort(found[0])

    def _chosen(self, labels: Several[str] | None, splits: Several[str] | None) -> Rows:
        rows = self.collection.rows
        chosen = [
            row
            for row in self._all.tolist()
            if (labels is None or rows.labels[row] in labels)
            and (splits is None or rows.splits[row] in splits)
        ]
        return np.asarray(chosen, np.intp)

    def _table(self, rows: Rows) -> FeatureTable:
        """Read the vectors of some rows."""
        labels, numbers = self.collection.rows.labels, rows.tolist()
        return FeatureTable(
            paths=tuple(self._paths[row] for row in numbers),
            labels=tuple(labels[row] for row in numbers),
            features=self._vectors(rows),
            spec=self.spec,
            distance=self.descriptor.distance_for(),
        )

    def _vectors(self, rows: Rows) -> Features:
        leaves = [index.take(rows) for index in self._indexes]
        return leaves[0] if len(leaves) == 1 else self.descriptor.combine(leaves)

    def _parts(self, queries: Features) -> list[Features]:
        """Cut the vectors of a fusion into those of its parts."""
        if not isinstance(self.descriptor, Fusion):
            return [queries]
        return self.descriptor.apart(queries)

    def search(
        self,
        queries: FeatureTable,
        k: int,
        *,
        distance: str = "l2",
        combine: str = "average",
        exclude: Several[str] = (),
        classes: Several[str] | None = None,
        parts: Several[str] | None = None,
        jobs: int | None = None,
    ) -> Matches:
        """Find about the k nearest images to several queries together.

        Parameters
        ----------
        queries, k, combine, exclude, jobs
            As `tamis.features.index.Index.search` takes them.
        distance : str
            As `tamis.distances.gallery_of` takes it: candidates are ranked by it, exactly.
        classes, parts : collection of str, optional
            Only images of these classes, and of these parts of a split.

        Returns
        -------
        Matches
            Its rows, paths and labels are those of the results.
        """
        if k < 1:
            raise InvalidParameterError(f"k must be at least 1. Got {k}.")
        if queries.spec != self.spec:
            raise InvalidParameterError(
                f"queries and index must be described alike. Got {queries.spec} and {self.spec}."
            )
        asked = combine_queries(queries, combine).features
        n = max(_LEAST, self._factor(distance) * k) + len(exclude)
        rows = self.candidates(asked, n, labels=classes, splits=parts)
        if exclude:
            rows = rows[[self._paths[row] not in exclude for row in rows.tolist()]]
        step = max(64, _BATCH_BYTES // (4 * self.descriptor.dim))
        if len(rows) > step:  # the best of all are among the best of each piece
            pieces = np.split(rows, range(step, len(rows), step))
            best = [self._ranked(asked, one, k, distance, jobs or 1)[0] for one in pieces]
            rows = np.sort(np.concatenate(best))
        rows, distances = self._ranked(asked, rows, k, distance, jobs or 1)
        labels, numbers = self.collection.rows.labels, rows.tolist()
        return Matches(
            np.arange(len(rows))[np.newaxis],
            distances[np.newaxis],
            paths=tuple([self._paths[row] for row in numbers]),
            labels=tuple([labels[row] for row in numbers]),
            n_gallery=len(self._all),
            signature={"descriptor": self.spec, "distance": distance},
        )

    def _ranked(
        self, asked: Features, rows: Rows, k: int, distance: str, jobs: int
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Find the rows, of some, that are nearest to any of the queries."""
        k = min(k, len(rows))
        if not k:
            return np.empty(0, np.intp), np.empty(0)
        gallery = gallery_of(self._vectors(rows), distance=distance)
        at, distances = nearest_of_any(*gallery.nearest(asked, k, jobs=jobs), k)
        return rows[at[0]], distances[0]

    def recall(
        self, k: int, *, distance: str = "l2", sample: int = 20, jobs: int | None = None
    ) -> float:
        """Measure the share of the k nearest images that is found, on a sample of the images.

        Each is searched approximately and exactly, without itself; the exact search reads
        all vectors once, in pieces.

        Parameters
        ----------
        k : int
        distance : str
            As `search` takes it.
        sample : int
            Number of images; the same images each time.
        jobs : int, optional
            Threads; as many as there are processors by default.

        Returns
        -------
        float
            1.0 if there is nothing to find.
        """
        good = self._all
        chosen = np.random.default_rng(_SEED).permutation(len(good))[:sample]
        queries = self._table(good[chosen])
        k = min(k, len(good) - 1)
        if k < 1 or not len(queries):
            return 1.0
        limits = self._exact_limits(queries, good[chosen], k, distance, jobs)
        hits = 0
        for i, path in enumerate(queries.paths):
            matches = self.search(queries.select([i]), k, distance=distance, exclude=[path])
            hits += int((matches.distances[0] <= limits[i]).sum())
        return hits / (k * len(queries))

    def _exact_limits(
        self, queries: FeatureTable, query_rows: Rows, k: int, distance: str, jobs: int | None
    ) -> npt.NDArray[np.float64]:
        """Give the distance from each query to the k-th nearest other image."""
        best = np.full((len(queries), 0), np.inf)
        step = max(64, _BATCH_BYTES // (4 * self.descriptor.dim))
        for start in range(0, len(self._all), step):
            rows = self._all[start : start + step]
            found = Index(self._table(rows), distance).search(
                queries, min(k + 1, len(rows)), jobs=jobs
            )
            distances = np.where(
                rows[found.indices] == query_rows[:, np.newaxis], np.inf, found.distances
            )
            best = np.sort(np.hstack([best, distances]), axis=1)[:, :k]
        return best[:, k - 1]

    def _factor(self, distance: str) -> int:
        (first, *others) = self._indexes
        exact = not others and not first.known.embedding.projected
        factor = candidates_per_result(first.known.metric, distance, exact=exact)
        return factor * max(index.known.candidates for index in self._indexes) // SAME


_OPENED: "WeakKeyDictionary[Collection, dict[Path, IndexedVectors]]" = WeakKeyDictionary()


def _opened(collection: Collection, folder: IndexFolder) -> IndexedVectors:
    """Map an index, unless it is mapped for this version of the collection."""
    known = _OPENED.setdefault(collection, {})
    present = known.get(folder.path)
    if present is None or present.known != folder.manifest:
        present = known[folder.path] = IndexedVectors(collection, folder)
    return present


def _check_fusion(fusion: Fusion) -> None:
    """Raise InvalidParameterError if the indexes of the parts cannot serve a fusion."""
    why = ""
    if fusion.method == "rrf":
        why = "ranks in the whole gallery, which candidates do not have"
    elif fusion.unit != "none":
        why = "norms of the parts, which their indexes do not know"
    elif fusion.needs_labels:
        why = "weights that are learned from all pictures; write those that `compare` prints"
    if why:
        raise InvalidParameterError(f"{fusion.spec} needs {why}. Search without --approximate.")
