"""What an index is made of, where that is not the vectors themselves.

Lance's index takes dense vectors and knows l2, cosine and dot. Candidates by hellinger
are those by l2 of square roots. Vectors that are stored sparsely are brought to 256
values by a random projection, which keeps l2 and dot about as they are and needs
nothing learned: a picture that is added later is projected like the first. Both are
kept in a column of their own, the companion of the descriptor's.
"""

import json
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features

if TYPE_CHECKING:
    import pyarrow as pa

METRICS: Final = ("l2", "cosine", "dot", "hellinger")
"""By which an index can be made."""

COMPANION: Final = b"tamis:companion"
"""Key under which a column says of which descriptor it is the companion, and how made."""

LENGTH: Final = 256
_SEED: Final = 0
_LONGEST: Final = 1 << 20  # vectors that are brought to fewer values


@dataclass(frozen=True, slots=True)
class Companion:
    """How the companion of a descriptor's vectors is made.

    Attributes
    ----------
    of : str
        Spec of the descriptor.
    roots : bool
        Whether of the square roots of the values.
    dim : int
        Length of the descriptor's vectors.
    length : int
        Of the companion's: less than `dim` if they are projected.
    """

    of: str
    roots: bool
    dim: int
    length: int

    @classmethod
    def for_metric(cls, descriptor: Descriptor, metric: str) -> Self | None:
        """Say what an index needs; None if the vectors themselves will do."""
        if not descriptor.sparse and metric != "hellinger":
            return None
        length = min(descriptor.dim, LENGTH) if descriptor.sparse else descriptor.dim
        return cls(descriptor.spec, metric == "hellinger", descriptor.dim, length)

    @classmethod
    def of_column(cls, field: "pa.Field[Any]") -> Self | None:
        """Read from a column how it is made; None if it is no companion.

        Raises
        ------
        ValueError
            What the column says cannot be.
        """
        import pyarrow as pa

        if not field.metadata or COMPANION not in field.metadata:
            return None
        said = json.loads(field.metadata[COMPANION])
        match said:
            case {"of": str(), "roots": bool(), "dim": int(dim), "length": int(length)} if (
                len(said) == len(fields(cls))
                and 1 <= length <= dim <= _LONGEST
                and field.type == pa.list_(pa.float32(), length)
            ):
                return cls(**said)
        raise ValueError(f"the column {field.name} is a companion that cannot be")

    @property
    def projected(self) -> bool:
        """Whether it is only about what the vectors are."""
        return self.length < self.dim

    def column(self, name: str) -> "pa.Field[Any]":
        """Declare its column."""
        import pyarrow as pa

        metadata = {COMPANION: json.dumps(asdict(self)).encode()}
        return pa.field(name, pa.list_(pa.float32(), self.length), metadata=metadata)

    def embed(self, features: Features) -> Features:
        """Make its vectors from those of the descriptor.

        Parameters
        ----------
        features : ndarray of shape (n, dim), float32
            The root of a negative value is that of its size, negative.

        Returns
        -------
        ndarray of shape (n, length), float32
            Each row depends on that of `features` only.
        """
        if self.roots:
            features = np.copysign(np.sqrt(np.abs(features)), features)
        if not self.projected:
            return features
        from scipy.sparse import csr_array

        return np.asarray(csr_array(features) @ _projection(self.dim, self.length), np.float32)


@lru_cache(maxsize=4)
def _projection(dim: int, length: int) -> Features:
    """Draw the matrix: normal values, so that squared distances keep their expectation."""
    # Not default_rng: only the streams of RandomState are the same in all versions.
    drawn = np.random.RandomState(_SEED).standard_normal((dim, length))
    return (drawn / np.sqrt(length)).astype(np.float32)
