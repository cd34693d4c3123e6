"""How the nearest examples vote: by a kernel that is fitted to the examples, or by 1/distance."""

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError
from tamis.trust.calibration import as_logits, fit_scale, tempered

VOTES: Final = ("kernel", "inverse")
"""Ways to vote: probabilities from a fitted kernel, or shares with the weight 1/distance."""

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

KS: Final = (5, 10, 20, 50, 100, 200)
"""Numbers of neighbours among which the kernel chooses."""

_WIDTHS: Final = (0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)
_SMOOTHINGS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4)
_EXPONENTS: Final = (0.1, 4.0)
_LEAST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class KernelVote:
    """The parameters of a kernel vote.

    Attributes
    ----------
    k : int
        Neighbours that vote.
    width : float
        Width of the kernel, in units of the distance.
    smoothing : float
        Weight of the uniform distribution over classes, in ]0, 1].
    exponent : float
        Power to which the probabilities are raised before they are normalised again.

    Raises
    ------
    InvalidParameterError
        A parameter is out of its range.
    """

    k: int
    width: float
    smoothing: float
    exponent: float

    def __post_init__(self) -> None:
        finite = np.isfinite([self.width, self.smoothing, self.exponent]).all()
        if self.k < 1 or not finite or self.width <= 0 or self.exponent <= 0:
            raise InvalidParameterError(
                "k must be at least 1, and width and exponent above 0. Got "
                f"{self.k}, {self.width} and {self.exponent}."
            )
        if not 0 < self.smoothing <= 1:
            raise InvalidParameterError(f"smoothing must be in ]0, 1]. Got {self.smoothing}.")

    def probabilities(self, distances: Values, codes: Codes, n_classes: int) -> Values:
        """Compute the probability of each class.

        Parameters
        ----------
        distances : ndarray of shape (n, k)
            Nearest first.
        codes : ndarray of shape (n, k), int
            The class of each neighbour, from 0.
        n_classes : int

        Returns
        -------
        ndarray of shape (n, n_classes), float64
            Each row sums to 1.
        """
        weights = _kernel(distances[:, : self.k], self.width)
        votes = tally(weights, codes[:, : self.k], n_classes)
        return _shaped(votes, self.smoothing, self.exponent)


def fit_kernel_vote(
    distances: Values, codes: Codes, truth: Codes, *, n_classes: int, ks: tuple[int, ...]
) -> KernelVote:
    """Choose the parameters of a kernel vote by the log-loss of answers for examples.

    Parameters
    ----------
    distances, codes : ndarray of shape (n, k)
        Distance and class of the neighbours of each example, which is not among them itself.
    truth : ndarray of shape (n,), int
        The class of each example.
    n_classes : int
    ks : tuple of int
        Numbers of neighbours to choose from, each at most k.

    Returns
    -------
    KernelVote
        If there is no example to choose by, the middle of each range.

    Notes
    -----
    The weight of a neighbour at distance d is ``exp(-(d - d1) / width)``, where d1 is the
    distance of the nearest one. If that is 0, only neighbours at distance 0 vote. Candidates
    for the width are shares of the mean distance of the first ten neighbours. The number of
    neighbours, the width and the smoothing are chosen from a grid, then the exponent for each
    smoothing by `tamis.trust.calibration.fit_scale`. The smoothing is at least
    ``1 / (n + 2)``: n right answers in a row do not make certain.
    """
    n = len(truth)
    scale = float(distances[:, :10].mean()) if distances.size else 0.0
    scale = scale if scale > 0 else 1.0
    smoothings = tuple(e for e in _SMOOTHINGS if e >= 1 / (n + 2)) or _SMOOTHINGS[-1:]
    if not n or n_classes < 2:
        return KernelVote(ks[len(ks) // 2], 0.1 * scale, 0.1, 1.0)
    hits = codes == truth[:, np.newaxis]
    best = (np.inf, ks[0], _WIDTHS[0])
    for width in _WIDTHS:
        weights = _kernel(distances, width * scale)
        right, total = np.cumsum(weights * hits, axis=1), np.cumsum(weights, axis=1)
        for k in ks:
            true = right[:, k - 1] / total[:, k - 1]
            loss = min(-np.log((1 - e) * true + e / n_classes).mean() for e in smoothings)
            best = min(best, (float(loss), k, width))
    _, k, width = best
    votes = tally(_kernel(distances[:, :k], width * scale), codes[:, :k], n_classes)
    rows = np.arange(n)
    chosen = (np.inf, smoothings[0], 1.0)
    for smoothing in smoothings:
        logs = np.log(_smoothed(votes, smoothing))
        exponent = float(np.clip(fit_scale(logs, truth), *_EXPONENTS))
        loss = -as_logits(tempered(logs, exponent))[rows, truth].mean()
        chosen = min(chosen, (float(loss), smoothing, exponent))
    return KernelVote(k, width * scale, chosen[1], chosen[2])


def shares_of_votes(distances: Values, codes: Codes, n_classes: int) -> Values:
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
    return tally(weights, codes, n_classes)


def tally(weights: npt.NDArray[Any], codes: Codes, n_classes: int) -> Values:
    """Sum the weights of each class, and divide by the sum of all, of shape (n, n_classes)."""
    votes = np.zeros((len(weights), n_classes))
    rows = np.arange(len(weights))
    for neighbour in range(weights.shape[1]):
        np.add.at(votes, (rows, codes[:, neighbour]), weights[:, neighbour])
    return cast(Values, votes / votes.sum(axis=1, keepdims=True))


def _kernel(distances: Values, width: float) -> Values:
    nearest = distances[:, :1]
    weights: Values = np.exp((nearest - distances) / width)
    return weights * ((nearest > 0) | (distances == 0))


def _smoothed(votes: Values, smoothing: float) -> Values:
    return np.maximum((1 - smoothing) * votes + smoothing / votes.shape[1], _LEAST)


def _shaped(votes: Values, smoothing: float, exponent: float) -> Values:
    return tempered(np.log(_smoothed(votes, smoothing)), exponent)
