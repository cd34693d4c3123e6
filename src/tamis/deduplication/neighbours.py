"""The nearest tiny vectors of each picture, by cells: without looking at every pair.

The vectors are put into cells of some hundred around centres; a picture is compared with those
in the few cells nearest to it. The work per picture does not depend on how many there are, but
for the look at the centres.
"""

from dataclasses import dataclass
from typing import Any, Final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.deduplication.sketches import SCALE

Array = npt.NDArray[Any]

_PER_CELL: Final = 400
_PROBES: Final = 6
_SAMPLE: Final = 32  # vectors per centre that the centres are found from
_ROUNDS: Final = 6
_BLOCK: Final = 1 << 21  # products of vectors and centres that are held at a time
_MOST: Final = 4096  # vectors of one cell that are compared with at a time


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Vectors in cells.

    Attributes
    ----------
    vectors : ndarray of shape (n, dim), int8
    centres : ndarray of shape (c, dim), float32
    order : ndarray of shape (n,), intp
        Rows, cell after cell.
    starts : ndarray of shape (c + 1,), intp
        Where each cell begins in `order`.
    """

    vectors: Array
    centres: Array
    order: Array
    starts: Array

    @classmethod
    def of(cls, vectors: Array) -> "Cells":
        """Put vectors into cells."""
        n = len(vectors)
        count = max(1, round(n / _PER_CELL))
        chance = np.random.default_rng(0)
        sample = vectors[np.sort(chance.permutation(n)[: count * _SAMPLE])].astype(np.float32)
        centres = sample[chance.permutation(len(sample))[:count]]
        for _ in range(_ROUNDS if count > 1 else 0):
            nearest = _nearest(sample, _unit(centres), 1)[:, 0]
            sums = np.zeros_like(centres)
            np.add.at(sums, nearest, sample)
            filled = np.bincount(nearest, minlength=count) > 0
            centres[filled] = sums[filled]
        centres = _unit(centres)
        cells = _nearest(vectors, centres, 1)[:, 0]
        order = np.argsort(cells, kind="stable")
        starts = np.searchsorted(cells[order], np.arange(count + 1))
        return cls(vectors, centres, order, starts)

    def nearest(self, queries: Array | None = None, *, k: int = 8) -> tuple[Array, Array]:
        """Find the nearest vectors of each query, by their scalar product.

        Parameters
        ----------
        queries : ndarray of shape (m, dim), int8, optional
            The vectors themselves by default; then a row is not found for itself.
        k : int

        Returns
        -------
        rows : ndarray of shape (m, k), int32
            Nearest first; -1 where there are fewer.
        likeness : ndarray of shape (m, k), float32
            The correlation of two tiny pictures, up to 1.
        """
        asked = self.vectors if queries is None else queries
        found = np.full((len(asked), k), -1, np.int32)
        likeness = np.full((len(asked), k), -2, np.float32)
        probes = _nearest(asked, self.centres, min(_PROBES, len(self.centres)))
        flat = probes.ravel()
        by_cell = np.argsort(flat, kind="stable")
        begins = np.searchsorted(flat[by_cell], np.arange(len(self.centres) + 1))
        for cell in range(len(self.centres)):
            members = self.order[self.starts[cell] : self.starts[cell + 1]]
            who = by_cell[begins[cell] : begins[cell + 1]] // probes.shape[1]
            for start in range(0, len(who) if len(members) else 0, _MOST):
                some = who[start : start + _MOST]
                # A cell of endless likenesses: each looks at those around its place.
                near = members[start : start + _MOST] if len(members) > _MOST else members
                near = near if len(near) else members[:_MOST]
                products = asked[some].astype(np.float32) @ self.vectors[near].T.astype(np.float32)
                products /= np.float32(SCALE * SCALE)
                _keep(products, some, near, queries is None, found, likeness)
        return found, likeness


def likeness_of(first: Array, second: Array) -> Array:
    """Correlate tiny vectors row by row."""
    products = np.einsum("ij,ij->i", first.astype(np.float32), second.astype(np.float32))
    return np.asarray(products / (SCALE * SCALE))


def _nearest(vectors: Array, centres: Array, count: int) -> Array:
    """Find the nearest centres of each vector, nearest first."""
    out = np.empty((len(vectors), count), np.int32)
    block = max(64, _BLOCK // len(centres))
    for start in range(0, len(vectors), block):
        products = vectors[start : start + block].astype(np.float32) @ centres.T
        _largest(products, out[start : start + block])
    return out


def _unit(centres: Array) -> Array:
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    return np.asarray(centres / np.maximum(lengths, 1e-6), np.float32)


@nb.njit(nogil=True, cache=True)
def _largest(products: Array, out: Array) -> None:
    """Find the places of the largest products of each row, largest first."""
    k = out.shape[1]
    best = np.empty(k, np.float32)
    for i in range(len(products)):
        best[:] = -np.inf
        out[i] = 0
        for j in range(products.shape[1]):
            value = products[i, j]
            if value <= best[k - 1]:
                continue
            at = k - 1
            while at > 0 and best[at - 1] < value:
                best[at], out[i, at] = best[at - 1], out[i, at - 1]
                at -= 1
            best[at], out[i, at] = value, j


@nb.njit(nogil=True, cache=True)
def _keep(
    products: Array, some: Array, near: Array, own: bool, found: Array, likeness: Array
) -> None:
    """Put what is nearer than the nearest so far in its place."""
    k = found.shape[1]
    for a in range(len(some)):
        i = some[a]
        for b in range(len(near)):
            value = products[a, b]
            if value <= likeness[i, k - 1] or (own and near[b] == i):
                continue
            at = k - 1
            while at > 0 and likeness[i, at - 1] < value:
                found[i, at], likeness[i, at] = found[i, at - 1], likeness[i, at - 1]
                at -= 1
            found[i, at], likeness[i, at] = near[b], value
