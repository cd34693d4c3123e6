"""Linear discriminant: class means, and one covariance of all classes that is shrunk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.classifiers.linear import (
    SCALE,
    LinearClassifier,
    LinearHead,
    Values,
    normalised,
)
from tamis.errors import InvalidParameterError
from tamis.metrics.calibration import log_loss
from tamis.metrics.ranking import class_means
from tamis.trust.calibration import fit_scale, tempered

_TRIED: Final = (0.3, 0.5, 0.7, 0.85)
_RANK: Final = 1e-10  # of the largest eigenvalue: smaller ones are rounding


class DiscriminantClassifier(LinearClassifier):
    """Linear discriminant analysis with a shrunk pooled covariance.

    The values, or their signed square roots, are brought to length 1 in each block. Each
    class is a normal distribution with a mean of its own; all share the covariance
    ``(1 - s) * S + s * mu * I``, where S is that of the examples about the means of their
    classes and mu its mean variance. The fit is in closed form, and so is the answer for
    each example without that example.

    Parameters
    ----------
    blocks : sequence of int or None
        Lengths of the blocks of a vector; None takes the whole vector as one block.
    shrinkage : float or None
        In ]0, 1]. None tries that of Ledoit and Wolf [1]_ and a few larger ones, and takes
        the one with the lowest log-loss when each example is left out.
    power : float
        Exponent of the absolute values, in ]0, 1].

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    n_features_in_ : int
    shrinkage_ : float
    scale_ : float
        Inverse temperature of the logits, by leave-one-out log-loss.
    left_out_ : ndarray of shape (n, n_classes), float64
        Logits of each training row without that row. Rows of a class with a single example
        cannot be left out: they are those of `alone_`.
    alone_ : ndarray of shape (n,), bool
    head_ : LinearHead

    Notes
    -----
    Vectors are first expressed in an orthonormal basis of what they span (at most n of
    dim directions), where one eigendecomposition of the scatter gives every shrinkage.
    Leaving a row out moves the mean of its class and takes a matrix of rank one from the
    scatter, which the formula of Sherman and Morrison [2]_ undoes; the shrinkage stays that
    of all rows. Priors are the shares of the classes among the examples.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf, "A well-conditioned estimator for large-dimensional
       covariance matrices", Journal of Multivariate Analysis 88(2), 365-411, 2004.
       https://doi.org/10.1016/S0047-259X(03)00096-4
    .. [2] J. Sherman, W. J. Morrison, "Adjustment of an inverse matrix corresponding to a
       change in one element of a given matrix", Annals of Mathematical Statistics 21(1),
       124-127, 1950. https://doi.org/10.1214/aoms/1177729893
    """

    name: ClassVar[str] = "discriminant"

    shrinkage_: float
    scale_: float
    left_out_: Values
    alone_: npt.NDArray[np.bool_]

    def __init__(
        self,
        *,
        blocks: Sequence[int] | None = None,
        shrinkage: float | None = None,
        power: float = 1.0,
    ) -> None:
        self.blocks = blocks
        self.shrinkage = shrinkage
        self.power = power

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Self:
        """Fit means and covariance.

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
        if self.shrinkage is not None and not 0 < self.shrinkage <= 1:
            raise InvalidParameterError(f"shrinkage must be in ]0, 1]. Got {self.shrinkage!r}.")
        vectors, codes, blocks = self._checked(X, y)
        scatter = _Scatter.of(normalised(vectors, blocks, self.power), codes, len(self.classes_))
        self.alone_ = scatter.counts[codes] == 1
        out = ~self.alone_
        tried = [self.shrinkage]
        if self.shrinkage is None:
            tried = [scatter.ledoit_wolf]
            if out.any():
                tried += [s for s in _TRIED if s > scatter.ledoit_wolf]
        best = np.inf
        for shrinkage in tried:
            assert shrinkage is not None
            logits, prior = scatter.left_out(shrinkage)
            scale = SCALE / len(blocks)
            if out.any():
                scale = fit_scale(logits[out], codes[out], offset=prior[out])
            logits = logits * scale + prior
            loss = log_loss(tempered(logits[out], 1.0), codes[out]) if out.any() else 0.0
            if loss < best:
                best = loss
                self.shrinkage_, self.scale_, self.left_out_ = shrinkage, scale, logits
        self.out_of_fold_ = self._leave_out(self.left_out_, vectors, codes)
        weights, bias = scatter.head(self.shrinkage_)
        self.head_ = LinearHead(
            blocks,
            (weights * self.scale_).astype(np.float32),
            (bias * self.scale_ + scatter.log_prior).astype(np.float32),
            float(self.power),
        )
        self._leave_groups_out(vectors, codes, groups)
        return self

    @property
    def settings(self) -> dict[str, str | int]:  # noqa: D102 - as Classifier
        if not hasattr(self, "shrinkage_"):
            return {"power": f"{self.power:g}"}
        return {"shrinkage": f"{self.shrinkage_:.4g}", "power": f"{self.power:g}"}


