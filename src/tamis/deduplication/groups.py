"""Groups of the same picture, made of pairs: what a person looks at, and what a split keeps."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from tamis.deduplication.links import BURST, KINDS, Link
from tamis.errors import Failure
from tamis.table import ImageTable
from tamis.table.frames import Columns, Tabular


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Pictures that are the same, or that are neighbours.

    Attributes
    ----------
    kind : str
        The weakest kind that holds it together: ``copy``, ``same``, ``mirrored``,
        ``turned`` or ``burst``.
    paths : tuple of str
        The best first, the others in the order of the source.
    agreement : tuple of float
        Of each the highest correlation with another of the group, up to 1.
    kinds : tuple of str
        Of each the kind of that pair; of the best, "".

    Examples
    --------
    >>> group = DuplicateGroup("same", ("a.jpg", "b.jpg"), (0.98, 0.98), ("", "same"))
    >>> group.best, group.others
    ('a.jpg', ('b.jpg',))
    """

    kind: str
    paths: tuple[str, ...]
    agreement: tuple[float, ...]
    kinds: tuple[str, ...]

    @property
    def best(self) -> str:
        """The picture to keep: the largest, in colour, the sharpest, the largest file."""
        return self.paths[0]

    @property
    def others(self) -> tuple[str, ...]:
        """All but the best."""
        return self.paths[1:]

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Duplicates(Tabular):
    """What `duplicates` found: the groups, and how.

    Attributes
    ----------
    table : ImageTable
        All pictures among which was looked.
    groups : tuple of DuplicateGroup
        Largest kinds of sameness first, each in the order of the source. The pictures of a
        burst stand by the best of each group of the same picture among them.
    thresholds : mapping
        What was learned from the collection: ``same``, ``burst``, ``likeness``, and from how
        many pairs.
    failures : tuple of Failure
        Pictures that could not be read; byte copies of them are found all the same.
    n_decided : int
        Pairs that were kept apart since it was decided that they are two pictures.

    Examples
    --------
    >>> found = Duplicates(ImageTable((), (), ()), (), {})
    >>> found
    Duplicates(0 groups among 0 images)
    """

    table: ImageTable
    groups: tuple[DuplicateGroup, ...]
    thresholds: Mapping[str, float]
    failures: tuple[Failure, ...] = ()
    n_decided: int = 0
    decided: Set[tuple[str, str]] = field(default=frozenset())

    def __len__(self) -> int:
        return len(self.groups)

    def __iter__(self) -> Iterator[DuplicateGroup]:
        return iter(self.groups)

    def __repr__(self) -> str:
        n, among = len(self.groups), len(self.table)
        counts = ", ".join(f"{count} {kind}" for kind in KINDS if (count := self.count(kind)))
        return (
            f"Duplicates({n:,} group{'s' * (n != 1)}{f' ({counts})' * bool(counts)} among "
            f"{among:,} image{'s' * (among != 1)})"
        )

    def count(self, kind: str) -> int:
        """Count the groups of a kind."""
        return sum(group.kind == kind for group in self.groups)

    @property
    def extra(self) -> tuple[str, ...]:
        """The pictures that are there again: all but the best of each group, bursts aside."""
        return tuple(path for one in self.groups if one.kind != BURST for path in one.others)

    def columns(self) -> Columns:
        """Return ``group``, ``kind``, ``path``, ``best``, ``pair`` and ``agreement``."""
        rows = [
            (number, group.kind, path, path == group.best, kind, score)
            for number, group in enumerate(self.groups, start=1)
            for path, kind, score in zip(group.paths, group.kinds, group.agreement, strict=True)
        ]
        names = ("group", "kind", "path", "best", "pair", "agreement")
        values = zip(*rows, strict=True) if rows else ([] for _ in names)
        return dict(zip(names, map(list, values), strict=True))

    def together(self) -> dict[str, str]:
        """Name for each picture of a group what must not be separated from it.

        A burst and the groups of the same picture in it are one.
        """
        joined: dict[str, str] = {}

        def first_of(path: str) -> str:
            while joined.setdefault(path, path) != path:
                joined[path] = joined[joined[path]]
                path = joined[path]
            return path

        for group in self.groups:
            for path in group.others:
                one, other = sorted((first_of(group.best), first_of(path)))
                joined[other] = one
        return {path: f"like {first_of(path)}" for path in list(joined)}

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return {
            "n_images": len(self.table),
            "n_groups": {kind: self.count(kind) for kind in KINDS},
            "n_extra": len(self.extra),
            "n_decided": self.n_decided,
            "groups": [
                {
                    "kind": group.kind,
                    "best": group.best,
                    "images": [
                        {"path": path, "pair": kind or None, "agreement": round(score, 4)}
                        for path, kind, score in zip(
                            group.paths, group.kinds, group.agreement, strict=True
                        )
                    ],
                }
                for group in self.groups
            ],
            "thresholds": dict(self.thresholds),
        }


def make_groups(
    links: Iterable[Link],
    *,
    apart: Iterable[tuple[int, int]] = (),
) -> tuple[list[list[int]], int]:
    """Join pairs into groups, strongest pairs first, but never two that are decided apart.

    Returns
    -------
    groups : list of list of int
        Two rows or more each, in order.
    refused : int
        Pairs that would have joined two pictures that are decided apart.
    """
    parent: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    enemies: dict[int, set[int]] = defaultdict(set)
    for first, second in apart:
        enemies[first].add(second)
        enemies[second].add(first)

    def root(row: int) -> int:
        if row not in parent:
            parent[row], members[row] = row, [row]
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    refused = 0
    for link in sorted(links, key=lambda one: (KINDS.index(one.kind), -one.agreement, one.first)):
        one, other = root(link.first), root(link.second)
        if one == other:
            continue
        if len(members[one]) < len(members[other]):
            one, other = other, one
        if enemies and any(
            row in enemies and not enemies[row].isdisjoint(members[one]) for row in members[other]
        ):
            refused += 1
            continue
        parent[other] = one
        members[one] += members.pop(other)
    return sorted(sorted(rows) for rows in members.values() if len(rows) > 1), refused


def weakest(kinds: Sequence[str]) -> str:
    """Name the weakest of some kinds.

    Examples
    --------
    >>> weakest(["same", "copy"])
    'same'
    """
    return max(kinds, key=KINDS.index)
