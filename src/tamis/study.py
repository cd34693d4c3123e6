"""Comparisons: which descriptor, or which fusion of several, serves pictures best.

All combinations are scored from one matrix of distances per descriptor: to fuse is
to add matrices, each divided by its median. So the 120 fusions of two to seven
descriptors cost little more than the seven alone.

The best of 127 figures flatters whoever wins: some of its lead is luck. So the
choice itself is tested too, by nested cross-validation: what is best is chosen on
the pictures of four folds and scored on those of the fifth, which had no say.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.distances import Gallery
from tamis.errors import InvalidParameterError, TableError
from tamis.features import FeatureTable, available_processors
from tamis.ranking import average_precision, precision_at
from tamis.split import assign_folds
from tamis.table import ImageTable

METHODS: Final = ("sum", "rrf")
_RRF: Final = 60
_BLOCK: Final = 64
_RESAMPLES: Final = 2000

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One descriptor or fusion, and how well it retrieves.

    Attributes
    ----------
    parts : tuple of int
        Which of the descriptors compared.
    mmap : float
        Mean over classes of the mean average precision over the hits found.
    mmap_all : float
        Likewise, over all relevant pictures.
    precision : float
        Share of relevant results, mean over queries.
    """

    parts: tuple[int, ...]
    mmap: float
    mmap_all: float
    precision: float


