"""`Index`: the nearest pictures of a gallery."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.distances import FusedGallery, Gallery, gallery_of
from tamis.errors import Failure, InvalidParameterError, UnknownNameError
from tamis.features.extraction import FeatureTable, available_processors
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.images.thumbnails import thumbnails
from tamis.table.frames import Columns, Tabular, html_table

COMBINATIONS: Final = ("average", "best")
"""How several queries are searched for together: by their average, or by the best match."""

_UNLIKE: Final = 0.5
"""Weight of the distance from what results should not look like."""

_FEW: Final = 100
"""Exclude up to this many rows by over-fetching; beyond that, drop them from the gallery."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An image that a search found.

    Attributes
    ----------
    path : str
    label : str or None
    distance : float
    query : int
        Which query it was found for, counted from 0.

    Examples
    --------
    >>> image = tamis.open("examples/sky").table.paths[0]
    >>> hit = next(iter(tamis.search("examples", image, k=1, by="moments")))
    >>> hit.label
    'sky'
    """

    path: str
    label: str | None
    distance: float
    query: int = 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Matches(Tabular):
    """The k nearest gallery images of each query; iterates over them as `Hit`.

    Attributes
    ----------
    indices : ndarray of shape (n_queries, k), intp
        Rows of the gallery, nearest first; ties keep the order of the gallery.
    distances : ndarray of shape (n_queries, k), float64
    paths, labels : tuple
        Of the gallery; empty where vectors alone were searched.
    n_gallery : int
        Images among which was searched.
    signature : mapping
        All that the distances depend on.
    failures : tuple of Failure
        Images of the gallery that could not be read.

    Examples
    --------
    >>> found = Matches(np.array([[1, 0]]), np.array([[0.5, 2.0]]), ("a.jpg", "b.jpg"), ("x", None))
    >>> [(hit.path, hit.distance) for hit in found]
    [('b.jpg', 0.5), ('a.jpg', 2.0)]
    """

    indices: npt.NDArray[np.intp]
    distances: npt.NDArray[np.float64]
    paths: tuple[str, ...] = ()
    labels: tuple[str | None, ...] = ()
    n_gallery: int = 0
    signature: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Hit]:
        for query, (rows, distances) in enumerate(zip(self.indices, self.distances, strict=True)):
            for row, distance in zip(rows, distances, strict=True):
                yield Hit(self.paths[row], self.labels[row], float(distance), query)

    def columns(self) -> Columns:
        """Return ``query``, ``rank`` (from 1), ``path``, ``label`` and ``distance``."""
        hits, k = list(self), max(1, self.indices.shape[1])
        return {
            "query": [hit.query for hit in hits],
            "rank": [i % k + 1 for i in range(len(hits))],
            "path": [hit.path for hit in hits],
            "label": [hit.label for hit in hits],
            "distance": [hit.distance for hit in hits],
        }

    def _repr_html_(self) -> str:
        columns = dict(self.columns())
        shown = thumbnails(columns["path"][:10], max_pixels=DEFAULT_MAX_PIXELS, jobs=1)
        images = [
            f'<img alt="" src="{shown[path]}">' if shown.get(path) else ""
            for path in columns["path"]
        ]
        return html_table(repr(self), {"image": images, **columns}, escaped=["image"])

    def __repr__(self) -> str:
        n, k = self.indices.shape
        return f"Matches({k} nearest of {n} quer{'y' if n == 1 else 'ies'})"


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Exact search in a table of features.

    Attributes
    ----------
    gallery : FeatureTable
    distance : str
        One of `tamis.distances.DISTANCES`, or the name of a late fusion; that of the
        gallery by default.

    Examples
    --------
    >>> index = tamis.Index(tamis.describe("examples", "moments"))
    >>> matches = index.search(tamis.describe("test/sky", "moments"), k=3)
    >>> matches, {hit.label for hit in matches}
    (Matches(3 nearest of 2 queries), {'sky'})
    """

    gallery: FeatureTable
    distance: str = ""
    _ready: Gallery | FusedGallery = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.distance:
            object.__setattr__(self, "distance", self.gallery.distance)
        ready = gallery_of(self.gallery.features, distance=self.distance)
        object.__setattr__(self, "_ready", ready)

    def search(
        self,
        queries: FeatureTable,
        k: int,
        *,
        combine: str | None = None,
        unlike: FeatureTable | None = None,
        exclude: Collection[str] = (),
        skip: npt.ArrayLike | None = None,
        jobs: int | None = None,
    ) -> Matches:
        """Find the k nearest gallery images of each query, or of all queries together.

        Parameters
        ----------
        queries : FeatureTable
            By the descriptor of the gallery.
        k : int
            At least 1. Of queries taken together more than there are gives all there are;
            else at most the size of the gallery, less one with `skip`.
        combine : {"average", "best"}, optional
            Search once: for the average of the vectors, or with the smallest distance of an
            image to any query. By default each query is searched for.
        unlike : FeatureTable, optional
            With `combine`: queries that results should not look like. Each image counts as far as
            it is from `queries`, less half of what it is from these; that may be below 0.
        exclude : collection of str
            With `combine`: paths of images that are no results, such as the queries.
        skip : array-like of shape (n_queries,), int, optional
            Without `combine`: a row of the gallery that each query must not find, such as
            itself; -1 for none.
        jobs : int, optional
            Threads; as many as there are processors by default.

        Raises
        ------
        InvalidParameterError
            Another descriptor, no query to combine, or `k` or `combine` out of its range.
        """
        if queries.spec != self.gallery.spec:
            raise InvalidParameterError(
                "queries and gallery must be described alike. "
                f"Got {queries.spec} and {self.gallery.spec}."
            )
        jobs = jobs if jobs is not None else available_processors()
        if combine is None:
            found = self._ready.nearest(queries.features, k, jobs=jobs, skip=skip)
        else:
            without = frozenset(exclude)
            paths = self.gallery.paths if without else ()
            rows = [row for row, path in enumerate(paths) if path in without]
            queries = combine_queries(queries, combine)
            if unlike is None or not len(unlike):
                found = self._together(queries, k, rows, jobs)
            else:
                found = self._contrast(queries, combine_queries(unlike, combine), k, rows, jobs)
        return Matches(
            *found,
            paths=self.gallery.paths,
            labels=self.gallery.labels,
            n_gallery=len(self.gallery),
            signature={"descriptor": self.gallery.spec, "distance": self.distance},
            failures=self.gallery.failures,
        )

    def _contrast(
        self,
        queries: FeatureTable,
        unlike: FeatureTable,
        k: int,
        exclude: list[int],
        jobs: int,
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        if isinstance(self._ready, FusedGallery) and self._ready.by_ranks:
            raise InvalidParameterError(
                "ranks have no contrast: what is not wanted needs distances. Leave out @rrf."
            )
        if k < 1:
            raise InvalidParameterError(f"k must be at least 1. Got {k}.")
        n = len(self.gallery)
        score = np.zeros(n)
        for asked, weight in ((queries, 1.0), (unlike, -_UNLIKE)):
            rows, distances = self._ready.nearest(asked.features, n, jobs=jobs)
            near = np.full(n, np.inf)
            np.minimum.at(near, rows.ravel(), distances.ravel())
            score += weight * near
        score[exclude] = np.inf
        order = np.argsort(score, kind="stable")[: min(k, n - len(exclude))]
        return order[np.newaxis], score[np.newaxis, order]

    def _together(
        self, queries: FeatureTable, k: int, exclude: list[int], jobs: int
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        if k < 1:
            raise InvalidParameterError(f"k must be at least 1. Got {k}.")
        by_ranks = isinstance(self._ready, FusedGallery) and self._ready.by_ranks
        if len(exclude) > (0 if by_ranks else _FEW) and len(exclude) < len(self.gallery):
            rest = np.setdiff1d(np.arange(len(self.gallery)), exclude)
            smaller = replace(self, gallery=self.gallery.select(rest))
            rows, distances = smaller._together(queries, k, [], jobs)
            return rest[rows], distances
        k = min(k, len(self.gallery) - len(exclude))
        if k < 1:
            return np.empty((1, 0), np.intp), np.empty((1, 0))
        rows, distances = self._ready.nearest(queries.features, k + len(exclude), jobs=jobs)
        if exclude:
            distances = np.where(np.isin(rows, exclude), np.inf, distances)
        return nearest_of_any(rows, distances, k)


def nearest_of_any(
    rows: npt.NDArray[np.intp], distances: npt.NDArray[np.float64], k: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Join what is nearest to each of several queries: the k rows that are nearest to any.

    Parameters
    ----------
    rows : ndarray of shape (n_queries, m), intp
        Nearest first.
    distances : ndarray of shape (n_queries, m), float64
        Infinite for what is no result.
    k : int
        Results; at most m, less those that are none.

    Returns
    -------
    rows, distances : ndarray of shape (1, k)
        Nearest first; ties keep the order of the rows.
    """
    if len(rows) == 1 and rows.shape[1] == k:
        return rows, distances
    # What is nearest to any query is among the nearest of that query.
    rows, distances = rows.ravel(), distances.ravel()
    order = np.lexsort((rows, distances))
    first = np.sort(np.unique(rows[order], return_index=True)[1])[:k]
    chosen = order[first]
    return rows[np.newaxis, chosen], distances[np.newaxis, chosen]


def check_combination(name: str) -> None:
    """Raise UnknownNameError unless `name` is one of the `COMBINATIONS`."""
    if name not in COMBINATIONS:
        raise UnknownNameError.among("combination", name, COMBINATIONS)


def combine_queries(queries: FeatureTable, combine: str) -> FeatureTable:
    """Average the queries into one, or keep them all and rank by the best match.

    Raises
    ------
    InvalidParameterError
        No query, or an unknown combination.
    """
    check_combination(combine)
    if not len(queries):
        raise InvalidParameterError("there must be at least one query.")
    if combine == "best" or len(queries) == 1:
        return queries
    average = queries.features.mean(axis=0, dtype=np.float64, keepdims=True)
    return replace(queries.select([0]), features=average.astype(np.float32))
