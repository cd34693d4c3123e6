"""How good answers are: pure functions on arrays."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

RESAMPLES: Final = 2000
_BATCH_BYTES: Final = 64 << 20


def confusion_matrix(truth: npt.ArrayLike, predicted: npt.ArrayLike, n_classes: int) -> Counts:
    """Count how often class i was called class j.

    Parameters
    ----------
    truth, predicted : array-like of shape (n,), int
        In [0, n_classes).
    n_classes : int

    Returns
    -------
    ndarray of shape (n_classes, n_classes), int64
        Rows are true classes, columns predicted ones.
    """
    truth, predicted = np.asarray(truth, np.intp), np.asarray(predicted, np.intp)
    if truth.shape != predicted.shape or truth.ndim != 1:
        raise InvalidParameterError(
            f"truth and predicted must be of one length. Got {truth.shape} and {predicted.shape}."
        )
    if len(truth) and not (
        0 <= min(truth.min(), predicted.min()) <= max(truth.max(), predicted.max()) < n_classes
    ):
        raise InvalidParameterError(f"classes must lie in [0, {n_classes}).")
    counts = np.bincount(truth * n_classes + predicted, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


def precision_recall_f1(confusion: npt.NDArray[Any]) -> tuple[Values, Values, Values]:
    """Precision, recall and F1 of every class.

    Parameters
    ----------
    confusion : ndarray of shape (..., n_classes, n_classes)
        Rows are true classes. Leading axes are separate experiments.

    Returns
    -------
    precision, recall, f1 : ndarray of shape (..., n_classes), float64
        What would be 0/0 is 0: a class never predicted has precision 0, one that
        does not occur has recall 0.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    predicted = confusion.sum(axis=-2)
    occurring = confusion.sum(axis=-1)
    return (
        hits / np.maximum(predicted, 1),
        hits / np.maximum(occurring, 1),
        2 * hits / np.maximum(predicted + occurring, 1),
    )


def averages(confusion: npt.NDArray[Any]) -> Values:
    """Average precision, recall and F1 over classes, plainly and by support.

    Parameters
    ----------
    confusion : ndarray of shape (..., n_classes, n_classes)

    Returns
    -------
    ndarray of shape (..., 2, 3), float64
        First the macro average, then the weighted one; of precision, recall, F1.
        A class that neither occurs nor is predicted does not count; without any
        all are 0.
    """
    scores = np.stack(precision_recall_f1(confusion), axis=-1)
    support = confusion.sum(axis=-1)
    present = (support + confusion.sum(axis=-2)) > 0
    weights = np.stack([present.astype(np.float64), support.astype(np.float64)], axis=-2)
    totals = np.maximum(weights.sum(axis=-1, keepdims=True), 1)
    result: Values = (weights / totals) @ scores
    return result


