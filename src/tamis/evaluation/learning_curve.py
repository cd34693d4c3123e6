"""Accuracy by the number of examples: what more of them brought, and may bring."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.features import FeatureTable
from tamis.metrics.intervals import bootstrap_of_means

Values = npt.NDArray[np.float64]
Fit = Callable[[npt.NDArray[np.float32], npt.NDArray[np.intp]], Any]

LEVELS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_REPEATS: Final = 5


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve: mean accuracy, and the ends of an interval that holds 95 %."""

    x: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """How accuracy grows with the number of examples.

    Attributes
    ----------
    points : tuple of Point
        By the number of examples of each class, or all that a class has if it has fewer; the
        last is with all examples. Intervals are a bootstrap over the test images.
    doubling : Point or None
        Gain of the last doubling, to `x` examples, the median of the classes.
    next_doubling : Point or None
        The gain that a further doubling, to `x` examples, is likely to bring.

    Notes
    -----
    Errors fall about as a power of the number of examples [1]_: each doubling multiplies them
    by the same number. The next gain is what that of the last doubling foretells.

    References
    ----------
    .. [1] C. Cortes, L. D. Jackel, S. A. Solla, V. Vapnik, J. S. Denker, "Learning curves:
       asymptotic values and rate of convergence", NIPS 1993.
    """

    points: tuple[Point, ...]
    doubling: Point | None = None
    next_doubling: Point | None = None


def learning_curve(
    examples: FeatureTable,
    test: FeatureTable,
    classes: list[str],
    fit: Fit,
    *,
    seed: int = 0,
) -> LearningCurve:
    """Score a classifier that learns from fewer and more of the examples.

    Parameters
    ----------
    examples, test : FeatureTable
    classes : list of str
        Those that are told apart, two or more, each with an example and a test image.
    fit : callable
        From vectors and the classes as numbers to a fitted scikit-learn classifier.
    seed : int
        Of the draws of examples and of the bootstrap. Small numbers of examples are drawn up
        to five times, and the mean counts.
    """
    index = {name: number for number, name in enumerate(classes)}
    codes = np.array([index.get(str(label), -1) for label in examples.labels])
    asked = np.array([index.get(str(label), -1) for label in test.labels])
    vectors, truth = test.features[asked >= 0], asked[asked >= 0]
    of_class = [np.flatnonzero(codes == number) for number in range(len(classes))]
    sizes = [len(rows) for rows in of_class]
    usual, most = int(np.median(sizes)), max(sizes)
    levels = sorted({n for n in LEVELS if n < usual} | {max(1, usual // 2), usual, most})
    rng = np.random.default_rng(seed)
    orders = [[rng.permutation(rows) for rows in of_class] for _ in range(_REPEATS)]

    def right(n: int) -> Values:
        found = np.zeros(len(truth))
        repeats = 1 if n >= most else min(_REPEATS, max(1, usual // n))
        for order in orders[:repeats]:
            rows = np.sort(np.concatenate([some[:n] for some in order]))
            fitted = fit(examples.features[rows], codes[rows])
            found += fitted.predict(vectors) == truth
        return found / repeats

    stacked = np.stack([right(n) for n in levels], axis=1)
    low, high = bootstrap_of_means(stacked, lambda means: means, seed=seed)
    points = tuple(
        Point(n, float(mean), float(a), float(b))
        for n, mean, a, b in zip(levels, stacked.mean(axis=0), low, high, strict=True)
    )
    if usual < 2:
        return LearningCurve(points)
    columns = [levels.index(usual // 2), levels.index(usual)]
    gains = _gains(stacked[:, columns].mean(axis=0)[np.newaxis])[0]
    low, high = bootstrap_of_means(stacked[:, columns], _gains, seed=seed)
    last, following = (
        Point(x, float(gain), float(a), float(b))
        for x, gain, a, b in zip((usual, 2 * usual), gains, low, high, strict=True)
    )
    return LearningCurve(points, last, following)


def _gains(accuracies: Values) -> Values:
    """Return the gain of the last doubling, and what it foretells of the next, (r, 2)."""
    before, after = 1 - accuracies[:, 0], 1 - accuracies[:, 1]
    ratio = np.divide(after, before, out=np.ones_like(after), where=before > 0)
    return np.stack([before - after, after * (1 - np.minimum(ratio, 1))], axis=1)
