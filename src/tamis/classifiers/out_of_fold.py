"""`OutOfFold`: answers for examples by fits that did not know them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError, ModelError
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
    vectors: npt.NDArray[np.float32],
    codes: npt.NDArray[np.intp],
    groups: npt.NDArray[np.intp] | None = None,
) -> npt.NDArray[np.intp]:
    """Return the rows by which a fit without them can be scored.

    An example whose copy stays among the examples would be known after all; an example that
    is alone in its class, or whose group is, leaves nothing of its class.
    """
    keys = [row.tobytes() for row in vectors + np.float32(0)]  # -0 is 0
    count, first = Counter(keys), dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
    single = np.array([count[key] == 1 for key in keys])
    if groups is not None:
        return np.flatnonzero(single & ~alone_in_class(codes, groups))
    counts = np.bincount(codes[list(first.values())], minlength=int(codes.max()) + 1)
    return np.flatnonzero(single & (counts[codes] > 1))


_FOLDS: Final = 10
_MANY: Final = 2_000  # examples; beyond, half as many folds leave enough to learn from


def folds_for(n: int) -> int:
    """Return the folds of a cross-validation of so many examples."""
    return _FOLDS if n <= _MANY else _FOLDS // 2


def alone_in_class(
    codes: npt.NDArray[np.intp], groups: npt.NDArray[np.intp] | None
) -> npt.NDArray[np.bool_]:
    """Tell which rows leave nothing of their class if they, or their group, are left out."""
    if groups is None:
        alone: npt.NDArray[np.bool_] = (np.bincount(codes) < 2)[codes]
        return alone
    pairs = np.unique(np.stack([codes, groups], axis=1), axis=0)
    alone = (np.bincount(pairs[:, 0]) < 2)[codes]
    return alone


def numbered(groups: npt.ArrayLike | None, n: int) -> npt.NDArray[np.intp] | None:
    """Replace the groups of training rows by numbers.

    Parameters
    ----------
    groups : array-like of shape (n,), or None
    n : int

    Returns
    -------
    ndarray of shape (n,), int, or None
        None if no group has a second row: rows are left out one by one.

    Raises
    ------
    InvalidParameterError
        The length is another.
    """
    if groups is None:
        return None
    given = np.asarray(groups)
    if given.shape != (n,):
        raise InvalidParameterError(
            f"groups must have one value per row, shape ({n},). Got {given.shape}."
        )
    names, numbers = np.unique(given, return_inverse=True)
    return numbers.astype(np.intp) if len(names) < n else None


def spread(
    y: npt.NDArray[np.intp],
    folds: int,
    seed: int,
    groups: npt.NDArray[np.intp] | None = None,
) -> npt.NDArray[np.intp]:
    """Deal each class out to the folds in turn, by chance; groups as a whole.

    Parameters
    ----------
    y : ndarray of shape (n,), int
        Classes.
    folds, seed : int
    groups : ndarray of shape (n,), int, optional
        As `numbered` gives them.

    Returns
    -------
    ndarray of shape (n,), int
        The fold of each. Folds differ in size by one at most, in each class too. A group goes to
        the fold that has least of its classes, the largest groups first.
    """
    # Not default_rng: only the streams of RandomState are the same in all versions.
    random = np.random.RandomState(seed)
    if groups is None:
        order = random.permutation(len(y))
        order = order[np.argsort(y[order], kind="stable")]
        fold_of = np.empty(len(y), np.intp)
        fold_of[order] = np.arange(len(y)) % folds
        return fold_of
    sizes = np.bincount(groups)
    order = random.permutation(len(sizes))
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])
    load = np.zeros((folds, int(y.max()) + 1), np.intp)
    fold_of = np.empty(len(y), np.intp)
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        classes, counts = np.unique(y[members[group]], return_counts=True)
        fold = np.lexsort((load.sum(axis=1), load[:, classes] @ counts))[0]
        load[fold, classes] += counts
        fold_of[members[group]] = fold
    return fold_of
