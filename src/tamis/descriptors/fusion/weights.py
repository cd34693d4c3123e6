"""How the parts of a fusion are brought to one scale."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, Labels
from tamis.distances import ADDITIVE, Additive
from tamis.errors import InvalidParameterError, TableError

if TYPE_CHECKING:
    from tamis.descriptors.fusion.pairwise import Matrices

UNITS: Final = ("none", "l1", "l2")
"""By which norm of its own each vector is divided."""

SCALES: Final = ("median", "deviation", "learned", "none")
"""How the weights of a fusion come about."""

SAMPLE: Final = 256
"""Vectors whose distances are measured to find their median."""

MOST_LEARNED: Final = 2000
"""Training pictures from which weights are learned, at most; the others are left out."""


def sample_to_fit(n: int) -> npt.NDArray[np.intp]:
    """Choose which of n training pictures a median is taken of: always the same ones.

    If n <= SAMPLE, all rows are chosen, so fitting on just the sample gives the same
    weights.
    """
    return np.sort(np.random.default_rng(0).permutation(n)[:SAMPLE])


def to_unit(vectors: Features, unit: str) -> Features:
    """Divide each vector by its L1 or L2 norm; a zero vector stays as it is."""
    if unit == "none":
        return vectors
    # Row by row in memory, so that sums are taken in the same order.
    wide = vectors.astype(np.float64, order="C")
    norms = np.linalg.norm(wide, 1 if unit == "l1" else 2, axis=1)
    return (vectors / np.where(norms > 0, norms, 1)[:, np.newaxis]).astype(np.float32)


def scaled_weights(
    vectors: Sequence[Features],
    labels: Labels | None,
    *,
    distances: Sequence[str],
    scale: str,
    method: str,
    jobs: int = 1,
) -> list[float]:
    """Find a weight for each part of a fusion.

    Parameters
    ----------
    vectors : sequence of ndarray of shape (n, dim), float32
        Of training pictures, by each part.
    labels : sequence of (str or None), optional
        Their classes, which ``learned`` needs.
    distances : sequence of str
        By which each part is compared; of early fusion the same for all.
    scale : {"median", "deviation", "learned"}
    method : {"early", "sum", "rrf"}
    jobs : int
        Threads.

    Raises
    ------
    TableError
        Weights are to be learned, and there are no two classes.
    InvalidParameterError
        Weights of an early fusion are to be learned by a distance that does not come
        apart into those of its parts.
    """
    from tamis.descriptors.fusion.pairwise import distance_matrix

    if len(vectors[0]) < 2 and scale != "learned":
        return [1.0] * len(vectors)
    if scale == "learned":
        return _learned(vectors, labels, distances, method, jobs)
    rows = sample_to_fit(len(vectors[0]))
    samples = [np.ascontiguousarray(part[rows]) for part in vectors]
    if method == "early":
        # Of distances that do not grow with the vectors (cosine) the median says nothing.
        distances = [name if name == "l1" else "l2" for name in distances]

    def measured() -> Iterator["Matrices"]:
        for part, name in zip(samples, distances, strict=True):
            yield distance_matrix(part, distance=name, jobs=jobs)

    return scales_of(samples, measured(), scale=scale, method=method)


def scales_of(
    vectors: Sequence[Features], matrices: Iterable["Matrices"], *, scale: str, method: str
) -> list[float]:
    """Compute the weight that brings each part to one scale.

    Parameters
    ----------
    vectors : sequence of ndarray of shape (n, dim), float32
        By each part.
    matrices : iterable of ndarray of shape (n, n), float32
        Distances of these vectors by each part; read only if the scale depends on them.
    scale : {"median", "deviation", "learned", "none"}
        Learned weights start from the medians.
    method : {"early", "sum", "rrf"}
    """
    from tamis.descriptors.fusion.pairwise import median_of

    if method == "rrf" or scale == "none":
        return [1.0] * len(vectors)
    if scale != "deviation":
        return [1 / median_of(matrix) for matrix in matrices]
    if method == "early":
        spreads = [float(part.astype(np.float64).std(axis=0).sum()) for part in vectors]
    else:
        upper = np.triu_indices(len(vectors[0]), 1)
        spreads = [float(matrix[upper].std(dtype=np.float64)) for matrix in matrices]
    return [1 / spread if spread > 0 else 1.0 for spread in spreads]


def _learned(
    vectors: Sequence[Features],
    labels: Labels | None,
    distances: Sequence[str],
    method: str,
    jobs: int,
) -> list[float]:
    from tamis.descriptors.fusion.learned_weights import learn_weights
    from tamis.descriptors.fusion.pairwise import by_rank, distance_matrix, median_of

    known = [row for row, label in enumerate(labels or ()) if label is not None]
    if labels is None or not known:
        raise TableError(
            "weights are learned from pictures whose classes are known: a folder per class. "
            "Leave out @learned to fuse without."
        )
    if method == "early" and not set(distances) <= ADDITIVE.keys():
        raise InvalidParameterError(
            f"weights of an early fusion cannot be learned for {distances[0]}, only for l1, l2, "
            "sqeuclidean and chi2. Write @sum@learned to fuse distances."
        )
    order = np.random.default_rng(0).permutation(known)[:MOST_LEARNED]
    rows = np.sort(order)
    _, codes = np.unique(np.array([str(labels[row]) for row in rows]), return_inverse=True)
    matrices = [
        distance_matrix(np.ascontiguousarray(part[rows]), distance=one, jobs=jobs)
        for part, one in zip(vectors, distances, strict=True)
    ]
    adds = ADDITIVE[distances[0]] if method == "early" else Additive(power=1, degree=1)
    if adds.power > 1:  # squares add up, and rank alike
        matrices = [one**adds.power for one in matrices]
    if method == "rrf":
        matrices = [by_rank(one) for one in matrices]
        start = np.ones(len(matrices))
    else:
        start = np.array([1 / median_of(one) for one in matrices])
    weights = learn_weights(matrices, codes.astype(np.intp), start, jobs=jobs).weights
    return [weight ** (1 / adds.degree) for weight in weights]
