"""The k nearest vectors, by any of the named distances."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse

from tamis.distances import dense, sparse
from tamis.distances.prepared import Input, Vectors, checked, share_used
from tamis.distances.registry import DISTANCES, check_distance
from tamis.distances.rerank import measure_all, settle
from tamis.distances.terms import ABSOLUTE, CANBERRA, JENSEN, SQUARE, Array
from tamis.errors import InvalidParameterError

_LANES: Final = 64  # sparse queries that share a walk over the gallery: four cache lines a bin
_CACHED: Final = 1 << 17  # values of dense queries that do: half of an L2 cache
_ESTIMATES: Final = 1 << 24  # at a time, per thread
_SHARES: Final = 8  # of the gallery per thread: one that is held up leaves some to the others

Found = tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]


class Gallery:
    """Vectors to search in, made ready once for one distance.

    Parameters
    ----------
    vectors : ndarray or scipy.sparse array of shape (n, dim), float32
        Dense ones that are mostly 0 are compressed. Others are not copied if they are
        float32 in C order, and must not be changed.
    distance : str
        One of `DISTANCES`.
    sparse : bool, optional
        Which kernels search. If None, the faster for the share of values that are
        not 0. The answers are the same.

    Attributes
    ----------
    distance : str
    shape : (int, int)
    sparse : bool

    Raises
    ------
    InvalidParameterError
        `vectors` is not of two dimensions, or a value is not finite, too large, or
        negative where the distance has no meaning for it.
    UnknownNameError
        No distance has that name.
    """

    def __init__(self, vectors: Input, *, distance: str = "l1", sparse: bool | None = None) -> None:
        check_distance(distance)
        if vectors.ndim != 2:
            raise InvalidParameterError(
                f"the gallery must be of shape (n, dim). Got {vectors.shape}."
            )
        self.distance = distance
        self._how = DISTANCES[distance]
        vectors = checked("gallery", vectors, distance, self._how)
        if sparse is None:
            sparse = issparse(vectors) or share_used(vectors) < self._how.sparse_below
        self.sparse = bool(sparse)
        self._vectors = Vectors.make(vectors, self._how, sparse=self.sparse)
        self.shape = self._vectors.shape

    def __len__(self) -> int:
        return self.shape[0]

    def nearest(
        self, queries: Input, k: int, *, jobs: int = 1, skip: npt.ArrayLike | None = None
    ) -> Found:
        """Find the k nearest vectors of each query; as the function `nearest`."""
        n, dim = self.shape
        skipped = check_search(self.shape, queries, k, jobs, skip)
        queries = checked("queries", queries, self.distance, self._how)
        n_queries = queries.shape[0]
        indices, distances = np.empty((n_queries, k), np.intp), np.empty((n_queries, k))
        length = _LANES if self.sparse else min(64, max(2, _CACHED // max(1, dim)))
        length = min(length, max(2, _ESTIMATES // n))
        jobs = min(jobs, max(1, n_queries * len(self._vectors.values) // self._worth))
        own = threading.local()

        def work(start: int, run: Callable[..., Iterable[Any]] = map) -> None:
            part = slice(start, start + length)
            block = Vectors.make(queries[part], self._how, sparse=self.sparse)
            if not hasattr(own, "room"):  # new memory for each block costs more than its use
                own.room = np.empty((min(length, n_queries), n), np.float32)
            estimates = own.room[: block.shape[0]]
            self._estimate(block, estimates, run, _SHARES * jobs)
            indices[part], distances[part] = settle(
                self._how, block, self._vectors, estimates, skipped[part], k
            )

        starts = range(0, n_queries, length)
        if jobs == 1:
            for start in starts:
                work(start)
        else:
            with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-search") as pool:
                if len(starts) >= 2 * jobs:
                    list(pool.map(work, starts))
                else:  # the threads share the gallery instead
                    for start in starts:
                        work(start, pool.map)
        return indices, distances

    @property
    def _worth(self) -> int:
        """How many pairs of values a thread must have to compare, to be worth its start.

        A few ms of work: a thread may first have to find a processor, and one query
        by cheap terms mostly waits for memory, which a second thread does too.
        """
        if self.sparse or self._how.kind == JENSEN:
            return 1 << 21
        return 1 << (25 if self._how.kind in (ABSOLUTE, SQUARE) else 23)

    def distances(self, queries: Input) -> npt.NDArray[np.float64]:
        """Measure each query against every vector, on one thread.

        Parameters
        ----------
        queries : ndarray or scipy.sparse array of shape (n_queries, dim), float32
            Few: all their distances are in memory at a time.

        Returns
        -------
        ndarray of shape (n_queries, n), float64
            The same values that `nearest` gives.
        """
        queries = checked("queries", queries, self.distance, self._how)
        block = Vectors.make(queries, self._how, sparse=self.sparse)
        return measure_all(self._how, block, self._vectors)

    def _estimate(
        self, block: Vectors, estimates: Array, run: Callable[..., Iterable[Any]], shares: int
    ) -> None:
        """Scan the gallery; in so many shares, if `run` may work on several at once."""
        n, dim = self.shape
        rows = self._vectors
        if self.sparse:
            slots = np.empty(dim, np.int32)
            tile = sparse.tile_of(block.starts, block.bins, block.estimated, slots)

        in_pairs = (
            self._how.kind == CANBERRA
            and min(block.smallest, rows.smallest) >= dense.PAIRABLE
            and max(block.largest, rows.largest) <= 1 / dense.PAIRABLE / 2
        )

        def scan(start: int, stop: int) -> None:
            out = estimates[:, start:stop]
            if self.sparse:
                starts = rows.starts[start : stop + 1]
                sparse.scan(self._how.kind, tile, slots, starts, rows.bins, rows.estimated, out)
            else:
                queries = block.estimated.reshape(block.shape)
                gallery = rows.estimated.reshape(rows.shape)[start:stop]
                if in_pairs:
                    dense.scan_canberra(queries, gallery, out)
                else:
                    dense.scan(self._how.kind, queries, gallery, out)

        if run is map:
            scan(0, n)
        else:
            bounds = np.linspace(0, n, shares + 1).astype(int)
            list(run(scan, bounds[:-1], bounds[1:]))


def check_search(
    shape: tuple[int, int], queries: Input, k: int, jobs: int, skip: npt.ArrayLike | None
) -> npt.NDArray[np.intp]:
    """Check what is asked of a gallery of `shape`; give the row that each query must not find.

    Raises
    ------
    InvalidParameterError
        As `nearest` raises it.
    """
    n, dim = shape
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise InvalidParameterError(
            "queries and gallery must be of shape (n, dim) with one dim. "
            f"Got {queries.shape} and {shape}."
        )
    if jobs < 1:
        raise InvalidParameterError(f"jobs must be at least 1. Got {jobs}.")
    skipped = np.full(queries.shape[0], -1, np.intp)
    if skip is not None:
        rows = np.asarray(skip)
        if rows.shape != skipped.shape or rows.dtype.kind not in "iu":
            raise InvalidParameterError(
                f"skip must be whole numbers of shape (n_queries,), ({len(skipped)},). "
                f"Got {rows.dtype} of shape {rows.shape}."
            )
        wrong = rows[(rows < -1) | (rows >= n)]
        if len(wrong):
            raise InvalidParameterError(
                f"skip must hold rows of the gallery, 0 to {n - 1}, or -1 for none. Got {wrong[0]}."
            )
        skipped[:] = rows
    most = n - bool((skipped >= 0).any())
    if not 1 <= k <= most:
        raise InvalidParameterError(
            f"k must be at least 1 and at most the number of pictures to choose from, "
            f"{most}. Got {k}."
        )
    return skipped


def nearest(
    queries: Input,
    gallery: Input,
    k: int,
    *,
    distance: str = "l1",
    jobs: int = 1,
    skip: npt.ArrayLike | None = None,
) -> Found:
    """Find the k nearest gallery vectors of each query, exactly.

    Parameters
    ----------
    queries : ndarray or scipy.sparse array of shape (n_queries, dim), float32
    gallery : ndarray or scipy.sparse array of shape (n, dim), float32
    k : int
        1 to n; to n - 1 if a row is skipped.
    distance : str
        One of `DISTANCES`; `tamis.distances` gives their formulas.
    jobs : int
        Threads. The result does not depend on it.
    skip : array-like of shape (n_queries,), int, optional
        The gallery row that each query must not find (itself, to leave one out);
        -1 for none.

    Returns
    -------
    indices : ndarray of shape (n_queries, k), intp
        Nearest first; equal distances in the order of the gallery.
    distances : ndarray of shape (n_queries, k), float64
        Computed in float64 from the float32 values; 0 for equal vectors.

    Raises
    ------
    InvalidParameterError
        `k`, `jobs` or `skip` is out of its range, the shapes do not fit, or a value
        is not finite, too large, or negative where the distance has no meaning for it.
    UnknownNameError
        No distance has that name.

    See Also
    --------
    Gallery : for several searches of one gallery.

    Notes
    -----
    Memory: a few MB per thread, and the gallery once more if it is compressed or
    the distance scales it (cosine, hellinger, jensenshannon); never a matrix of
    all distances.

    Examples
    --------
    >>> photos = np.array([[0, 4], [1, 3], [4, 0]], np.float32)
    >>> indices, distances = nearest(photos, photos, 1, skip=[0, 1, 2])
    >>> indices.ravel().tolist(), distances.ravel().tolist()
    ([1, 0, 1], [2.0, 2.0, 6.0])
    """
    check_distance(distance)
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise InvalidParameterError(
            "queries and gallery must be of shape (n, dim) with one dim. "
            f"Got {queries.shape} and {gallery.shape}."
        )
    return Gallery(gallery, distance=distance).nearest(queries, k, jobs=jobs, skip=skip)
