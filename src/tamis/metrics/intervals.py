"""Confidence intervals: Wilson's for proportions, the percentile bootstrap for the rest.

There is one bootstrap. Its functions differ in what is drawn again (images by their cell
in a confusion matrix, queries, or queries of which two rankings are compared) and in the
figure computed from each draw.

References
----------
.. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical
   inference", JASA 22(158), 209-212, 1927. https://doi.org/10.1080/01621459.1927.10502953
.. [2] B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics
   7(1), 1-26, 1979. https://doi.org/10.1214/aos/1176344552
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError
from tamis.metrics.classification import Counts, Values

RESAMPLES: Final = 2000
"""Draws of a bootstrap."""

_CONFUSION_BYTES: Final = 16 << 20
_BATCH_BYTES: Final = 64 << 20

_Random = np.random.Generator
_Drawn = npt.NDArray[Any]


def wilson_interval(successes: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the Wilson score interval [1]_ of a proportion.

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

    Examples
    --------
    >>> low, high = wilson_interval(267, 270)
    >>> round(low, 3), round(high, 3)
    (0.968, 0.996)
    """
    from scipy.stats import binomtest

    if not 0 <= successes <= n:
        raise InvalidParameterError(f"successes must lie in [0, n]. Got {successes} of {n}.")
    _check_confidence(confidence)
    if n == 0:
        return 0.0, 1.0
    ends = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return float(ends.low), float(ends.high)


