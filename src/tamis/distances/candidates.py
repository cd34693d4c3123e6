"""The rows that may be among the nearest, from estimates and bounds of their errors.

One walk over the estimates of a query: a group of rows is compared with the limit of
the moment in vector registers, and only a group that holds a nearer one is looked at
row by row. The limit falls as nearer rows are met, so what was kept is sifted at the end.
"""

from typing import Final

import numba as nb
import numpy as np

from tamis.distances.terms import Array

_GROUP: Final = 32


@nb.njit(nogil=True, cache=True, error_model="numpy")
def shortlist(
    estimates: Array,
    doubtful: bool,
    relative: float,
    of_totals: Array,
    floor: float,
    sparse: bool,
    totals_a: Array,
    totals_b: Array,
    mode: int,
    masses_a: Array,
    masses_b: Array,
    skip: Array,
    k: int,
) -> tuple[Array, Array]:
    """List the rows that may be among the nearest k of each query, in order.

    Parameters
    ----------
    estimates : ndarray of shape (n_queries, n), float32
    doubtful : bool
        Whether an estimate may be infinite or NaN.
    relative, of_totals, floor
        The errors, as `slack` bounds them.
    sparse : bool
        Whether the totals of both vectors are to be added to the estimates.
    totals_a, totals_b, masses_a, masses_b : ndarray
        Of the queries and of the rows.
    mode : int
        1 if the sums are to be brought to shares of the larger mass, 2 of both masses,
        or 0.
    skip : ndarray of shape (n_queries,), intp
    k : int

    Returns
    -------
    starts : ndarray of shape (n_queries + 1,), int64
        Where the list of each query begins; empty if an estimate is not finite.
    rows : ndarray, intp
    """
    n_queries, n = estimates.shape
    starts = np.zeros(n_queries + 1, np.int64)
    rows = np.empty(n_queries * k * 2 + 64, np.intp)
    kept, lowest = np.empty(4 * k + _GROUP, np.intp), np.empty(4 * k + _GROUP)
    heap = np.empty(k)
    # One error for all rows if their totals are alike, as those of prepared ones are.
    # Of other compressed rows, a single large one would make all uncertain.
    largest = totals_b.max()
    alike = not sparse and mode == 0 and largest <= 2 * totals_b.mean()
    for q in range(n_queries):
        if doubtful:
            wrong = 0
            for r in range(n):
                wrong += not abs(estimates[q, r]) < np.inf  # NaN too
            if wrong:
                return np.zeros(0, np.int64), rows
        heap[:] = np.inf
        if alike:
            error = of_totals[q] * (totals_a[q] + largest) + floor
            n_kept, kept, lowest, limit = _near_alike(
                estimates[q], relative, error, skip[q], heap, kept, lowest
            )
        else:
            n_kept, kept, lowest = _near(
                estimates[q],
                relative,
                of_totals[q],
                floor,
                sparse,
                totals_a[q],
                totals_b,
                mode,
                masses_a[q],
                masses_b,
                skip[q],
                heap,
                kept,
                lowest,
            )
            limit = heap[0]
        found = starts[q]
        while found + n_kept > len(rows):
            rows = np.concatenate((rows, np.empty_like(rows)))
        for i in range(n_kept):
            if lowest[i] <= limit:
                rows[found] = kept[i]
                found += 1
        starts[q + 1] = found
    return starts, rows[: starts[-1]]


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _near_alike(
    sums: Array,
    relative: float,
    error: float,
    skip: int,
    heap: Array,
    kept: Array,
    lowest: Array,
) -> tuple[int, Array, Array, float]:
    """Keep the rows within the limit of the moment, if all have one error."""
    n, n_kept = len(sums), 0
    limit = np.inf
    nearest = np.float32(np.inf)
    for start in range(0, n, _GROUP):
        group = sums[start : start + _GROUP]
        near = 0
        if len(group) == _GROUP:  # of a length that the compiler knows
            for i in range(_GROUP):
                near += group[i] <= nearest
        else:
            near = 1
        if near == 0:
            continue
        if n_kept + _GROUP > len(kept):
            kept, lowest = _twice(kept, lowest)
        for i in range(len(group)):
            if group[i] <= nearest and start + i != skip:
                kept[n_kept], lowest[n_kept] = start + i, group[i]
                n_kept += 1
                if group[i] < heap[0]:
                    _replace_largest(heap, np.float64(group[i]))
                    # From s - (relative s + error) <= limit (1 + relative) + error.
                    most = max(heap[0], 0.0) * (1 + relative) + 2 * error
                    limit = most / (1 - relative) * (1 + 2.0**-40)
                    nearest = np.float32(limit * (1 + 2.0**-23))  # not below it
    return n_kept, kept, lowest, limit


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _near(
    sums: Array,
    relative: float,
    of_totals: float,
    floor: float,
    sparse: bool,
    total: float,
    totals: Array,
    mode: int,
    mass: float,
    masses: Array,
    skip: int,
    heap: Array,
    kept: Array,
    lowest: Array,
) -> tuple[int, Array, Array]:
    """Keep the rows within the limit of the moment, each with an error of its own."""
    n, n_kept = len(sums), 0
    low, high = np.empty(_GROUP), np.empty(_GROUP)
    for start in range(0, n, _GROUP):
        many = min(_GROUP, n - start)
        for i in range(many):
            both = total + totals[start + i]
            s = np.float64(sums[start + i]) + (both if sparse else 0.0)
            error = relative * abs(s) + of_totals * both + floor
            low[i], high[i] = s - error, s + error
        # Both are increasing in s; that they round at 2**-53 the errors cover by far.
        if mode == 1:
            for i in range(many):
                apart = abs(mass - masses[start + i])
                larger = max(mass, masses[start + i])
                larger += larger == 0
                low[i], high[i] = (low[i] + apart) / larger, (high[i] + apart) / larger
        elif mode == 2:
            for i in range(many):
                sum_of_both = mass + masses[start + i]
                sum_of_both += sum_of_both == 0
                low[i], high[i] = low[i] / sum_of_both, high[i] / sum_of_both
        near = 0
        for i in range(many):
            near += low[i] <= heap[0]
        if near == 0:
            continue
        if n_kept + _GROUP > len(kept):
            kept, lowest = _twice(kept, lowest)
        for i in range(many):
            if low[i] <= heap[0] and start + i != skip:
                kept[n_kept], lowest[n_kept] = start + i, low[i]
                n_kept += 1
                if high[i] < heap[0]:
                    _replace_largest(heap, high[i])
    return n_kept, kept, lowest


@nb.njit(nogil=True, cache=True)
def _twice(kept: Array, lowest: Array) -> tuple[Array, Array]:
    """Make room for as many again."""
    return np.concatenate((kept, kept)), np.concatenate((lowest, lowest))


@nb.njit(nogil=True, cache=True)
def _replace_largest(heap: Array, value: float) -> None:
    """Put a value in the place of the largest of a heap, which stands first."""
    place = 0
    while True:
        below = 2 * place + 1
        if below >= len(heap):
            break
        if below + 1 < len(heap) and heap[below + 1] > heap[below]:
            below += 1
        if heap[below] <= value:
            break
        heap[place] = heap[below]
        place = below
    heap[place] = value
