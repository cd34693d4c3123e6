"""Late fusion: vectors that are several in one, each part compared by its own distance.

Its name says what is compared how: ``sum(0.5*l1[2304],2*cosine[1280])`` is the sum of
half the l1 of the first 2,304 values and twice the cosine of the next 1,280. It stands
wherever the name of a distance can. ``rrf(...)`` fuses ranks instead (see `FusedGallery`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.distances.gallery import Found, Gallery, check_search
from tamis.distances.prepared import Input
from tamis.distances.registry import check_distance
from tamis.errors import InvalidParameterError

FUSIONS: Final = ("sum", "rrf")
RRF: Final = 60
"""What is added to each rank; the value of Cormack, Clarke and Buettcher."""

_NAME: Final = re.compile(r"(sum|rrf)\((.+)\)")
_PART: Final = re.compile(r"([0-9.e+-]+)\*(\w+)\[(\d+)\]")
_PAIRS: Final = 1 << 20  # distances at a time, per thread

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a late fusion.

    Attributes
    ----------
    distance : str
        One of `tamis.distances.DISTANCES`.
    dim : int
        How many values it has.
    weight : float
    """

    distance: str
    dim: int
    weight: float = 1.0


def fused_name(method: str, parts: Iterable[Part]) -> str:
    """Name a late fusion, as `read_fused` reads it.

    Examples
    --------
    >>> fused_name("sum", [Part("l1", 80, 0.5), Part("cosine", 512)])
    'sum(0.5*l1[80],1*cosine[512])'
    """
    said = (f"{part.weight:.6g}*{part.distance}[{part.dim}]" for part in parts)
    return f"{method}({','.join(said)})"


