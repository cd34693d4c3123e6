"""Conformal prediction sets: classes among which the true one is, with a stated probability.

References
----------
.. [1] M. Sadinle, J. Lei, L. Wasserman, "Least ambiguous set-valued classifiers with
   bounded error levels", Journal of the American Statistical Association 114(525),
   223-234, 2019. https://doi.org/10.1080/01621459.2017.1395341
.. [2] V. Vovk, "Conditional validity of inductive conformal predictors", Machine Learning
   92, 349-376, 2013. https://doi.org/10.1007/s10994-013-5355-6
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError


def set_thresholds(
    true: npt.ArrayLike,
    coverage: float,
    *,
    n_classes: int,
    classes: npt.ArrayLike | None = None,
) -> npt.NDArray[np.float64]:
    """Compute the least probability with which each class belongs to a set.

    Parameters
    ----------
    true : array-like of shape (n,)
        Probability of the true class of each example, out of fold.
    coverage : float
        Share of sets that are to hold the true class, in ]0, 1[.
    n_classes : int
    classes : array-like of shape (n,), int, optional
        The true class of each example: then the coverage is promised for each class [2]_,
        which takes ``coverage / (1 - coverage)`` examples of each; with fewer the class
        belongs to every set.

    Returns
    -------
    ndarray of shape (n_classes,)

    Notes
    -----
    Least ambiguous sets (LAC) [1]_: the score of an example is 1 minus its probability of the
    true class, and the threshold is its ``ceil((n + 1) * coverage)``-th smallest value.
    Scores out of fold in the place of a split make the coverage approximate; measured it is
    within a percent.

    Raises
    ------
    InvalidParameterError
        `coverage` is out of its range.

    Examples
    --------
    >>> set_thresholds([0.9, 0.8, 0.4, 0.7], 0.75, n_classes=2)
    array([0.4, 0.4])
    """
    if not 0 < coverage < 1:
        raise InvalidParameterError(f"coverage must be in ]0, 1[. Got {coverage!r}.")
    scores = np.asarray(true, np.float64)
    if classes is None:
        return np.full(n_classes, _threshold(scores, coverage))
    codes = np.asarray(classes, np.intp)
    return np.array([_threshold(scores[codes == c], coverage) for c in range(n_classes)])


def prediction_sets(
    probabilities: npt.NDArray[Any], thresholds: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Return which classes belong to the set of each answer, of the shape of `probabilities`.

    A set may be empty, which does not mean that the picture is of no class.
    """
    result: npt.NDArray[np.bool_] = probabilities >= thresholds
    return result


@dataclass(frozen=True, slots=True)
class SetSummary:
    """How prediction sets turned out.

    Attributes
    ----------
    coverage : float
        Share of sets that were to hold the true class.
    n : int
        Sets.
    mean_size : float
        Classes in a set, on average.
    single, empty : float
        Share of sets with one class, and with none.
    covered : float or None
        Share that held the true class; None where it is not known.
    least_covered : tuple of (int, float) or None
        The column of the class that was held least often, and how often.
    """

    coverage: float
    n: int
    mean_size: float
    single: float
    empty: float
    covered: float | None = None
    least_covered: tuple[int, float] | None = None


def summarise_sets(
    sets: npt.NDArray[np.bool_], coverage: float, truth: npt.NDArray[np.intp] | None = None
) -> SetSummary:
    """Summarise prediction sets.

    Parameters
    ----------
    sets : ndarray of shape (n, n_classes), bool
    coverage : float
    truth : ndarray of shape (n,), int, optional
        Column of the true class; -1 for a class that is no column, which no set holds.

    Examples
    --------
    >>> summarise_sets(np.array([[True, False], [True, True]]), 0.9, np.array([0, 1])).covered
    1.0
    """
    n = len(sets)
    sizes = sets.sum(axis=1)
    if not n:
        return SetSummary(coverage, 0, 0.0, 0.0, 0.0)
    made = SetSummary(
        coverage, n, float(sizes.mean()), float((sizes == 1).mean()), float((sizes == 0).mean())
    )
    if truth is None:
        return made
    held = sets[np.arange(n), truth] & (truth >= 0)
    shares = {int(c): float(held[truth == c].mean()) for c in np.unique(truth)}
    least = min(shares, key=lambda c: shares[c])
    return replace(made, covered=float(held.mean()), least_covered=(least, shares[least]))


def _threshold(true: npt.NDArray[np.float64], coverage: float) -> float:
    rank = int(np.ceil((len(true) + 1) * coverage - 1e-9))
    if rank > len(true):
        return 0.0
    return float(np.sort(true)[::-1][rank - 1])
