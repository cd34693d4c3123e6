"""Paired comparisons: whether a way of answering is better than another, or was luckier.

Two ways of answering are compared on the same images, so that what makes an image hard does
not count as a difference between them. On one test set, McNemar's exact test [1]_ looks at
the images that only one of them gets right, and a bootstrap gives the interval of the
difference. Over several random splits, the accuracies of different splits depend on each
other, since they share examples: the plain t-test takes them for independent and finds
differences where there are none. The corrected resampled t-test [2]_ allows for it.

References
----------
.. [1] Q. McNemar, "Note on the sampling error of the difference between correlated
   proportions or percentages", Psychometrika 12(2), 153-157, 1947.
   https://doi.org/10.1007/BF02295996
.. [2] C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning
   52(3), 239-281, 2003. https://doi.org/10.1023/A:1024068626366
.. [3] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
   Journal of Statistics 6(2), 65-70, 1979. https://www.jstor.org/stable/4615733
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError
from tamis.metrics.classification import Values
from tamis.metrics.intervals import RESAMPLES, bootstrap_difference

ALPHA: Final = 0.05
"""A difference counts as shown if its p-value is below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Difference:
    """How far one way of answering is ahead of another, and whether that may be luck."""

    difference: float
    interval: tuple[float, float]
    p_value: float

    @property
    def shown(self) -> bool:
        """Whether the two are told apart, at the level `ALPHA`."""
        return self.p_value < ALPHA

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return asdict(self) | {"interval": list(self.interval), "shown": self.shown}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference(_Difference):
    """How far one way of answering is ahead of another on the same test images.

    Attributes
    ----------
    difference : float
        Accuracy of the first less that of the second.
    interval : (float, float)
        95 % interval of the difference (bootstrap over images).
    only_first, only_second : int
        Images that only the first, or only the second, gets right.
    n_images : int
    p_value : float
        Of McNemar's exact test, two-sided; `adjusted` allows for several comparisons.
    """

    only_first: int
    only_second: int
    n_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResampledDifference(_Difference):
    """How far one way of answering is ahead of another over several random splits.

    Attributes
    ----------
    difference : float
        Mean over the splits.
    interval : (float, float)
        95 % interval.
    t, p_value : float
        Of the corrected resampled t-test, two-sided.
    n_splits : int
    """

    t: float
    n_splits: int


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Test whether two ways of answering are right equally often.

    Parameters
    ----------
    only_first, only_second : int
        Images that only one of the two gets right. Those that both get right, or both
        wrong, tell nothing.

    Returns
    -------
    float
        Two-sided p-value: exact, by the binomial distribution. 1 if there is no such image.

    Raises
    ------
    InvalidParameterError
        A number is negative.

    Examples
    --------
    >>> round(mcnemar_exact(2, 10), 4)
    0.0386
    """
    from scipy.stats import binomtest

    if only_first < 0 or only_second < 0:
        raise InvalidParameterError(
            f"numbers of images must not be negative. Got {only_first} and {only_second}."
        )
    n = only_first + only_second
    return float(binomtest(only_first, n).pvalue) if n else 1.0


def compare_hits(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """Compare two ways of answering on one test set.

    Parameters
    ----------
    first, second : array-like of shape (n,), bool
        Whether each way gets each image right, in the same order of the images.
    confidence, resamples, seed
        Of the bootstrap, as `tamis.metrics.intervals.bootstrap_difference` takes them.

    Returns
    -------
    PairedDifference

    Raises
    ------
    InvalidParameterError
        The two are not of the same images, or there is none.

    Examples
    --------
    >>> found = compare_hits([True] * 95 + [False] * 5, [True] * 80 + [False] * 20)
    >>> f"{found.difference:.2f}", found.only_first, found.only_second, found.shown
    ('0.15', 15, 0, True)
    """
    one, other = np.asarray(first, bool), np.asarray(second, bool)
    if one.shape != other.shape or one.ndim != 1:
        raise InvalidParameterError(
            f"two ways must be compared on the same images. Got {one.shape} and {other.shape}."
        )
    values = one.astype(np.float64) - other
    interval = bootstrap_difference(
        values,
        np.zeros(len(values), np.intp),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    return PairedDifference(
        difference=float(values.mean()),
        interval=interval,
        only_first=only_first,
        only_second=only_second,
        n_images=len(values),
        p_value=mcnemar_exact(only_first, only_second),
    )


def corrected_resampled_t(
    differences: npt.ArrayLike, *, n_train: int, n_test: int, confidence: float = 0.95
) -> ResampledDifference:
    """Test whether two ways differ over several random splits of the same images.

    Parameters
    ----------
    differences : array-like of shape (n_splits,), float
        Figure of the first way less that of the second, on the test images of each split.
    n_train, n_test : int
        Images of a split that are learned from, and that are tested on.
    confidence : float
        Of the interval, in (0, 1).

    Returns
    -------
    ResampledDifference

    Raises
    ------
    InvalidParameterError
        There are fewer than two splits, or a parameter is out of its range.

    Notes
    -----
    The variance of the mean is ``(1 / n_splits + n_test / n_train)`` times that of the
    differences [2]_: it does not vanish however many splits are made, as they are made of
    the same images.

    Examples
    --------
    >>> found = corrected_resampled_t([0.02, 0.03, 0.01, 0.02], n_train=70, n_test=30)
    >>> f"{found.difference:.2f}, p {found.p_value:.3f}"
    '0.02, p 0.059'
    """
    from scipy.stats import t as student

    values: Values = np.asarray(differences, np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise InvalidParameterError(
            f"differences of at least two splits are needed. Got {values.shape}."
        )
    if n_train < 1 or n_test < 1:
        raise InvalidParameterError(
            f"n_train and n_test must be at least 1. Got {n_train} and {n_test}."
        )
    if not 0 < confidence < 1:
        raise InvalidParameterError(f"confidence must lie in (0, 1). Got {confidence}.")
    mean, n = float(values.mean()), len(values)
    spread = float(values.var(ddof=1)) if np.ptp(values) else 0.0
    error = float(np.sqrt((1 / n + n_test / n_train) * spread))
    half = error * float(student.ppf((1 + confidence) / 2, n - 1))
    if error == 0:
        t, p_value = (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
    else:
        t = mean / error
        p_value = float(2 * student.sf(abs(t), n - 1))
    return ResampledDifference(
        difference=mean, interval=(mean - half, mean + half), p_value=p_value, t=t, n_splits=n
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of several comparisons that are made at once [3]_.

    Returns
    -------
    list of float
        In the order given. Where all below some level are taken for differences, at most
        that share of such families of comparisons holds a false one.

    Examples
    --------
    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    n = len(p_values)
    adjusted, largest = [0.0] * n, 0.0
    for rank, i in enumerate(sorted(range(n), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (n - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def adjusted(differences: Sequence[PairedDifference]) -> list[PairedDifference]:
    """Adjust the p-values of comparisons that are made at once, by `holm`."""
    p_values = holm([one.p_value for one in differences])
    return [replace(one, p_value=p) for one, p in zip(differences, p_values, strict=True)]
