"""How the parts of a fusion are brought to one scale."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, Labels
from tamis.errors import InvalidParameterError, TableError

UNITS: Final = ("none", "l1", "l2")
"""By which norm of its own each vector is divided."""

SCALES: Final = ("median", "deviation", "learned", "none")
"""How the weights of a fusion come about."""

SAMPLE: Final = 256
"""Vectors whose distances are measured to find their median."""

MOST_LEARNED: Final = 2000
"""Training pictures from which weights are learned, at most; the others are left out."""

_SQUARED: Final = ("l2", "sqeuclidean")


def sample_to_fit(n: int) -> npt.NDArray[np.intp]:
    """Choose which of n training pictures a median is taken of: always the same ones.

    Of a sample of its own length it is the whole, so that who has these pictures only
    gets the weights that all would give.
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
    from tamis.descriptors.fusion.pairwise import distance_matrix, median_of

    if len(vectors[0]) < 2 and scale != "learned":
        return [1.0] * len(vectors)
    if scale == "learned":
        return _learned(vectors, labels, distances, method, jobs)
    rows = sample_to_fit(len(vectors[0]))
    samples = [np.ascontiguousarray(part[rows]) for part in vectors]
    if scale == "deviation" and method == "early":
        return [_inverse(float(part.astype(np.float64).std(axis=0).sum())) for part in samples]
    if method == "early":
        # Of distances that do not grow with the vectors (cosine) the median says nothing.
        distances = [one if one == "l1" else "l2" for one in distances]
    pairs = [
        distance_matrix(part, distance=one, jobs=jobs)
        for part, one in zip(samples, distances, strict=True)
    ]
    if scale == "deviation":
        upper = np.triu_indices(len(samples[0]), 1)
        return [_inverse(float(one[upper].std(dtype=np.float64))) for one in pairs]
    return [1 / median_of(one) for one in pairs]


def _inverse(spread: float) -> float:
    return 1 / spread if spread > 0 else 1.0


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
    if method == "early" and not set(distances) <= {"l1", "chi2", *_SQUARED}:
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
    squared = method == "early" and distances[0] in _SQUARED
    if squared and distances[0] == "l2":  # squares add up, and rank alike
        matrices = [one**2 for one in matrices]
    if method == "rrf":
        matrices = [by_rank(one) for one in matrices]
        start = np.ones(len(matrices))
    else:
        start = np.array([1 / median_of(one) for one in matrices])
    weights = learn_weights(matrices, codes.astype(np.intp), start, jobs=jobs).weights
    return [float(np.sqrt(one)) if squared else one for one in weights]
