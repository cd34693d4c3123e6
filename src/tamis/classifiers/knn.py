"""Classification: the class of a picture by its nearest neighbours among examples."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self, cast

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.classifiers.base import Classifier, classes_from, number_from
from tamis.distances import gallery_of
from tamis.errors import InvalidParameterError, ModelError, printable
from tamis.features import available_processors
from tamis.features.index import Matches

DEFAULT_K: Final = 5


class KNNClassifier(Classifier):
    """Vote of the k nearest neighbours, each weighted by 1/distance.

    The answers are those of ``sklearn.neighbors.KNeighborsClassifier(weights=
    "distance", algorithm="brute")`` on the same features, with two things
    settled that scikit-learn leaves open: of neighbours at one distance the
    earlier in the training data comes first, and of classes with equal votes the
    first in sorted order wins. Works on float32.

    Parameters
    ----------
    n_neighbors : int
        1 to the number of training samples.
    metric : str
        One of `tamis.distances.DISTANCES`, or the name of a late fusion.
    n_jobs : int or None
        Threads; None takes all processors.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    n_features_in_ : int

    Notes
    -----
    Distance-weighted voting is due to Dudani [1]_, whose weights fall linearly
    from the nearest to the k-th; the inverse distance is scikit-learn's, and the
    original system's. A neighbour at distance 0 would weigh infinitely: if there
    are any, only they vote, equally.

    References
    ----------
    .. [1] S. A. Dudani, "The distance-weighted k-nearest-neighbor rule", IEEE
       Transactions on Systems, Man, and Cybernetics SMC-6(4), 325-327, 1976.
       https://doi.org/10.1109/TSMC.1976.5408784
    """

    name: ClassVar[str] = "knn"
    array_types: ClassVar[Mapping[str, tuple[str, int]]] = {
        "vectors": ("float32", 2),
        "targets": ("int64", 1),
    }
    keeps_examples: ClassVar[bool] = True

    def __init__(
        self, n_neighbors: int = DEFAULT_K, *, metric: str = "l1", n_jobs: int | None = None
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Keep the training data.

        Parameters
        ----------
        X : array-like of shape (n, dim)
        y : array-like of shape (n,)

        Raises
        ------
        InvalidParameterError
            A parameter is out of its range.
        """
        vectors, targets = validate_data(self, X, y, dtype=np.float32, order="C")
        if targets.dtype.kind != "U":  # of many names it would warn that they may be numbers
            check_classification_targets(targets)
        gallery = gallery_of(vectors, distance=self.metric)
        if not 1 <= self.n_neighbors <= len(vectors):
            raise InvalidParameterError(
                f"n_neighbors must be at least 1 and at most the number of training samples "
                f"(n_samples = {len(vectors)}). Got {self.n_neighbors}."
            )
        self._gallery, self._vectors = gallery, vectors
        self.classes_, self._y = np.unique(targets, return_inverse=True)
        return self

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
            Of shape (n_queries, n_neighbors), as rows of the training data.
        """
        check_is_fitted(self)
        queries = validate_data(self, X, reset=False, dtype=np.float32, order="C")
        jobs = self.n_jobs if self.n_jobs is not None else available_processors()
        return Matches(*self._gallery.nearest(queries, self.n_neighbors, jobs=jobs))

    def vote(self, matches: Matches) -> npt.NDArray[np.float64]:
        """Weigh neighbours that are known already.

        Returns
        -------
        ndarray of shape (len(matches), n_classes), float64
            Each row sums to 1.
        """
        check_is_fitted(self)
        return shares_of_votes(matches.distances, self._y[matches.indices], len(self.classes_))

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Share of the votes for each class, of shape (n_queries, n_classes).

        A share of votes, not a calibrated probability.
        """
        return self.vote(self.kneighbors(X))

    def explain(self, X: npt.ArrayLike) -> Matches:
        """Return the neighbours that voted, as `kneighbors`."""
        return self.kneighbors(X)

    def answer(self, X: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], Matches]:
        """Return shares of the votes and neighbours, from a single search."""
        matches = self.kneighbors(X)
        return self.vote(matches), matches

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:  # noqa: D102
        check_is_fitted(self)
        config = {
            "classes": self.classes_.tolist(),
            "n_neighbors": int(self.n_neighbors),
            "metric": self.metric,
        }
        return config, {"vectors": self._vectors, "targets": self._y.astype(np.int64)}

    @classmethod
    def from_arrays(  # noqa: D102
        cls, config: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        vectors, targets, classes = arrays["vectors"], arrays["targets"], classes_from(config)
        if not vectors.size:
            raise ModelError("it holds no example.")
        k = number_from(config, "n_neighbors", 1, len(vectors))
        metric = config.get("metric")
        if not isinstance(metric, str):
            raise ModelError(f"its metric must be a name. Got {printable(repr(metric)[:60])}.")
        known = (targets >= 0) & (targets < len(classes))
        if targets.shape != vectors.shape[:1] or not known.all():
            raise ModelError(f"its {len(vectors)} examples must each be of one of its classes.")
        made = cls(k, metric=metric).fit(vectors, classes[targets])
        if not np.array_equal(made.classes_, classes):
            raise ModelError("its classes must be sorted, and each must have an example.")
        return made

    @property
    def settings(self) -> dict[str, str | int]:  # noqa: D102 - as Classifier
        return {"distance": self.metric, "k": int(self.n_neighbors), "vote": "1/distance"}


def shares_of_votes(
    distances: npt.NDArray[np.float64], codes: npt.NDArray[np.intp], n_classes: int
) -> npt.NDArray[np.float64]:
    """Let neighbours vote for their classes, each with the weight 1/distance.

    Parameters
    ----------
    distances : ndarray of shape (n, k)
        If any of a row are 0, these alone vote; infinity has no vote.
    codes : ndarray of shape (n, k), int
        The class of each neighbour, from 0.
    n_classes : int

    Returns
    -------
    ndarray of shape (n, n_classes), float64
        Each row sums to 1.
    """
    exact = distances == 0
    with np.errstate(divide="ignore"):
        weights = np.where(exact.any(axis=1, keepdims=True), exact, 1 / distances)
    votes = np.zeros((len(distances), n_classes))
    rows = np.arange(len(distances))
    for neighbour in range(distances.shape[1]):
        np.add.at(votes, (rows, codes[:, neighbour]), weights[:, neighbour])
    return cast(npt.NDArray[np.float64], votes / votes.sum(axis=1, keepdims=True))


def checked_k(k: int | None, n_examples: int) -> int:
    """Return the number of neighbours that vote; None is the default, or all if fewer.

    Raises
    ------
    InvalidParameterError
        There are not so many examples.
    """
    if k is None:
        return min(DEFAULT_K, n_examples)
    if not 1 <= k <= n_examples:
        raise InvalidParameterError(
            f"k, the number of neighbours that vote, must be at least 1 and at most the number "
            f"of examples, {n_examples}. Got {k}. Choose a smaller k, or add examples."
        )
    return k
