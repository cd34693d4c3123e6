"""The probe: multinomial logistic regression on the vectors of a descriptor."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.classifiers.softmax import held_out, solve, spread
from tamis.descriptors.base import Descriptor, Features
from tamis.descriptors.components import Components, fit_components
from tamis.descriptors.fusion.fusion import Fusion
from tamis.descriptors.projection import project
from tamis.errors import FileFormatError, InvalidParameterError, ModelError, sentence
from tamis.files.arrays import read_npz

STRENGTHS: Final = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
"""Strengths of the penalty that are tried, strongest first."""

POWERS: Final = (1.0, 0.5)
"""Powers of the values that are tried: as they are, and their square roots."""

_EXACT: Final = 2048  # values up to which all of them are learned from
_REDUCED: Final = 1024  # directions that are learned from where there are more
_ROWS: Final = 64  # vectors normalised at a time
_FIELDS: Final = {
    "parts": ("int64", 1),
    "weights": ("float32", 2),
    "bias": ("float32", 1),
    "power": ("float64", 0),
}


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """A trained probe: what is needed to answer, and no more.

    Attributes
    ----------
    parts : tuple of int
        Lengths of the parts of a vector, each of which is normalised by itself.
    weights : ndarray of shape (sum(parts), n_classes), float32
    bias : ndarray of shape (n_classes,), float32
    power : float
        To which values are raised first.

    Raises
    ------
    ModelError
        The shapes do not match, or a value is not finite.
    """

    parts: tuple[int, ...]
    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    power: float = 1.0

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.weights.shape != (sum(self.parts), len(self.bias)):
            raise ModelError(
                f"the weights of a probe must have the shape ({sum(self.parts)}, "
                f"{len(self.bias)}). Got {self.weights.shape}."
            )
        if not 0 < self.power <= 1:
            raise ModelError(f"the power of a probe must be in ]0, 1]. Got {self.power:g}.")
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all()):
            raise ModelError("the weights of a probe must be finite; these are not.")

    def probabilities(self, features: Features) -> npt.NDArray[np.float64]:
        """Answer for vectors.

        Parameters
        ----------
        features : ndarray of shape (n, sum(parts)), float32

        Returns
        -------
        ndarray of shape (n, n_classes), float64
            Each row sums to 1, and does not depend on the others.
        """
        answers = np.empty((len(features), len(self.bias)))
        for start in range(0, len(features), _ROWS):
            rows = normalised(features[start : start + _ROWS], self.parts, self.power)
            scores = project(rows, self.weights).astype(np.float64) + self.bias
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            answers[start : start + _ROWS] = scores / scores.sum(axis=1, keepdims=True)
        return answers

    def to_bytes(self) -> bytes:
        """Write it, as `from_bytes` reads it."""
        buffer = io.BytesIO()
        parts = np.array(self.parts, np.int64)
        np.savez(buffer, parts=parts, weights=self.weights, bias=self.bias, power=self.power)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ModelError
            It is something else.
        """
        try:
            found = read_npz(data, _FIELDS)
        except FileFormatError as error:
            raise ModelError(
                f"the weights of the probe cannot be read: {sentence(error)}"
            ) from error
        parts = tuple(map(int, found["parts"]))
        if min(parts, default=0) < 1:
            raise ModelError(f"the parts of a probe must have lengths of 1 or more. Got {parts}.")
        return cls(parts, found["weights"], found["bias"], float(found["power"]))


