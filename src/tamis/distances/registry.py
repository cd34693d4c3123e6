"""The literal table of distances."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from tamis.distances.terms import ABSOLUTE, CANBERRA, CHI, JENSEN, SQUARE, Kind
from tamis.errors import UnknownNameError


class Prepare(Enum):
    """What is done to each vector first. A zero vector stays as it is."""

    NOTHING = 0
    UNIT = 1  # divided by its Euclidean length
    ROOT = 2  # the square root of each value
    SHARE = 3  # divided by its sum


class Finish(Enum):
    """What is done to the sum ``s`` of the terms; A and B are the sums of the vectors."""

    NOTHING = 0
    ROOT = 1  # sqrt(s)
    HALF = 2  # s / 2
    ROOT_HALF = 3  # sqrt(s / 2)
    OF_LARGER = 4  # (s + |A - B|) / (2 max(A, B))
    OF_BOTH = 5  # s / (A + B)


@dataclass(frozen=True, slots=True)
class Distance:
    """How a distance is put together.

    Attributes
    ----------
    kind : tuple
        Which term is summed over the values of two vectors.
    prepare, finish
        What is done before and after.
    signed : bool
        Whether negative values have a meaning.
    sparse_below : float
        Share of values that are not 0 below which the sparse kernels are faster;
        measured by ``benchmarks/distances.py``.
    """

    kind: Kind
    prepare: Prepare
    finish: Finish
    signed: bool
    sparse_below: float


DISTANCES: Final = {
    "l1": Distance(ABSOLUTE, Prepare.NOTHING, Finish.NOTHING, True, 0.4),
    "l2": Distance(SQUARE, Prepare.NOTHING, Finish.ROOT, True, 0.3),
    "sqeuclidean": Distance(SQUARE, Prepare.NOTHING, Finish.NOTHING, True, 0.3),
    # For unit vectors 1 - cos(a, b) = |a - b|^2 / 2.
    "cosine": Distance(SQUARE, Prepare.UNIT, Finish.HALF, True, 0.3),
    "chi2": Distance(CHI, Prepare.NOTHING, Finish.HALF, False, 0.7),
    "hellinger": Distance(SQUARE, Prepare.ROOT, Finish.ROOT_HALF, False, 0.3),
    # The sum of the minima is (A + B - |a - b|_1) / 2.
    "intersection": Distance(ABSOLUTE, Prepare.NOTHING, Finish.OF_LARGER, False, 0.4),
    "canberra": Distance(CANBERRA, Prepare.NOTHING, Finish.NOTHING, True, 0.6),
    "braycurtis": Distance(ABSOLUTE, Prepare.NOTHING, Finish.OF_BOTH, False, 0.4),
    "jensenshannon": Distance(JENSEN, Prepare.SHARE, Finish.ROOT_HALF, False, 0.9),
}


@dataclass(frozen=True, slots=True)
class Additive:
    """How a distance adds up over the parts of vectors that are put end to end.

    Attributes
    ----------
    power : int
        The distances of the parts, raised to it, add up to that of the whole, raised to it.
    degree : int
        A part whose vectors are multiplied by w contributes ``w ** degree`` times as much.
    """

    power: int
    degree: int


ADDITIVE: Final = {
    "l1": Additive(power=1, degree=1),
    "chi2": Additive(power=1, degree=1),
    "l2": Additive(power=2, degree=2),
    "sqeuclidean": Additive(power=1, degree=2),
}
"""Distances of an early fusion that follow from those of its parts."""


def check_distance(name: str) -> None:
    """Raise UnknownNameError unless `name` is one of the `DISTANCES`."""
    if name not in DISTANCES:
        raise UnknownNameError.among("distance", name, DISTANCES)
