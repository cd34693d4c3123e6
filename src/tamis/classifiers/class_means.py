"""Nearest class mean: each class is the direction of the mean of its examples."""

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from tamis.classifiers.linear import SCALE, LinearClassifier, LinearHead, Values, normalised
from tamis.trust.calibration import fit_scale


class ClassMeansClassifier(LinearClassifier):
    """Nearest class mean by cosine.

    The values, or their signed square roots, are brought to length 1 in each block. The
    logit of a class is the cosine to the mean of its examples, times a scale that has the
    lowest log-loss when each example is left out.

    Parameters
    ----------
    blocks : sequence of int or None
        Lengths of the blocks of a vector; None takes the whole vector as one block.
    power : float
        Exponent of the absolute values, in ]0, 1].

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    n_features_in_ : int
    scale_ : float
    left_out_ : ndarray of shape (n, n_classes), float64
        Logits of each training row without that row, unless it is `alone_`.
    alone_ : ndarray of shape (n,), bool
        Rows of a class with a single example.
    head_ : LinearHead

    References
    ----------
    .. [1] T. Mensink, J. Verbeek, F. Perronnin, G. Csurka, "Distance-based image
       classification: generalizing to new classes at near-zero cost", IEEE Transactions
       on Pattern Analysis and Machine Intelligence 35(11), 2624-2637, 2013.
       https://doi.org/10.1109/TPAMI.2013.83
    """

    name: ClassVar[str] = "class-means"

    scale_: float
    left_out_: Values
    alone_: npt.NDArray[np.bool_]

    def __init__(self, *, blocks: Sequence[int] | None = None, power: float = 1.0) -> None:
        self.blocks = blocks
        self.power = power

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Self:
        """Compute the means.

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
        vectors, codes, blocks = self._checked(X, y)
        rows = normalised(vectors, blocks, self.power).astype(np.float64)
        rows /= np.sqrt(len(blocks))  # whole vectors have length 1
        n, n_classes = len(rows), len(self.classes_)
        counts = np.bincount(codes, minlength=n_classes)
        sums = np.zeros((n_classes, rows.shape[1]))
        np.add.at(sums, codes, rows)
        lengths = np.maximum(np.linalg.norm(sums, axis=1), 1e-12)
        own = sums[codes] - rows
        logits = rows @ (sums / lengths[:, np.newaxis]).T
        away = np.maximum(np.linalg.norm(own, axis=1), 1e-12)
        logits[np.arange(n), codes] = (own * rows).sum(axis=1) / away
        self.alone_ = counts[codes] == 1
        out = ~self.alone_
        self.scale_ = fit_scale(logits[out], codes[out]) if out.any() else SCALE
        self.left_out_ = logits * self.scale_
        self.out_of_fold_ = self._leave_out(self.left_out_, vectors, codes)
        weights = (sums / lengths[:, np.newaxis]).T * self.scale_ / np.sqrt(len(blocks))
        self.head_ = LinearHead(
            blocks, weights.astype(np.float32), np.zeros(n_classes, np.float32), float(self.power)
        )
        self._leave_groups_out(vectors, codes, groups)
        return self

    @property
    def settings(self) -> dict[str, str | int]:  # noqa: D102 - as Classifier
        return {"power": f"{self.power:g}"}