@dataclass(frozen=True, slots=True, eq=False)
class _Scatter:
    """Training rows along the eigenvectors of their scatter about the class means.

    Attributes
    ----------
    origin : ndarray of shape (dim,)
        Mean of all rows; all else is relative to it.
    axes : ndarray of shape (dim, r)
    values : ndarray of shape (r,)
        Eigenvalues of the scatter.
    rows : ndarray of shape (n, r)
    means : ndarray of shape (n_classes, r)
    codes, counts
        The class of each row, and the rows of each class.
    variance : float
        Mean variance over all dim directions.
    ledoit_wolf : float
    """

    origin: Values
    axes: npt.NDArray[Any]
    values: Values
    rows: Values
    means: Values
    codes: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]
    variance: float
    ledoit_wolf: float

    @classmethod
    def of(
        cls, vectors: npt.NDArray[np.float32], codes: npt.NDArray[np.intp], n_classes: int
    ) -> Self:
        rows = vectors.astype(np.float64)
        n, dim = rows.shape
        origin = rows.mean(axis=0)
        rows -= origin
        basis: npt.NDArray[Any] | None = None
        if n < dim:
            squares, turn = np.linalg.eigh(rows @ rows.T)
            kept = squares > max(squares[-1], 0) * _RANK
            if kept.any():
                lengths = np.sqrt(squares[kept])
                basis = (rows.T @ turn[:, kept]) / lengths
                rows = turn[:, kept] * lengths
        means = class_means(rows, codes, n_classes)
        about = rows - means[codes]
        scatter = about.T @ about
        variance = float(np.trace(scatter)) / n / dim
        intensity = _ledoit_wolf(about, scatter, variance, n, dim)
        values, axes = np.linalg.eigh(scatter)
        return cls(
            origin,
            axes if basis is None else basis @ axes,
            np.maximum(values, 0),
            rows @ axes,
            means @ axes,
            codes,
            np.bincount(codes, minlength=n_classes),
            variance or 1.0,
            intensity,
        )

    @property
    def log_prior(self) -> Values:
        """Logarithms of the shares of the classes."""
        result: Values = np.log(self.counts / len(self.rows))
        return result

    def left_out(self, shrinkage: float) -> tuple[Values, Values]:
        """Return the logits of each row by all others, and the logarithms of their priors."""
        n = len(self.rows)
        a, b = (1 - shrinkage) / max(n - 1, 1), shrinkage * self.variance
        inverse = 1 / (a * self.values + b)
        weighed = self.rows * inverse
        squares = ((self.means**2) * inverse).sum(axis=1)
        away = (weighed * self.rows).sum(axis=1)[:, np.newaxis] - 2 * weighed @ self.means.T
        away += squares
        about = (self.rows - self.means[self.codes]) * inverse
        leverage = (about * (self.rows - self.means[self.codes])).sum(axis=1)
        cross = (about * self.rows).sum(axis=1)[:, np.newaxis] - about @ self.means.T
        count = self.counts[self.codes]
        ratio = count / np.maximum(count - 1, 1)
        rest = np.maximum(1 - a * ratio * leverage, 1e-9)
        away += (a * ratio / rest)[:, np.newaxis] * cross**2
        away[np.arange(n), self.codes] = ratio**2 * leverage / rest
        counts = np.tile(self.counts.astype(np.float64), (n, 1))
        counts[np.arange(n), self.codes] -= 1
        return -away / 2, np.log(np.maximum(counts, 0.5) / max(n - 1, 1))

    def head(self, shrinkage: float) -> tuple[Values, Values]:
        """Return the weights (dim, n_classes) and the bias of the logits."""
        n = len(self.rows)
        a, b = (1 - shrinkage) / n, shrinkage * self.variance
        inverse = 1 / (a * self.values + b)
        weights = self.axes @ (self.means * inverse).T
        bias = -((self.means**2) * inverse).sum(axis=1) / 2
        return weights, bias - self.origin @ weights


def _ledoit_wolf(about: Values, scatter: Values, variance: float, n: int, dim: int) -> float:
    """Return the intensity of Ledoit and Wolf; 1 if the rows do not differ."""
    square = float((scatter**2).sum()) / n**2
    spread = square / dim - variance**2
    if spread <= 0 or variance <= 0:
        return 1.0
    fourth = float(((about**2).sum(axis=1) ** 2).sum()) / n
    return float(min(max((fourth - square) / (n * dim * spread), 1e-3), 1.0))
