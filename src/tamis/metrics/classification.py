"""How good answers are: pure functions on arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


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
