"""Which pairs of pictures are the same: candidates by hash and likeness, confirmed by aligning."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.deduplication.alignment import agreement
from tamis.deduplication.hashing import near_hashes
from tamis.deduplication.neighbours import Cells, likeness_of
from tamis.deduplication.sketches import (
    Sketches,
    changed_vectors,
    difference_hash,
    mirror,
    quarter_turns,
    turn,
)
from tamis.deduplication.thresholds import Thresholds
from tamis.features import available_processors

Array = npt.NDArray[Any]
Change = Callable[[Array, Array], Array]

COPY: Final = "copy"
SAME: Final = "same"
MIRRORED: Final = "mirrored"
TURNED: Final = "turned"
BURST: Final = "burst"
KINDS: Final = (COPY, SAME, MIRRORED, TURNED, BURST)
"""From the strongest kind to the weakest."""
DEFAULT_KINDS: Final = (COPY, SAME, BURST)

_NEIGHBOURS: Final = 8
_PAIRS: Final = 1024
_CHANGES: Final[dict[str, tuple[Change, ...]]] = {
    MIRRORED: (mirror,),
    TURNED: (quarter_turns(1), quarter_turns(2), quarter_turns(3), turn(10), turn(-10)),
}


@dataclass(frozen=True, slots=True)
class Link:
    """Two pictures that are the same, or neighbours.

    Attributes
    ----------
    first, second : int
        Rows; `first` is the smaller.
    kind : str
        One of `KINDS`.
    agreement : float
        Correlation of their details after aligning; 1 for byte copies.
    """

    first: int
    second: int
    kind: str
    agreement: float


def find_links(
    sketches: Sketches,
    thresholds: Thresholds,
    kinds: tuple[str, ...] = DEFAULT_KINDS,
    *,
    jobs: int | None = None,
) -> list[Link]:
    """Find the pairs of pictures that are the same, whatever their number.

    Parameters
    ----------
    sketches : Sketches
    thresholds : Thresholds
    kinds : tuple of str
        Those that are wanted; byte copies are not looked for here.
    jobs : int, optional
        Threads.

    Returns
    -------
    list of Link
        Rows are those of the sketches.
    """
    seen = np.flatnonzero(~sketches.blank)
    if len(seen) < 2:
        return []
    jobs = jobs if jobs is not None else available_processors()
    cells = Cells.of(sketches.tiny[seen])
    found: dict[tuple[int, int], Link] = {}

    def compare(change: Change | None, pairs: Array) -> tuple[Array, Array]:
        rows, places = np.unique(pairs, return_inverse=True)
        small = sketches.thumbnails.take(rows)
        changed = small if change is None else change(small, sketches.shapes[rows])
        places = places.reshape(pairs.shape)
        return pairs, agreement(changed, small, places[:, 0], places[:, 1])

    def look(change: Change | None, kind: str, least: float) -> None:
        pairs = seen[_candidates(sketches, seen, cells, change, thresholds.likeness)]
        with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-align") as pool:
            blocks = [pairs[i : i + _PAIRS] for i in range(0, len(pairs), _PAIRS)]
            for some, scores in pool.map(lambda block: compare(change, block), blocks):
                for row in np.flatnonzero(scores >= least):
                    first, second = sorted(map(int, some[row]))
                    score = float(scores[row])
                    named = kind if score >= thresholds.same else BURST
                    old = found.get((first, second))
                    if old is None or (old.kind == BURST and score > old.agreement):
                        found[first, second] = Link(first, second, named, score)

    look(None, SAME, thresholds.burst if BURST in kinds else thresholds.same)
    for kind in (MIRRORED, TURNED):
        for change in _CHANGES[kind] if kind in kinds else ():
            look(change, kind, thresholds.same)
    return sorted(found.values(), key=lambda link: (link.first, link.second))


def _candidates(
    sketches: Sketches, seen: Array, cells: Cells, change: Change | None, least: float
) -> Array:
    """List pairs of places in `seen` that may be the same picture, each once and in order."""
    hashes = sketches.hashes[seen]
    if change is None:
        near = near_hashes(hashes)
        vectors = cells.vectors
        places, likeness = cells.nearest(k=_NEIGHBOURS)
    else:
        vectors = changed_vectors(sketches, change)[seen]
        near = near_hashes(hashes, _changed_hashes(sketches, seen, change))
        places, likeness = cells.nearest(vectors, k=_NEIGHBOURS)
    left, rank = np.nonzero((places >= 0) & (likeness >= least))
    pairs = [np.column_stack([left, places[left, rank]])]
    left, rank = np.nonzero(near >= 0)
    others = near[left, rank]
    alike = likeness_of(vectors[left], cells.vectors[others]) >= least
    pairs.append(np.column_stack([left[alike], others[alike]]))
    both = np.concatenate(pairs).astype(np.int64)
    both = both[both[:, 0] != both[:, 1]]  # a symmetric picture is its own mirror image
    if change is None:
        both.sort(axis=1)
    keys = np.unique(both[:, 0] * len(seen) + both[:, 1])
    return np.column_stack(np.divmod(keys, len(seen)))


def _changed_hashes(sketches: Sketches, seen: Array, change: Change) -> Array:
    return np.concatenate(
        [
            [difference_hash(one) for one in change(small, sketches.shapes[rows])]
            for rows, small in _blocks(sketches, seen)
        ]
    ).astype(np.uint64)


def _blocks(sketches: Sketches, rows: Array) -> Iterator[tuple[Array, Array]]:
    for start in range(0, len(rows), 4096):
        some = rows[start : start + 4096]
        yield some, sketches.thumbnails.take(some)
