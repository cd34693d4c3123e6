"""Calibration: probabilities that say how often an answer is right.

Everything is fitted on out-of-fold probabilities of the examples: those of a fit that
did not know the example. A temperature changes no answer.

References
----------
.. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural
   networks", ICML 2017, 1321-1330. https://doi.org/10.48550/arXiv.1706.04599
.. [2] C. Genest, J. V. Zidek, "Combining probability distributions: a critique and an
   annotated bibliography", Statistical Science 1(1), 114-135, 1986.
   https://doi.org/10.1214/ss/1177013825
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

LEAST: Final = 1e-12
"""Probability that counts in place of 0 in a logarithm."""
_BOUNDS: Final = (1e-4, 1e3)
_CERTAIN: Final = 0.3  # weight of the prior, in examples, that a pool is an average


def as_logits(probabilities: npt.NDArray[Any]) -> Values:
    """Return logarithms of probabilities, of 0 those of a very small number."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), LEAST))


def tempered(logits: npt.NDArray[Any], scale: float) -> Values:
    """Return the softmax of scaled logits: probabilities raised to a power and normalised."""
    shifted = (logits - logits.max(axis=1, keepdims=True)) * scale
    values = np.exp(shifted)
    result: Values = values / values.sum(axis=1, keepdims=True)
    return result


def fit_scale(
    logits: npt.NDArray[Any], truth: npt.NDArray[np.intp], *, offset: npt.NDArray[Any] | None = None
) -> float:
    """Fit the inverse temperature [1]_ with the lowest log-loss.

    Parameters
    ----------
    logits : ndarray of shape (n, n_classes)
        Out of fold.
    truth : ndarray of shape (n,), int
    offset : ndarray of shape (n, n_classes), optional
        Added after scaling, such as logarithms of priors.

    Returns
    -------
    float
        1 if there is nothing to fit: no row, or one class. One example that was answered
        wrongly by chance is added, as it were, so that few right answers in a row do not
        make certain.

    Notes
    -----
    The log-loss is convex in it, so that the minimum found is the only one.
    """
    n, n_classes = logits.shape
    if not n or n_classes < 2:
        return 1.0
    from scipy.optimize import minimize_scalar

    centred = logits - logits.max(axis=1, keepdims=True)
    added = np.zeros_like(centred) if offset is None else offset
    true, true_added = centred[np.arange(n), truth], added[np.arange(n), truth]
    # One more example, answered with the mean profile of logits and any class alike.
    profile = np.sort(centred, axis=1).mean(axis=0)
    spread = float(-profile.mean())

    def loss(log_scale: float) -> float:
        scale = np.exp(log_scale)
        scores = centred * scale + added
        top = scores.max(axis=1)
        losses = np.log(np.exp(scores - top[:, np.newaxis]).sum(axis=1)) + top
        losses -= true * scale + true_added
        prior = np.log(np.exp(profile * scale).sum()) + spread * scale
        return float((losses.sum() + prior) / (n + 1))

    low, high = np.log(_BOUNDS)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def pool(logits: Sequence[npt.NDArray[Any]], weights: npt.NDArray[np.float64]) -> Values:
    """Return the logarithmic pool [2]_ of several answers: the weighted sum of logits."""
    total = np.zeros(np.shape(logits[0]))
    for weight, values in zip(weights, logits, strict=True):
        if weight:
            total += weight * values
    return total


def fit_pool(
    logits: Sequence[npt.NDArray[Any]], truth: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Fit the weights of a logarithmic pool by log-loss.

    Parameters
    ----------
    logits : sequence of ndarray of shape (n, n_classes)
        Out of fold, of one answerer each, whose scale is fitted already.
    truth : ndarray of shape (n,), int

    Returns
    -------
    ndarray of shape (len(logits),)
        Not negative; their sum is an inverse temperature. A weight below a fiftieth of
        the sum is 0.

    Notes
    -----
    Choice, combination and calibration in a convex problem with a variable per answerer:
    one that adds nothing gets the weight 0. A weak prior draws the weights towards equal
    ones, which decides where there are few examples.
    """
    m = len(logits)
    equal = np.full(m, 1 / m)
    n = len(truth)
    if m == 1 or not n:
        return equal
    from scipy.optimize import minimize

    stacked = np.stack([values - values.max(axis=1, keepdims=True) for values in logits])
    true = stacked[:, np.arange(n), truth]

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scores = np.tensordot(weights, stacked, axes=1)
        top = scores.max(axis=1, keepdims=True)
        values = np.exp(scores - top)
        sums = values.sum(axis=1, keepdims=True)
        values /= sums
        total = float((np.log(sums) + top).sum() - (weights @ true).sum())
        slope = (stacked * values).sum(axis=(1, 2)) - true.sum(axis=1)
        away = weights - equal
        return (
            (total + _CERTAIN * m * float(away @ away)) / n,
            (slope + 2 * _CERTAIN * m * away) / n,
        )

    found = minimize(loss, equal, jac=True, method="L-BFGS-B", bounds=[(0, None)] * m)
    weights = np.asarray(found.x)
    weights[weights < weights.sum() / 50] = 0
    return weights if weights.any() else equal
