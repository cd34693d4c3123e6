"""Abstaining: which answers can be acted on, so that a stated share of them at most is wrong.

A threshold of confidence is chosen from out-of-fold answers of the examples, so that with
a stated probability the promise is kept for *this very batch* of pictures: not on average
over batches, and not for a distribution that nobody sees.

References
----------
.. [1] Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks",
   NeurIPS 2017. https://doi.org/10.48550/arXiv.1705.08500
.. [2] L. D. Brown, T. T. Cai, A. DasGupta, "Interval estimation for a binomial
   proportion", Statistical Science 16(2), 101-133, 2001.
   https://doi.org/10.1214/ss/1009213286
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError

CONFIDENCE: Final = 0.9
"""Probability with which a promise is kept, by default."""

_STRENGTH: Final = 100  # examples that the fitted curve of errors counts as much as, at most
_SHARE: Final = 8  # and at most an eighth of all
_LEAST: Final = 0.2  # of both shapes of the prior distribution of the share of errors
_TRIALS: Final = 5  # thresholds that are as good as tried independently
_STEPS: Final = 400  # thresholds that are tried, at most
_SOUGHT: Final = (0.001, 1_000_000)


@dataclass(frozen=True, slots=True)
class Promise:
    """A threshold of confidence, and what holds above it.

    Attributes
    ----------
    risk : float
        Largest share of wrong answers among those that are placed.
    confidence : float
        Probability that this batch keeps it.
    threshold : float
        Answers with at least this probability are placed; above 1 if none can be.
    n_examples : int
        Out-of-fold answers that it rests on.
    n_above, n_wrong : int
        Of these: at or above the threshold, and wrong.
    least_risk : float
        The smallest risk that so many examples can promise for such a batch.
    needed : int
        About how many examples as good as these would be needed to promise `risk` for half of
        the batch; 0 if it is promised already or the answers are too often wrong.
    """

    risk: float
    confidence: float
    threshold: float
    n_examples: int
    n_above: int
    n_wrong: int
    least_risk: float
    needed: int

    @property
    def kept(self) -> bool:
        """Whether anything can be placed under the promise."""
        return self.threshold <= 1

    def __str__(self) -> str:
        if self.kept:
            return (
                f"of the pictures placed at most {100 * self.risk:.3g} % are wrong, with "
                f"probability {self.confidence:.2g}: {self.n_above} of {self.n_examples} examples "
                f"are as sure when they are answered without having been learned from, and "
                f"{self.n_wrong} of these answers are wrong. The promise holds for pictures like "
                "the examples, not for unknown classes, another season or another camera."
            )
        many = f" About {self.needed} examples would do." if self.needed else ""
        return (
            f"{self.n_examples} examples cannot promise that at most {100 * self.risk:.3g} % of "
            f"the pictures placed are wrong; they can promise {100 * self.least_risk:.2g} %.{many}"
        )


def promise(
    confidences: npt.ArrayLike,
    right: npt.ArrayLike,
    batch: npt.ArrayLike,
    risk: float,
    *,
    confidence: float = CONFIDENCE,
) -> Promise:
    """Find the lowest threshold at which the batch keeps the promise.

    Parameters
    ----------
    confidences : array-like of shape (n,)
        Probability of the answered class, out of fold, of each example.
    right : array-like of shape (n,), bool
        Whether that answer is right.
    batch : array-like of shape (m,)
        Probability of the answered class of each picture to be placed.
    risk : float
        In ]0, 1[.
    confidence : float
        In ]0, 1[.

    Notes
    -----
    Above a threshold with n examples, w of them wrong, the share of errors has the posterior
    Beta(w + a, n - w + b) [2]_. The prior, a and b, is worth 100 examples, or an eighth of all
    if that is less. Its mean is that of a curve through all examples: a logistic regression of
    being wrong on the logit of the confidence. No error among few examples therefore does not
    count as never wrong. The errors among the m pictures of the batch above the threshold are
    then beta-binomial. The lowest
    threshold is taken at which their share stays at or below `risk` with a probability of
    ``1 - (1 - confidence) / 5``: the fifth pays for the choice among many thresholds, and
    for out-of-fold answers being those of other fits. docs/results.md tells how often the
    promise was kept.

    Raises
    ------
    InvalidParameterError
        A share is out of its range, or lengths differ.
    """
    known, hits = np.asarray(confidences, np.float64), np.asarray(right, bool)
    asked = np.sort(np.asarray(batch, np.float64))[::-1]
    if not 0 < risk < 1 or not 0 < confidence < 1:
        raise InvalidParameterError(
            f"risk and confidence must be in ]0, 1[. Got {risk!r} and {confidence!r}."
        )
    if known.shape != hits.shape or known.ndim != 1 or asked.ndim != 1:
        raise InvalidParameterError(
            f"confidences and right must be of one length. Got {known.shape} and {hits.shape}."
        )
    order = np.argsort(-known, kind="stable")
    wrong = np.cumsum(~hits[order])
    # Between the pictures too: more examples speak for a threshold below all of them.
    levels = np.unique(np.concatenate([asked, known]))[::-1]
    if len(levels) > _STEPS:
        levels = levels[np.unique(np.linspace(0, len(levels) - 1, _STEPS).astype(int))]
    above = np.searchsorted(-known[order], -levels, side="right")
    placed = np.searchsorted(-asked, -levels, side="right")
    errors = np.where(above > 0, wrong[np.maximum(above, 1) - 1] if len(wrong) else 0, 0)
    prior = _prior(known, hits, asked, placed)
    least = 1 - (1 - confidence) / _TRIALS
    holds = _kept(above, errors, placed, prior, risk) >= least
    holds &= (above > 0) & (placed > 0)
    threshold, n_above, n_wrong = 2.0, 0, 0
    if holds.any():
        last = int(np.flatnonzero(holds)[-1])
        threshold, n_above, n_wrong = float(levels[last]), int(above[last]), int(errors[last])
    kept = threshold <= 1
    return Promise(
        risk, confidence, threshold, len(known), n_above, n_wrong,
        risk if kept else _least(above, errors, placed, prior, least),
        0 if kept else _needed(above, errors, placed, prior, risk, least, len(known)),
    )  # fmt: skip


def _prior(
    confidences: npt.NDArray[np.float64],
    right: npt.NDArray[np.bool_],
    batch: npt.NDArray[np.float64],
    placed: npt.NDArray[np.intp],
) -> npt.NDArray[np.float64]:
    """Return both shapes of the prior of the share of errors, of shape (2, len(placed))."""
    from scipy.optimize import minimize
    from scipy.special import expit

    x, wrong = _logit(confidences), (~right).astype(np.float64)

    def loss(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        # Held, as by one example, to the curve on which confidences mean what they say.
        start, slope = values
        scores = start + slope * x
        away = expit(scores) - wrong
        total = np.logaddexp(0, scores) - wrong * scores
        return (
            float(total.sum() + start**2 / 8 + (slope + 1) ** 2 / 2),
            np.array([away.sum() + start / 4, (away * x).sum() + slope + 1]),
        )

    start, slope = minimize(loss, np.array([0.0, -1.0]), jac=True, method="BFGS").x
    if not len(batch):
        return np.zeros((2, len(placed)))
    errors = np.cumsum(expit(start + slope * _logit(batch)))
    share = errors[np.maximum(placed, 1) - 1] / np.maximum(placed, 1)
    result: npt.NDArray[np.float64] = np.stack([share, 1 - share])
    return min(_STRENGTH, len(x) / _SHARE) * result + _LEAST


def _logit(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    bounded = np.clip(shares, 1e-6, 1 - 1e-6)
    result: npt.NDArray[np.float64] = np.log(bounded / (1 - bounded))
    return result


def _kept(
    n: npt.NDArray[np.intp],
    wrong: npt.NDArray[np.intp],
    m: npt.NDArray[np.intp],
    prior: npt.NDArray[np.float64],
    risk: float,
) -> npt.NDArray[np.float64]:
    """Return the probability that of m pictures at most the share `risk` is wrong."""
    from scipy.stats import betabinom

    allowed = np.floor(risk * m + 1e-9)
    result: npt.NDArray[np.float64] = betabinom.cdf(
        allowed, m, wrong + prior[0], n - wrong + prior[1]
    )
    return result


def _least(
    above: npt.NDArray[np.intp],
    errors: npt.NDArray[np.intp],
    placed: npt.NDArray[np.intp],
    prior: npt.NDArray[np.float64],
    confidence: float,
) -> float:
    """Return the smallest risk that some threshold with examples above it can promise."""
    some = (above > 0) & (placed > 0)
    if not some.any():
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        if (
            _kept(above[some], errors[some], placed[some], prior[:, some], middle) >= confidence
        ).any():
            high = middle
        else:
            low = middle
    return high


def _needed(
    above: npt.NDArray[np.intp],
    errors: npt.NDArray[np.intp],
    placed: npt.NDArray[np.intp],
    prior: npt.NDArray[np.float64],
    risk: float,
    confidence: float,
    n: int,
) -> int:
    """Return how many examples with as few errors would promise the risk for half the batch."""
    half = np.flatnonzero((above > 0) & (placed >= placed.max(initial=0) / 2))
    if not len(half) or not n:
        return 0
    at = half[0]
    times = 1
    while times * n < _SOUGHT[1]:
        times *= 2
        many = np.array([above[at] * times]), np.array([errors[at] * times])
        if _kept(*many, placed[[at]], prior[:, [at]], risk)[0] >= confidence:
            return times * n
    return 0
