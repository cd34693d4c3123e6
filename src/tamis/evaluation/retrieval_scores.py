"""What a retrieval is scored by: the figures at each depth, and all that they depend on."""

from dataclasses import dataclass
from typing import Any, Final

from tamis.deduplication.content import Overlap
from tamis.errors import Failure
from tamis.evaluation.signature import Signature

AP_OVER_HITS: Final = "AP over hits found"
AP_OVER_ALL: Final = "AP over all relevant"

FIGURES: Final = {
    "mmap": f"MMAP, {AP_OVER_HITS}",
    "mmap_all": f"MMAP, {AP_OVER_ALL}",
    "precision": "precision",
    "recall": "recall",
    "ndcg": "nDCG",
    "first_tier": "first tier",
    "error_rate": "error rate",
}
"""Figures of `DepthScores`, and what they are called."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthScores:
    """The figures at one depth. A result is relevant if it has the class of the query.

    Attributes
    ----------
    depth : int
        Results that were looked at.
    mmap : float
        Mean over classes of `map_per_class`: of the average precision over the hits
        found, as the system that tamis descends from has it. Optimistic.
    mmap_all : float
        The same of the average precision over all relevant pictures of the gallery;
        with more of them than `depth` it cannot reach 1.
    precision, recall, ndcg, first_tier : float
        Means over queries. The first tier does not depend on the depth.
    error_rate : float
        Share of queries whose first result is wrong. Does not depend on the depth.
    intervals : dict from str to (float, float)
        95 % interval of each of these: Wilson's for `error_rate`, percentile
        bootstrap over queries for the others.
    per_class : dict from str to dict
        For each class of the queries ``n_queries``, ``n_relevant`` (pictures that
        each of them should find) and, as means over its queries, ``map``,
        ``map_all``, ``precision``, ``recall``, ``ndcg``, ``first_tier`` and
        ``error_rate``.
    """

    depth: int
    mmap: float
    mmap_all: float
    precision: float
    recall: float
    ndcg: float
    first_tier: float
    error_rate: float
    intervals: dict[str, tuple[float, float]]
    per_class: dict[str, dict[str, float | int]]

    @property
    def map_per_class(self) -> dict[str, float]:
        """Mean average precision of each class, over the hits found."""
        return {name: row["map"] for name, row in self.per_class.items()}

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return {
            "depth": self.depth,
            **{name: getattr(self, name) for name in FIGURES},
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "map_per_class": self.map_per_class,
            "per_class": self.per_class,
        }


@dataclass(frozen=True, slots=True, eq=False)
class RetrievalEvaluation:
    """How well pictures were found.

    Attributes
    ----------
    depths : tuple of DepthScores
        In ascending order.
    classes : tuple of str
        Of the queries that were scored, sorted.
    n_images : int
        Queries that were scored.
    signature : dict
        All that the numbers depend on.
    n_without_relevant : int
        Queries of whose class the gallery holds no other picture. There is nothing
        to find for them: they count in no number.
    n_unlabelled : int
        Pictures without a class; left out, also of the gallery.
    failures : tuple of Failure
        Pictures that could not be read; left out likewise.
    overlap : Overlap or None
        The queries that are in the gallery too; None if nobody looked.
    without_overlap : RetrievalEvaluation or None
        The figures of the other queries; None if there is no overlap, or nothing else.

    Examples
    --------
    >>> result = tamis.evaluate_gallery("examples", by="moments", depths=[1, 4])
    >>> [(scores.depth, scores.precision) for scores in result.depths]
    [(1, 1.0), (4, 1.0)]
    """

    depths: tuple[DepthScores, ...]
    classes: tuple[str, ...]
    n_images: int
    signature: Signature
    n_without_relevant: int = 0
    n_unlabelled: int = 0
    failures: tuple[Failure, ...] = ()
    overlap: Overlap | None = None
    without_overlap: "RetrievalEvaluation | None" = None

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return {
            "depths": [scores.to_dict() for scores in self.depths],
            "classes": list(self.classes),
            "n_without_relevant": self.n_without_relevant,
            "n_unlabelled": self.n_unlabelled,
            "signature": self.signature,
            "n_images": self.n_images,
            "failures": [{"path": f.path, "reason": f.reason} for f in self.failures],
            "overlap": None if self.overlap is None else self.overlap.to_dict(),
            "without_overlap": self.without_overlap and self.without_overlap.to_dict(),
        }
