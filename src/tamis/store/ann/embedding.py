"""Embeddings: the vectors that an index is made of, if not those of the descriptor.

Lance's index takes dense vectors and knows l2, cosine and dot. Candidates by hellinger
are those by l2 of square roots. Vectors that are stored sparsely are projected to 256
values by a random matrix, which keeps l2 and dot roughly and learns nothing: an image
that is added later is projected like the first. Embeddings have a column of their own.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features
from tamis.descriptors.projection import gaussian_matrix

if TYPE_CHECKING:
    import pyarrow as pa

METRICS: Final = ("l2", "cosine", "dot", "hellinger")
"""Metrics of an index."""

KEY: Final = b"tamis:embedding"
"""Key of a column's metadata for the `IndexedEmbedding` that it holds."""

OUTDATED_KEY: Final = b"tamis:companion"
"""The same in format 1, whose embeddings had another matrix."""

LENGTH: Final = 256
_SEED: Final = 0
_LONGEST: Final = 1 << 20  # vectors that are projected


@dataclass(frozen=True, slots=True)
class IndexedEmbedding:
    """How the vectors of a descriptor are embedded for an index.

    Attributes
    ----------
    of : str
        Spec of the descriptor.
    roots : bool
        Whether to take the square roots of the values.
    dim : int
        Length of the vectors.
    length : int
        Length of the embedding: less than `dim` if the vectors are projected.
    """

    of: str
    roots: bool
    dim: int
    length: int

    @classmethod
    def for_metric(cls, descriptor: Descriptor, metric: str) -> Self | None:
        """Give the embedding that an index needs; None if it takes the vectors themselves."""
        if not descriptor.sparse and metric != "hellinger":
            return None
        length = min(descriptor.dim, LENGTH) if descriptor.sparse else descriptor.dim
        return cls(descriptor.spec, metric == "hellinger", descriptor.dim, length)

    @classmethod
    def of_column(cls, field: "pa.Field[Any]") -> Self | None:
        """Read the embedding of a column; None if the column holds something else.

        Raises
        ------
        ValueError
            The metadata of the column is invalid.
        """
        import pyarrow as pa

        if not field.metadata or KEY not in field.metadata:
            return None
        values = json.loads(field.metadata[KEY])
        match values:
            case {"of": str(), "roots": bool(), "dim": int(dim), "length": int(length)} if (
                len(values) == len(fields(cls))
                and 1 <= length <= dim <= _LONGEST
                and field.type == pa.list_(pa.float32(), length)
            ):
                return cls(**values)
        raise ValueError(f"the column {field.name} is an embedding that cannot be")

    @property
    def projected(self) -> bool:
        """Whether the embedding only approximates the vectors."""
        return self.length < self.dim

    def column(self, name: str) -> "pa.Field[Any]":
        """Declare the column."""
        import pyarrow as pa

        metadata = {KEY: json.dumps(asdict(self)).encode()}
        return pa.field(name, pa.list_(pa.float32(), self.length), metadata=metadata)

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
        if self.roots:
            features = np.copysign(np.sqrt(np.abs(features)), features)
        if not self.projected:
            return features
        from scipy.sparse import csr_array  # most values are 0: a tenth of the work of `project`

        matrix = gaussian_matrix(self.dim, self.length, _SEED)
        return np.asarray(csr_array(features) @ matrix, np.float32)
