"""The classifier of a descriptor whose vectors are the probabilities already."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted, validate_data

from tamis.classifiers.base import Classifier, classes_from
from tamis.classifiers.out_of_fold import OutOfFold
from tamis.errors import InvalidParameterError


class IdentityClassifier(Classifier):
    """Takes vectors for probabilities, as a trained network gives them.

    Parameters
    ----------
    classes : sequence of str or None
        The meaning of the values of a vector; None takes the sorted classes of `fit`.

    Examples
    --------
    >>> IdentityClassifier(["cat", "dog"]).fit([[0.2, 0.8]], ["dog"]).predict([[0.9, 0.1]])
    array(['cat'], dtype='<U3')
    """

    name: ClassVar[str] = "identity"
    array_types: ClassVar[Mapping[str, tuple[str, int]]] = {}

    def __init__(self, classes: Any = None) -> None:
        self.classes = classes

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Self:
        """Check that the vectors have one value per class; there is nothing to learn."""
        vectors, targets = validate_data(self, X, y, dtype=np.float32)
        self.classes_ = np.unique(targets if self.classes is None else np.array(self.classes))
        if vectors.shape[1] != len(self.classes_):
            raise InvalidParameterError(
                f"vectors of probabilities must have one value per class, {len(self.classes_)}. "
                f"Got {vectors.shape[1]}."
            )
        self.out_of_fold_ = OutOfFold.none(len(self.classes_))
        return self

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the vectors, as float64."""
        check_is_fitted(self)
        # What a damaged network answers is refused by the model, with words.
        vectors = validate_data(self, X, reset=False, dtype=np.float32, ensure_all_finite=False)
        return np.asarray(vectors, np.float64)

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:  # noqa: D102
        check_is_fitted(self)
        return {"classes": self.classes_.tolist()}, {}

    @classmethod
    def from_arrays(  # noqa: D102
        cls, config: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        classes = classes_from(config)
        made = cls(classes.tolist())
        made.classes_, made.n_features_in_ = classes, len(classes)
        made.out_of_fold_ = OutOfFold.none(len(classes))
        return made
