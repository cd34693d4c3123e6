"""The default classifier: several learners, chosen and combined by cross-validation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.classifiers.base import Classifier, classes_from
from tamis.classifiers.class_means import ClassMeansClassifier
from tamis.classifiers.discriminant import DiscriminantClassifier
from tamis.classifiers.knn import KNNClassifier
from tamis.classifiers.linear import LinearHead, normalised, validated
from tamis.classifiers.probe import ProbeClassifier
from tamis.errors import ModelError
from tamis.features.index import Matches
from tamis.metrics.calibration import calibration_error, log_loss
from tamis.metrics.intervals import wilson_interval
from tamis.trust.calibration import as_logits, fit_pool, pool, tempered

_FOLDS: Final = 10
_SHOWN: Final = 5  # nearest examples beside an answer


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """Answers for examples by fits that did not know them: what promises rest on.

    Attributes
    ----------
    confidence : ndarray of shape (n,), float64
        Probability of the answered class.
    right : ndarray of shape (n,), bool
    true : ndarray of shape (n,), float64
        Probability of the true class.
    classes : ndarray of shape (n,), int
        Column of the true class.
    """

    confidence: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    true: npt.NDArray[np.float64]
    classes: npt.NDArray[np.intp]

    def __post_init__(self) -> None:
        lengths = {len(self.confidence), len(self.right), len(self.true), len(self.classes)}
        if len(lengths) > 1:
            raise ModelError("its out-of-fold answers must be of one length.")

    def __len__(self) -> int:
        return len(self.right)


class AutoClassifier(Classifier):
    """A pool of learners whose weights are chosen by cross-validation on the examples.

    Class means, linear discriminants and a probe each answer for every example by a fit
    without it. The pool is the weighted sum of their log-probabilities; the weights, which
    are not negative, have the lowest log-loss of these answers. So a learner that adds
    nothing gets the weight 0 and is dropped, and the probabilities are calibrated. Then all
    learners that are left are taught by all examples.

    Parameters
    ----------
    blocks : sequence of int or None
        Lengths of the blocks of a vector, as a fusion has them; None is one block.
    seed : int
        Seed of the folds of the probe.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    n_features_in_ : int
    members_ : dict from str to float
        The learners that answer, and their weights. They do not sum to 1: their sum is an
        inverse temperature.
    labels_ : ndarray of shape (n,)
        Class of each training row; after `fit`, but not in a file.
    out_of_fold_ : OutOfFold
        Of the examples whose class has another, and which have no copy among the examples:
        none if there are no such.
    left_out_ : ndarray of shape (n_left_out, n_classes), float64
        Probabilities of these examples, out of fold; after `fit`, but not in a file.
    left_out_rows_ : ndarray of shape (n_left_out,), int
        Which rows these are.
    scores_ : list of dict
        Per candidate and of the pool: ``learner``, ``loss``, ``accuracy``, out of fold, and
        the ``weight``.

    Notes
    -----
    Class means and discriminants leave single examples out in closed form; the probe has
    ten folds. The weights are fitted to the same answers of which the pool's scores are
    told: with four weights and the examples of two or more classes the optimism is small.
    If no class has two examples there is nothing to choose by, and class means answer.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 241-259, 1992.
       https://doi.org/10.1016/S0893-6080(05)80023-1
    .. [2] C. Genest, J. V. Zidek, "Combining probability distributions: a critique and an
       annotated bibliography", Statistical Science 1(1), 114-135, 1986.
       https://doi.org/10.1214/ss/1177013825
    """

    name: ClassVar[str] = "auto"
    array_types: ClassVar[Mapping[str, tuple[str, int]]] = {
        "blocks": ("int64", 1),
        "pool": ("float64", 1),
        "powers": ("float64", 1),
        "weights": ("float32", 3),
        "bias": ("float32", 2),
        "confidence": ("float64", 1),
        "right": ("int64", 1),
        "true": ("float64", 1),
        "targets": ("int64", 1),
    }

    members_: dict[str, float]
    out_of_fold_: OutOfFold
    left_out_: npt.NDArray[np.float64]
    left_out_rows_: npt.NDArray[np.intp]
    scores_: list[dict[str, Any]]

    def __init__(self, *, blocks: Sequence[int] | None = None, seed: int = 0) -> None:
        self.blocks = blocks
        self.seed = seed

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Choose the pool, and teach it by all examples.

        Parameters
        ----------
        X : array-like of shape (n, dim)
        y : array-like of shape (n,)

        Raises
        ------
        InvalidParameterError
            A parameter is out of its range.
        """
        vectors, targets, codes, blocks = validated(self, X, y)
        rows = _usable(vectors, codes)
        learners = self._learners(blocks, enough=len(rows) > 0 and len(self.classes_) > 1)
        logits = []
        for learner in learners.values():
            learner.fit(vectors, targets)
            logits.append(as_logits(tempered(learner.left_out_[rows], 1.0)))
        weights = fit_pool(logits, codes[rows])
        answers = tempered(pool(logits, weights), 1.0)
        kept = [i for i, weight in enumerate(weights) if weight]
        names = list(learners)
        self.members_ = {names[i]: float(weights[i]) for i in kept}
        self._pool = weights[kept]
        self._heads = [learners[names[i]].head_ for i in kept]
        self.left_out_, self.left_out_rows_ = answers, rows
        true = answers[np.arange(len(rows)), codes[rows]]
        right = answers.argmax(axis=1) == codes[rows]
        nearest = KNNClassifier(min(_SHOWN, len(vectors)), metric="l2")
        self._nearest = nearest.fit(normalised(vectors, blocks, 1.0), targets)
        self.out_of_fold_ = OutOfFold(answers.max(axis=1), right, true, codes[rows])
        self.scores_ = []
        if len(rows):
            tables = [*map(np.exp, logits), answers]
            for name, table, weight in zip(
                [*names, "pool"], tables, [*weights, weights.sum()], strict=True
            ):
                accuracy = float((table.argmax(axis=1) == codes[rows]).mean())
                loss = log_loss(table, codes[rows])
                self.scores_.append(
                    {"learner": name, "loss": loss, "accuracy": accuracy, "weight": float(weight)}
                )
            self._error = calibration_error(answers, codes[rows])
        return self

    def _learners(self, blocks: tuple[int, ...], *, enough: bool) -> dict[str, Any]:
        """Return the candidates by name."""
        if not enough:
            return {"class-means": ClassMeansClassifier(blocks=blocks)}
        return {
            "class-means": ClassMeansClassifier(blocks=blocks, power=0.5),
            "discriminant": DiscriminantClassifier(blocks=blocks),
            "discriminant(power=0.5)": DiscriminantClassifier(blocks=blocks, power=0.5),
            "probe": ProbeClassifier(blocks=blocks, folds=_FOLDS, seed=self.seed),
        }

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the calibrated probability of each class, of shape (n, n_classes)."""
        check_is_fitted(self)
        vectors = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        logits = [as_logits(head.probabilities(vectors)) for head in self._heads]
        return tempered(pool(logits, self._pool), 1.0)

    @property
    def labels_(self) -> npt.NDArray[Any]:
        """The class of each training row, of shape (n,), while the rows are known."""
        return self._nearest.labels_

    def explain(self, X: npt.ArrayLike) -> Matches | None:
        """Return the nearest examples, which show and do not decide; None if read from a file.

        The distance is l2 between vectors whose blocks have length 1, as that of cosine.
        """
        check_is_fitted(self)
        if not hasattr(self, "_nearest"):
            return None
        vectors = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        return self._nearest.kneighbors(normalised(vectors, self._heads[0].blocks, 1.0))

    def cross_validation(self) -> dict[str, Any]:
        """Return what the pool is worth, out of fold: nothing if no example can be left out.

        Returns
        -------
        dict
            ``n_images``, ``accuracy``, ``accuracy_ci`` (Wilson, 95 %), ``log_loss`` and
            ``calibration_error``.
        """
        n = len(self.out_of_fold_)
        if not n or not self.scores_:
            return {}
        hits = int(self.out_of_fold_.right.sum())
        return {
            "n_images": n,
            "accuracy": hits / n,
            "accuracy_ci": list(wilson_interval(hits, n)),
            "log_loss": self.scores_[-1]["loss"],
            "calibration_error": self._error,
        }

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:  # noqa: D102
        check_is_fitted(self)
        heads, known = self._heads, self.out_of_fold_
        arrays: dict[str, npt.NDArray[Any]] = {
            "blocks": np.array(heads[0].blocks, np.int64),
            "pool": np.asarray(self._pool, np.float64),
            "powers": np.array([head.power for head in heads]),
            "weights": np.stack([head.weights for head in heads]),
            "bias": np.stack([head.bias for head in heads]),
            "confidence": known.confidence,
            "right": known.right.astype(np.int64),
            "true": known.true,
            "targets": known.classes.astype(np.int64),
        }
        return {"classes": self.classes_.tolist(), "members": list(self.members_)}, arrays

    @classmethod
    def from_arrays(  # noqa: D102
        cls, config: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        classes = classes_from(config)
        blocks = tuple(map(int, arrays["blocks"]))
        members, weights = config.get("members"), arrays["pool"]
        if not isinstance(members, list) or not members:
            raise ModelError("its members must be a list of at least one name.")
        if not all(isinstance(name, str) for name in members):
            raise ModelError("its members must be names.")
        lengths = {len(members), len(weights), len(set(members))}
        lengths |= {len(arrays[name]) for name in ("powers", "weights", "bias")}
        if len(lengths) > 1 or not (weights > 0).all():
            raise ModelError("each of its members must have a weight and a head.")
        heads = [
            LinearHead(blocks, matrix, bias, float(power))
            for matrix, bias, power in zip(
                arrays["weights"], arrays["bias"], arrays["powers"], strict=True
            )
        ]
        if arrays["bias"].shape[1] != len(classes):
            raise ModelError(
                f"it has {len(classes)} classes and {arrays['bias'].shape[1]} answers."
            )
        targets = arrays["targets"]
        if len(targets) and not 0 <= targets.min() <= targets.max() < len(classes):
            raise ModelError("its out-of-fold answers must be of its classes.")
        made = cls(blocks=blocks)
        made.classes_, made.n_features_in_ = classes, sum(blocks)
        made.members_ = {name: float(w) for name, w in zip(members, weights, strict=True)}
        made._pool, made._heads, made.scores_ = weights, heads, []
        made.out_of_fold_ = OutOfFold(
            arrays["confidence"], arrays["right"].astype(bool), arrays["true"], targets
        )
        return made

    @property
    def settings(self) -> dict[str, str | int]:  # noqa: D102 - as Classifier
        members = ", ".join(f"{name} {weight:.3g}" for name, weight in self.members_.items())
        return {"members": members, "seed": self.seed}

    @property
    def history(self) -> list[dict[str, Any]]:  # noqa: D102 - as Classifier
        return [dict(row) for row in self.scores_]


def _usable(vectors: npt.NDArray[np.float32], codes: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the rows that a fit without them can be scored by.

    An example whose copy stays among the examples would be known after all; one that is
    alone in its class leaves none of its class.
    """
    _, first, number, count = np.unique(
        vectors, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    single = count[number.ravel()] == 1
    counts = np.bincount(codes[first], minlength=int(codes.max()) + 1)
    return np.flatnonzero(single & (counts[codes] > 1))
