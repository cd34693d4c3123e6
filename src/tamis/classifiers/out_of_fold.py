"""`OutOfFold`: answers for examples by fits that did not know them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tamis.errors import ModelError
from tamis.metrics.calibration import LEAST, binned_error
from tamis.metrics.intervals import wilson_interval


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """Answers for examples by fits that did not know them: the grounds of every promise.

    Attributes
    ----------
    confidence : ndarray of shape (n,), float64
        Probability of the answered class.
    right : ndarray of shape (n,), bool
    true : ndarray of shape (n,), float64
        Probability of the true class.
    classes : ndarray of shape (n,), int
        Column of the true class.
    rows : ndarray of shape (n,), int
        Training row of each.
    probabilities : ndarray of shape (n, n_classes), float64
        Empty if the answers come from a model file.

    Raises
    ------
    ModelError
        The lengths differ.
    """

    array_types: ClassVar[Mapping[str, tuple[str, int]]] = {
        "left_out_confidence": ("float64", 1),
        "left_out_right": ("int64", 1),
        "left_out_true": ("float64", 1),
        "left_out_classes": ("int64", 1),
        "left_out_rows": ("int64", 1),
    }

    confidence: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    true: npt.NDArray[np.float64]
    classes: npt.NDArray[np.intp]
    rows: npt.NDArray[np.intp]
    probabilities: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        values = (self.confidence, self.right, self.true, self.classes, self.rows)
        if len({len(value) for value in values}) > 1:
            raise ModelError("its out-of-fold answers must be of one length.")

    def __len__(self) -> int:
        return len(self.right)

    @classmethod
    def of(
        cls,
        probabilities: npt.NDArray[np.float64],
        codes: npt.NDArray[np.intp],
        rows: npt.NDArray[np.intp],
    ) -> Self:
        """Compare answers with the truth.

        Parameters
        ----------
        probabilities : ndarray of shape (n, n_classes)
        codes : ndarray of shape (n_examples,), int
            The class of every training row.
        rows : ndarray of shape (n,), int
            The training row of each answer.
        """
        truth = codes[rows]
        right = probabilities.argmax(axis=1) == truth
        true = probabilities[np.arange(len(rows)), truth]
        return cls(probabilities.max(axis=1), right, true, truth, rows, probabilities)

    @classmethod
    def none(cls, n_classes: int) -> Self:
        """Return no answers at all."""
        empty = np.empty(0, np.intp)
        return cls.of(np.empty((0, n_classes)), empty, empty)

    def summary(self) -> dict[str, Any]:
        """Return what the answers say of the classifier: nothing if there are no answers.

        Returns
        -------
        dict
            ``n_images``, ``accuracy``, ``accuracy_ci`` (Wilson, 95 %), ``log_loss`` and
            ``calibration_error``.
        """
        n, hits = len(self), int(self.right.sum())
        if not n:
            return {}
        return {
            "n_images": n,
            "accuracy": hits / n,
            "accuracy_ci": list(wilson_interval(hits, n)),
            "log_loss": float(-np.log(np.maximum(self.true, LEAST)).mean()),
            "calibration_error": binned_error(self.confidence, self.right),
        }

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what a model file keeps, of the types in `array_types`."""
        values = (self.confidence, self.right, self.true, self.classes, self.rows)
        types = self.array_types.values()
        return {
            name: value.astype(dtype)
            for name, value, (dtype, _) in zip(self.array_types, values, types, strict=True)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], n_classes: int) -> Self:
        """Read what `to_arrays` gave; raise ModelError if it does not fit."""
        confidence, right, true, classes, rows = (arrays[name] for name in cls.array_types)
        if len(classes) and not 0 <= classes.min() <= classes.max() < n_classes:
            raise ModelError("its out-of-fold answers must be of its classes.")
        shares = np.concatenate([confidence, true])
        if not ((shares >= 0) & (shares <= 1 + 1e-9)).all():
            raise ModelError("the confidences of its out-of-fold answers must be in [0, 1].")
        if len(rows) and rows.min() < 0:
            raise ModelError("its out-of-fold answers must name training rows.")
        return cls(confidence, right.astype(bool), true, classes, rows)


def rows_to_leave_out(
    vectors: npt.NDArray[np.float32], codes: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return the rows by which a fit without them can be scored.

    An example whose copy stays among the examples would be known after all; an example that
    is alone in its class leaves nothing of its class.
    """
    keys = [row.tobytes() for row in vectors + np.float32(0)]  # -0 is 0
    count, first = Counter(keys), dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
    single = np.array([count[key] == 1 for key in keys])
    counts = np.bincount(codes[list(first.values())], minlength=int(codes.max()) + 1)
    return np.flatnonzero(single & (counts[codes] > 1))
