"""`Index`: the nearest pictures of a gallery."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tamis.distances import check_distance, nearest
from tamis.errors import InvalidParameterError
from tamis.features import FeatureTable, available_processors


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The k nearest gallery pictures of each query.

    Attributes
    ----------
    indices : ndarray of shape (n_queries, k), intp
        Rows of the gallery, nearest first; ties keep the order of the gallery.
    distances : ndarray of shape (n_queries, k), float64
    """

    indices: npt.NDArray[np.intp]
    distances: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Exact search in a table of features.

    Attributes
    ----------
    gallery : FeatureTable
    distance : str
        One of `tamis.distances.DISTANCES`.
    """

    gallery: FeatureTable
    distance: str = "l1"

    def __post_init__(self) -> None:
        check_distance(self.distance)

    def search(self, queries: FeatureTable, k: int, *, jobs: int | None = None) -> Matches:
        """Find the k nearest gallery pictures of each query.

        Parameters
        ----------
        queries : FeatureTable
            By the descriptor of the gallery.
        k : int
            1 to the size of the gallery.
        jobs : int, optional
            Threads; as many as there are processors by default.

        Raises
        ------
        InvalidParameterError
            Another descriptor, or `k` out of its range.
        """
        if queries.spec != self.gallery.spec:
            raise InvalidParameterError(
                "queries and gallery must be described alike. "
                f"Got {queries.spec} and {self.gallery.spec}."
            )
        indices, distances = nearest(
            queries.features,
            self.gallery.features,
            k,
            distance=self.distance,
            jobs=jobs if jobs is not None else available_processors(),
        )
        return Matches(indices, distances)
