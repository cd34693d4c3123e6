"""The result of a comparison: all candidates, and what the choice of the best is worth."""

from dataclasses import dataclass
from typing import Any

from tamis.errors import Failure
from tamis.evaluation.signature import Signature
from tamis.metrics.paired import PairedDifference


@dataclass(frozen=True, slots=True)
class Candidate:
    """One descriptor or fusion, and how well it retrieves.

    Attributes
    ----------
    parts : tuple of int
        Which of the descriptors compared.
    weights : tuple of float
        Of a fusion of them, as `tamis.descriptors.Fusion` takes them; found with all
        pictures.
    mmap : float
        Mean over classes of the mean average precision over the hits found.
    mmap_all : float
        Likewise, over all relevant pictures.
    precision : float
        Share of relevant results, mean over queries.
    spec : str
        The candidate as ``--by`` takes it, with these weights.
    """

    parts: tuple[int, ...]
    weights: tuple[float, ...]
    mmap: float
    mmap_all: float
    precision: float
    spec: str


@dataclass(frozen=True, slots=True)
class Lead:
    """How far the best is ahead of another, on the same queries.

    Attributes
    ----------
    other : tuple of int
        The parts of the other.
    difference : float
        In MMAP over the hits found.
    interval : (float, float)
        95 % interval of the difference (bootstrap over queries).
    first_result : PairedDifference
        How often the first result has the right class; the p-value, of McNemar's exact test,
        allows for the number of leads.
    """

    other: tuple[int, ...]
    difference: float
    interval: tuple[float, float]
    first_result: PairedDifference

    @property
    def shown(self) -> bool:
        """Whether the best is really ahead: the interval does not hold 0."""
        return self.interval[0] > 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """All candidates, best first, and what the choice of the best is worth.

    Attributes
    ----------
    specs : tuple of str
        The descriptors compared.
    method : {"early", "sum", "rrf"}
        How they were fused, as `tamis.descriptors.Fusion` takes it.
    unit : {"none", "l1", "l2"}
        Likewise.
    distance : str
        That all were compared by; empty if each by its own.
    candidates : tuple of Candidate
        By falling MMAP over the hits found.
    leads : tuple of Lead
        Of the best over the next ones, by a bootstrap of paired differences.
    nested : float
        MMAP over the hits found when the choice is made without the pictures that
        score it.
    chosen : tuple of tuple of int
        What was chosen in each fold.
    signature : dict
        All that the numbers depend on.
    failures : tuple of Failure
        Images that could not be read; they do not count in any number.

    Examples
    --------
    >>> comparison = tamis.compare("examples", "moments,color(bins=4)", folds=2, depth=3)
    >>> len(comparison.candidates), comparison.winner
    (2, 'moments(regions=5,size=128)')
    """

    specs: tuple[str, ...]
    method: str
    unit: str
    distance: str
    candidates: tuple[Candidate, ...]
    leads: tuple[Lead, ...]
    nested: float
    chosen: tuple[tuple[int, ...], ...]
    signature: Signature
    failures: tuple[Failure, ...] = ()

    @property
    def winner(self) -> str:
        """The spec of the best candidate."""
        return self.candidates[0].spec

    @property
    def depth(self) -> int:
        """Results that counted."""
        return int(self.signature["depth"])

    @property
    def n_images(self) -> int:
        """Images that were compared."""
        return int(self.signature["n_images"])

    def names(self, parts: tuple[int, ...]) -> list[str]:
        """Name the descriptors of a candidate."""
        return [self.specs[part] for part in parts]

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return {
            "candidates": [
                {
                    "by": self.names(one.parts),
                    "spec": one.spec,
                    "depth": self.depth,
                    "mmap": one.mmap,
                    "mmap_all": one.mmap_all,
                    "precision": one.precision,
                }
                for one in self.candidates
            ],
            "winner": self.winner,
            "nested_mmap": self.nested,
            "chosen": [self.names(parts) for parts in self.chosen],
            "leads": [
                {
                    "over": self.names(lead.other),
                    "difference": lead.difference,
                    "interval": list(lead.interval),
                    "shown": lead.shown,
                    "first_result": lead.first_result.to_dict(),
                }
                for lead in self.leads
            ],
            "signature": self.signature,
            "n_images": self.n_images,
            "failures": [{"path": f.path, "reason": f.reason} for f in self.failures],
        }
