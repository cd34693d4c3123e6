"""The contract of a classifier, and the table of all classifiers."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from tamis.classifiers.out_of_fold import OutOfFold
from tamis.errors import ModelError, UnknownNameError, printable
from tamis.features.index import Matches
from tamis.trust.novelty import Novelty

CLASSIFIERS: Final = {
    "auto": "tamis.classifiers.automatic:AutoClassifier",
    "knn": "tamis.classifiers.knn:KNNClassifier",
    "class-means": "tamis.classifiers.class_means:ClassMeansClassifier",
    "discriminant": "tamis.classifiers.discriminant:DiscriminantClassifier",
    "probe": "tamis.classifiers.probe:ProbeClassifier",
    "report": "tamis.classifiers.network.classifier:NetworkClassifier",
    "small": "tamis.classifiers.network.classifier:NetworkClassifier",
    "finetune": "tamis.classifiers.network.classifier:NetworkClassifier",
}
"""Name to ``module:Class``, loaded when it is asked for. The networks learn from pixels, not
from vectors: they are no `Classifier`, but give one and a descriptor, by ``served()``."""

_IDENTITY: Final = {"identity": "tamis.classifiers.identity:IdentityClassifier"}


class Classifier(ClassifierMixin, BaseEstimator, ABC):
    """Learns classes from vectors: a scikit-learn estimator that a model file can hold.

    A subclass takes hyper-parameters alone in its constructor, where each has a default;
    parameters named ``blocks``, ``metric``, ``n_neighbors``, ``vote``, ``class_weight``, ``seed``
    and ``n_jobs`` are set by `tamis.model.Model.fit` as the descriptor and the user say. `fit`
    sets the attributes below and returns self. `tests/classifiers/test_contract.py` runs
    over every entry of `CLASSIFIERS`.

    Attributes
    ----------
    name : str
        Key in `CLASSIFIERS`; it stands in model files.
    array_types : mapping from str to (str, int)
        The arrays of `to_arrays`: name to dtype and number of dimensions.
    classes_ : ndarray of shape (n_classes,)
        Sorted; the columns of `predict_proba`.
    n_features_in_ : int
        Length of the vectors.
    labels_ : ndarray of shape (n,)
        The class of each training row; only where `explain` names rows.
    out_of_fold_ : OutOfFold
        Answers for examples by fits without them. Empty if no example can be left out, and
        for a network, which is checked on images that were set aside.
    """

    name: ClassVar[str]
    array_types: ClassVar[Mapping[str, tuple[str, int]]]

    classes_: npt.NDArray[Any]
    n_features_in_: int
    out_of_fold_: OutOfFold

    keeps_examples: ClassVar[bool] = False
    """Whether its file holds the training rows, so that their names belong in it."""

    @abstractmethod
    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Self:
        """Learn from vectors and their classes.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
        groups : array-like of shape (n,), optional
            Rows of one group, such as the pictures of a burst, of a day or of a camera, are left
            out together: `out_of_fold_` and all that is chosen or calibrated by left-out answers
            rest on fits without the whole group.

        Raises
        ------
        InvalidParameterError
            A parameter is out of its range, or there are too few classes.
        ValueError
            X holds NaN or infinity, or X and y do not match.
        """

    @abstractmethod
    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Compute the probability of each class, or its share of votes.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, n_classes), float64
            Each row sums to 1, and depends on that row of X alone, to the last bit.
        """

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the most probable class of each vector, of shape (n,); ties go to the first."""
        answers = self.predict_proba(X)  # first, as it says if the classifier is not fitted
        return self.classes_[answers.argmax(axis=1)]

    def explain(self, X: npt.ArrayLike) -> Matches | None:
        """Return training rows that explain each answer; None if no rows can be named."""
        return None

    def answer(self, X: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], Matches | None]:
        """Return `predict_proba` and `explain` together, for what computes both at once."""
        return self.predict_proba(X), self.explain(X)

    @abstractmethod
    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return all that answering needs, for a model file.

        Returns
        -------
        config : dict
            Ready for JSON. ``config["classes"]`` lists `classes_`.
        arrays : dict from str to ndarray
            Of the types in `array_types`.
        """

    @classmethod
    @abstractmethod
    def from_arrays(cls, config: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild a fitted classifier, which answers as the former to the last bit.

        Parameters
        ----------
        config : mapping
            Read from JSON that anybody may have written.
        arrays : mapping from str to ndarray
            Of the types in `array_types`, floats finite.

        Raises
        ------
        ModelError
            Something is missing, or does not fit together.
        """

    @property
    def n_shown(self) -> int:
        """How many training rows `explain` returns for each answer of the fitted classifier."""
        return 0

    @property
    def shares_votes(self) -> bool:
        """Whether the answers of the fitted classifier are shares of votes, not probabilities."""
        return False

    def novelty(self) -> Novelty | None:
        """Return what tells images of no class from the examples; None without their vectors.

        Its distances are those of `explain`.

        Raises
        ------
        InvalidParameterError
            No example can be left out.
        """
        return None

    def cross_validation(self) -> dict[str, Any]:
        """Return how well the examples were answered out of fold, as `OutOfFold.summary`."""
        return self.out_of_fold_.summary()

    @property
    def settings(self) -> dict[str, str | int]:
        """What the answers of the fitted classifier depend on, for a signature."""
        return {}

    @property
    def history(self) -> list[dict[str, Any]]:
        """How the fit went, one row per step; empty if there is nothing to tell."""
        return []


def classifier_type(name: str) -> type[Any]:
    """Load the class of a classifier.

    Parameters
    ----------
    name : str
        One of `CLASSIFIERS`; or ``identity``, which stands in the model files of networks.

    Raises
    ------
    UnknownNameError
        There is none of that name.

    Examples
    --------
    >>> classifier_type("knn").__name__
    'KNNClassifier'
    """
    table = CLASSIFIERS | _IDENTITY
    if name not in table:
        raise UnknownNameError.among("classifier", str(name), CLASSIFIERS)
    module, _, attribute = table[name].partition(":")
    found: type[Any] = getattr(importlib.import_module(module), attribute)
    return found


def classes_from(config: Mapping[str, Any]) -> npt.NDArray[Any]:
    """Read ``config["classes"]`` of a `Classifier.to_arrays`.

    Raises
    ------
    ModelError
        It is no list of different names or numbers.
    """
    classes = config.get("classes")
    if not isinstance(classes, list) or not classes:
        raise ModelError("its classes must be a list of at least one name.")
    kinds = {type(name) for name in classes}
    if len(kinds) > 1 or not kinds <= {str, int, float, bool}:
        raise ModelError(f"its classes must be names. Got {printable(repr(classes)[:60])}.")
    if len(set(classes)) < len(classes):
        raise ModelError("its classes must differ from each other.")
    return np.array(classes)


def number_from(config: Mapping[str, Any], key: str, low: int, high: int) -> int:
    """Read an integer in [low, high] of a config; raise ModelError if it is something else."""
    value = config.get(key)
    if type(value) is not int or not low <= value <= high:
        shown = printable(repr(value)[:60])
        raise ModelError(f"its {key} must be an integer in [{low}, {high}]. Got {shown}.")
    return value
