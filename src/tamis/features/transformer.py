"""A descriptor as a transformer of scikit-learn."""

import os
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tamis.descriptors.base import Descriptor, Features
from tamis.descriptors.registry import AUTO, descriptor
from tamis.errors import ImageReadError, InvalidParameterError
from tamis.features.extraction import extract_several
from tamis.images import DEFAULT_MAX_PIXELS, Pixels
from tamis.table import ImageTable

Images = Sequence[str] | Sequence[os.PathLike[str]] | Sequence[Pixels] | npt.NDArray[Any]


class DescriptorTransformer(TransformerMixin, BaseEstimator):
    """Describe images by a descriptor: paths or arrays in, vectors out.

    Parameters
    ----------
    by : str
        Spec of a descriptor, such as ``"color+lbp"`` or ``"hsv>pca32"``. `fit` learns the weights
        of a fusion and the axes of a reduction.
    on_error : {"raise", "nan"}
        An image that cannot be read ends the call, or becomes a row of NaN.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    n_jobs : int or None
        Threads that read and describe files; None takes all processors.

    Attributes
    ----------
    descriptor_ : Descriptor
        Fitted.

    Notes
    -----
    ``check_estimator`` does not apply: it feeds matrices of numbers, and X here is a sequence
    of images. The tests run `clone`, `Pipeline`, `GridSearchCV`, `cross_val_score`, pickles and
    joblib instead.

    Examples
    --------
    >>> images = [np.full((32, 32, 3), value, np.uint8) for value in (0, 128, 255)]
    >>> transformer = DescriptorTransformer(by="moments").fit(images)
    >>> transformer.transform(images).shape
    (3, 225)
    """

    descriptor_: Descriptor

    def __init__(
        self,
        by: str = AUTO,
        *,
        on_error: Literal["raise", "nan"] = "raise",
        max_pixels: int = DEFAULT_MAX_PIXELS,
        n_jobs: int | None = None,
    ) -> None:
        self.by = by
        self.on_error = on_error
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs

    def fit(self, X: Images, y: npt.ArrayLike | None = None) -> Self:
        """Fit what the descriptor learns from images.

        Parameters
        ----------
        X : sequence of paths, or of ndarray of shape (height, width, 3), uint8
            The arrays may differ in size; an ndarray of shape (n, height, width, 3) is one
            such sequence.
        y : array-like of shape (n,), optional
            Classes, which learned weights need.

        Raises
        ------
        ImageReadError
            An image cannot be read, and `on_error` is ``"raise"``.
        """
        self._fitted(X, y)
        return self

    def fit_transform(self, X: Images, y: npt.ArrayLike | None = None, **_: Any) -> Features:
        """Fit, and describe the same images, which are read once."""
        return self._fitted(X, y)

    def transform(self, X: Images) -> Features:
        """Describe images.

        Parameters
        ----------
        X : sequence of paths or arrays
            As `fit` takes it.

        Returns
        -------
        ndarray of shape (n, dim), float32
        """
        check_is_fitted(self)
        leaves, rows = self._described(X, self.descriptor_)
        return _spread(self.descriptor_.combine(leaves), rows, len(X))

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return a name per value: ``moments0``, ``moments1``, ..."""
        check_is_fitted(self)
        name = self.by.partition("(")[0]
        return np.array([f"{name}{i}" for i in range(self.descriptor_.dim)], dtype=object)

    def _fitted(self, X: Images, y: npt.ArrayLike | None) -> Features:
        if self.on_error not in ("raise", "nan"):
            raise InvalidParameterError(
                f"on_error must be 'raise' or 'nan'. Got {self.on_error!r}."
            )
        made = descriptor(self.by)
        leaves, rows = self._described(X, made)
        if not made.fitted:
            labels = None if y is None else tuple(str(np.asarray(y)[row]) for row in rows)
            made = made.fit(leaves, labels=labels)
        self.descriptor_ = made
        return _spread(made.combine(leaves), rows, len(X))

    def _described(self, X: Images, by: Descriptor) -> tuple[list[Features], list[int]]:
        """Return the vectors by each leaf of the images that can be read, and their rows."""
        if isinstance(X, str | os.PathLike):
            raise InvalidParameterError(
                "X must be a sequence of images. Got a single path: put it into a list."
            )
        arrays = [item for item in X if isinstance(item, np.ndarray) and item.ndim > 1]
        if arrays:
            if len(arrays) < len(X):
                raise InvalidParameterError("X must hold paths alone or arrays alone. Got both.")
            return [leaf.describe(arrays) for leaf in by.leaves], list(range(len(X)))
        paths = tuple(os.fspath(item) for item in X)  # type: ignore[arg-type]
        unknown = (None,) * len(paths)
        found = extract_several(
            ImageTable(paths, unknown, unknown),
            by.leaves,
            jobs=self.n_jobs,
            max_pixels=self.max_pixels,
        )
        failures = found[0].failures
        if failures and self.on_error == "raise":
            raise ImageReadError(failures[0].path, failures[0].reason)
        lost = {failure.path for failure in failures}
        rows = [row for row, path in enumerate(paths) if path not in lost]
        return [table.features for table in found], rows

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.no_validation = True
        return tags


def _spread(vectors: Features, rows: list[int], n: int) -> Features:
    """Put vectors at their rows; the others are NaN."""
    if len(rows) == n:
        return vectors
    spread = np.full((n, vectors.shape[1]), np.nan, np.float32)
    spread[rows] = vectors
    return spread
