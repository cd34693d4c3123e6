"""Doubtful examples: those whose class the other examples deny.

Every example is answered by a fit that did not know it. How far such an answer is to be
believed is known of the examples themselves, so that the number of wrong classes, and which
class is taken for which, can be counted without a truth.

References
----------
.. [1] C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident learning: estimating uncertainty in
   dataset labels", Journal of Artificial Intelligence Research 70, 1373-1411, 2021.
   https://doi.org/10.1613/jair.1.12125
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError

_LEAST: Final = 1e-12
_ENOUGH: Final = 0.8  # confidence that is enough for any class
_FIRST: Final = 0.7  # weight of the classifier beside the neighbours

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Suspicion:
    """How far the class of each example is doubted.

    Attributes
    ----------
    doubt : ndarray of shape (n,), float64
        The larger, the more doubtful; by which examples are ranked.
    belief : ndarray of shape (n,), float64
        Probability of the class that the example has.
    answers : ndarray of shape (n,), int
        The likeliest other class.
    likelihood : ndarray of shape (n,), float64
        Probability of that class.
    doubtful : ndarray of shape (n,), bool
        Whether the example is counted as wrong.
    """

    doubt: Values
    belief: Values
    answers: Codes
    likelihood: Values
    doubtful: npt.NDArray[np.bool_]

    def ranked(self) -> Codes:
        """Return the rows of all examples, the most doubtful first; ties in their order."""
        return np.argsort(-self.doubt, kind="stable")


def suspect(probabilities: Values, codes: Codes, neighbours: Values | None = None) -> Suspicion:
    """Find the examples whose class is denied by fits without them.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        Answers for the examples, each by a fit without it.
    codes : ndarray of shape (n,), int
        The class that each example has.
    neighbours : ndarray of shape (n, n_classes), optional
        Votes of the nearest other examples, as a second opinion.

    Returns
    -------
    Suspicion

    Raises
    ------
    InvalidParameterError
        The shapes do not fit, or there are fewer than two classes.

    Notes
    -----
    Both opinions are pooled, as the weighted geometric mean of their probabilities, and examples
    are ranked by the logarithm of the odds of the likeliest other class against their own.
    How many are wrong, and which class is taken for which, is counted as in [1]_: an example
    counts where another class is likelier than its own and reaches the confidence that is usual
    for that class, which is the mean probability of their own class among the examples that
    have it. As many as are counted are doubtful, from the top of the ranking. Unlike [1]_, no
    more than a confidence of 0.8 is asked for: of classes that are easily told, a wrong example
    weakens the answers for itself below what is usual.
    """
    n, n_classes = probabilities.shape
    if n_classes < 2 or codes.shape != (n,):
        raise InvalidParameterError(
            "doubtful examples take two classes or more, and a class for each answer. Got "
            f"answers of shape {probabilities.shape} and classes of shape {codes.shape}."
        )
    pooled = probabilities
    if neighbours is not None:
        pooled = pooled_opinion(probabilities, neighbours)
    rows = np.arange(n)
    belief = pooled[rows, codes]
    others = pooled.copy()
    others[rows, codes] = -1
    answers = others.argmax(axis=1)
    likelihood = pooled[rows, answers]
    doubt = np.log(np.maximum(likelihood, _LEAST)) - np.log(np.maximum(belief, _LEAST))
    counts = np.bincount(codes, minlength=n_classes)
    usual = np.bincount(codes, belief, n_classes) / np.maximum(counts, 1)
    usual = np.where(counts > 0, np.minimum(usual, _ENOUGH), np.inf)
    n_wrong = int(((others >= usual) & (others > belief[:, np.newaxis])).any(axis=1).sum())
    doubtful = np.zeros(n, bool)
    doubtful[np.argsort(-doubt, kind="stable")[:n_wrong]] = True
    doubtful &= doubt > 0
    return Suspicion(doubt, belief, answers, likelihood, doubtful)


def pooled_opinion(first: Values, second: Values) -> Values:
    """Return the weighted geometric mean of two tables of probabilities; each row sums to 1."""
    logs = _FIRST * np.log(np.maximum(first, _LEAST))
    logs += (1 - _FIRST) * np.log(np.maximum(second, _LEAST))
    pooled: Any = np.exp(logs - logs.max(axis=1, keepdims=True))
    return pooled / pooled.sum(axis=1, keepdims=True)
