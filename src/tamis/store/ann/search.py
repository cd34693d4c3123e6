"""Searching a collection through its approximate indexes."""

import os
from collections.abc import Collection as Several
from collections.abc import Iterable
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features
from tamis.descriptors.fusion.fusion import Fusion
from tamis.descriptors.fusion.weights import sample_to_fit
from tamis.distances import gallery_of
from tamis.errors import CollectionError, InvalidParameterError, printable
from tamis.features import FeatureTable, available_processors
from tamis.features.index import Index, Matches, combine_queries
from tamis.store.ann.build import Built, built, column_of
from tamis.store.ann.counts import candidates_per_result
from tamis.store.checking import lance_errors
from tamis.store.collection import Collection
from tamis.store.vectors import StoredVectors

_PROBES: Final = 8  # cells that are searched
_LEAST: Final = 50
_BATCH_BYTES: Final = 64 << 20
_SEED: Final = 0


class Approximate:
    """Search the vectors of a descriptor in a collection through its index.

    A fusion is searched through the indexes of its parts: the candidates of any part are
    candidates of the fusion.

    Attributes
    ----------
    collection : Collection
    metric : str
        Metric of the index; the metrics of the parts of a fusion, joined by `+`.
    """

    def __init__(
        self, collection: Collection, descriptor: Descriptor, indexes: list[Built]
    ) -> None:
        self.collection = collection
        self.metric = "+".join(index.metric for index in indexes)
        self._indexes = indexes
        self._stored = StoredVectors(collection, descriptor)

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor, fitted."""
        return self._stored.descriptor

    @property
    def spec(self) -> str:
        """Spec of the descriptor."""
        return self.descriptor.spec

    @classmethod
    def open(cls, collection: Collection, descriptor: Descriptor, *, distance: str = "") -> Self:
        """Find the index of a descriptor, or those of the parts of a fusion.

        A fusion without weights gets those that an exact search fits.

        Parameters
        ----------
        collection : Collection
        descriptor : Descriptor
        distance : str
            Distance for which weights are fitted; the descriptor's default if empty.

        Raises
        ------
        CollectionError
            The collection has no such vectors, or no index of them.
        InvalidParameterError
            The descriptor is a reduction of others, or a fusion whose weights, norms or
            ranks cannot be had from a sample and the vectors of the parts.
        """
        if not isinstance(descriptor, Fusion) and descriptor.leaves != (descriptor,):
            raise InvalidParameterError(
                f"an approximate index is of vectors that a collection holds; those by "
                f"{descriptor.spec} are made of others. Search without --approximate."
            )
        if isinstance(descriptor, Fusion):
            _check_fusion(descriptor)
        with lance_errors(collection.path):
            present = built(collection.dataset)
        indexes = []
        for leaf in descriptor.leaves:
            column = column_of(collection, leaf.spec)
            match = next((index for index in present if index.of(leaf.spec, column)), None)
            if match is None:
                raise CollectionError(
                    f"the collection {printable(collection.path)} has no approximate index by "
                    f"{leaf.spec}. Make it: tamis index {printable(collection.root)} --into "
                    f"{printable(collection.path)} --by '{leaf.spec}' --approximate"
                )
            indexes.append(match)
        opened = cls(collection, descriptor, indexes)
        if not descriptor.fitted:
            stored = opened._stored
            good = collection.rows.readable
            _, vectors = stored.read_rows([good[i] for i in sample_to_fit(len(good))])
            stored.descriptor = descriptor.fit(vectors, distance=distance)
        return opened

    def stored(self, paths: Iterable[str]) -> FeatureTable:
        """Read the vectors of some images; images without vectors are left out."""
        rows = [self._stored.row_of[path] for path in paths if path in self._stored.row_of]
        return self._stored.table(*self._stored.combined(*self._stored.read_rows(rows)))

    def candidates(
        self,
        queries: Features,
        n: int,
        *,
        labels: Several[str] | None = None,
        splits: Several[str] | None = None,
    ) -> FeatureTable:
        """Take about the n nearest images to each query, by the metric of each index.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, dim), float32
        n : int
        labels, splits : collection of str, optional
            Only images of these classes, and of these parts of a split.

        Returns
        -------
        FeatureTable
            In the order of the collection, each image once.
        """
        choice: dict[str, Any] = {}
        if condition := _filter(labels, splits):
            choice = {"filter": condition, "prefilter": True}
        rows: list[int] = []
        vectors = [np.empty((0, self.descriptor.dim), np.float32)]
        for index, part in zip(self._indexes, self._parts(queries), strict=True):
            for query in part if index.embedding is None else index.embedding.embed(part):
                with lance_errors(self.collection.path):
                    nearest = self.collection.dataset.to_table(
                        columns=["id", *self._stored.columns, "_distance"],
                        nearest={
                            "column": index.column,
                            "q": query,
                            "k": n,
                            "nprobes": _PROBES,
                            "ef": n + n // 2,
                        },
                        **choice,
                    )
                near, features = self._stored.combined(*self._stored.read(nearest))
                rows += near
                vectors.append(features)
        _, first = np.unique(np.asarray(rows, np.intp), return_index=True)
        return self._stored.table([rows[i] for i in first], np.concatenate(vectors)[first])

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
            Its rows, paths and labels are those of the candidates.
        """
        if k < 1:
            raise InvalidParameterError(f"k must be at least 1. Got {k}.")
        queries = combine_queries(queries, combine)
        n = max(_LEAST, self._factor(distance) * k) + len(exclude)
        gallery = self.candidates(queries.features, n, labels=classes, splits=parts)
        return Index(gallery, distance).search(
            queries, k, combine=combine, exclude=exclude, jobs=jobs or 1
        )

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
        good = self.collection.rows.readable
        chosen = np.random.default_rng(_SEED).permutation(len(good))[:sample]
        queries = self.stored(self._stored.paths[good[i]] for i in chosen)
        k = min(k, len(good) - 1)
        if k < 1 or not len(queries):
            return 1.0
        limits = self._exact_limits(queries, k, distance, jobs or available_processors())
        hits = 0
        for i, path in enumerate(queries.paths):
            matches = self.search(queries.select([i]), k, distance=distance, exclude=[path])
            hits += int((matches.distances[0] <= limits[i]).sum())
        return hits / (k * len(queries))

    def _exact_limits(
        self, queries: FeatureTable, k: int, distance: str, jobs: int
    ) -> npt.NDArray[np.float64]:
        """Give the distance from each query to the k-th nearest other image."""
        query_rows = np.array([self._stored.row_of[path] for path in queries.paths])
        best = np.full((len(queries), 0), np.inf)
        scanner = self.collection.dataset.scanner(
            columns=["id", *self._stored.columns],
            filter="failure IS NULL",
            batch_size=max(64, _BATCH_BYTES // (4 * self.descriptor.dim)),
        )
        for batch in scanner.to_batches():
            rows, features = self._stored.combined(*self._stored.read(batch))
            if not rows:
                continue
            gallery = gallery_of(features, distance=distance)
            at, distances = gallery.nearest(queries.features, min(k + 1, len(rows)), jobs=jobs)
            distances[np.asarray(rows)[at] == query_rows[:, np.newaxis]] = np.inf
            best = np.sort(np.hstack([best, distances]), axis=1)[:, :k]
        return best[:, k - 1]

    def _factor(self, distance: str) -> int:
        (first, *others) = self._indexes
        exact = not others and not (first.embedding and first.embedding.projected)
        return candidates_per_result(first.metric, distance, exact=exact)


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


def _filter(labels: Several[str] | None, splits: Several[str] | None) -> str:
    """Write the condition of SQL for the images to search; "" if for all of them."""
    conditions = []
    if labels is not None:
        words = ", ".join(f"X'{os.fsencode(label).hex()}'" for label in sorted(labels))
        conditions.append(f"label IN ({words})")
    if splits is not None:
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(splits))
        conditions.append(f"split IN ({names})")
    return " AND ".join(conditions)
