"""Weights learned from pictures whose classes are known."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np

from tamis.descriptors.fusion.pairwise import Matrices, Rows, Values
from tamis.errors import TableError
from tamis.metrics.ranking import mean_of_classes

DEPTH: Final = 10
_STEPS: Final = (1.0, 0.5)  # of the binary logarithm of a weight
_REACH: Final = 3.0
_LEAST: Final = 2e-4
_BLOCK: Final = 64


@dataclass(frozen=True, slots=True)
class Learned:
    """Weights, and how well they retrieve the pictures that they were learned from.

    Attributes
    ----------
    weights : tuple of float
    score : float
        MMAP over the hits found; it flatters.
    """

    weights: tuple[float, ...]
    score: float


def learn_weights(
    matrices: Sequence[Matrices], codes: Rows, start: Values, *, depth: int = DEPTH, jobs: int = 1
) -> Learned:
    """Find the weights by whose sum of distances pictures of one class find each other best.

    Each picture is looked for among all others; the mean average precision over the
    hits found, over classes, is climbed one weight at a time: doubled or halved while
    that helps, then by a factor of the square root of 2. Ratios within 1/8 to 8 of the
    start are tried, and a gain below 0.0002 is not one.

    Parameters
    ----------
    matrices : sequence of ndarray of shape (n, n), float32
        Of each part: distances, or what `by_rank` makes of them.
    codes : ndarray of shape (n,), intp
        The class of each picture.
    start : ndarray of shape (n_parts,), float64
        Weights to begin with, such as one over the median of each.
    depth : int
        Results that count; as many as there are others, at most.
    jobs : int
        Threads. The result does not depend on it.

    Raises
    ------
    TableError
        There are no two classes, or no class of two pictures: nothing to learn from.
    """
    counts = np.bincount(codes)
    if (counts > 0).sum() < 2 or counts.max() < 2:
        raise TableError(
            "weights are learned from how well classes are told apart. It needs training "
            "pictures of two classes, a folder each, with two pictures or more."
        )
    depth = min(depth, len(codes) - 1)
    alone = counts[codes] < 2  # nothing to find: they say nothing of the weights
    found = np.empty(len(codes))

    with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-weighing") as pool:

        def score(others: Matrices, own: Matrices, weight: float) -> float:
            def work(first: int) -> None:
                _precisions(others, own, weight, codes, depth, first, found)

            list(pool.map(work, range(0, len(codes), _BLOCK)))
            return mean_of_classes(found[~alone], codes[~alone])

        weights = start.astype(np.float64)
        best = score(np.zeros_like(matrices[0]), _summed(matrices, weights), 1.0)
        for step in _STEPS:
            moved = True
            while moved:
                moved = False
                for i, own in enumerate(matrices):
                    others = _summed(matrices, np.where(np.arange(len(weights)) == i, 0, weights))
                    for factor in (2.0**step, 2.0**-step):
                        tried = weights[i] * factor
                        while abs(np.log2(tried / start[i])) <= _REACH:
                            value = score(others, own, tried)
                            if value < best + _LEAST:
                                break
                            best, weights[i], moved = value, tried, True
                            tried *= factor
    return Learned(tuple(map(float, weights)), best)


def _summed(matrices: Sequence[Matrices], weights: Values) -> Matrices:
    total = np.zeros_like(matrices[0])
    for weight, matrix in zip(weights.astype(np.float32), matrices, strict=True):
        if weight:
            total += weight * matrix
    return total


@nb.njit(nogil=True, cache=True)
def _precisions(
    others: Matrices,
    own: Matrices,
    weight: float,
    codes: Rows,
    depth: int,
    first: int,
    out: Values,
) -> None:
    """Average precision over the hits found, of the queries of a block."""
    near = np.empty(depth)
    hit = np.empty(depth, np.bool_)
    for query in range(first, min(first + _BLOCK, len(codes))):
        filled = 0
        limit = np.inf
        for other in range(len(codes)):
            total = others[query, other] + weight * own[query, other]
            if total >= limit or other == query:
                continue
            place = min(filled, depth - 1)
            while place > 0 and total < near[place - 1]:
                near[place], hit[place] = near[place - 1], hit[place - 1]
                place -= 1
            near[place], hit[place] = total, codes[other] == codes[query]
            filled = min(filled + 1, depth)
            if filled == depth:
                limit = near[depth - 1]
        hits, gained = 0, 0.0
        for rank in range(filled):
            if hit[rank]:
                hits += 1
                gained += hits / (rank + 1)
        out[query] = gained / hits if hits else 0.0
