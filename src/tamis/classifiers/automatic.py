"""The default classifier: several learners, chosen and combined by cross-validation."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.classifiers.base import Classifier, classes_from
from tamis.classifiers.class_means import ClassMeansClassifier
from tamis.classifiers.discriminant import DiscriminantClassifier
from tamis.classifiers.linear import LinearHead, normalised, validated
from tamis.classifiers.out_of_fold import OutOfFold, folds_for, numbered, rows_to_leave_out
from tamis.classifiers.probe import ProbeClassifier
from tamis.distances import gallery_of
from tamis.errors import InvalidParameterError, ModelError
from tamis.features import available_processors
from tamis.features.index import Matches
from tamis.metrics.calibration import log_loss
from tamis.trust.calibration import as_logits, fit_pool, pool, tempered
from tamis.trust.novelty import Novelty

_SHOWN: Final = 5  # nearest examples beside an answer


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
    views : sequence of int or None
        For each block 0, or 1 for what is looked at for itself: colour and texture beside
        networks. None is 0 for all.
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
        Class of each training row.
    out_of_fold_ : OutOfFold
        Of the examples whose class has another, and which have no copy among the examples:
        none if there are no such.
    scores_ : list of dict
        Per candidate and of the pool: ``learner``, ``loss``, ``accuracy``, out of fold, and
        the ``weight``.

    Notes
    -----
    The blocks of the view 1 are learned by a discriminant of their own, whose answers are pooled
    with those of the others: joined to the blocks of networks in one vector they help less, and
    the probe not at all. Class means and discriminants leave single examples out in closed form;
    the probe has ten folds, and five for more than 2,000 examples. The weights are fitted to the
    same answers of which the pool's scores are told: with five weights and the examples of two
    or more classes the optimism is small. If no class has two examples there is nothing to choose
    by, and class means answer.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 241-259, 1992.
       https://doi.org/10.1016/S0893-6080(05)80023-1
    .. [2] C. Genest, J. V. Zidek, "Combining probability distributions: a critique and an
       annotated bibliography", Statistical Science 1(1), 114-135, 1986.
       https://doi.org/10.1214/ss/1177013825

    Examples
    --------
    >>> examples = tamis.describe("examples", "moments")
    >>> learner = tamis.AutoClassifier().fit(examples.features, examples.labels)
    >>> learner.predict(tamis.describe("test", "moments").features)
    array(['bars', 'bars', 'sky', 'sky', 'tiles', 'tiles'], dtype='<U5')
    """

    name: ClassVar[str] = "auto"
    array_types: ClassVar[Mapping[str, tuple[str, int]]] = {
        "blocks": ("int64", 1),
        "views": ("int64", 1),
        "pool": ("float64", 1),
        "powers": ("float64", 1),
        "weights": ("float32", 3),
        "bias": ("float32", 2),
        "examples": ("float16", 2),
        "targets": ("int64", 1),
        **OutOfFold.array_types,
    }
    keeps_examples: ClassVar[bool] = True

    members_: dict[str, float]
    scores_: list[dict[str, Any]]

    def __init__(
        self,
        *,
        blocks: Sequence[int] | None = None,
        views: Sequence[int] | None = None,
        seed: int = 0,
    ) -> None:
        self.blocks = blocks
        self.views = views
        self.seed = seed

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Self:
        """Choose the pool, and teach it by all examples.

        Parameters
        ----------
        X : array-like of shape (n, dim)
        y : array-like of shape (n,)
        groups : array-like of shape (n,), optional
            As `Classifier` takes them.

        Raises
        ------
        InvalidParameterError
            A parameter is out of its range.
        """
        vectors, targets, codes, blocks = validated(self, X, y)
        together = numbered(groups, len(vectors))
        rows = rows_to_leave_out(vectors, codes, together)
        enough = len(rows) > 0 and len(self.classes_) > 1
        learners = self._learners(blocks, enough=enough, folds=folds_for(len(vectors)))
        logits, heads = [], []
        for learner, columns in learners.values():
            learner.fit(np.ascontiguousarray(vectors[:, columns]), targets, together)
            logits.append(as_logits(tempered(learner.left_out_[rows], 1.0)))
            heads.append(learner.head_.among(columns, blocks))
        weights = fit_pool(logits, codes[rows])
        answers = tempered(pool(logits, weights), 1.0)
        kept = [i for i, weight in enumerate(weights) if weight]
        names = list(learners)
        self.members_ = {names[i]: float(weights[i]) for i in kept}
        self._pool = weights[kept]
        self._heads = [heads[i] for i in kept]
        self.out_of_fold_ = OutOfFold.of(answers, codes, rows)
        self._keep(self._shown(vectors, blocks).astype(np.float16), codes)
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
        return self

    def _keep(self, unit: npt.NDArray[np.float16], codes: npt.NDArray[np.intp]) -> None:
        """Keep what shows the nearest examples, as a file has it."""
        self._unit, self._codes = unit, codes
        self._examples = gallery_of(unit.astype(np.float32), distance="l2")

    def _learners(self, blocks: tuple[int, ...], *, enough: bool, folds: int = 0) -> dict[str, Any]:
        """Return the candidates by name, each with the columns that it learns."""
        first, second = self._view(blocks, 0), self._view(blocks, 1)
        if not enough:
            return {"class-means": (ClassMeansClassifier(blocks=first[1]), first[0])}
        candidates: dict[str, Any] = {
            "class-means": ClassMeansClassifier(blocks=first[1], power=0.5),
            "discriminant": DiscriminantClassifier(blocks=first[1]),
            "discriminant(power=0.5)": DiscriminantClassifier(blocks=first[1], power=0.5),
            "probe": ProbeClassifier(blocks=first[1], folds=folds, seed=self.seed),
        }
        named = {name: (learner, first[0]) for name, learner in candidates.items()}
        if second[1]:
            beside = DiscriminantClassifier(blocks=second[1], power=0.5)
            named["discriminant of colour and texture"] = (beside, second[0])
        return named

    def _view(
        self, blocks: tuple[int, ...], view: int
    ) -> tuple[npt.NDArray[np.bool_], tuple[int, ...]]:
        """Return the columns of a view, as a mask, and the lengths of its blocks."""
        views = tuple(self.views) if self.views is not None else (0,) * len(blocks)
        if len(views) != len(blocks) or not {0} <= set(views) <= {0, 1}:
            raise InvalidParameterError(
                f"views must be 0 or 1 for each of the {len(blocks)} blocks, and one must be 0. "
                f"Got {views}."
            )
        mine = [one == view for one in views]
        lengths = tuple(length for length, own in zip(blocks, mine, strict=True) if own)
        return np.repeat(mine, blocks), lengths

    def _shown(self, vectors: npt.NDArray[np.float32], blocks: tuple[int, ...]) -> Any:
        """Return what examples are shown by: the blocks of the view 0, each of length 1."""
        columns, lengths = self._view(blocks, 0)
        return normalised(vectors[:, columns], lengths, 1.0)

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the calibrated probability of each class, of shape (n, n_classes)."""
        check_is_fitted(self)
        vectors = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        logits = [as_logits(head.probabilities(vectors)) for head in self._heads]
        return tempered(pool(logits, self._pool), 1.0)

    @property
    def heads_(self) -> list[tuple[float, LinearHead]]:
        """The weight and the linear head of each member."""
        return [(float(w), head) for w, head in zip(self._pool, self._heads, strict=True)]

    @property
    def labels_(self) -> npt.NDArray[Any]:
        """The class of each training row, of shape (n,)."""
        return self.classes_[self._codes]

    def explain(self, X: npt.ArrayLike) -> Matches:
        """Return the nearest examples, which show and do not decide.

        The distance is l2 between vectors whose blocks have length 1, as that of cosine. Those of
        the examples are kept in half precision.
        """
        check_is_fitted(self)
        vectors = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        queries = self._shown(vectors, self._heads[0].blocks)
        return Matches(*self._examples.nearest(queries, self.n_shown, jobs=available_processors()))

    @property
    def n_shown(self) -> int:  # noqa: D102 - as Classifier
        return min(_SHOWN, len(self._examples))

    def novelty(self) -> Novelty:  # noqa: D102 - as Classifier
        known = self.out_of_fold_
        return Novelty.among(
            self._examples, self._unit.astype(np.float32), known.confidence, known.rows,
            k=self.n_shown, jobs=available_processors(),
        )  # fmt: skip

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:  # noqa: D102
        check_is_fitted(self)
        heads = self._heads
        arrays: dict[str, npt.NDArray[Any]] = {
            "blocks": np.array(heads[0].blocks, np.int64),
            "views": np.array(self.views or [0] * len(heads[0].blocks), np.int64),
            "pool": np.asarray(self._pool, np.float64),
            "powers": np.array([head.power for head in heads]),
            "weights": np.stack([head.weights for head in heads]),
            "bias": np.stack([head.bias for head in heads]),
            "examples": self._unit,
            "targets": self._codes.astype(np.int64),
            **self.out_of_fold_.to_arrays(),
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
        made = cls(blocks=blocks, views=tuple(map(int, arrays["views"])))
        try:
            _, shown = made._view(blocks, 0)
        except InvalidParameterError as error:
            raise ModelError(f"its views do not fit: {error}") from None
        made.classes_, made.n_features_in_ = classes, sum(blocks)
        made.members_ = {name: float(w) for name, w in zip(members, weights, strict=True)}
        made._pool, made._heads, made.scores_ = weights, heads, []
        unit, codes = arrays["examples"], arrays["targets"]
        known = (codes >= 0) & (codes < len(classes))
        if unit.shape != (len(codes), sum(shown)) or not len(codes) or not known.all():
            raise ModelError(f"its {len(codes)} examples must each be of one of its classes.")
        made._keep(unit, codes)
        made.out_of_fold_ = OutOfFold.from_arrays(arrays, len(classes))
        if made.out_of_fold_.rows.max(initial=0) >= len(codes):
            raise ModelError("its out-of-fold answers must be for its examples.")
        return made

    @property
    def settings(self) -> dict[str, str | int]:  # noqa: D102 - as Classifier
        members = ", ".join(f"{name} {weight:.3g}" for name, weight in self.members_.items())
        return {"members": members, "seed": self.seed}

    @property
    def history(self) -> list[dict[str, Any]]:  # noqa: D102 - as Classifier
        return [dict(row) for row in self.scores_]
