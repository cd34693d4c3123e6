"""The probe: multinomial logistic regression on the vectors of a descriptor."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import compute_sample_weight

from tamis.classifiers.blas import side_by_side, threads_for
from tamis.classifiers.linear import LinearClassifier, LinearHead, normalised, validated
from tamis.classifiers.out_of_fold import numbered, spread
from tamis.classifiers.softmax import held_out, solve
from tamis.descriptors.base import Descriptor, Features
from tamis.descriptors.components import Components, fit_components
from tamis.descriptors.fusion.fusion import Fusion
from tamis.descriptors.neural.onnx_descriptor import OnnxDescriptor
from tamis.errors import InvalidParameterError
from tamis.features import available_processors

L2: Final = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
"""L2 penalties that are tried, strongest first."""

POWERS: Final = (1.0, 0.5)
"""Powers of the values that are tried: the values themselves, and their square roots."""

_EXACT: Final = 2048  # up to this length, vectors are learned from whole
_REDUCED: Final = 1024  # longer ones along so many principal directions


class ProbeClassifier(LinearClassifier):
    """Multinomial logistic regression, its L2 penalty chosen by cross-validation.

    The values, or their signed square roots, are brought to length 1 in each block of a
    vector [1]_; then a linear softmax classifier is fitted with an L2 penalty. Power and
    penalty are those with the lowest log-loss on vectors held out of the fit, so that the
    probabilities can be believed.

    Parameters
    ----------
    blocks : sequence of int or None
        Lengths of the blocks of a vector, as `blocks_of` gives them for a fusion; None
        takes the whole vector as one block.
    l2 : sequence of float
        Weights of the penalty ``l2 / 2 * sum(weights**2)`` beside the mean log-loss, tried
        from the strongest on until one is worse. A single one is used as it is.
    powers : sequence of float
        Exponents of the absolute values, each in ]0, 1]; all are tried.
    folds : int
        Folds of the cross-validation, 2 or more.
    class_weight : "balanced", dict or None
        Weight of an error on each class, as in scikit-learn.
    seed : int
        Seed of the folds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    n_features_in_ : int
    l2_, power_ : float
        The chosen penalty and power.
    scores_ : list of dict
        Per penalty tried with that power: ``strength`` (the penalty), ``loss`` and
        ``accuracy`` on the vectors held out. Empty if there was nothing to choose.
    left_out_ : ndarray of shape (n, n_classes), float64, or None
        Logits of each training row by the folds without it, at the chosen penalty and
        power; None if there was nothing to choose.
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

    Examples
    --------
    >>> examples = tamis.describe("examples", "moments")
    >>> probe = tamis.ProbeClassifier().fit(examples.features, examples.labels)
    >>> probe.score(examples.features, examples.labels)
    1.0
    """

    name: ClassVar[str] = "probe"
    l2_: float
    power_: float
    scores_: list[dict[str, float]]
    head_: LinearHead
    left_out_: npt.NDArray[np.float64] | None

    def __init__(
        self,
        *,
        blocks: Sequence[int] | None = None,
        l2: Sequence[float] = L2,
        powers: Sequence[float] = POWERS,
        folds: int = 3,
        class_weight: Any = None,
        seed: int = 0,
    ) -> None:
        self.blocks = blocks
        self.l2 = l2
        self.powers = powers
        self.folds = folds
        self.class_weight = class_weight
        self.seed = seed

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Self:
        """Choose penalty and power, and fit to all of the training data.

        Parameters
        ----------
        X : array-like of shape (n, dim)
        y : array-like of shape (n,)
        groups : array-like of shape (n,), optional
            As `Classifier` takes them.

        Raises
        ------
        InvalidParameterError
            A parameter is out of its range, or there is only one class.
        """
        vectors, targets, labels, blocks = validated(self, X, y)
        penalties = sorted(map(float, self.l2), reverse=True)
        if not penalties or penalties[-1] <= 0:
            raise InvalidParameterError(f"l2 must be positive numbers. Got {self.l2!r}.")
        powers = [float(power) for power in self.powers]
        if not powers or not all(0 < power <= 1 for power in powers):
            raise InvalidParameterError(f"powers must be in ]0, 1]. Got {self.powers!r}.")
        if self.folds < 2:
            raise InvalidParameterError(f"folds must be at least 2. Got {self.folds}.")
        if len(self.classes_) < 2:
            raise InvalidParameterError(
                f"a probe needs at least two classes. Got {len(self.classes_)} class."
            )
        weight = compute_sample_weight(self.class_weight, targets).astype(np.float32)

        kept = numbered(groups, len(vectors))
        fold_of = spread(labels, self.folds, self.seed, kept)
        single = len(powers) * len(penalties) == 1
        self.scores_, self.l2_, self.power_ = [], penalties[0], powers[0]
        best, start, self.left_out_ = np.inf, None, None
        for power in [] if single else powers:
            inside = _Inside.make(normalised(vectors, blocks, power), len(self.classes_))
            scores, begun, logits = self._choose(inside, labels, weight, penalties, fold_of)
            least = min(scores, key=lambda row: row["loss"])
            if least["loss"] < best:
                best, start, self.left_out_ = least["loss"], begun, logits
                self.scores_, self.l2_, self.power_ = scores, least["strength"], power
        self.out_of_fold_ = self._leave_out(self.left_out_, vectors, labels, kept)
        inside = _Inside.make(normalised(vectors, blocks, self.power_), len(self.classes_))
        with threads_for(inside.values.size * len(self.classes_)):
            solution = solve(inside.values, labels, weight, self.l2_, inside.curvature, start=start)
        basis = inside.basis
        weights = (basis.axes.T * inside.scale) @ solution[:-1].astype(np.float32)
        bias = (solution[-1] - basis.mean @ weights).astype(np.float32)
        self.head_ = LinearHead(blocks, weights, bias, self.power_)
        return self

    @classmethod
    def _of(cls, head: LinearHead) -> Self:
        made = cls(blocks=head.blocks, powers=(head.power,))
        made.power_ = head.power
        return made

    @property
    def settings(self) -> dict[str, str | int]:  # noqa: D102 - as Classifier
        return {
            "strength": f"{self.l2_:g}, by {self.folds} folds",
            "power": f"{self.power_:g}, by {self.folds} folds",
            "class_weight": str(self.class_weight or "none"),
            "seed": self.seed,
        }

    @property
    def history(self) -> list[dict[str, Any]]:  # noqa: D102 - as Classifier
        return [dict(row) for row in self.scores_]

    def _choose(
        self,
        inside: "_Inside",
        y: npt.NDArray[np.intp],
        sample_weight: npt.NDArray[np.float32],
        penalties: Sequence[float],
        fold_of: npt.NDArray[np.intp],
    ) -> tuple[list[dict[str, float]], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Cross-validate; return a row per penalty, weights to start from, and best logits."""
        values, curvature = inside.values, inside.curvature
        held = [fold_of == fold for fold in range(self.folds) if (fold_of == fold).any()]
        starts: list[npt.NDArray[np.float64] | None] = [None] * len(held)
        best, start = np.inf, np.zeros((values.shape[1] + 1, len(self.classes_)))
        rows = []
        answers = np.zeros((len(y), len(self.classes_)))

        def fit_fold(i: int, l2: float, logits: npt.NDArray[np.float64]) -> tuple[float, float]:
            out = held[i]
            solution = starts[i] = solve(
                values[~out], y[~out], sample_weight[~out], l2, curvature,
                start=starts[i], n_classes=len(self.classes_),
            )  # fmt: skip
            loss, right, logits[out] = held_out(values[out], y[out], sample_weight[out], solution)
            return loss, right

        # Folds run side by side, each on one processor.
        jobs = min(len(held), available_processors())
        for l2 in penalties:
            logits = np.zeros_like(answers)
            work = partial(fit_fold, l2=l2, logits=logits)
            losses, hits = zip(*side_by_side(work, len(held), jobs), strict=True)
            loss, right = sum(losses) / float(sample_weight.sum()), sum(hits) / len(y)
            rows.append({"strength": l2, "loss": loss, "accuracy": right})
            if loss >= best:
                break
            best, answers = loss, logits
            start = np.mean([fold for fold in starts if fold is not None], axis=0)
        return rows, start, answers


@dataclass(frozen=True, slots=True, eq=False)
class _Inside:
    """Vectors along their principal directions, in which the fit converges quickly."""

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


def views_of(descriptor: Descriptor) -> tuple[int, ...]:
    """Return for each block of `blocks_of` to which view it belongs.

    Returns
    -------
    tuple of int
        If some parts of a fusion are networks and some are not: 0 for networks, 1 for others.
        Otherwise 0 for all.
    """
    if not isinstance(descriptor, Fusion):
        return (0,)
    views = tuple(
        int(not all(isinstance(leaf, OnnxDescriptor) for leaf in part.leaves))
        for part in descriptor.parts
    )
    return views if 0 in views else (0,) * len(views)


def blocks_of(descriptor: Descriptor) -> tuple[int, ...]:
    """Return the lengths of the blocks of a descriptor's vectors: the parts of a fusion, or one."""
    if isinstance(descriptor, Fusion):
        return tuple(part.dim for part in descriptor.parts)
    return (descriptor.dim,)
