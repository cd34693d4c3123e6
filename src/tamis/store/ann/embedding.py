"""What an index compares in place of vectors: roots, projections, unit lengths.

The index knows l2 and dot. Candidates by hellinger are those by l2 of square roots, those by
cosine are those by l2 of vectors of length 1. Vectors that are stored sparsely are projected to
256 values by a random matrix, which keeps l2 and dot roughly and learns nothing: an image that
is added later is projected like the first.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features
from tamis.descriptors.projection import gaussian_matrix

METRICS: Final = ("l2", "cosine", "dot", "hellinger")
"""Metrics of an index."""

LENGTH: Final = 256
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Embedding:
    """How the vectors of a descriptor are embedded for an index.

    Attributes
    ----------
    metric : str
        One of `METRICS`.
    dim : int
        Length of the vectors.
    length : int
        Length of the embedded ones: less than `dim` if the vectors are projected.
    """

    metric: str
    dim: int
    length: int

    @classmethod
    def of(cls, descriptor: Descriptor, metric: str) -> Self:
        """Give the embedding of a descriptor's vectors."""
        length = min(descriptor.dim, LENGTH) if descriptor.sparse else descriptor.dim
        return cls(metric, descriptor.dim, length)

    @property
    def projected(self) -> bool:
        """Whether the embedding only approximates the vectors."""
        return self.length < self.dim

    def embed(self, features: Features) -> Features:
        """Embed vectors of the descriptor.

        Parameters
        ----------
        features : ndarray of shape (n, dim), float32
            The root of a negative value is minus the root of its size.

        Returns
        -------
        ndarray of shape (n, length), float32
            Each row depends only on that row of `features`.
        """
        if self.metric == "hellinger":
            features = np.copysign(np.sqrt(np.abs(features)), features)
        if self.projected:
            from scipy.sparse import csr_array  # most values are 0: a tenth of a dense product

            matrix = gaussian_matrix(self.dim, self.length, _SEED)
            features = np.asarray(csr_array(features) @ matrix, np.float32)
        if self.metric == "cosine":
            lengths = np.linalg.norm(features, axis=1, keepdims=True)
            features = np.asarray(features / np.where(lengths > 0, lengths, 1), np.float32)
        return features
