"""Vectors made ready for one distance: checked, dense or compressed, with their sums."""

from dataclasses import dataclass
from typing import Any, Self, TypeAlias, cast

import numba as nb
import numpy as np
from scipy.sparse import issparse

from tamis.distances.registry import Distance, Finish, Prepare
from tamis.distances.sparse import compress
from tamis.distances.terms import CANBERRA, JENSEN, SQUARE, Array
from tamis.errors import InvalidParameterError

Input: TypeAlias = Any
"""An ndarray, or an array or a matrix of `scipy.sparse`, which has no types."""


_LARGEST = 2.0**126  # two of them still have a sum in float32


def checked(name: str, vectors: Input, distance: str, how: Distance) -> Input:
    """Bring vectors to C order, or to canonical compressed rows, of float32.

    Raises
    ------
    InvalidParameterError
        A value is not finite, too large, or negative where it must not be.
    """
    if issparse(vectors):
        rows = vectors.tocsr().astype(np.float32, copy=False)
        if not rows.has_canonical_format or (rows.data == 0).any():
            rows = rows.copy()
            rows.sum_duplicates()
            rows.eliminate_zeros()
        values = rows.data
        vectors = rows
    else:
        with np.errstate(over="ignore"):  # of float64: said below
            vectors = values = np.ascontiguousarray(vectors, np.float32)
    if not values.size:
        return vectors
    with np.errstate(invalid="ignore"):  # said below
        lowest, highest = float(values.min()), float(values.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise InvalidParameterError(f"{name} must be finite. Got NaN or infinite values.")
    if max(-lowest, highest) > _LARGEST:
        raise InvalidParameterError(
            f"values of {name} are too large: their distances exceed float32. "
            f"Got {max(-lowest, highest):g}."
        )
    if lowest < 0 and not how.signed:
        raise InvalidParameterError(
            f"{distance} needs values that are not negative. Got {lowest:g} among the {name}; "
            "l1, l2, sqeuclidean, cosine and canberra take any."
        )
    return vectors


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Rows of float32, and what the kernels need to know of each.

    Attributes
    ----------
    shape : (int, int)
    starts, bins, values : ndarray
        Compressed rows. Of dense vectors `bins` is empty, and `values` holds all.
    estimated : ndarray, float32
        `values`, prepared.
    scales : ndarray of shape (n,), float64
        What the values of each row are multiplied by.
    totals : ndarray of shape (n,), float64
        Sum of the terms of each row with a zero vector; 0 where nobody asks.
    masses : ndarray of shape (n,), float64
        Sum of each row; 0 where nobody asks.
    largest : float
        Of the sizes of the values `estimated`.
    smallest : float
        Of the sizes of those that are not 0; 0 where nobody asks.
    sparse : bool
    """

    shape: tuple[int, int]
    starts: Array
    bins: Array
    values: Array
    estimated: Array
    scales: Array
    totals: Array
    masses: Array
    largest: float
    smallest: float
    sparse: bool

    @classmethod
    def make(cls, vectors: Input, how: Distance, *, sparse: bool) -> Self:
        """Make vectors ready, which are as `checked` gives them."""
        n, dim = cast(tuple[int, int], vectors.shape)
        bins = np.empty(0, np.int32)
        if sparse:
            if issparse(vectors):
                starts = vectors.indptr.astype(np.int64, copy=False)
                bins = vectors.indices.astype(np.int32, copy=False)
                values = vectors.data
            else:
                starts = np.concatenate([[0], np.cumsum(count_used(vectors))])
                bins = np.empty(starts[-1], np.int32)
                values = np.empty(starts[-1], np.float32)
                compress(vectors, starts, bins, values)
        else:
            dense = vectors.toarray() if issparse(vectors) else vectors
            starts = np.arange(n + 1, dtype=np.int64) * dim
            values = dense.reshape(-1)
        scales: Array = np.ones(n)
        totals: Array = np.zeros(n)
        masses: Array = np.zeros(n)
        estimated = values
        if how.finish in (Finish.OF_LARGER, Finish.OF_BOTH):
            masses = row_sums(starts, values, False)
        if how.prepare is Prepare.NOTHING:
            if not sparse:
                pass
            elif how.kind == CANBERRA:
                totals = np.diff(starts).astype(np.float64)
            else:
                totals = row_sums(starts, values, how.kind == SQUARE)
        elif how.prepare is Prepare.ROOT:
            estimated = np.sqrt(values)
            totals = row_sums(starts, values, False)
        else:
            unit = how.prepare is Prepare.UNIT
            sums = row_sums(starts, values, unit)
            lengths = np.sqrt(sums) if unit else sums
            scales = 1 / np.where(lengths > 0, lengths, 1)
            totals = (lengths > 0) * (np.log(2) if how.kind == JENSEN else 1.0)
            estimated = scaled(starts, values, scales)
        largest = max(float(estimated.max()), -float(estimated.min())) if estimated.size else 0.0
        smallest = smallest_used(estimated) if how.kind == CANBERRA and not sparse else 0.0
        return cls(
            (n, dim),
            starts,
            bins,
            values,
            estimated,
            scales,
            totals,
            masses,
            largest,
            smallest,
            sparse,
        )


def share_used(vectors: Array) -> float:
    """Measure which share of dense values is not 0."""
    return float(count_used(vectors).sum() / vectors.size) if vectors.size else 1.0


@nb.njit(nogil=True, cache=True)
def smallest_used(values: Array) -> float:
    """Find the smallest size of a value that is not 0; infinity without any."""
    smallest = np.float32(np.inf)
    for value in values:
        smallest = min(smallest, abs(value) if value != 0 else smallest)
    return float(smallest)


@nb.njit(nogil=True, cache=True)
def count_used(dense: Array) -> Array:
    """Count the values of each row that are not 0."""
    counts = np.zeros(len(dense), np.int64)
    for r in range(len(dense)):
        count = 0
        for i in range(dense.shape[1]):
            count += dense[r, i] != 0
        counts[r] = count
    return counts


@nb.njit(nogil=True, cache=True)
def row_sums(starts: Array, values: Array, squares: bool) -> Array:
    """Sum the sizes of the values of each row, or their squares, in float64.

    One after the other: the zeros between them, if they are there, change nothing.
    """
    sums = np.zeros(len(starts) - 1)
    for r in range(len(sums)):
        total = 0.0
        for i in range(starts[r], starts[r + 1]):
            value = np.float64(values[i])
            total += value * value if squares else abs(value)
        sums[r] = total
    return sums


@nb.njit(nogil=True, cache=True)
def scaled(starts: Array, values: Array, scales: Array) -> Array:
    """Multiply each row by its scale."""
    out = np.empty_like(values)
    for r in range(len(scales)):
        for i in range(starts[r], starts[r + 1]):
            out[i] = values[i] * scales[r]
    return out
