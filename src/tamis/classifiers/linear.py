"""The base of classifiers whose fit ends in a linear head, and what they share."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.classifiers.base import Classifier, classes_from
from tamis.classifiers.probe import LinearHead
from tamis.errors import InvalidParameterError, ModelError

Values = npt.NDArray[np.float64]

SCALE = 30.0
"""Sharpness of the logits of unit vectors where no example can be left out to fit it."""


class LinearClassifier(Classifier):
    """A classifier that answers by the softmax of a linear function of normalised vectors.

    Attributes
    ----------
    head_ : LinearHead
    """

    array_types: ClassVar[Mapping[str, tuple[str, int]]] = {
        "blocks": ("int64", 1),
        "weights": ("float32", 2),
        "bias": ("float32", 1),
        "power": ("float64", 0),
    }

    head_: LinearHead
    blocks: Sequence[int] | None
    power: float

    def _checked(
        self, X: npt.ArrayLike, y: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], tuple[int, ...]]:
        """Validate data and parameters; set `classes_` and return vectors, codes and blocks."""
        vectors, targets = validate_data(self, X, y, dtype=np.float32, order="C")
        if targets.dtype.kind != "U":
            check_classification_targets(targets)
        blocks = tuple(self.blocks) if self.blocks is not None else (vectors.shape[1],)
        if sum(blocks) != vectors.shape[1]:
            raise InvalidParameterError(
                f"blocks must sum to the length of the vectors, {vectors.shape[1]}. Got {blocks}."
            )
        if not 0 < self.power <= 1:
            raise InvalidParameterError(f"power must be in ]0, 1]. Got {self.power!r}.")
        self.classes_, codes = np.unique(targets, return_inverse=True)
        return vectors, codes, blocks

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the probability of each class, of shape (n, n_classes)."""
        check_is_fitted(self)
        vectors = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        return self.head_.probabilities(vectors)

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:  # noqa: D102
        check_is_fitted(self)
        head = self.head_
        arrays: dict[str, npt.NDArray[Any]] = {
            "blocks": np.array(head.blocks, np.int64),
            "weights": head.weights,
            "bias": head.bias,
            "power": np.array(head.power, np.float64),
        }
        return {"classes": self.classes_.tolist()}, arrays

    @classmethod
    def from_arrays(  # noqa: D102
        cls, config: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        blocks = tuple(map(int, arrays["blocks"]))
        head = LinearHead(blocks, arrays["weights"], arrays["bias"], float(arrays["power"]))
        classes = classes_from(config)
        if len(classes) != len(head.bias):
            raise ModelError(f"it has {len(classes)} classes and {len(head.bias)} answers.")
        made = cls(blocks=blocks, power=head.power)
        made.classes_, made.n_features_in_, made.head_ = classes, sum(blocks), head
        return made


def log_softmax(scores: npt.NDArray[Any]) -> Values:
    """Return the logarithms of the softmax of each row."""
    shifted = np.asarray(scores, np.float64) - scores.max(axis=1, keepdims=True)
    result: Values = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def class_means_of(vectors: Values, codes: npt.NDArray[np.intp], n_classes: int) -> Values:
    """Return the mean vector of each class, of shape (n_classes, dim)."""
    means = np.zeros((n_classes, vectors.shape[1]))
    np.add.at(means, codes, vectors)
    return means / np.bincount(codes, minlength=n_classes)[:, np.newaxis]
