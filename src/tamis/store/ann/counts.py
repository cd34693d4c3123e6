"""How many candidates an index is asked for."""

from typing import Final

# Candidates per result: measured on CorelDB, see docs/results.md. Few if the index is by
# the distance asked for, more if by one that ranks much alike, most for all else.
_SAME, _ALIKE, _OTHER = 5, 20, 50
_RANKS_ALIKE: Final = {
    "l2": {"l1", "chi2", "hellinger", "intersection", "braycurtis"},
    "cosine": {"l1", "l2", "sqeuclidean", "chi2", "intersection", "braycurtis"},
    "dot": set(),
    "hellinger": {"l1", "chi2", "intersection", "braycurtis", "jensenshannon"},
}


def candidates_per_result(metric: str, distance: str, *, exact: bool = True) -> int:
    """Say how many candidates an index is asked for, for each result.

    Parameters
    ----------
    metric : str
        Of the index.
    distance : str
        By which candidates are ranked.
    exact : bool
        Whether the index holds the vectors themselves, not a projection of them, nor
        those of one part of a fusion.
    """
    if not exact:
        return _OTHER
    if distance == metric or (metric, distance) == ("l2", "sqeuclidean"):
        return _SAME
    return _ALIKE if distance in _RANKS_ALIKE[metric] else _OTHER
