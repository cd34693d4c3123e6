"""How good ranked lists are: pure functions on boolean relevance.

`relevant` says of each result, best first, whether it is what was looked for. The
last axis is the rank; what stands before it are separate queries. Each function
reads its figure at a list of `depths` in one pass, on a last axis of their own, or,
without `depths`, at the end of the lists.

`n_relevant` counts the relevant pictures of the whole gallery, found or not. Where
it is 0 there is nothing to find: what is a share of it is then NaN, never 0 or 1,
so that whoever averages has to say what becomes of such queries.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError
from tamis.metrics.classification import Values

Depths = Sequence[int] | None


def average_precision(
    relevant: npt.ArrayLike, *, n_relevant: npt.ArrayLike | None = None, depths: Depths = None
) -> Values:
    """Average the precision at each hit of a ranked list.

    Parameters
    ----------
    relevant : array-like of shape (..., k), bool
        Whether each result is relevant, best first.
    n_relevant : int or array-like of shape (...), optional
        Relevant pictures in the whole gallery. If given, those that were not found
        count as zero; if None, only the hits found are averaged.
    depths : sequence of int, optional
        Read only this many results, for each of them.

    Returns
    -------
    ndarray of shape (...) or (..., len(depths)), float64
        In [0, 1]. No hit gives 0; ``n_relevant=0`` gives NaN.

    Raises
    ------
    InvalidParameterError
        `n_relevant` is smaller than the number of hits, or a depth is out of range.

    Notes
    -----
    Without `n_relevant` this is the average precision of the system that tamis
    descends from: optimistic, for one hit at the first rank and no other is 1.
    With it, on the ranking of the whole gallery, it is the usual definition, that
    of ``sklearn.metrics.average_precision_score``; at a smaller depth it cannot
    exceed ``depth / n_relevant``.

    Examples
    --------
    >>> round(float(average_precision([True, False, True])), 3)
    0.833
    >>> round(float(average_precision([True, False, True], n_relevant=4)), 3)
    0.417
    """
    results, hits = _hits(relevant)
    gained = np.cumsum(np.where(results, hits / _ranks(results), 0.0), axis=-1)
    if n_relevant is None:
        return _read(gained / np.maximum(hits, 1), depths)
    return _read(_share(gained, _targets(n_relevant, hits)), depths)


def precision_at(relevant: npt.ArrayLike, *, depths: Depths = None) -> Values:
    """Share of the results that are relevant.

    Parameters
    ----------
    relevant, depths
        As `average_precision` takes them.

    Returns
    -------
    ndarray of shape (...) or (..., len(depths)), float64
    """
    results, hits = _hits(relevant)
    return _read(hits / _ranks(results), depths)


def recall_at(
    relevant: npt.ArrayLike, n_relevant: npt.ArrayLike, *, depths: Depths = None
) -> Values:
    """Share of the relevant pictures of the gallery that are among the results.

    Parameters
    ----------
    relevant, n_relevant, depths
        As `average_precision` takes them.

    Returns
    -------
    ndarray of shape (...) or (..., len(depths)), float64
        NaN where `n_relevant` is 0.
    """
    _, hits = _hits(relevant)
    return _read(_share(hits, _targets(n_relevant, hits)), depths)


def ndcg_at(relevant: npt.ArrayLike, n_relevant: npt.ArrayLike, *, depths: Depths = None) -> Values:
    """Compute the normalised discounted cumulative gain, of relevance 0 or 1.

    Parameters
    ----------
    relevant, n_relevant, depths
        As `average_precision` takes them.

    Returns
    -------
    ndarray of shape (...) or (..., len(depths)), float64
        The sum of ``1 / log2(rank + 1)`` over the hits, over that of the best list
        possible: 1 if nothing comes before what is relevant. NaN where
        `n_relevant` is 0.

    References
    ----------
    .. [1] K. Jarvelin and J. Kekalainen, "Cumulated gain-based evaluation of IR
       techniques", ACM Transactions on Information Systems 20(4), 422-446, 2002.
       https://doi.org/10.1145/582415.582418
    """
    results, hits = _hits(relevant)
    gains = 1 / np.log2(_ranks(results) + 1)
    best = np.concatenate([[0.0], np.cumsum(gains)])
    targets = _targets(n_relevant, hits)
    ideal = best[np.minimum(targets[..., np.newaxis], _ranks(results))]
    found = np.cumsum(np.where(results, gains, 0.0), axis=-1)
    return _read(np.where(ideal > 0, found / np.where(ideal > 0, ideal, 1.0), np.nan), depths)


def first_tier(relevant: npt.ArrayLike, n_relevant: npt.ArrayLike) -> Values:
    """Recall at as many results as there are relevant pictures in the gallery.

    It is also the precision there, also called R-precision.

    Parameters
    ----------
    relevant, n_relevant
        As `average_precision` takes them; at least `n_relevant` results.

    Returns
    -------
    ndarray of shape (...), float64
        NaN where `n_relevant` is 0.

    Raises
    ------
    InvalidParameterError
        There are fewer results than relevant pictures.
    """
    results, hits = _hits(relevant)
    targets = _targets(n_relevant, hits)
    if targets.max(initial=0) > results.shape[-1]:
        raise InvalidParameterError(
            f"the first tier needs as many results as there are relevant pictures, "
            f"{targets.max()}. Got {results.shape[-1]}."
        )
    within = np.arange(results.shape[-1]) < targets[..., np.newaxis]
    found = (results & within).sum(axis=-1)
    return _share(found[..., np.newaxis], targets)[..., 0]


def first_wrong(relevant: npt.ArrayLike) -> Values:
    """Tell where the first result is wrong: its mean is the error rate.

    Parameters
    ----------
    relevant : array-like of shape (..., k), bool

    Returns
    -------
    ndarray of shape (...), float64
        0 or 1.
    """
    results, _ = _hits(relevant)
    return np.asarray(~results[..., 0], np.float64)


def class_means(values: Values, classes: npt.NDArray[np.intp], n_classes: int) -> Values:
    """Average the figures of the queries of each class: of AP, this is MAP per class.

    Parameters
    ----------
    values : ndarray of shape (n, m), float64
        A row per query.
    classes : ndarray of shape (n,), intp
        In [0, n_classes).
    n_classes : int

    Returns
    -------
    ndarray of shape (n_classes, m), float64
        NaN for a class without queries.
    """
    sums = np.zeros((n_classes, values.shape[1]))
    for column, total in zip(values.T, sums.T, strict=True):
        total[:] = np.bincount(classes, column, n_classes)
    counts = np.bincount(classes, minlength=n_classes)[:, np.newaxis]
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def mean_of_classes(values: Values, classes: npt.NDArray[np.intp]) -> float:
    """Average over classes the means over their queries: of AP, this is MMAP.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
    classes : ndarray of shape (n,), intp

    Returns
    -------
    float
        Classes without queries do not count.
    """
    means = class_means(values[:, np.newaxis], classes, int(classes.max()) + 1)[:, 0]
    return float(means[~np.isnan(means)].mean())


def _hits(relevant: npt.ArrayLike) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    results = np.asarray(relevant, bool)
    if not results.ndim or not results.shape[-1]:
        raise InvalidParameterError("a ranked list must hold at least one result.")
    return results, np.cumsum(results, axis=-1, dtype=np.int64)


def _ranks(results: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.arange(1, results.shape[-1] + 1)


def _targets(n_relevant: npt.ArrayLike, hits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    targets = np.broadcast_to(np.asarray(n_relevant, np.int64), hits.shape[:-1])
    if (targets < hits[..., -1]).any():
        raise InvalidParameterError(
            "n_relevant must be at least the number of hits. "
            f"Got {targets[targets < hits[..., -1]][0]} for a list with more."
        )
    return targets


def _share(counts: npt.NDArray[Any], of: npt.NDArray[np.int64]) -> Values:
    some = of[..., np.newaxis] > 0
    return np.where(some, counts / np.where(some, of[..., np.newaxis], 1), np.nan)


def _read(at_each_rank: Values, depths: Depths) -> Values:
    if depths is None:
        last: Values = at_each_rank[..., -1]
        return last
    columns = np.asarray(depths, np.intp)
    if not ((columns >= 1) & (columns <= at_each_rank.shape[-1])).all():
        raise InvalidParameterError(
            f"depths must lie between 1 and the number of results, {at_each_rank.shape[-1]}. "
            f"Got {', '.join(map(str, columns))}."
        )
    read: Values = at_each_rank[..., columns - 1]
    return read
