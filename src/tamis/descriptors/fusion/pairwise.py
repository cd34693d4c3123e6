"""All distances of some pictures by several descriptors, and what is nearest by their sum."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.distances import gallery_of, reciprocal_ranks

Matrices = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]

_BLOCK: Final = 64


def distance_matrix(
    vectors: npt.NDArray[np.float32], *, distance: str = "l1", jobs: int = 1
) -> Matrices:
    """Measure every vector against every other.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim), float32
    distance : str
        One of `tamis.distances.DISTANCES`, or the name of a late fusion.
    jobs : int
        Threads.

    Returns
    -------
    ndarray of shape (n, n), float32
    """
    n = len(vectors)
    matrix = np.empty((n, n), np.float32)
    gallery = gallery_of(vectors, distance=distance)

    def work(start: int) -> None:
        block = slice(start, start + _BLOCK)
        matrix[block] = gallery.distances(vectors[block])

    with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-weighing") as pool:
        list(pool.map(work, range(0, n, _BLOCK)))
    return matrix


def by_rank(matrix: Matrices) -> Matrices:
    """Turn distances into what reciprocal rank fusion adds, as numbers that are small if near.

    Each row ranks the others, itself left out.

    Parameters
    ----------
    matrix : ndarray of shape (n, n), float32

    Returns
    -------
    ndarray of shape (n, n), float32
        ``-1 / (60 + rank)``; 0 on the diagonal.
    """
    ranked = np.empty_like(matrix)
    for start in range(0, len(matrix), _BLOCK):
        block = slice(start, start + _BLOCK)
        own = np.arange(len(matrix))[block]
        ranked[block] = -reciprocal_ranks(matrix[block].astype(np.float64), own)
    return ranked


def median_of(matrix: Matrices) -> float:
    """Median of the distances of all pairs; 1 if there is none, or it is 0."""
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    median = float(np.median(pairs)) if len(pairs) else 0.0
    return median if median > 0 else 1.0


def nearest_by_sum(
    matrices: Matrices,
    weights: Values,
    *,
    parts: tuple[int, ...],
    queries: Rows,
    gallery: Rows,
    depth: int,
    jobs: int = 1,
) -> Rows:
    """Find the nearest others of some pictures by a weighted sum of distances.

    Parameters
    ----------
    matrices : ndarray of shape (n_parts, n, n), float32
    weights : ndarray of shape (len(parts),), float64
    parts : tuple of int
        Which of the matrices are added.
    queries, gallery : ndarray, intp
        Rows: what is looked for, and what may be found. No picture finds itself.
    depth : int
        Less than the length of `gallery`.
    jobs : int
        Threads.

    Returns
    -------
    ndarray of shape (len(queries), depth), intp
        Rows, nearest first; equal sums in the order of `gallery`.
    """
    ranked = np.empty((len(queries), depth), np.intp)
    chosen = np.array(parts, np.intp)

    def work(start: int) -> None:
        block = slice(start, start + _BLOCK)
        _nearest_by_sum(matrices, chosen, weights, queries[block], gallery, ranked[block])

    with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-weighing") as pool:
        list(pool.map(work, range(0, len(queries), _BLOCK)))
    return ranked


@nb.njit(nogil=True, cache=True)
def _nearest_by_sum(
    matrices: Matrices,
    parts: Rows,
    weights: Values,
    queries: Rows,
    gallery: Rows,
    ranked: Rows,
) -> None:
    depth = ranked.shape[1]
    distances = np.empty(depth)
    for row in range(len(queries)):
        query = queries[row]
        filled = 0
        for other in gallery:
            if other == query:
                continue
            total = 0.0
            for i in range(len(parts)):
                total += weights[i] * matrices[parts[i], query, other]
            # Strictly less: of equal sums the earlier picture stays ahead.
            place = filled
            while place > 0 and total < distances[place - 1]:
                if place < depth:
                    distances[place] = distances[place - 1]
                    ranked[row, place] = ranked[row, place - 1]
                place -= 1
            if place < depth:
                distances[place] = total
                ranked[row, place] = other
            filled = min(filled + 1, depth)
