"""Learning from corrections at once: a small change of what a model answers."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from tamis.classifiers.blas import threads_for

Values = npt.NDArray[np.float32]

PENALTY: Final = 0.02
"""Weight of the penalty ``PENALTY / 2 * sum(change**2)`` beside the summed log-loss."""

_STEPS: Final = 40
_APART: Final = 1e-3  # added to the squared length of a picture: copies are no obstacle
_LEAST: Final = -12.0  # logarithm of the smallest probability that a model is believed
_NEW: Final = -7.0  # where a class starts that the model does not know


class Learner:
    """Adds to the logits of a model a linear function that is fitted to corrections.

    The answer for a picture with the vector v is the softmax of ``log p + v @ W``, where p is
    what the model answers and W, zero without corrections, has the lowest log-loss on the
    corrected pictures with an L2 penalty. So any model learns, whatever classifier it
    holds; what corrections say nothing about stays; and a fit takes the time of a few
    products of matrices, whatever the model took to train.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim), float32
        Of all pictures.
    blocks : sequence of int
        Lengths of the parts of a vector, each of which is brought to length 1.
    """

    def __init__(self, vectors: Values, blocks: tuple[int, ...]) -> None:
        from tamis.classifiers.linear import normalised

        values = normalised(vectors, blocks, 1.0)
        values -= values.mean(axis=0)
        lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
        values /= np.where(lengths > 0, lengths, 1)[:, np.newaxis]
        self.values: Values = values
        self._weights: Values | None = None
        self._logits: Values = np.zeros((len(values), 0), np.float32)

    def set_model(self, probabilities: npt.NDArray[np.floating]) -> None:
        """Take what a model answers for all pictures, of shape (n, n_classes)."""
        logits = np.log(np.maximum(probabilities, np.exp(_LEAST)), dtype=np.float64)
        self._logits = logits.astype(np.float32)
        self._weights = None

    def answer(
        self, rows: npt.NDArray[np.intp], codes: npt.NDArray[np.intp], n_classes: int
    ) -> Values:
        """Fit to corrections and answer for all pictures.

        Parameters
        ----------
        rows : ndarray of shape (m,), int
            The corrected pictures.
        codes : ndarray of shape (m,), int
            Their classes.
        n_classes : int
            At least as many as the model knows.

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Probabilities.
        """
        base = self._logits
        if n_classes > base.shape[1]:
            more = np.full((len(base), n_classes - base.shape[1]), _NEW, np.float32)
            base = np.concatenate([base, more], axis=1)
        logits = base.copy()
        if len(rows):
            weights = self._fit(base[rows], self.values[rows], codes)
            logits += self.values @ weights
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return logits

    def _fit(self, base: Values, values: Values, codes: npt.NDArray[np.intp]) -> Values:
        n, n_classes = base.shape
        start = np.zeros((values.shape[1], n_classes), np.float32)
        if self._weights is not None:
            start[:, : self._weights.shape[1]] = self._weights
        whole, triangle = values, None
        if n < values.shape[1]:  # the minimum lies in the span of the corrected pictures
            products = values @ values.T
            products[np.diag_indices(n)] += _APART
            triangle = np.linalg.cholesky(products)
            start = solve_triangular(triangle, values @ start, lower=True, check_finite=False)
            values = triangle
        shape = start.shape
        here = np.arange(n)

        def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            logits = base + values @ flat.reshape(shape).astype(np.float32)
            logits -= logits.max(axis=1, keepdims=True)
            true = logits[here, codes].astype(np.float64)
            np.exp(logits, out=logits)
            sums = logits.sum(axis=1, keepdims=True)
            value = float((np.log(sums[:, 0]) - true).sum()) + PENALTY / 2 * float(flat @ flat)
            logits /= sums
            logits[here, codes] -= 1
            return value, (values.T @ logits).ravel().astype(np.float64) + PENALTY * flat

        with threads_for(values.size * n_classes):
            found = minimize(
                loss, start.ravel().astype(np.float64), jac=True, method="L-BFGS-B",
                options={"maxiter": _STEPS, "ftol": 1e-6},
            )  # fmt: skip
        weights: Values = found.x.reshape(shape).astype(np.float32)
        if triangle is not None:
            weights = whole.T @ solve_triangular(
                triangle, weights, lower=True, trans="T", check_finite=False
            )
        self._weights = weights
        return weights
