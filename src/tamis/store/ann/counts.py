"""The number of candidates that are taken from an index."""

from typing import Final

# Candidates per result, measured on CorelDB (docs/results.md): few if the index has the
# distance of the search, more if it has one that ranks alike, most for all else.
SAME: Final = 5
"""Where index and search have one distance, unless the codes of an index are coarse for it."""

_ALIKE, _OTHER = 20, 50
_RANKS_ALIKE: Final = {
    "l2": {"l1", "chi2", "hellinger", "intersection", "braycurtis"},
    "cosine": {"l1", "l2", "sqeuclidean", "chi2", "intersection", "braycurtis"},
    "dot": set(),
    "hellinger": {"l1", "chi2", "intersection", "braycurtis", "jensenshannon"},
}


def candidates_per_result(metric: str, distance: str, *, exact: bool = True) -> int:
    """Give the number of candidates per result.

    Parameters
    ----------
    metric : str
        Metric of the index.
    distance : str
        Distance by which candidates are ranked.
    exact : bool
        Whether the index holds the vectors themselves: no projection, and not the vectors of
        one part of a fusion.
    """
    if not exact:
        return _OTHER
    if distance == metric or (metric, distance) == ("l2", "sqeuclidean"):
        return SAME
    return _ALIKE if distance in _RANKS_ALIKE[metric] else _OTHER