def bootstrap_intervals(
    confusion: Counts,
    statistic: Callable[[npt.NDArray[Any]], Values],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Values:
    """Bootstrap over images the figures that a confusion matrix gives.

    Drawing n images with replacement is drawing the cells of their confusion matrix from
    a multinomial distribution, so no image is touched.

    Parameters
    ----------
    confusion : ndarray of shape (n_classes, n_classes), int64
    statistic : callable
        From confusion matrices of shape (r, n_classes, n_classes) to values of
        shape (r, ...).
    confidence : float
        In (0, 1).
    resamples : int
        Number of draws.
    seed : int

    Returns
    -------
    ndarray of shape (2, ...), float64
        Lower and upper ends.

    Raises
    ------
    InvalidParameterError
        `confidence` or `resamples` is out of its range.
    """
    n_classes = len(confusion)
    cells = np.flatnonzero(confusion)
    draw = _cells_of(confusion.flat[cells])

    def measure(random: _Random, size: int) -> Values:
        drawn = np.zeros((size, n_classes * n_classes), np.int64)
        drawn[:, cells] = draw(random, size)
        return statistic(drawn.reshape(size, n_classes, n_classes))

    # In batches, so that hundreds of classes do not take gigabytes.
    batch = _CONFUSION_BYTES // max(1, confusion.nbytes)
    return _percentiles(measure, confidence, resamples, seed, batch)


def bootstrap_means(
    values: Values,
    classes: npt.NDArray[np.intp],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Values, Values]:
    """Bootstrap over queries the means over queries and over classes.

    Queries are drawn plainly, not class by class: the number of each class varies as it
    would with other queries. The means of the classes are computed again from each draw,
    and averaged over the classes that it holds. The gallery is taken as given.

    Parameters
    ----------
    values : ndarray of shape (n, m), float64
        A row per query, at least one.
    classes : ndarray of shape (n,), intp
    confidence : float
        In (0, 1).
    resamples : int
        Number of draws of n queries.
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
    n = len(values)
    if not n:
        raise InvalidParameterError("there must be at least one query to draw from.")
    means = _means_of(values, classes)

    def measure(random: _Random, size: int) -> Values:
        drawn = random.integers(0, n, (size, n)) + n * np.arange(size)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        return means(times.astype(np.float64))

    over_queries, over_classes = np.moveaxis(
        _percentiles(measure, confidence, resamples, seed, _BATCH_BYTES // (8 * n)), 1, 0
    )
    return over_queries, over_classes


def bootstrap_of_means(
    values: Values,
    statistic: Callable[[Values], Values],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Values:
    """Bootstrap over images what is computed from the means of several figures.

    Parameters
    ----------
    values : ndarray of shape (n, m), float64
        A row per image, at least one: so the figures of an image stay together.
    statistic : callable
        From means of shape (r, m) to values of shape (r, ...).
    confidence : float
        In (0, 1).
    resamples : int
        Number of draws of n images.
    seed : int

    Returns
    -------
    ndarray of shape (2, ...), float64
        Lower and upper ends.

    Raises
    ------
    InvalidParameterError
        `confidence` or `resamples` is out of its range, or there is no image.
    """
    n = len(values)
    if not n:
        raise InvalidParameterError("there must be at least one image to draw from.")
    draw = _cells_of(np.ones(n, np.int64))

    def measure(random: _Random, size: int) -> Values:
        return statistic(draw(random, size).astype(np.float64) @ values / n)

    return _percentiles(measure, confidence, resamples, seed, _BATCH_BYTES // (8 * n))


def bootstrap_difference(
    differences: Values,
    classes: npt.NDArray[np.intp],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap over queries the mean over classes of a paired difference.

    Two rankings are compared on the same queries: an interval without 0 tells them apart,
    however much the queries differ among themselves.

    Parameters
    ----------
    differences : ndarray of shape (n,), float64
        The figure of each query by the first ranking less that by the second.
    classes : ndarray of shape (n,), intp
    confidence : float
        In (0, 1).
    resamples : int
        Number of draws of n queries.
    seed : int

    Returns
    -------
    low, high : float

    Raises
    ------
    InvalidParameterError
        `confidence` or `resamples` is out of its range, or there is no query.
    """
    n = len(differences)
    if not n:
        raise InvalidParameterError("there must be at least one query to draw from.")
    means = _means_of(differences[:, np.newaxis], classes)
    draw, order = _cells_of(np.ones(n, np.int64)), np.argsort(classes, kind="stable")

    def measure(random: _Random, size: int) -> Values:
        return means(draw(random, size)[:, order].astype(np.float64))[:, 1, 0]

    low, high = _percentiles(measure, confidence, resamples, seed, _BATCH_BYTES // (8 * n))
    return float(low), float(high)


def _percentiles(
    measure: Callable[[_Random, int], Values],
    confidence: float,
    resamples: int,
    seed: int,
    batch: int,
) -> Values:
    """Draw in batches, measure each draw, and read the ends off the sorted figures."""
    _check_confidence(confidence)
    if resamples < 1:
        raise InvalidParameterError(f"resamples must be at least 1. Got {resamples}.")
    random = np.random.default_rng(seed)
    batch = max(1, min(resamples, batch))
    values = [
        measure(random, min(batch, resamples - start)) for start in range(0, resamples, batch)
    ]
    tail = (1 - confidence) / 2
    result: Values = np.quantile(np.concatenate(values), [tail, 1 - tail], axis=0)
    return result


def _cells_of(counts: Counts) -> Callable[[_Random, int], _Drawn]:
    """Draw with replacement observations of which `counts` are alike; gives such counts."""
    n = int(counts.sum())

    def draw(random: _Random, size: int) -> _Drawn:
        if not n:
            return np.zeros((size, len(counts)), np.int64)
        return random.multinomial(n, counts / n, size=size)

    return draw


def _means_of(values: Values, classes: npt.NDArray[np.intp]) -> Callable[[_Drawn], Values]:
    """Average rows by the times that each is drawn: over rows, and over classes present.

    The function returned takes times of shape (r, n), in the order of the classes, and
    gives shape (r, 2, m).
    """
    order = np.argsort(classes, kind="stable")
    sorted_values = values[order]
    ends = np.flatnonzero(np.diff(classes[order], append=-1)) + 1

    def means(times: _Drawn) -> Values:
        total = np.zeros((len(times), values.shape[1]))
        of_classes = np.zeros_like(total)
        present = np.zeros((len(times), 1))
        for first, end in zip([0, *ends[:-1]], ends, strict=True):
            sums = times[:, first:end] @ sorted_values[first:end]
            counts = times[:, first:end].sum(axis=1, keepdims=True)
            total += sums
            of_classes += sums / np.maximum(counts, 1)
            present += counts > 0
        return np.stack([total / len(values), of_classes / present], axis=1)

    return means


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InvalidParameterError(f"confidence must lie in (0, 1). Got {confidence}.")
