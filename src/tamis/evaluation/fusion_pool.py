"""Pictures that look for each other by any combination of several descriptors.

All combinations are scored from one matrix of distances per descriptor: to fuse is to
add matrices, each times a weight. So the 120 fusions of two to seven descriptors cost
little more than the seven alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from tamis.descriptors.fusion.fusion import METHODS
from tamis.descriptors.fusion.learned_weights import learn_weights
from tamis.descriptors.fusion.pairwise import (
    Matrices,
    by_rank,
    distance_matrix,
    nearest_by_sum,
)
from tamis.descriptors.fusion.weights import SCALES, UNITS, scales_of, to_unit
from tamis.distances import ADDITIVE, Additive, read_fused
from tamis.errors import InvalidParameterError
from tamis.features import FeatureTable

__all__ = ["METHODS", "SCALES", "UNITS", "Pool", "usual_method"]

Rows = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]


def usual_method(distances: Sequence[str], distance: str) -> str:
    """Choose how to fuse where nothing is said: early where ``a+b`` is, and it adds up.

    Parameters
    ----------
    distances : sequence of str
        The descriptors' own.
    distance : str
        That is asked for instead; or empty.
    """
    early = set(distances) == {"l1"} and (distance or "l1") in ADDITIVE
    return "early" if early else "sum"


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """All distances of some pictures of known classes.

    Attributes
    ----------
    distances : ndarray of shape (n_descriptors, n, n), float32
        As they were measured.
    added : ndarray of shape (n_descriptors, n, n), float32
        What a fusion adds: the distances, their powers, or for rrf what ranks give.
    codes : ndarray of shape (n,), intp
        The class of each picture.
    features : tuple of ndarray
        The vectors.
    method, scale : str
        How they are fused, and where weights come from.
    degree : int
        Power of a weight in what is added, as `tamis.distances.Additive` has it.
    jobs : int
        Threads.
    """

    distances: Matrices
    added: Matrices
    codes: Rows
    features: tuple[npt.NDArray[np.float32], ...]
    method: str
    scale: str
    degree: int
    jobs: int

    @classmethod
    def of(
        cls,
        tables: Sequence[FeatureTable],
        codes: Rows,
        *,
        distance: str,
        method: str,
        scale: str,
        unit: str,
        jobs: int,
    ) -> Self:
        """Measure all distances. Memory: 4 bytes per pair of pictures and descriptor.

        Raises
        ------
        InvalidParameterError
            An early fusion by a distance that is no sum over its parts.
        """
        by = [
            table.distance if read_fused(table.distance) else distance or table.distance
            for table in tables
        ]
        adds = Additive(power=1, degree=1)
        if method == "early":
            shared = by[0] if len(set(by)) == 1 else "l1"
            by = [shared] * len(by)
            if shared not in ADDITIVE:
                raise InvalidParameterError(
                    f"an early fusion by {shared} cannot be told from distances of its parts, only "
                    f"by {', '.join(ADDITIVE)}. Compare by --method sum."
                )
            adds = ADDITIVE[shared]
        features = tuple(to_unit(table.features, unit) for table in tables)
        distances = np.stack(
            [
                distance_matrix(one, distance=name, jobs=jobs)
                for one, name in zip(features, by, strict=True)
            ]
        )
        added = distances if adds.power == 1 else distances**adds.power
        if method == "rrf":
            added = np.stack([by_rank(one) for one in distances])
        return cls(distances, added, codes, features, method, scale, adds.degree, jobs)

    def __len__(self) -> int:
        return len(self.codes)

    def select(self, rows: Rows) -> "Pool":
        """Take some of the pictures; ranks count those only."""
        distances = self.distances[:, rows[:, np.newaxis], rows]
        if self.added is self.distances:
            added = distances
        elif self.method == "rrf":
            added = np.stack([by_rank(one) for one in distances])
        else:
            added = self.added[:, rows[:, np.newaxis], rows]
        features = tuple(one[rows] for one in self.features)
        return Pool(
            distances,
            added,
            self.codes[rows],
            features,
            self.method,
            self.scale,
            self.degree,
            self.jobs,
        )

    def scales(self) -> Values:
        """Find the weight that brings each descriptor to one scale."""
        return np.array(
            scales_of(self.features, self.distances, scale=self.scale, method=self.method)
        )

    def weights(self, parts: tuple[int, ...], scales: Values) -> Values:
        """Find the weights of a combination, as `tamis.descriptors.Fusion` takes them."""
        start = scales[list(parts)]
        if self.scale != "learned" or len(parts) == 1:
            return start
        matrices = [self.added[part] for part in parts]
        learned = learn_weights(matrices, self.codes, start**self.degree, jobs=self.jobs)
        return np.array(learned.weights) ** (1 / self.degree)

    def ranked(
        self,
        parts: tuple[int, ...],
        weights: Values,
        *,
        depth: int,
        queries: Rows | None = None,
    ) -> Rows:
        """Find the nearest others of the pictures, or of some `queries` among them."""
        everything = np.arange(len(self))
        return nearest_by_sum(
            self.added,
            weights**self.degree,
            parts=parts,
            queries=everything if queries is None else queries,
            gallery=everything,
            depth=depth,
            jobs=self.jobs,
        )
