"""From estimates to answers: the rows that may be among the nearest, measured in float64.

An estimate and a bound of its error give each row a lowest and a highest distance.
The k-th of the highest is a limit: a row whose lowest lies beyond it cannot be
among the k nearest. The few others are measured exactly, in one order for all
kernels, so that the answer does not depend on how the estimates came about.
"""

from typing import Final

import numba as nb
import numpy as np

from tamis.distances.candidates import shortlist
from tamis.distances.prepared import Vectors
from tamis.distances.registry import Distance, Finish, Prepare
from tamis.distances.terms import CHI, JENSEN, SQUARE, Array, Kind, exact
from tamis.errors import InvalidParameterError

_ULP: Final = 2.0**-24  # what a rounding to float32 costs at most, relatively
# What one costs where float32 runs out of exponents; the term of chi2 is a square, over a sum.
_TINY: Final = 2.0**-140
_TINY_CHI: Final = 2.0**-62

_SAFE: Final = 2.0**120

_SUMS: Final = 16  # in which the terms of a pair are collected


def slack(how: Distance, queries: Vectors) -> tuple[float, Array, float]:
    """Bound the error of the estimated sums.

    Summing m values in any order is wrong by at most m ulp of the sum of their
    sizes. A prepared value is wrong by an ulp, its term by a few of the sum of both
    values; logarithms cost more.

    Returns
    -------
    relative : float
        Of the sum itself.
    of_totals : ndarray of shape (n_queries,)
        Of the totals of both vectors.
    absolute : float
    """
    prepared = 0 if how.prepare is Prepare.NOTHING else 64 if how.kind == JENSEN else 16
    n, dim = queries.shape
    floor = dim * (_TINY_CHI if how.kind == CHI else _TINY)
    if queries.sparse:
        return 0.0, _ULP * (np.diff(queries.starts) + 24.0 + prepared), floor
    growth = _ULP * (dim + 8)
    return growth / (1 - growth), np.full(n, _ULP * prepared), floor


def settle(
    how: Distance, queries: Vectors, gallery: Vectors, estimates: Array, skip: Array, k: int
) -> tuple[Array, Array]:
    """Find the k nearest rows from estimated sums of terms.

    Parameters
    ----------
    how : Distance
    queries, gallery : Vectors
    estimates : ndarray of shape (n_queries, n), float32
        As `dense.scan` or `sparse.scan` writes them.
    skip : ndarray of shape (n_queries,), intp
        The row that each query must not find; -1 for none.
    k : int

    Returns
    -------
    indices, distances : ndarray of shape (n_queries, k)
    """
    relative, of_totals, floor = slack(how, queries)
    starts, rows = shortlist(
        estimates,
        not _finite(how.kind, queries, gallery),
        relative,
        of_totals,
        floor,
        queries.sparse,
        queries.totals,
        gallery.totals,
        (how.finish is Finish.OF_LARGER) + 2 * (how.finish is Finish.OF_BOTH),
        queries.masses,
        gallery.masses,
        skip,
        k,
    )
    if not len(starts):
        raise InvalidParameterError("values are too large: their distances exceed float32.")
    return _rank(starts, rows, _measured(how, queries, gallery, starts, rows), k)


def _measured(
    how: Distance, queries: Vectors, gallery: Vectors, starts: Array, rows: Array
) -> Array:
    """Distance in float64 of each query to each row of its list."""
    sums = np.empty(len(rows))
    measure = _measure_sparse if queries.sparse else _measure_dense
    measure(
        how.kind,
        how.prepare is Prepare.ROOT,
        (queries.starts, queries.bins, queries.values, queries.scales),
        (gallery.starts, gallery.bins, gallery.values, gallery.scales),
        starts,
        rows,
        sums,
    )
    of_query = np.repeat(queries.masses, np.diff(starts))
    return _finished(how.finish, sums, of_query, gallery.masses[rows])


def _finite(kind: Kind, queries: Vectors, gallery: Vectors) -> bool:
    """Tell whether no sum can leave the range of float32: then nobody needs to look."""
    both = queries.largest + gallery.largest
    # A term is at most their sum, its square, or (with logarithms) 100 times their sum.
    return queries.shape[1] * (both * both if kind == SQUARE else 128 * (both + 1)) < _SAFE