def read_fused(name: str) -> tuple[str, list[Part]] | None:
    """Read the name of a late fusion; None if it is that of something else.

    Raises
    ------
    InvalidParameterError
        It begins like one, and cannot be read.
    UnknownNameError
        A part is to be compared by a distance that there is not.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    parts = []
    for text in match[2].split(","):
        found = _PART.fullmatch(text.strip())
        if found is None:
            raise InvalidParameterError(
                f"cannot read the part {text!r} of the distance {name!r}. Write a weight, a "
                "distance and a number of values, such as 0.5*l1[80]."
            )
        check_distance(found[2])
        parts.append(Part(found[2], int(found[3]), float(found[1])))
    return match[1], parts


class FusedGallery:
    """Vectors to search in by a late fusion; exact, as `Gallery` is.

    ``sum`` adds the distances of the parts, each times its weight. ``rrf`` is
    reciprocal rank fusion [1]_: each part ranks the whole gallery, and the distance is
    ``1 / sum(weight / (60 + rank))``, with the best rank 1; so an equal vector is not at
    distance 0. Ranks count only what may be found: not the row that a query skips.

    Parameters
    ----------
    vectors : ndarray or scipy.sparse array of shape (n, dim), float32
        The parts side by side. Each is copied.
    method : {"sum", "rrf"}
    parts : sequence of Part
        Their lengths add up to `dim`.

    Attributes
    ----------
    distance : str
    shape : (int, int)
    by_ranks : bool
        The distance of a row depends on which others there are.

    Raises
    ------
    InvalidParameterError
        The lengths do not add up, or as `Gallery` raises it.

    References
    ----------
    .. [1] G. V. Cormack, C. L. A. Clarke, S. Buettcher, "Reciprocal rank fusion
       outperforms Condorcet and individual rank learning methods", SIGIR 2009,
       758-759. https://doi.org/10.1145/1571941.1572114
    """

    def __init__(self, vectors: Input, *, method: str, parts: Sequence[Part]) -> None:
        self.distance = fused_name(method, parts)
        self.by_ranks = method == "rrf"
        self._parts = tuple(parts)
        ends = np.cumsum([0, *(part.dim for part in parts)])
        if vectors.ndim != 2 or vectors.shape[1] != ends[-1]:
            raise InvalidParameterError(
                f"the parts of {self.distance} have {ends[-1]} values in all. "
                f"Got vectors of shape {vectors.shape}."
            )
        self.shape: tuple[int, int] = tuple(vectors.shape)
        self._columns = [slice(*pair) for pair in pairwise(ends)]
        self._galleries = [
            Gallery(vectors[:, columns], distance=part.distance)
            for columns, part in zip(self._columns, parts, strict=True)
        ]

    def __len__(self) -> int:
        return self.shape[0]

    def nearest(
        self, queries: Input, k: int, *, jobs: int = 1, skip: npt.ArrayLike | None = None
    ) -> Found:
        """Find the k nearest vectors of each query; as `tamis.distances.nearest`."""
        skipped = check_search(self.shape, queries, k, jobs, skip)
        n_queries = queries.shape[0]
        indices, distances = np.empty((n_queries, k), np.intp), np.empty((n_queries, k))
        length = max(1, min(_PAIRS // len(self), -(-n_queries // jobs)))

        def work(start: int, run: Callable[..., Iterable[Any]] = map) -> None:
            block = slice(start, start + length)
            fused = self._fused(queries[block], skipped[block], run)
            indices[block], distances[block] = _first(fused, skipped[block], k)

        starts = range(0, n_queries, length)
        if jobs == 1:
            for start in starts:
                work(start)
        else:
            with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-search") as pool:
                if len(starts) >= jobs:
                    list(pool.map(work, starts))
                else:  # the threads share the parts instead
                    for start in starts:
                        work(start, pool.map)
        return indices, distances

    def distances(self, queries: Input) -> Values:
        """Measure each query against every vector; as `Gallery.distances`."""
        return self._fused(queries, np.full(queries.shape[0], -1, np.intp), map)

    def _fused(
        self, queries: Input, skipped: npt.NDArray[np.intp], run: Callable[..., Iterable[Any]]
    ) -> Values:
        def measure(number: int) -> Values:
            found = self._galleries[number].distances(queries[:, self._columns[number]])
            if self.by_ranks:
                found = reciprocal_ranks(found, skipped)
            return found

        fused = np.zeros((queries.shape[0], len(self)))
        for part, found in zip(self._parts, run(measure, range(len(self._parts))), strict=True):
            fused += part.weight * found
        if not self.by_ranks:
            return fused
        with np.errstate(divide="ignore"):  # of the row that is skipped
            return 1 / fused


def reciprocal_ranks(distances: Values, skipped: npt.NDArray[np.intp]) -> Values:
    """Give ``1 / (60 + rank)`` of each distance of a query, the best rank being 1.

    Parameters
    ----------
    distances : ndarray of shape (n_queries, n), float64
        Of equal ones the first has the better rank.
    skipped : ndarray of shape (n_queries,), intp
        A row of each query that has no rank, and 0 as its value; -1 for none.

    Returns
    -------
    ndarray of shape (n_queries, n), float64
        Rounded to float32, so that sums of a few are exact, and equal whatever the order.
    """
    order = np.argsort(distances, axis=1, kind="stable")
    own = order == skipped[:, np.newaxis]
    # What comes after the one that is skipped moves up.
    ranks = np.arange(1, distances.shape[1] + 1) - np.cumsum(own, axis=1)
    gains = np.where(own, 0, (1 / (RRF + ranks)).astype(np.float32)).astype(np.float64)
    placed = np.empty_like(gains)
    np.put_along_axis(placed, order, gains, axis=1)
    return placed


def _first(distances: Values, skipped: npt.NDArray[np.intp], k: int) -> Found:
    """Take the k nearest of each query; of equal distances the earlier row comes first."""
    rows = np.flatnonzero(skipped >= 0)
    distances[rows, skipped[rows]] = np.inf
    indices = np.empty((len(distances), k), np.intp)
    for query, found in enumerate(distances):
        limit = np.partition(found, k - 1)[k - 1]
        near = np.flatnonzero(found <= limit)
        indices[query] = near[np.argsort(found[near], kind="stable")[:k]]
    return indices, np.take_along_axis(distances, indices, axis=1)


def gallery_of(vectors: Input, *, distance: str = "l1") -> Gallery | FusedGallery:
    """Make vectors ready to be searched by a distance, or by a late fusion.

    Parameters
    ----------
    vectors : ndarray or scipy.sparse array of shape (n, dim), float32
    distance : str
        One of `tamis.distances.DISTANCES`, or the name of a late fusion.

    Raises
    ------
    InvalidParameterError, UnknownNameError
        As `Gallery` and `FusedGallery` raise them.
    """
    fused = read_fused(distance)
    if fused is None:
        return Gallery(vectors, distance=distance)
    method, parts = fused
    return FusedGallery(vectors, method=method, parts=parts)
