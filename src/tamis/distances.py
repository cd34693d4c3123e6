"""Named distances between vectors, and the k nearest by each of them.

The kernels work on differences, never on ``|a|^2 + |b|^2 - 2ab``: equal vectors
are at distance 0 exactly, so that a picture is its own nearest neighbour.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError, UnknownNameError

Vectors = npt.NDArray[np.float32]
Array = npt.NDArray[Any]

_SUMS: Final = {"reassoc", "contract"}  # sums in any order: what a vector unit needs
_BLOCK: Final = 8  # queries that share one pass over the gallery: they fit the L2 cache


def _unchanged(vectors: Array) -> Array:
    return vectors


def _unit(vectors: Array) -> Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return (vectors / np.where(lengths > 0, lengths, 1)[:, np.newaxis]).astype(np.float32)


def _half(squared: Array) -> Array:
    return squared / 2


@dataclass(frozen=True, slots=True)
class _Distance:
    squared: bool
    prepare: Callable[[Array], Array]
    finish: Callable[[Array], Array]


DISTANCES: Final = {
    "l1": _Distance(False, _unchanged, _unchanged),
    "l2": _Distance(True, _unchanged, np.sqrt),
    # For unit vectors 1 - cos(a, b) = |a - b|^2 / 2.
    "cosine": _Distance(True, _unit, _half),
}


def check_distance(name: str) -> None:
    """Raise UnknownNameError unless `name` is one of the `DISTANCES`."""
    if name not in DISTANCES:
        raise UnknownNameError.among("distance", name, DISTANCES)


def nearest(
    queries: Vectors, gallery: Vectors, k: int, *, distance: str = "l1", jobs: int = 1
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Find the k nearest gallery vectors of each query, exactly.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, dim), float32
    gallery : ndarray of shape (n, dim), float32
    k : int
        1 to n.
    distance : {"l1", "l2", "cosine"}
        Sum of absolute differences, Euclidean, or ``1 - cos``; the cosine of a
        zero vector with another counts as 1/2, with a zero vector as 1.
    jobs : int
        Threads. The result does not depend on it.

    Returns
    -------
    indices : ndarray of shape (n_queries, k), intp
        Nearest first; equal distances in the order of the gallery.
    distances : ndarray of shape (n_queries, k), float64
        Computed in float32; 0 for equal vectors.

    Raises
    ------
    InvalidParameterError
        `k` or `jobs` is out of its range, the shapes do not fit, or a value is not
        finite or too large.
    """
    check_distance(distance)
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise InvalidParameterError(
            "queries and gallery must be of shape (n, dim) with one dim. "
            f"Got {queries.shape} and {gallery.shape}."
        )
    if not 1 <= k <= len(gallery):
        raise InvalidParameterError(
            f"k must be at least 1 and at most the number of pictures to choose from, "
            f"{len(gallery)}. Got {k}."
        )
    if jobs < 1:
        raise InvalidParameterError(f"jobs must be at least 1. Got {jobs}.")
    for name, vectors in (("queries", queries), ("gallery", gallery)):
        with np.errstate(invalid="ignore"):  # of infinities that cancel
            total = vectors.sum(dtype=np.float64)  # cannot overflow
        if not np.isfinite(total):
            raise InvalidParameterError(f"{name} must be finite. Got NaN or infinite values.")
    kind = DISTANCES[distance]
    left = np.ascontiguousarray(kind.prepare(queries), dtype=np.float32)
    right = np.ascontiguousarray(kind.prepare(gallery), dtype=np.float32)
    indices = np.empty((len(left), k), np.intp)
    distances = np.empty((len(left), k), np.float32)

    def work(start: int) -> None:
        block = slice(start, start + _BLOCK)
        _top_k(left[block], right, kind.squared, indices[block], distances[block])

    starts = range(0, len(left), _BLOCK)
    if jobs == 1 or len(starts) <= 1:
        for start in starts:
            work(start)
    else:
        with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-search") as pool:
            list(pool.map(work, starts))
    if not np.isfinite(distances).all():
        raise InvalidParameterError("values are too large: their distances exceed float32.")
    return indices, kind.finish(distances.astype(np.float64))


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _sum_absolute(a: Vectors, b: Vectors) -> np.float32:
    total = np.float32(0)
    for i in range(len(a)):
        total += abs(a[i] - b[i])
    return total


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _sum_squares(a: Vectors, b: Vectors) -> np.float32:
    total = np.float32(0)
    for i in range(len(a)):
        difference = a[i] - b[i]
        total += difference * difference
    return total


@nb.njit(nogil=True, cache=True)
def _top_k(
    queries: Vectors,
    gallery: Vectors,
    squared: bool,
    indices: npt.NDArray[np.intp],
    distances: Vectors,
) -> None:
    k = indices.shape[1]
    distances[:] = np.inf
    for row in range(len(gallery)):
        for query in range(len(queries)):
            if squared:
                found = _sum_squares(queries[query], gallery[row])
            else:
                found = _sum_absolute(queries[query], gallery[row])
            # Strictly less: of equal distances the earlier row stays ahead.
            place = min(row, k)
            while place > 0 and found < distances[query, place - 1]:
                if place < k:
                    distances[query, place] = distances[query, place - 1]
                    indices[query, place] = indices[query, place - 1]
                place -= 1
            if place < k:
                distances[query, place] = found
                indices[query, place] = row
