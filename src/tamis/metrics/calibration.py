"""How well probabilities agree with what happens: log-loss, Brier score, calibration error.

References
----------
.. [1] M. Pakdaman Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated
   probabilities using Bayesian binning", AAAI 2015, 2901-2907.
   https://doi.org/10.1609/aaai.v29i1.9602
.. [2] G. W. Brier, "Verification of forecasts expressed in terms of probability",
   Monthly Weather Review 78(1), 1-3, 1950.
   https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError

BINS: Final = 15
"""Bins of confidence, as calibration errors are usually published."""

LEAST: Final = 1e-15
"""Probability that counts in place of 0 in a logarithm."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers of one range of confidence.

    Attributes
    ----------
    low, high : float
        The range; `high` belongs to it.
    n : int
    confidence : float
        Mean probability of the answered class; 0 if n is 0.
    accuracy : float
        Share of right answers; 0 if n is 0.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well the probabilities of some answers agree with the truth.

    Attributes
    ----------
    error : float
        Expected calibration error of the answered class.
    brier, log_loss : float
    n_images : int
        Images whose true class could have been answered: only these count here.
    """

    error: float
    brier: float
    log_loss: float
    n_images: int

    @classmethod
    def of(cls, probabilities: npt.NDArray[Any], truth: npt.ArrayLike) -> "Calibration | None":
        """Score probabilities; None if there is no row.

        Parameters
        ----------
        probabilities : ndarray of shape (n, n_classes)
        truth : array-like of shape (n,), int
            -1 for a class that is no column.
        """
        rows = np.asarray(truth, np.intp)
        known = rows >= 0
        if not known.any():
            return None
        given, rows = probabilities[known], rows[known]
        return cls(
            calibration_error(given, rows),
            brier_score(given, rows),
            log_loss(given, rows),
            len(rows),
        )


def log_loss(probabilities: npt.NDArray[Any], truth: npt.ArrayLike) -> float:
    """Return the mean negative logarithm of the probability of the true class.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
    truth : array-like of shape (n,), int

    Examples
    --------
    >>> round(log_loss(np.array([[0.5, 0.5], [0.25, 0.75]]), [0, 1]), 3)
    0.49
    """
    rows = _checked(probabilities, truth)
    true = probabilities[np.arange(len(rows)), rows]
    return float(-np.log(np.maximum(true, LEAST)).mean())


def brier_score(probabilities: npt.NDArray[Any], truth: npt.ArrayLike) -> float:
    """Return the mean squared distance of the probabilities from the truth, summed over classes.

    Of two classes it is twice scikit-learn's ``brier_score_loss``; in [0, 2] [2]_.
    """
    rows = _checked(probabilities, truth)
    true = probabilities[np.arange(len(rows)), rows]
    return float((np.square(probabilities).sum(axis=1) - 2 * true + 1).mean())


def reliability(
    confidence: npt.ArrayLike, right: npt.ArrayLike, *, bins: int = BINS
) -> list[ReliabilityBin]:
    """Compare confidence and accuracy by ranges of confidence.

    Parameters
    ----------
    confidence : array-like of shape (n,)
        Probability of the answered class, in [0, 1].
    right : array-like of shape (n,), bool
    bins : int
        Ranges of equal width.
    """
    sure, hits = np.asarray(confidence, np.float64), np.asarray(right, bool)
    if sure.shape != hits.shape or sure.ndim != 1 or bins < 1:
        raise InvalidParameterError(
            f"confidence and right must be of one length, and bins at least 1. Got "
            f"{sure.shape}, {hits.shape} and {bins}."
        )
    number = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    rows = []
    for i in range(bins):
        inside = number == i
        n = int(inside.sum())
        means = (float(sure[inside].mean()), float(hits[inside].mean())) if n else (0.0, 0.0)
        rows.append(ReliabilityBin(i / bins, (i + 1) / bins, n, *means))
    return rows


def calibration_error(
    probabilities: npt.NDArray[Any], truth: npt.ArrayLike, *, bins: int = BINS
) -> float:
    """Return the expected calibration error of the answered class [1]_.

    The mean distance of accuracy from confidence over bins of equal width, weighted by
    their answers. Of a sample it is never 0: with 15 bins and some thousand answers even
    perfect probabilities give about 0.01.

    Examples
    --------
    >>> round(calibration_error(np.array([[0.8, 0.2], [0.8, 0.2]]), [0, 1]), 3)
    0.3
    """
    rows = _checked(probabilities, truth)
    return binned_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == rows, bins=bins)


def binned_error(confidence: npt.ArrayLike, right: npt.ArrayLike, *, bins: int = BINS) -> float:
    """Return the expected calibration error from confidences; as `reliability` takes them."""
    table = reliability(confidence, right, bins=bins)
    n = sum(row.n for row in table)
    return sum(row.n * abs(row.confidence - row.accuracy) for row in table) / max(1, n)


def _checked(probabilities: npt.NDArray[Any], truth: npt.ArrayLike) -> npt.NDArray[np.intp]:
    rows = np.asarray(truth, np.intp)
    if probabilities.ndim != 2 or rows.shape != probabilities.shape[:1] or not len(rows):
        raise InvalidParameterError(
            f"there must be a row of probabilities for each of at least one truth. Got "
            f"{probabilities.shape} and {rows.shape}."
        )
    if rows.min() < 0 or rows.max() >= probabilities.shape[1]:
        raise InvalidParameterError(f"classes must lie in [0, {probabilities.shape[1]}).")
    return rows
