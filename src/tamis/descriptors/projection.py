"""Projections: products with a matrix that are the same on every processor.

A BLAS adds in an order that depends on the processor, on the number of rows and on the
place of a row among them. Here the order is fixed, so that a vector depends on nothing
but itself.
"""

from functools import lru_cache
from typing import Final

import numba as nb
import numpy as np

from tamis.descriptors.base import Features

_ROWS: Final = 256  # vectors at a time, less their mean
# Values that are added in float32 before the sum is added to those before them: it keeps
# the rounding small, and this part of the matrix in the cache.
_DEPTH: Final = 256


@lru_cache(maxsize=4)
def gaussian_matrix(dim: int, length: int, seed: int) -> Features:
    """Draw a random projection that keeps the expectation of squared distances.

    Returns
    -------
    ndarray of shape (dim, length), float32
        Normal values of variance ``1 / length``.
    """
    # Not default_rng: only the streams of RandomState are the same in all versions.
    drawn = np.random.RandomState(seed).standard_normal((length, dim))
    matrix = np.ascontiguousarray((drawn / np.sqrt(length)).T, np.float32)
    matrix.flags.writeable = False
    return matrix


def project(vectors: Features, matrix: Features, *, mean: Features | None = None) -> Features:
    """Multiply vectors by a matrix.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim), float32
    matrix : ndarray of shape (dim, length), float32
    mean : ndarray of shape (dim,), float32, optional
        Subtracted from each vector first.

    Returns
    -------
    ndarray of shape (n, length), float32
        ``(vectors - mean) @ matrix``. Each row depends on that row of `vectors` alone, to
        the last bit, whatever the processor.
    """
    out = np.zeros((len(vectors), matrix.shape[1]), np.float32)
    matrix = np.ascontiguousarray(matrix)
    for start in range(0, len(vectors), _ROWS):
        rows = vectors[start : start + _ROWS]
        rows = np.ascontiguousarray(rows if mean is None else rows - mean)
        _product(rows, matrix, out[start : start + _ROWS])
    return out


@nb.njit(nogil=True, cache=True)
def _product(vectors: Features, matrix: Features, out: Features) -> None:
    """Add the product to `out`: no fastmath, which would leave the order to the compiler."""
    last, dim = len(vectors) - 1, vectors.shape[1]
    sums = np.empty((4, matrix.shape[1]), np.float32)
    a, b, c, d = sums[0], sums[1], sums[2], sums[3]
    for start in range(0, dim, _DEPTH):
        end = min(start + _DEPTH, dim)
        whole = end - (end - start) % 4
        # Four rows at a time: the matrix is loaded once for all of them. The last may be
        # one again.
        for first in range(0, last + 1, 4):
            p, q = vectors[first], vectors[min(first + 1, last)]
            r, s = vectors[min(first + 2, last)], vectors[min(first + 3, last)]
            sums[:] = 0
            for i in range(start, whole, 4):
                m0, m1, m2, m3 = matrix[i], matrix[i + 1], matrix[i + 2], matrix[i + 3]
                p0, p1, p2, p3 = p[i], p[i + 1], p[i + 2], p[i + 3]
                q0, q1, q2, q3 = q[i], q[i + 1], q[i + 2], q[i + 3]
                r0, r1, r2, r3 = r[i], r[i + 1], r[i + 2], r[i + 3]
                s0, s1, s2, s3 = s[i], s[i + 1], s[i + 2], s[i + 3]
                for x in range(a.size):
                    w0, w1, w2, w3 = m0[x], m1[x], m2[x], m3[x]
                    a[x] += (p0 * w0 + p1 * w1) + (p2 * w2 + p3 * w3)
                    b[x] += (q0 * w0 + q1 * w1) + (q2 * w2 + q3 * w3)
                    c[x] += (r0 * w0 + r1 * w1) + (r2 * w2 + r3 * w3)
                    d[x] += (s0 * w0 + s1 * w1) + (s2 * w2 + s3 * w3)
            for i in range(whole, end):
                for x in range(a.size):
                    a[x] += p[i] * matrix[i, x]
                    b[x] += q[i] * matrix[i, x]
                    c[x] += r[i] * matrix[i, x]
                    d[x] += s[i] * matrix[i, x]
            for j in range(min(4, last + 1 - first)):
                out[first + j] += sums[j]