@dataclass(frozen=True, slots=True)
class Lead:
    """How far the best is ahead of another: a difference in MMAP with its 95 % interval."""

    other: tuple[int, ...]
    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All candidates, best first, and what the choice of the best is worth.

    Attributes
    ----------
    specs : tuple of str
        The descriptors compared.
    candidates : tuple of Candidate
        By falling MMAP over the hits found.
    leads : tuple of Lead
        Of the best over the next ones, by a bootstrap of paired differences.
    nested : float
        MMAP over the hits found when the choice is made without the pictures that
        score it.
    chosen : tuple of tuple of int
        What was chosen in each fold.
    signature : dict
        All that the numbers depend on.
    """

    specs: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    leads: tuple[Lead, ...]
    nested: float
    chosen: tuple[tuple[int, ...], ...]
    signature: dict[str, str | int]


def compare(
    tables: Sequence[FeatureTable],
    *,
    fuse: tuple[int, int] = (1, 1),
    depth: int = 10,
    distance: str = "l1",
    method: str = "sum",
    folds: int = 5,
    seed: int = 0,
    jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Comparison:
    """Score descriptors and all their fusions by leave-one-out retrieval.

    Parameters
    ----------
    tables : sequence of FeatureTable
        The same labelled pictures by each descriptor. Memory: 4 bytes per pair of
        pictures and descriptor.
    fuse : (int, int)
        Least and most descriptors in a fusion; (1, 1) fuses none.
    depth : int
        Results that count.
    distance : str
        One of `tamis.distances.DISTANCES`.
    method : {"sum", "rrf"}
        ``sum`` adds distances, each divided by its median over all pairs; by l1
        this is what `tamis.descriptors.Fusion` does. ``rrf`` adds ``1 / (60 +
        rank)``, reciprocal rank fusion [1]_.
    folds : int
        Of the nested cross-validation; at least 2.
    seed : int
        Of folds and bootstrap.
    jobs : int, optional
        Threads.
    progress : callable, optional
        Told how many combinations were scored, `folds` + 1 times each.

    Raises
    ------
    TableError
        The tables are not of the same pictures, a picture has no label, or there
        is only one class.
    InvalidParameterError
        A parameter is out of its range.

    References
    ----------
    .. [1] G. V. Cormack, C. L. A. Clarke, S. Buettcher, "Reciprocal rank fusion
       outperforms Condorcet and individual rank learning methods", SIGIR 2009,
       758-759. https://doi.org/10.1145/1571941.1572114
    """
    labels = _check(tables, fuse, depth, method, folds)
    jobs = jobs if jobs is not None else available_processors()
    told = progress or (lambda _: None)
    classes, codes = np.unique(np.array(labels), return_inverse=True)
    matrices = np.stack([_matrix(table, distance, method, jobs) for table in tables])
    found = [
        parts
        for size in {1, *range(fuse[0], fuse[1] + 1)}
        for parts in combinations(range(len(tables)), size)
    ]
    everything = np.arange(len(labels))

    def precisions(parts: tuple[int, ...], queries: Rows, gallery: Rows, weights: Values) -> Any:
        ranked = _rank(matrices, parts, weights, queries, gallery, depth, jobs)
        relevant = codes[ranked] == codes[queries][:, np.newaxis]
        told(1)
        return relevant

    weights = _weights(matrices, everything, method)
    n_relevant = np.bincount(codes)[codes] - 1
    hits = np.empty((len(found), len(labels)))
    candidates = []
    for i, parts in enumerate(found):
        relevant = precisions(parts, everything, everything, weights)
        hits[i] = average_precision(relevant)
        of_all = average_precision(relevant, n_relevant=n_relevant)
        candidates.append(
            Candidate(
                parts,
                mmap=_mean_of_classes(hits[i], codes),
                mmap_all=_mean_of_classes(of_all, codes),
                precision=float(precision_at(relevant).mean()),
            )
        )
    order = sorted(range(len(found)), key=lambda i: (-candidates[i].mmap, len(found[i])))

    table = ImageTable(tables[0].paths, tuple(labels), (None,) * len(labels))
    nested = np.empty(len(labels))
    chosen = []
    parts_of_folds = assign_folds(table, folds, seed=seed)
    for fold in range(1, folds + 1):
        train = np.array(parts_of_folds[f"fold-{fold}/train"], np.intp)
        test = np.array(parts_of_folds[f"fold-{fold}/test"], np.intp)
        weights = _weights(matrices, train, method)
        scores = [
            _mean_of_classes(average_precision(precisions(p, train, train, weights)), codes[train])
            for p in found
        ]
        best = found[int(np.argmax(scores))]
        chosen.append(best)
        nested[test] = average_precision(precisions(best, test, everything, weights))
    return Comparison(
        specs=tuple(table.spec for table in tables),
        candidates=tuple(candidates[i] for i in order),
        leads=tuple(
            Lead(found[i], *_lead(hits[order[0]] - hits[i], codes, seed)) for i in order[1:6]
        ),
        nested=_mean_of_classes(nested, codes),
        chosen=tuple(chosen),
        signature={
            "task": "comparison",
            "protocol": "leave-one-out, self excluded",
            "distance": distance,
            "depth": depth,
            "ap": "over the hits found",
            "fusion": method,
            "n_images": len(labels),
            "n_classes": len(classes),
            "folds": folds,
            "seed": seed,
        },
    )


def _check(
    tables: Sequence[FeatureTable], fuse: tuple[int, int], depth: int, method: str, folds: int
) -> list[str]:
    if not tables or any(table.paths != tables[0].paths for table in tables):
        raise TableError("descriptors can be compared only on the same pictures.")
    labels = [label for label in tables[0].labels if label is not None]
    if len(labels) < len(tables[0]) or len(set(labels)) < 2:
        raise TableError("a comparison needs pictures of two classes or more, all with a class.")
    if not 1 <= fuse[0] <= fuse[1] <= len(tables):
        raise InvalidParameterError(
            f"fuse must be a range within 1 and the number of descriptors, {len(tables)}. "
            f"Got {fuse[0]}-{fuse[1]}."
        )
    if not 1 <= depth < len(labels):
        raise InvalidParameterError(
            f"depth must be at least 1 and less than the number of pictures, {len(labels)}. "
            f"Got {depth}."
        )
    if method not in METHODS:
        raise InvalidParameterError(f"method must be one of {', '.join(METHODS)}. Got {method!r}.")
    if folds < 2:
        raise InvalidParameterError(f"folds must be at least 2. Got {folds}.")
    return labels


def _matrix(table: FeatureTable, distance: str, method: str, jobs: int) -> Matrix:
    """All distances of a table, or for rrf what each rank adds, smaller being nearer."""
    n = len(table)
    matrix = np.empty((n, n), np.float32)
    gallery = Gallery(table.features, distance=distance)
    for start in range(0, n, _BLOCK):
        block = table.features[start : start + _BLOCK]
        indices, distances = gallery.nearest(block, n, jobs=jobs)
        if method == "rrf":
            distances = np.broadcast_to(-1 / (_RRF + 1 + np.arange(n)), indices.shape)
        np.put_along_axis(matrix[start : start + _BLOCK], indices, distances, axis=1)
    return matrix


def _weights(matrices: Matrix, rows: Rows, method: str) -> Values:
    if method == "rrf":
        return np.ones(len(matrices))
    upper = np.triu_indices(len(rows), 1)
    medians = [float(np.median(one[np.ix_(rows, rows)][upper])) for one in matrices]
    return np.array([1 / median if median > 0 else 1.0 for median in medians])


def _rank(
    matrices: Matrix,
    parts: tuple[int, ...],
    weights: Values,
    queries: Rows,
    gallery: Rows,
    depth: int,
    jobs: int,
) -> Rows:
    ranked = np.empty((len(queries), depth), np.intp)
    chosen = np.array(parts, np.intp)

    def work(start: int) -> None:
        block = slice(start, start + _BLOCK)
        _nearest_by_sum(matrices, chosen, weights, queries[block], gallery, ranked[block])

    with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-study") as pool:
        list(pool.map(work, range(0, len(queries), _BLOCK)))
    return ranked


@nb.njit(nogil=True, cache=True)
def _nearest_by_sum(
    matrices: Matrix,
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
            for part in parts:
                total += weights[part] * matrices[part, query, other]
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


def _mean_of_classes(values: Values, codes: Rows) -> float:
    sums = np.bincount(codes, values)
    counts = np.bincount(codes)
    return float((sums[counts > 0] / counts[counts > 0]).mean())


def _lead(differences: Values, codes: Rows, seed: int) -> tuple[float, tuple[float, float]]:
    """Mean over classes of paired differences, and a bootstrap of it over queries."""
    random = np.random.default_rng(seed)
    n = len(codes)
    member = np.zeros((n, codes.max() + 1))
    member[np.arange(n), codes] = 1
    means = []
    for _ in range(0, _RESAMPLES, 100):
        drawn = random.multinomial(n, np.full(n, 1 / n), size=100).astype(np.float64)
        counts = drawn @ member
        sums = (drawn * differences) @ member
        present = counts > 0
        per_class = np.where(present, sums / np.maximum(counts, 1), 0)
        means.append(per_class.sum(axis=1) / present.sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return _mean_of_classes(differences, codes), (float(low), float(high))
