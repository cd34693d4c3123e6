"""Novelty: pictures of no class at all, told from the examples alone.

A classifier answers with a class of its own whatever it is asked. Here a picture is compared
with the examples in two ways: how sure the answer is, and how far the picture lies from the
nearest examples, beside how far these lie from each other. The first tells classes without
examples, the second pictures of another kind, such as pages of text.

References
----------
.. [1] M. M. Breunig, H.-P. Kriegel, R. T. Ng, J. Sander, "LOF: identifying density-based
   local outliers", SIGMOD 2000, 93-104. https://doi.org/10.1145/342009.335388
.. [2] V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", Springer,
   2005. https://doi.org/10.1007/b106715
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError

_FAR: Final = 0.35  # share of the false alarms that is left to the distance alone

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """The examples, as far as telling other pictures from them takes.

    Attributes
    ----------
    reach : ndarray of shape (n_examples,)
        Mean distance of each example from its nearest others.
    far : ndarray of shape (n,)
        Relative distance of each example that was left out, sorted.
    sure : ndarray of shape (n,)
        Confidence of the answer for each, sorted.
    sums : ndarray of shape (n,)
        Sum of the ranks of both, sorted.
    levels : ndarray of shape (n,)
        The smaller share of examples that are as far, or as far and unsure; sorted.
    """

    reach: Values
    far: Values
    sure: Values
    sums: Values
    levels: Values

    def __len__(self) -> int:
        return len(self.levels)

    @classmethod
    def among(
        cls,
        gallery: Any,
        vectors: npt.NDArray[np.float32],
        confidence: Values,
        rows: npt.NDArray[np.intp],
        *,
        k: int,
        jobs: int,
    ) -> Self:
        """Search each example among the others, and compare; as `fit`.

        Parameters
        ----------
        gallery : Gallery or FusedGallery
            Of the examples.
        vectors : ndarray of shape (n_examples, dim), float32
        confidence, rows
            As `fit` takes them.
        k : int
            Nearest examples; fewer if there are not so many.
        jobs : int
            Threads.
        """
        n = len(vectors)
        if not len(rows) or n < 2:
            return cls.fit(np.empty((n, 0)), np.empty((n, 0), np.intp), confidence, rows)
        found = gallery.nearest(vectors, min(k, n - 1), jobs=jobs, skip=np.arange(n))
        return cls.fit(found[1], found[0], confidence, rows)

    @classmethod
    def fit(
        cls,
        distances: Values,
        indices: npt.NDArray[np.intp],
        confidence: Values,
        rows: npt.NDArray[np.intp],
    ) -> Self:
        """Compare the examples with each other.

        Parameters
        ----------
        distances, indices : ndarray of shape (n_examples, k)
            The nearest others of each example.
        confidence : ndarray of shape (n,)
            Of the answers for examples that were left out.
        rows : ndarray of shape (n,), int
            Which examples these are.

        Raises
        ------
        InvalidParameterError
            There is none.
        """
        if not len(rows) or not distances.shape[1]:
            raise InvalidParameterError(
                "pictures of no class are told by examples that can be left out, and there are "
                "none. Add examples: at least two of a class."
            )
        reach = distances.mean(axis=1)
        far = _relative(distances[rows], reach[indices[rows]])
        none = np.empty(0)
        ranks = cls(reach, np.sort(far), np.sort(confidence), none, none)
        sums = ranks._sums(far, confidence)
        shares = replace(ranks, sums=np.sort(sums))
        return replace(shares, levels=np.sort(shares._shares(far, sums)))

    def p_values(
        self, distances: Values, indices: npt.NDArray[np.intp], confidence: Values
    ) -> Values:
        """Return how many examples in all are as unlike the others as each picture, as a share.

        Parameters
        ----------
        distances, indices : ndarray of shape (m, k)
            The nearest examples of each picture.
        confidence : ndarray of shape (m,)

        Returns
        -------
        ndarray of shape (m,)
            In ]0, 1]. Of pictures drawn as the examples were, at most the share p has a value
            of p or less [2]_, approximately, since examples are answered by other fits.

        Notes
        -----
        The relative distance is the mean distance from the nearest examples over the mean of
        theirs from their nearest others, as in the local outlier factor [1]_. A picture is
        unlike the examples if the distance alone says so, or the sum of its rank among theirs
        and of the rank of the confidence; the value counts the examples of which either does.
        """
        far = _relative(distances, self.reach[indices])
        shares = self._shares(far, self._sums(far, confidence))
        as_unlike = np.searchsorted(self.levels, shares, side="right")
        result: Values = (1 + as_unlike) / (len(self) + 1)
        return result

    def _shares(self, far: Values, sums: Values) -> Values:
        """Return the smaller share of examples that are as far, or that have as high a sum."""
        alone = len(self.far) - np.searchsorted(self.far, far, side="left")
        both = len(self.sums) - np.searchsorted(self.sums, sums, side="left")
        result: Values = np.minimum(both / (1 - _FAR), alone / _FAR) / len(self.far)
        return result

    def _sums(self, far: Values, confidence: Values) -> Values:
        n = max(1, len(self.far))
        distant = np.searchsorted(self.far, far, side="right") / n
        unsure = 1 - np.searchsorted(self.sure, confidence, side="left") / n
        # Beyond all examples the ranks end, and the distance itself goes on.
        beyond = np.maximum(0, far / (self.far[-1] if len(self.far) else 1.0) - 1)
        result: Values = distant + unsure + beyond
        return result


def check_rate(rate: float) -> None:
    """Raise InvalidParameterError unless a rate of false alarms is in ]0, 1[."""
    if not 0 < rate < 1:
        raise InvalidParameterError(f"the rate of false alarms must be in ]0, 1[. Got {rate!r}.")


def _relative(distances: Values, reach: Values) -> Values:
    mean, around = distances.mean(axis=1), reach.mean(axis=1)
    result: Values = mean / np.maximum(around, 1e-12)
    return result