class ProbeClassifier(ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression, its strength cross-validated.

    The values are taken as they are or as signed square roots, and each part of a vector
    is brought to length 1 [1]_; then a linear softmax classifier is fitted with an L2
    penalty. Of the powers and strengths those are taken whose answers for pictures that
    it was not fitted to have the lowest log-loss, so that its probabilities can be
    believed.

    Parameters
    ----------
    parts : sequence of int or None
        Lengths of the parts of a vector, as `parts_of` gives them for a fusion; None
        takes it for one.
    strengths : sequence of float
        Of the penalty ``strength / 2 * sum(weights**2)`` beside the mean log-loss, tried
        from the strongest on until one is worse. One alone is taken as it is.
    powers : sequence of float
        To which the sizes of the values are raised, each in ]0, 1]; all are tried.
    folds : int
        Of the cross-validation, 2 or more.
    class_weight : "balanced", dict or None
        What an error on a class weighs, as in scikit-learn.
    seed : int
        Of the folds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    n_features_in_ : int
    strength_, power_ : float
        Those that were taken.
    scores_ : list of dict
        Per strength tried with that power: strength, loss and accuracy on the pictures
        held out. Empty if there was nothing to choose.
    head_ : LinearHead

    Notes
    -----
    Minimised by L-BFGS in float32 products, in the basis of the principal directions and
    scaled by what the curvature there is likely to be (`tamis.classifiers.softmax`). Vectors
    of more than 2,048 values are learned from along their 1,024 principal directions; the weights
    are those of the whole vectors again.

    References
    ----------
    .. [1] F. Perronnin, J. Sanchez, T. Mensink, "Improving the Fisher kernel for
       large-scale image classification", European Conference on Computer Vision, 143-156,
       2010. https://doi.org/10.1007/978-3-642-15561-1_11
    """

    classes_: npt.NDArray[Any]
    n_features_in_: int
    strength_: float
    power_: float
    scores_: list[dict[str, float]]
    head_: LinearHead

    def __init__(
        self,
        *,
        parts: Sequence[int] | None = None,
        strengths: Sequence[float] = STRENGTHS,
        powers: Sequence[float] = POWERS,
        folds: int = 3,
        class_weight: Any = None,
        seed: int = 0,
    ) -> None:
        self.parts = parts
        self.strengths = strengths
        self.powers = powers
        self.folds = folds
        self.class_weight = class_weight
        self.seed = seed

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Choose the strength, and fit to all of the training data.

        Parameters
        ----------
        X : array-like of shape (n, dim)
        y : array-like of shape (n,)

        Raises
        ------
        InvalidParameterError
            A parameter is out of its range, or there is only one class.
        """
        vectors, targets = validate_data(self, X, y, dtype=np.float32, order="C")
        if targets.dtype.kind != "U":
            check_classification_targets(targets)
        strengths = sorted(map(float, self.strengths), reverse=True)
        if not strengths or strengths[-1] <= 0:
            raise InvalidParameterError(f"strengths must be positive. Got {self.strengths!r}.")
        powers = [float(power) for power in self.powers]
        if not powers or not all(0 < power <= 1 for power in powers):
            raise InvalidParameterError(f"powers must be in ]0, 1]. Got {self.powers!r}.")
        if self.folds < 2:
            raise InvalidParameterError(f"folds must be at least 2. Got {self.folds}.")
        parts = tuple(self.parts) if self.parts is not None else (vectors.shape[1],)
        if sum(parts) != vectors.shape[1]:
            raise InvalidParameterError(
                f"parts must sum to the length of the vectors, {vectors.shape[1]}. Got {parts}."
            )
        self.classes_, codes = np.unique(targets, return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidParameterError(
                f"a probe needs at least two classes. Got {len(self.classes_)} class."
            )
        shares = compute_sample_weight(self.class_weight, targets).astype(np.float32)

        single = len(powers) * len(strengths) == 1
        self.scores_, self.strength_, self.power_ = [], strengths[0], powers[0]
        best, start = np.inf, None
        for power in [] if single else powers:
            inside = _Inside.make(normalised(vectors, parts, power), len(self.classes_))
            scores, begun = self._choose(inside, codes, shares, strengths)
            least = min(scores, key=lambda row: row["loss"])
            if least["loss"] < best:
                best, start = least["loss"], begun
                self.scores_, self.strength_, self.power_ = scores, least["strength"], power
        inside = _Inside.make(normalised(vectors, parts, self.power_), len(self.classes_))
        found = solve(
            inside.values, codes, shares, self.strength_, inside.curvature,
            start=start, tolerance=1e-5,
        )  # fmt: skip
        basis = inside.basis
        weights = (basis.axes.T * inside.scale) @ found[:-1].astype(np.float32)
        bias = (found[-1] - basis.mean @ weights).astype(np.float32)
        self.head_ = LinearHead(parts, weights, bias, self.power_)
        return self

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Say how likely each class is, of shape (n, n_classes)."""
        check_is_fitted(self)
        vectors = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        return self.head_.probabilities(vectors)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Say the likeliest class, of shape (n,)."""
        answers = self.predict_proba(X)
        return self.classes_[answers.argmax(axis=1)]

    def _choose(
        self,
        inside: "_Inside",
        codes: npt.NDArray[np.intp],
        shares: npt.NDArray[np.float32],
        strengths: Sequence[float],
    ) -> tuple[list[dict[str, float]], npt.NDArray[np.float64]]:
        """Cross-validate; gives a row per strength, and weights to start from."""
        values, curvature = inside.values, inside.curvature
        fold_of = spread(codes, self.folds, self.seed)
        held = [fold_of == fold for fold in range(self.folds) if (fold_of == fold).any()]
        starts: list[npt.NDArray[np.float64] | None] = [None] * len(held)
        best, start = np.inf, np.zeros((values.shape[1] + 1, len(self.classes_)))
        rows = []
        for tried in strengths:
            loss = right = 0.0
            for i, out in enumerate(held):
                found = starts[i] = solve(
                    values[~out], codes[~out], shares[~out], tried, curvature,
                    start=starts[i], n_classes=len(self.classes_),
                )  # fmt: skip
                one = held_out(values[out], codes[out], shares[out], found)
                loss, right = loss + one[0], right + one[1]
            loss, right = loss / float(shares.sum()), right / len(codes)
            rows.append({"strength": tried, "loss": loss, "accuracy": right})
            if loss >= best:
                break
            best = loss
            start = np.mean([one for one in starts if one is not None], axis=0)
        return rows, start


@dataclass(frozen=True, slots=True, eq=False)
class _Inside:
    """Vectors along their principal directions, where the fit converges quickly."""

    values: npt.NDArray[np.float32]
    basis: Components
    scale: np.float32
    curvature: npt.NDArray[Any]

    @classmethod
    def make(cls, vectors: Features, n_classes: int) -> Self:
        n, dim = vectors.shape
        most = _EXACT if dim <= _EXACT else _REDUCED
        basis = fit_components(vectors, min(n, dim, most))
        values: Features = np.matmul(vectors - basis.mean, basis.axes.T, dtype=np.float32)
        total = float(basis.variances.sum()) or 1.0
        scale = np.float32(1 / np.sqrt(total))
        np.multiply(values, scale, out=values)
        return cls(values, basis, scale, basis.variances / total / n_classes)


def normalised(features: Features, parts: Sequence[int], power: float) -> Features:
    """Raise values to a power, keeping their signs, and each part of a vector to length 1."""
    # Row by row in memory, so that sums are taken in the same order.
    features = np.ascontiguousarray(features)
    roots = np.abs(features) ** np.float32(power) if power != 1 else np.abs(features)
    np.copysign(roots, features, out=roots)
    start = 0
    for length in parts:
        part = roots[:, start : start + length]
        norms = np.sqrt(np.einsum("ij,ij->i", part, part, dtype=np.float64))
        part /= np.where(norms > 0, norms, 1).astype(np.float32)[:, np.newaxis]
        start += length
    return roots


def parts_of(descriptor: Descriptor) -> tuple[int, ...]:
    """Say which parts the vectors of a descriptor have: those of a fusion, or one."""
    if isinstance(descriptor, Fusion):
        return tuple(part.dim for part in descriptor.parts)
    return (descriptor.dim,)
