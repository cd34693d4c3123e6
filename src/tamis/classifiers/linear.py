"""The base of classifiers whose fit ends in a linear head, and what they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.classifiers.base import Classifier, classes_from
from tamis.classifiers.out_of_fold import (
    OutOfFold,
    folds_for,
    numbered,
    rows_to_leave_out,
    spread,
)
from tamis.descriptors.base import Features
from tamis.descriptors.projection import project
from tamis.errors import InvalidParameterError, ModelError
from tamis.trust.calibration import as_logits, fit_scale, tempered

Values = npt.NDArray[np.float64]

_ROWS: Final = 64  # vectors normalised at a time
SCALE: Final = 30.0
"""Sharpness of the logits of unit vectors where no example can be left out to fit it."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """The weights of a fitted probe, which suffice to answer.

    Attributes
    ----------
    blocks : tuple of int
        Lengths of the blocks of a vector, each of which is normalised by itself.
    weights : ndarray of shape (sum(blocks), n_classes), float32
    bias : ndarray of shape (n_classes,), float32
    power : float
        The values are raised to it first.

    Raises
    ------
    ModelError
        The shapes do not match, or a value is not finite.
    """

    blocks: tuple[int, ...]
    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    power: float = 1.0

    def __post_init__(self) -> None:
        if min(self.blocks, default=0) < 1:
            raise ModelError(
                f"the blocks of a probe must have lengths of 1 or more. Got {self.blocks}."
            )
        if self.weights.ndim != 2 or self.weights.shape != (sum(self.blocks), len(self.bias)):
            raise ModelError(
                f"the weights of a probe must have the shape ({sum(self.blocks)}, "
                f"{len(self.bias)}). Got {self.weights.shape}."
            )
        if not 0 < self.power <= 1:
            raise ModelError(f"the power of a probe must be in ]0, 1]. Got {self.power:g}.")
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all()):
            raise ModelError("the weights of a probe must be finite; these are not.")

    def among(self, columns: npt.NDArray[np.bool_], blocks: tuple[int, ...]) -> "LinearHead":
        """Return the head of longer vectors, of which it looks at some columns.

        Parameters
        ----------
        columns : ndarray of shape (sum(blocks),), bool
            Whole blocks, as many in all as this head has values.
        blocks : tuple of int
        """
        if columns.all():
            return self
        weights = np.zeros((len(columns), len(self.bias)), np.float32)
        weights[columns] = self.weights
        return replace(self, blocks=blocks, weights=weights)

    def probabilities(self, features: Features) -> npt.NDArray[np.float64]:
        """Compute the probabilities of the classes.

        Parameters
        ----------
        features : ndarray of shape (n, sum(blocks)), float32

        Returns
        -------
        ndarray of shape (n, n_classes), float64
            Each row sums to 1, and does not depend on the others.
        """
        answers = np.empty((len(features), len(self.bias)))
        for start in range(0, len(features), _ROWS):
            rows = normalised(features[start : start + _ROWS], self.blocks, self.power)
            scores = project(rows, self.weights).astype(np.float64) + self.bias
            answers[start : start + _ROWS] = tempered(scores, 1.0)
        return answers


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
        **OutOfFold.array_types,
    }

    head_: LinearHead
    left_out_: Values | None
    alone_: npt.NDArray[np.bool_]
    blocks: Sequence[int] | None
    power: float

    def _checked(
        self, X: npt.ArrayLike, y: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], tuple[int, ...]]:
        """As `validated`; the power is checked too."""
        vectors, _, codes, blocks = validated(self, X, y)
        if not 0 < self.power <= 1:
            raise InvalidParameterError(f"power must be in ]0, 1]. Got {self.power!r}.")
        return vectors, codes, blocks

    def _leave_out(
        self,
        logits: Values | None,
        vectors: npt.NDArray[np.float32],
        codes: npt.NDArray[np.intp],
        groups: npt.NDArray[np.intp] | None = None,
    ) -> OutOfFold:
        """Make answers of logits, of shape (n, n_classes), by fits without each training row."""
        if logits is None or len(self.classes_) < 2:
            return OutOfFold.none(len(self.classes_))
        rows = rows_to_leave_out(vectors, codes, groups)
        return OutOfFold.of(tempered(logits[rows], 1.0), codes, rows)

    def _leave_groups_out(
        self,
        vectors: npt.NDArray[np.float32],
        codes: npt.NDArray[np.intp],
        groups: npt.ArrayLike | None,
    ) -> None:
        """Answer for each group by fits without it, and bring the fitted head to their scale.

        What a fit without single rows says of itself is too good where rows of a group are alike:
        its temperature is fitted anew, to `left_out_` by folds of whole groups.
        """
        kept = numbered(groups, len(vectors))
        if kept is None:
            return
        fold_of = spread(codes, folds_for(len(codes)), 0, kept)
        answers = np.zeros((len(codes), len(self.classes_)))
        for fold in np.unique(fold_of):
            out = fold_of == fold
            if not out.all():
                learner = clone(self).fit(vectors[~out], codes[~out])
                answers[np.ix_(out, learner.classes_)] = learner.predict_proba(vectors[out])
        logits = as_logits(answers)
        rows = rows_to_leave_out(vectors, codes, kept)
        scale = fit_scale(logits[rows], codes[rows])
        self.alone_ = np.isin(np.arange(len(codes)), rows, invert=True)
        self.left_out_ = logits * scale
        self.out_of_fold_ = self._leave_out(self.left_out_, vectors, codes, kept)
        head, factor = self.head_, np.float32(scale)
        self.head_ = replace(head, weights=head.weights * factor, bias=head.bias * factor)

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
            **self.out_of_fold_.to_arrays(),
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
        made = cls._of(head)
        made.classes_, made.n_features_in_, made.head_ = classes, sum(blocks), head
        made.out_of_fold_ = OutOfFold.from_arrays(arrays, len(classes))
        return made

    @classmethod
    def _of(cls, head: LinearHead) -> Self:
        """Make one with the parameters of a head that was fitted before."""
        return cls(blocks=head.blocks, power=head.power)


def validated(
    classifier: Any, X: npt.ArrayLike, y: npt.ArrayLike
) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any], npt.NDArray[np.intp], tuple[int, ...]]:
    """Check the data of a fit, and the blocks that a classifier cuts vectors into.

    Parameters
    ----------
    classifier : Classifier
        With a parameter ``blocks``; its `classes_` and `n_features_in_` are set.
    X : array-like of shape (n, dim)
    y : array-like of shape (n,)

    Returns
    -------
    vectors : ndarray of shape (n, dim), float32
    targets : ndarray of shape (n,)
    codes : ndarray of shape (n,), intp
        Targets as positions in `classes_`.
    blocks : tuple of int

    Raises
    ------
    InvalidParameterError
        The blocks do not sum to the length of the vectors.
    """
    vectors, targets = validate_data(classifier, X, y, dtype=np.float32, order="C")
    if targets.dtype.kind != "U":  # of many names it would warn that they may be numbers
        check_classification_targets(targets)
    blocks = tuple(classifier.blocks) if classifier.blocks is not None else (vectors.shape[1],)
    if sum(blocks) != vectors.shape[1]:
        raise InvalidParameterError(
            f"blocks must sum to the length of the vectors, {vectors.shape[1]}. Got {blocks}."
        )
    classifier.classes_, codes = np.unique(targets, return_inverse=True)
    return vectors, targets, codes, blocks


def normalised(features: Features, blocks: Sequence[int], power: float) -> Features:
    """Raise values to a power, keeping signs, and scale each block of a vector to length 1."""
    # Row by row in memory, so that sums are taken in the same order.
    features = np.ascontiguousarray(features)
    roots = np.abs(features) ** np.float32(power) if power != 1 else np.abs(features)
    np.copysign(roots, features, out=roots)
    start = 0
    for length in blocks:
        block = roots[:, start : start + length]
        norms = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
        block /= np.where(norms > 0, norms, 1).astype(np.float32)[:, np.newaxis]
        start += length
    return roots
