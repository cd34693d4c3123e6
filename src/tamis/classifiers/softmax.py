"""Multinomial logistic regression by L-BFGS, for `tamis.classifiers.probe`."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

_ITERATIONS: Final = 300

TOLERANCE: Final = 1e-5
"""Share of the loss by which a step must lower it. Folds and the last fit have the same: a fit
that ends sooner is less sure, so that its answers would promise nothing of another's."""

_Array = npt.NDArray[np.float32]
_Wide = npt.NDArray[np.float64]


def solve(
    vectors: _Array,
    y: npt.NDArray[np.intp],
    sample_weight: _Array,
    l2: float,
    curvature: npt.NDArray[Any],
    *,
    start: _Wide | None = None,
    tolerance: float = TOLERANCE,
    n_classes: int | None = None,
) -> _Wide:
    """Minimise the mean log-loss plus ``l2 / 2 * sum(weights**2)``.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim), float32
        In a basis in which they are nearly uncorrelated.
    y : ndarray of shape (n,), int
        The class of each vector, from 0.
    sample_weight : ndarray of shape (n,), float32
        Weight of the loss of each vector.
    l2 : float
        Weight of the penalty.
    curvature : ndarray of shape (dim,)
        About the second derivative of the log-loss along each axis, without the penalty.
        Any positive values give the same minimum; good ones, sooner.
    start : ndarray of shape (dim + 1, n_classes), float64, optional
    tolerance : float
        Ends when a step lowers the loss by less than this share.
    n_classes : int, optional
        ``y.max() + 1`` by default.

    Returns
    -------
    ndarray of shape (dim + 1, n_classes), float64
        The weights; the last row is the bias, which is not penalised.

    Notes
    -----
    L-BFGS [1]_ in variables that are scaled by the square root of curvature and penalty:
    the first steps need no memory of the shape of the loss. The products are in float32,
    the sums and the variables in float64.

    References
    ----------
    .. [1] D. Liu, J. Nocedal, "On the limited memory BFGS method for large scale
       optimization", Mathematical Programming 45, 503-528, 1989.
       https://doi.org/10.1007/BF01589116
    """
    from scipy.optimize import minimize

    dim = vectors.shape[1]
    k = n_classes if n_classes is not None else int(y.max()) + 1
    rows = np.arange(len(vectors))
    weight = (sample_weight / sample_weight.sum(dtype=np.float64)).astype(np.float32)
    scale = np.append(1 / np.sqrt(curvature.astype(np.float64) + l2), 1.0)[:, np.newaxis]

    def loss_and_slope(scaled: _Wide) -> tuple[float, _Wide]:
        variables = scaled.reshape(dim + 1, k) * scale
        narrow = variables.astype(np.float32)
        scores = vectors @ narrow[:-1]
        scores += narrow[-1]
        scores -= scores.max(axis=1, keepdims=True)
        true = scores[rows, y]
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1)
        loss = float(((np.log(sums) - true) * weight).sum(dtype=np.float64))
        scores *= (weight / sums)[:, np.newaxis]
        scores[rows, y] -= weight
        slope = np.empty((dim + 1, k))
        slope[:-1] = vectors.T @ scores
        slope[-1] = scores.sum(axis=0, dtype=np.float64)
        slope[:-1] += l2 * variables[:-1]
        loss += 0.5 * l2 * float(np.vdot(variables[:-1], variables[:-1]))
        return loss, (slope * scale).ravel()

    first = np.zeros((dim + 1, k)) if start is None else start / scale
    minimum = minimize(
        loss_and_slope,
        first.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _ITERATIONS, "ftol": tolerance, "gtol": 1e-9},
    )
    return np.asarray(minimum.x.reshape(dim + 1, k) * scale)


def held_out(
    vectors: _Array, y: npt.NDArray[np.intp], sample_weight: _Array, weights: _Wide
) -> tuple[float, float, _Wide]:
    """Return the weighted sum of log-losses, the number of right answers, and the logits."""
    scores = (vectors @ weights[:-1].astype(np.float32)).astype(np.float64) + weights[-1]
    scores -= scores.max(axis=1, keepdims=True)
    losses = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]
    right = float((scores.argmax(axis=1) == y).sum())
    return float((losses * sample_weight).sum()), right, scores
