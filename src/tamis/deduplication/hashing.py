"""Pictures whose 64-bit hashes are near: multi-index hashing, without looking at every pair.

Two hashes that differ in at most 7 bits have a quarter of 16 bits in which they differ in at
most one. So each quarter has a table, in which a hash is looked up as it is and with each bit
exchanged.

References
----------
M. Norouzi, A. Punjani, D. J. Fleet, "Fast search in Hamming space with multi-index hashing",
CVPR 2012. https://doi.org/10.1109/CVPR.2012.6248043
"""

from typing import Any, Final

import numba as nb
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FARTHEST: Final = 7
"""Bits in which two hashes may differ; more would need more than one exchange per quarter."""
_MOST_LOOKED_AT: Final = 2048  # in one bucket: pictures without end that look alike


def near_hashes(hashes: Array, queries: Array | None = None, *, k: int = 8) -> Array:
    """Find pictures whose hashes differ in at most `FARTHEST` bits.

    Parameters
    ----------
    hashes : ndarray of shape (n,), uint64
    queries : ndarray of shape (m,), uint64, optional
        The hashes themselves by default; then a row is not found for itself.
    k : int
        At most so many are found of each.

    Returns
    -------
    ndarray of shape (m, k), int32
        Rows of `hashes`; -1 where there are fewer.
    """
    asked = hashes if queries is None else queries
    found = np.full((len(asked), k), -1, np.int32)
    distances = np.full((len(asked), k), 65, np.uint8)
    for quarter in range(4):
        keys = (hashes >> np.uint64(16 * quarter) & np.uint64(0xFFFF)).astype(np.int64)
        order = np.argsort(keys, kind="stable")
        starts = np.searchsorted(keys[order], np.arange(65_537))
        # A bucket's hashes lie side by side: among a million, fetching each would take longest.
        near = hashes[order]
        _look_up(near, asked, queries is None, quarter, order, starts, found, distances)
    return found


@nb.njit(nogil=True, cache=True)
def _look_up(
    near: Array, asked: Array, own: bool, quarter: int, order: Array, starts: Array,
    found: Array, distances: Array,
) -> None:  # fmt: skip
    k = found.shape[1]
    for i in range(len(asked)):
        key = np.int64(asked[i] >> np.uint64(16 * quarter) & np.uint64(0xFFFF))
        for bit in range(-1, 16):
            bucket = key if bit < 0 else key ^ (1 << bit)
            end = min(starts[bucket + 1], starts[bucket] + _MOST_LOOKED_AT)
            for place in range(starts[bucket], end):
                distance = _bits(near[place] ^ asked[i])
                if distance > FARTHEST or distance >= distances[i, k - 1]:
                    continue
                j = order[place]
                if own and j == i:
                    continue
                known = False
                for at in range(k):
                    if found[i, at] == j:
                        known = True
                if known:
                    continue
                at = k - 1
                while at > 0 and distances[i, at - 1] > distance:
                    found[i, at], distances[i, at] = found[i, at - 1], distances[i, at - 1]
                    at -= 1
                found[i, at], distances[i, at] = j, distance


@nb.njit(nogil=True, cache=True, inline="always")
def _bits(value: Any) -> Any:
    """Count the ones of 64 bits: of each two, each four, each eight, and of all."""
    value -= (value >> np.uint64(1)) & np.uint64(0x5555555555555555)
    value = (value & np.uint64(0x3333333333333333)) + (
        (value >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    value = (value + (value >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (value * np.uint64(0x0101010101010101)) >> np.uint64(56)