def _finished(finish: Finish, sums: Array, a: Array, b: Array) -> Array:
    if finish is Finish.OF_LARGER:
        larger = np.maximum(a, b)
        return (sums + abs(a - b)) / (2 * np.where(larger > 0, larger, 1))
    if finish is Finish.OF_BOTH:
        return sums / np.where(a + b > 0, a + b, 1)
    if finish in (Finish.HALF, Finish.ROOT_HALF):
        sums = sums / 2
    return np.sqrt(sums) if finish in (Finish.ROOT, Finish.ROOT_HALF) else sums


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _measure_dense(
    kind: Kind,
    root: bool,
    queries: tuple[Array, Array, Array, Array],
    gallery: tuple[Array, Array, Array, Array],
    starts: Array,
    rows: Array,
    out: Array,
) -> None:
    """Sum the terms of each query with each row of its list.

    Bin i goes to sum i mod 16: one order, and yet sixteen sums at a time.
    """
    starts_a, _, values_a, scales_a = queries
    starts_b, _, values_b, scales_b = gallery
    sums = np.empty(_SUMS)
    for q in range(len(starts) - 1):
        a = values_a[starts_a[q] : starts_a[q + 1]]
        whole = len(a) - len(a) % _SUMS
        for place in range(starts[q], starts[q + 1]):
            r = rows[place]
            b = values_b[starts_b[r] : starts_b[r + 1]]
            sums[:] = 0
            for start in range(0, len(a), _SUMS):
                left, right = a[start : start + _SUMS], b[start : start + _SUMS]
                for i in range(len(sums) if start < whole else len(left)):
                    x, y = np.float64(left[i]), np.float64(right[i])
                    if root:
                        x, y = np.sqrt(x), np.sqrt(y)
                    sums[i] += exact(kind, x * scales_a[q], y * scales_b[r])
            out[place] = _total(sums)


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _measure_sparse(
    kind: Kind,
    root: bool,
    queries: tuple[Array, Array, Array, Array],
    gallery: tuple[Array, Array, Array, Array],
    starts: Array,
    rows: Array,
    out: Array,
) -> None:
    """As `_measure_dense`: the same terms in the same order, so the same bits."""
    starts_a, bins_a, values_a, scales_a = queries
    starts_b, bins_b, values_b, scales_b = gallery
    sums = np.empty(_SUMS)
    for q in range(len(starts) - 1):
        for place in range(starts[q], starts[q + 1]):
            r = rows[place]
            i, last_i = starts_a[q], starts_a[q + 1]
            j, last_j = starts_b[r], starts_b[r + 1]
            sums[:] = 0
            while i < last_i or j < last_j:
                if i < last_i and j < last_j:
                    # Without branches: which bin comes next cannot be predicted.
                    here = min(bins_a[i], bins_b[j])
                    left, right = bins_a[i] == here, bins_b[j] == here
                    x = np.float64(values_a[i]) * np.float64(left)
                    y = np.float64(values_b[j]) * np.float64(right)
                    i += left
                    j += right
                elif i < last_i:
                    here, x, y = bins_a[i], np.float64(values_a[i]), np.float64(0)
                    i += 1
                else:
                    here, x, y = bins_b[j], np.float64(0), np.float64(values_b[j])
                    j += 1
                if root:
                    x, y = np.sqrt(x), np.sqrt(y)
                sums[here & (_SUMS - 1)] += exact(kind, x * scales_a[q], y * scales_b[r])
            out[place] = _total(sums)


@nb.njit(nogil=True)
def _total(sums: Array) -> float:
    total = 0.0
    for one in sums:
        total += one
    return total


@nb.njit(nogil=True, cache=True)
def _rank(starts: Array, rows: Array, distances: Array, k: int) -> tuple[Array, Array]:
    """Take the k nearest of each list; of equal distances the earlier row comes first."""
    indices = np.empty((len(starts) - 1, k), np.intp)
    nearest = np.empty((len(starts) - 1, k))
    for q in range(len(starts) - 1):
        part = slice(starts[q], starts[q + 1])
        order = np.argsort(distances[part], kind="mergesort")[:k]  # stable
        indices[q], nearest[q] = rows[part][order], distances[part][order]
    return indices, nearest


def measure_all(how: Distance, queries: Vectors, gallery: Vectors) -> Array:
    """Measure each query against each row in float64, as `settle` does for the few.

    Returns
    -------
    ndarray of shape (n_queries, n), float64
    """
    n_queries, n = queries.shape[0], gallery.shape[0]
    starts = np.arange(n_queries + 1) * n
    rows = np.tile(np.arange(n), n_queries)
    return _measured(how, queries, gallery, starts, rows).reshape(n_queries, n)
