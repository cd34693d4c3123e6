"""Multinomial logistic regression by L-BFGS, for `tamis.classifiers.probe`."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

_ITERATIONS: Final = 300

_Array = npt.NDArray[np.float32]
_Wide = npt.NDArray[np.float64]


def solve(
    vectors: _Array,
    codes: npt.NDArray[np.intp],
    shares: _Array,
    strength: float,
    curvature: npt.NDArray[Any],
    *,
    start: _Wide | None = None,
    tolerance: float = 1e-4,
    n_classes: int | None = None,
) -> _Wide:
    """Minimise the mean log-loss plus ``strength / 2 * sum(weights**2)``.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim), float32
        In a basis in which they are nearly uncorrelated.
    codes : ndarray of shape (n,), int
        The class of each, from 0.
    shares : ndarray of shape (n,), float32
        What an error on each weighs.
    strength : float
    curvature : ndarray of shape (dim,)
        About the second derivative of the log-loss along each axis, without the penalty.
        Any positive values give the same minimum; good ones, sooner.
    start : ndarray of shape (dim + 1, n_classes), float64, optional
    tolerance : float
        Ends when a step lowers the loss by less than this share.
    n_classes : int, optional
        ``codes.max() + 1`` by default.

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
    k = n_classes if n_classes is not None else int(codes.max()) + 1
    rows = np.arange(len(vectors))
    weight = (shares / shares.sum(dtype=np.float64)).astype(np.float32)
    scale = np.append(1 / np.sqrt(curvature.astype(np.float64) + strength), 1.0)[:, np.newaxis]

    def loss_and_slope(scaled: _Wide) -> tuple[float, _Wide]:
        variables = scaled.reshape(dim + 1, k) * scale
        narrow = variables.astype(np.float32)
        scores = vectors @ narrow[:-1]
        scores += narrow[-1]
        scores -= scores.max(axis=1, keepdims=True)
        own = scores[rows, codes]
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1)
        loss = float(((np.log(sums) - own) * weight).sum(dtype=np.float64))
        scores *= (weight / sums)[:, np.newaxis]
        scores[rows, codes] -= weight
        slope = np.empty((dim + 1, k))
        slope[:-1] = vectors.T @ scores
        slope[-1] = scores.sum(axis=0, dtype=np.float64)
        slope[:-1] += strength * variables[:-1]
        loss += 0.5 * strength * float(np.vdot(variables[:-1], variables[:-1]))
        return loss, (slope * scale).ravel()

    first = np.zeros((dim + 1, k)) if start is None else start / scale
    found = minimize(
        loss_and_slope,
        first.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _ITERATIONS, "ftol": tolerance, "gtol": 1e-9},
    )
    return np.asarray(found.x.reshape(dim + 1, k) * scale)


def held_out(
    vectors: _Array, codes: npt.NDArray[np.intp], shares: _Array, found: _Wide
) -> tuple[float, float]:
    """Sum the log-loss, weighted, and the right answers for vectors that were not learned."""
    scores = (vectors @ found[:-1].astype(np.float32)).astype(np.float64) + found[-1]
    scores -= scores.max(axis=1, keepdims=True)
    own = scores[np.arange(len(codes)), codes]
    losses = np.log(np.exp(scores).sum(axis=1)) - own
    return float((losses * shares).sum()), float((scores.argmax(axis=1) == codes).sum())


def spread(codes: npt.NDArray[np.intp], folds: int, seed: int) -> npt.NDArray[np.intp]:
    """Deal each class out to the folds in turn, by chance.

    Returns
    -------
    ndarray of shape (n,), int
        The fold of each. Folds differ in size by one at most, in each class too.
    """
    # Not default_rng: only the streams of RandomState are the same in all versions.
    order = np.random.RandomState(seed).permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    fold_of = np.empty(len(codes), np.intp)
    fold_of[order] = np.arange(len(codes)) % folds
    return fold_of
