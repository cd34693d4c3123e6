"""`Index`: the nearest pictures of a gallery."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.distances import FusedGallery, Gallery, gallery_of
from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.features import FeatureTable, available_processors

COMBINATIONS: Final = ("average", "best")
"""What several queries are taken for: their average, or whichever is nearest."""

_FEW: Final = 100
"""Up to here what is left out is searched along; more is taken out of the gallery first."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The k nearest gallery pictures of each query.

    Attributes
    ----------
    indices : ndarray of shape (n_queries, k), intp
        Rows of the gallery, nearest first; ties keep the order of the gallery.
    distances : ndarray of shape (n_queries, k), float64
    """

    indices: npt.NDArray[np.intp]
    distances: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Exact search in a table of features.

    Attributes
    ----------
    gallery : FeatureTable
    distance : str
        One of `tamis.distances.DISTANCES`, or the name of a late fusion; that of the
        gallery by default.
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
        skip: npt.ArrayLike | None = None,
        jobs: int | None = None,
    ) -> Matches:
        """Find the k nearest gallery pictures of each query.

        Parameters
        ----------
        queries : FeatureTable
            By the descriptor of the gallery.
        k : int
            1 to the size of the gallery, less one with `skip`.
        skip : array-like of shape (n_queries,), int, optional
            A row of the gallery that each query must not find, such as itself; -1
            for none.
        jobs : int, optional
            Threads; as many as there are processors by default.

        Raises
        ------
        InvalidParameterError
            Another descriptor, or `k` out of its range.
        """
        if queries.spec != self.gallery.spec:
            raise InvalidParameterError(
                "queries and gallery must be described alike. "
                f"Got {queries.spec} and {self.gallery.spec}."
            )
        jobs = jobs if jobs is not None else available_processors()
        return Matches(*self._ready.nearest(queries.features, k, jobs=jobs, skip=skip))

    def search_together(
        self,
        queries: FeatureTable,
        k: int,
        *,
        combine: str = "average",
        without: Collection[int] = (),
        jobs: int | None = None,
    ) -> Matches:
        """Find the gallery pictures nearest to several queries taken as one.

        Parameters
        ----------
        queries : FeatureTable
            At least one, by the descriptor of the gallery.
        k : int
            At least 1; more than there are gives all there are.
        combine : {"average", "best"}
            Search for the average of the vectors, or let the distance of a picture
            be the smallest of those to any query.
        without : collection of int
            Rows of the gallery that are no results, such as the queries themselves.
        jobs : int, optional
            As `search` takes it.

        Returns
        -------
        Matches
            Of one query; fewer than k results if the gallery has no more.

        Raises
        ------
        InvalidParameterError
            No query, another descriptor, or `k` or `combine` out of its range.
        """
        if k < 1:
            raise InvalidParameterError(f"k must be at least 1. Got {k}.")
        queries = taken_together(queries, combine)
        left_out = np.unique(np.fromiter(without, np.intp))
        by_ranks = isinstance(self._ready, FusedGallery) and self._ready.by_ranks
        if len(left_out) > (0 if by_ranks else _FEW) and len(left_out) < len(self.gallery):
            rest = np.setdiff1d(np.arange(len(self.gallery)), left_out)
            found = replace(self, gallery=self.gallery.select(rest)).search_together(
                queries, k, combine=combine, jobs=jobs
            )
            return Matches(rest[found.indices], found.distances)
        k = min(k, len(self.gallery) - len(left_out))
        if k < 1:
            return Matches(np.empty((1, 0), np.intp), np.empty((1, 0)))
        found = self.search(queries, k + len(left_out), jobs=jobs)
        # What is nearest to any query is among the nearest of that query.
        rows, distances = found.indices.ravel(), found.distances.ravel()
        keep = ~np.isin(rows, left_out)
        rows, distances = rows[keep], distances[keep]
        order = np.lexsort((rows, distances))
        first = np.sort(np.unique(rows[order], return_index=True)[1])[:k]
        chosen = order[first]
        return Matches(rows[np.newaxis, chosen], distances[np.newaxis, chosen])


def check_combination(name: str) -> None:
    """Raise UnknownNameError unless `name` is one of the `COMBINATIONS`."""
    if name not in COMBINATIONS:
        raise UnknownNameError.among("combination", name, COMBINATIONS)


def taken_together(queries: FeatureTable, combine: str) -> FeatureTable:
    """Take queries for one by their average; or leave them, to take the best of each.

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