def wilson_interval(successes: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a proportion.

    Parameters
    ----------
    successes, n : int
        ``0 <= successes <= n``.
    confidence : float
        In (0, 1).

    Returns
    -------
    low, high : float
        (0, 1) if n is 0: nothing is known.

    Raises
    ------
    InvalidParameterError
        An argument is out of its range.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and
       statistical inference", JASA 22(158), 209-212, 1927.
       https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> low, high = wilson_interval(267, 270)
    >>> round(low, 3), round(high, 3)
    (0.968, 0.996)
    """
    if not 0 <= successes <= n:
        raise InvalidParameterError(f"successes must lie in [0, n]. Got {successes} of {n}.")
    _check_confidence(confidence)
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends the closed form is exact but for rounding.
    low = 0.0 if successes == 0 else max(0.0, centre - reach)
    high = 1.0 if successes == n else min(1.0, centre + reach)
    return low, high


def bootstrap_intervals(
    confusion: Counts,
    statistic: Callable[[npt.NDArray[Any]], Values],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Values:
    """Percentile bootstrap over pictures, for figures that a confusion matrix gives.

    To draw n pictures again, with replacement, is to draw the cells of their
    confusion matrix from a multinomial distribution; so no picture is touched.

    Parameters
    ----------
    confusion : ndarray of shape (n_classes, n_classes), int64
    statistic : callable
        From confusion matrices of shape (r, n_classes, n_classes) to values of
        shape (r, ...).
    confidence : float
        In (0, 1).
    resamples : int
        How often to draw.
    seed : int

    Returns
    -------
    ndarray of shape (2, ...), float64
        Lower and upper ends.

    Raises
    ------
    InvalidParameterError
        `confidence` or `resamples` is out of its range.

    References
    ----------
    .. [1] B. Efron, "Bootstrap methods: another look at the jackknife", Annals of
       Statistics 7(1), 1-26, 1979. https://doi.org/10.1214/aos/1176344552
    """
    _check_bootstrap(confidence, resamples)
    random = np.random.default_rng(seed)
    n = int(confusion.sum())
    n_classes = len(confusion)
    cells = np.flatnonzero(confusion)
    values = []
    # In batches, so that hundreds of classes do not take gigabytes.
    batch = max(1, min(resamples, (16 << 20) // max(1, confusion.nbytes)))
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        drawn = np.zeros((size, n_classes * n_classes), np.int64)
        if n:
            drawn[:, cells] = random.multinomial(n, confusion.flat[cells] / n, size=size)
        values.append(statistic(drawn.reshape(size, n_classes, n_classes)))
    tail = (1 - confidence) / 2
    result: Values = np.quantile(np.concatenate(values), [tail, 1 - tail], axis=0)
    return result


def class_means(values: Values, classes: npt.NDArray[np.intp], n_classes: int) -> Values:
    """Average the figures of the queries of each class: of AP, that is MAP per class.

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
        NaN for a class without queries. The mean over classes of MAP is MMAP.
    """
    sums = np.zeros((n_classes, values.shape[1]))
    np.add.at(sums, classes, values)
    counts = np.bincount(classes, minlength=n_classes)[:, np.newaxis]
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def bootstrap_means(
    values: Values,
    classes: npt.NDArray[np.intp],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Values, Values]:
    """Percentile bootstrap over queries, of means over queries and over classes.

    Queries are drawn plainly, not class by class: how many there are of each class
    varies as it would with other queries. The means of the classes are computed
    again from each draw, and averaged over the classes that it holds. What the
    gallery holds is taken as given.

    Parameters
    ----------
    values : ndarray of shape (n, m), float64
        A row per query, at least one.
    classes : ndarray of shape (n,), intp
    confidence : float
        In (0, 1).
    resamples : int
        How often to draw n queries.
    seed : int

    Returns
    -------
    over_queries, over_classes : ndarray of shape (2, m), float64
        Lower and upper ends.

    Raises
    ------
    InvalidParameterError
        `confidence` or `resamples` is out of its range, or there is no query.
    """
    _check_bootstrap(confidence, resamples)
    if not len(values):
        raise InvalidParameterError("there must be at least one query to draw from.")
    random = np.random.default_rng(seed)
    order = np.argsort(classes, kind="stable")
    sorted_values = values[order]
    ends = np.flatnonzero(np.diff(classes[order], append=-1)) + 1
    n = len(values)
    over_queries, over_classes = [], []
    batch = max(1, min(resamples, _BATCH_BYTES // (8 * n)))
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        drawn = random.integers(0, n, (size, n)) + n * np.arange(size)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
        total = np.zeros((size, values.shape[1]))
        means = np.zeros_like(total)
        present = np.zeros((size, 1))
        for first, end in zip([0, *ends[:-1]], ends, strict=True):
            sums = times[:, first:end] @ sorted_values[first:end]
            counts = times[:, first:end].sum(axis=1, keepdims=True)
            total += sums
            means += sums / np.maximum(counts, 1)
            present += counts > 0
        over_queries.append(total / n)
        over_classes.append(means / present)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    return (
        np.quantile(np.concatenate(over_queries), tails, axis=0),
        np.quantile(np.concatenate(over_classes), tails, axis=0),
    )


def _check_bootstrap(confidence: float, resamples: int) -> None:
    _check_confidence(confidence)
    if resamples < 1:
        raise InvalidParameterError(f"resamples must be at least 1. Got {resamples}.")


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InvalidParameterError(f"confidence must lie in (0, 1). Got {confidence}.")
