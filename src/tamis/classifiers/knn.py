"""Classification: the class of a picture by its nearest neighbours among examples."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.classifiers.base import Classifier, classes_from, number_from
from tamis.classifiers.out_of_fold import OutOfFold, alone_in_class, numbered
from tamis.classifiers.votes import KS, VOTES, KernelVote, fit_kernel_vote, shares_of_votes
from tamis.descriptors.base import check_choice
from tamis.distances import gallery_of
from tamis.errors import InvalidParameterError, ModelError, printable
from tamis.features import available_processors
from tamis.features.index import Matches
from tamis.trust.novelty import Novelty

DEFAULT_K: Final = 5
"""Neighbours that vote by 1/distance, and neighbours shown where a kernel votes."""

_ASKED: Final = 2_000  # examples that are left out in turn, at most


class KNNClassifier(Classifier):
    """Vote of the nearest neighbours, by a kernel that is fitted to the examples.

    The kernel's parameters have the lowest log-loss of answers for the examples, each of
    which is left out in turn, so that the answers are probabilities. By ``vote="inverse"``
    each neighbour weighs 1/distance: these answers are those of
    ``sklearn.neighbors.KNeighborsClassifier(weights="distance", algorithm="brute")`` on the
    same features, with two things settled that scikit-learn leaves open: of neighbours at the
    same distance the earlier in the training data comes first, and of classes with equal
    votes the first in sorted order wins. Works on float32.

    Parameters
    ----------
    n_neighbors : int or None
        1 to the number of training samples. None lets the kernel choose from 5, 10, 20, 50, 100
        and 200; without a kernel it is 5, or all samples if there are fewer.
    metric : str
        One of `tamis.distances.DISTANCES`, or the name of a late fusion.
    vote : {"kernel", "inverse"}
    n_jobs : int or None
        Threads; None takes all processors.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    n_features_in_ : int
    n_neighbors_ : int
        Neighbours that vote.
    kernel_ : KernelVote or None
        None if the vote is by 1/distance.
    out_of_fold_ : OutOfFold
        Answers for examples that were left out; of more than 2,000 examples, for 2,000 that
        lie evenly among them.

    Notes
    -----
    Distance-weighted voting is due to Dudani [1]_, whose weights fall linearly
    from the nearest to the k-th; the inverse distance is scikit-learn's, and the
    original system's. A neighbour at distance 0 would weigh infinitely: if there
    are any, only they vote, equally. `tamis.classifiers.votes.fit_kernel_vote` describes the
    kernel. Examples whose copy is among the examples are not left out: their answer would
    be known.

    References
    ----------
    .. [1] S. A. Dudani, "The distance-weighted k-nearest-neighbor rule", IEEE
       Transactions on Systems, Man, and Cybernetics SMC-6(4), 325-327, 1976.
       https://doi.org/10.1109/TSMC.1976.5408784

    Examples
    --------
    >>> X = [[0.0], [0.1], [1.0], [1.1]]
    >>> learned = tamis.KNNClassifier().fit(X, ["low", "low", "high", "high"])
    >>> learned.predict([[0.2], [0.9]]).tolist()
    ['low', 'high']
    """

    name: ClassVar[str] = "knn"
    array_types: ClassVar[Mapping[str, tuple[str, int]]] = {
        "vectors": ("float32", 2),
        "targets": ("int64", 1),
        **OutOfFold.array_types,
    }
    keeps_examples: ClassVar[bool] = True

    kernel_: KernelVote | None

    def __init__(
        self,
        n_neighbors: int | None = None,
        *,
        metric: str = "l1",
        vote: str = "kernel",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.vote = vote
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Self:
        """Keep the training data, and fit the kernel.

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
        self._keep(X, y)
        kept = numbered(groups, len(self._vectors))
        n, n_classes = len(self._vectors), len(self.classes_)
        kernel = self.vote == "kernel"
        most = self.n_neighbors or (max(KS) if kernel else DEFAULT_K)
        rows = np.unique(np.linspace(0, n - 1, min(n, _ASKED)).astype(np.intp))
        rows, distances, codes = self._others(rows, min(most, n - 1), kept)
        self.kernel_, self.n_neighbors_ = None, min(most, n)
        if kernel:
            # Where all examples vote, all others do in the place of an example left out.
            given = (self.n_neighbors,) if self.n_neighbors else KS
            # And outside of a group there may be still fewer.
            ks = tuple(sorted({max(1, min(k, n - 1, distances.shape[1])) for k in given}))
            fitted = fit_kernel_vote(distances, codes, self._y[rows], n_classes=n_classes, ks=ks)
            self.n_neighbors_ = self.n_neighbors or fitted.k
            self.kernel_ = replace(fitted, k=self.n_neighbors_)
        answers = self._answers(distances, codes) if len(rows) else np.empty((0, n_classes))
        self.out_of_fold_ = OutOfFold.of(answers, self._y, rows)
        return self

    def _keep(self, X: npt.ArrayLike, y: npt.ArrayLike) -> None:
        vectors, targets = validate_data(self, X, y, dtype=np.float32, order="C")
        if targets.dtype.kind != "U":  # of many names it would warn that they may be numbers
            check_classification_targets(targets)
        check_choice("vote", self.vote, VOTES)
        gallery = gallery_of(vectors, distance=self.metric)
        if self.n_neighbors is not None and not 1 <= self.n_neighbors <= len(vectors):
            raise InvalidParameterError(
                f"n_neighbors must be at least 1 and at most the number of training samples "
                f"(n_samples = {len(vectors)}). Got {self.n_neighbors}."
            )
        self._gallery, self._vectors = gallery, vectors
        self.classes_, self._y = np.unique(targets, return_inverse=True)

    def _others(
        self, rows: npt.NDArray[np.intp], k: int, groups: npt.NDArray[np.intp] | None
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
        """Find neighbours of examples outside their group; leave out examples that have a copy."""
        if k < 1:
            return rows[:0], np.empty((0, 0)), np.empty((0, 0), np.intp)
        asked = self._vectors[rows]
        sizes = np.ones(1, np.intp) if groups is None else np.bincount(groups)
        most = min(k + int(sizes.max()) - 1, len(self._vectors) - 1)
        indices, distances = self._gallery.nearest(asked, most, jobs=self._jobs, skip=rows)
        copied = (self._vectors[indices[:, 0]] == asked).all(axis=1)
        use = ~(copied | alone_in_class(self._y, groups)[rows])
        rows, indices, distances = rows[use], indices[use], distances[use]
        if groups is not None and len(rows):
            same = groups[indices] == groups[rows][:, np.newaxis]
            first = np.argsort(same, axis=1, kind="stable")[:, : min(k, int((~same).sum(1).min()))]
            indices = np.take_along_axis(indices, first, axis=1)
            distances = np.take_along_axis(distances, first, axis=1)
        return rows, distances, self._y[indices]

    @property
    def _jobs(self) -> int:
        return self.n_jobs if self.n_jobs is not None else available_processors()

    @property
    def labels_(self) -> npt.NDArray[Any]:
        """The class of each training row, of shape (n,)."""
        return self.classes_[self._y]

    def kneighbors(self, X: npt.ArrayLike) -> Matches:
        """Find the neighbours whose votes decide.

        Parameters
        ----------
        X : array-like of shape (n_queries, dim)

        Returns
        -------
        Matches
            Of shape (n_queries, k) with k neighbours that vote, as rows of the training data.
        """
        check_is_fitted(self)
        queries = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        return Matches(*self._gallery.nearest(queries, self.n_neighbors_, jobs=self._jobs))

    def tally(self, matches: Matches) -> npt.NDArray[np.float64]:
        """Weigh neighbours that are known already.

        Returns
        -------
        ndarray of shape (len(matches), n_classes), float64
            Each row sums to 1.
        """
        check_is_fitted(self)
        return self._answers(matches.distances, self._y[matches.indices])

    def _answers(
        self, distances: npt.NDArray[np.float64], codes: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.float64]:
        if self.kernel_ is None:
            return shares_of_votes(distances, codes, len(self.classes_))
        return self.kernel_.probabilities(distances, codes, len(self.classes_))

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the probability of each class, of shape (n_queries, n_classes).

        By ``vote="inverse"`` it is a share of votes, not a calibrated probability.
        """
        return self.tally(self.kneighbors(X))

    def explain(self, X: npt.ArrayLike) -> Matches:
        """Return the neighbours that voted; of many that a kernel weighed, the nearest five."""
        return self._shown(self.kneighbors(X))

    def answer(self, X: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], Matches]:
        """Return probabilities and neighbours, from a single search."""
        matches = self.kneighbors(X)
        return self.tally(matches), self._shown(matches)

    def _shown(self, matches: Matches) -> Matches:
        k = self.n_shown
        return Matches(
            np.ascontiguousarray(matches.indices[:, :k]),
            np.ascontiguousarray(matches.distances[:, :k]),
        )

    @property
    def n_shown(self) -> int:  # noqa: D102 - as Classifier
        return self.n_neighbors or min(DEFAULT_K, self.n_neighbors_)

    def novelty(self) -> Novelty:  # noqa: D102 - as Classifier
        check_is_fitted(self)
        known = self.out_of_fold_
        return Novelty.among(
            self._gallery, self._vectors, known.confidence, known.rows,
            k=self.n_shown, jobs=self._jobs,
        )  # fmt: skip

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:  # noqa: D102
        check_is_fitted(self)
        config: dict[str, Any] = {
            "classes": self.classes_.tolist(),
            "n_neighbors": int(self.n_neighbors_),
            "metric": self.metric,
        }
        if self.kernel_ is not None:
            config["chosen"] = self.n_neighbors is None
            config["kernel"] = [self.kernel_.width, self.kernel_.smoothing, self.kernel_.exponent]
        arrays = {"vectors": self._vectors, "targets": self._y.astype(np.int64)}
        return config, arrays | self.out_of_fold_.to_arrays()

    @classmethod
    def from_arrays(  # noqa: D102
        cls, config: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        vectors, targets, classes = arrays["vectors"], arrays["targets"], classes_from(config)
        if not vectors.size:
            raise ModelError("it holds no example.")
        k = number_from(config, "n_neighbors", 1, len(vectors))
        metric, kernel = config.get("metric"), config.get("kernel")
        if not isinstance(metric, str):
            raise ModelError(f"its metric must be a name. Got {printable(repr(metric)[:60])}.")
        known = (targets >= 0) & (targets < len(classes))
        if targets.shape != vectors.shape[:1] or not known.all():
            raise ModelError(f"its {len(vectors)} examples must each be of one of its classes.")
        chosen = kernel is not None and config.get("chosen") is True
        made = cls(None if chosen else k, metric=metric, vote="kernel" if kernel else "inverse")
        made._keep(vectors, classes[targets])
        if not np.array_equal(made.classes_, classes):
            raise ModelError("its classes must be sorted, and each must have an example.")
        made.n_neighbors_, made.kernel_ = k, _kernel_from(kernel, k)
        made.out_of_fold_ = OutOfFold.from_arrays(arrays, len(classes))
        if made.out_of_fold_.rows.max(initial=0) >= len(vectors):
            raise ModelError("its out-of-fold answers must be for its examples.")
        return made

    @property
    def shares_votes(self) -> bool:  # noqa: D102 - as Classifier
        return self.kernel_ is None

    @property
    def settings(self) -> dict[str, str | int]:  # noqa: D102 - as Classifier
        vote = "1/distance"
        if self.kernel_ is not None:
            vote = (
                f"kernel(width={self.kernel_.width:.4g}, smoothing={self.kernel_.smoothing:.4g}, "
                f"exponent={self.kernel_.exponent:.4g})"
            )
        return {"distance": self.metric, "k": int(self.n_neighbors_), "vote": vote}


def _kernel_from(values: object, k: int) -> KernelVote | None:
    """Read the kernel of a config; None if there is none."""
    if values is None:
        return None
    if not isinstance(values, list) or [type(value) for value in values] != [float] * 3:
        raise ModelError(f"its kernel must be three numbers. Got {printable(repr(values)[:60])}.")
    try:
        return KernelVote(k, *values)
    except InvalidParameterError as error:
        raise ModelError(f"its kernel is out of range: {error}") from None


def voters(k: int | None, n_examples: int) -> int | None:
    """Return the number of neighbours that vote: `k`, or all examples if there are fewer.

    Raises
    ------
    InvalidParameterError
        `k` is less than 1.
    """
    if k is None:
        return None
    if k < 1:
        raise InvalidParameterError(
            f"k, the number of neighbours that vote, must be at least 1. Got {k}."
        )
    return min(k, n_examples)
