"""From a list of pictures to groups of the same picture."""

import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from tamis.deduplication.content import copies
from tamis.deduplication.decisions import decided_rows
from tamis.deduplication.groups import DuplicateGroup, Duplicates, make_groups, weakest
from tamis.deduplication.links import BURST, COPY, DEFAULT_KINDS, KINDS, Link, find_links
from tamis.deduplication.sketches import Sketches, sketch
from tamis.deduplication.thresholds import learn_thresholds
from tamis.errors import UnknownNameError
from tamis.features import Progress
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.table import ImageTable

Stages = Callable[[str, int], AbstractContextManager[Progress]]
"""Opens a stage of the work, as `tamis.cli.progress.progress` does."""

_SHARPER: Final = math.log(1.2)


def find_duplicates(
    table: ImageTable,
    *,
    kinds: Sequence[str] = DEFAULT_KINDS,
    decided: Iterable[tuple[str, str]] = (),
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    stages: Stages | None = None,
) -> Duplicates:
    """Find the groups of the same picture in a table.

    Parameters
    ----------
    table : ImageTable
    kinds : sequence of {"copy", "same", "mirrored", "turned", "burst"}
    decided : iterable of (str, str)
        Pairs that are two pictures, by their names below the root.
    jobs, max_pixels
        As `tamis.features.extract` takes them.
    stages : callable, optional
        Told of the work.

    Returns
    -------
    Duplicates
        Independent of `jobs`.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError.among("kind", kind, KINDS)
    stages = stages or (lambda what, total: nullcontext(lambda done: None))
    alike = copies(table.paths)
    links = [Link(rows[0], row, COPY, 1.0) for rows in alike for row in rows[1:]]
    failures: tuple[Any, ...] = ()
    learned: dict[str, float] = {}
    sketches: Sketches | None = None
    if set(kinds) - {COPY}:
        again = {link.second for link in links}
        firsts = np.setdiff1d(np.arange(len(table)), list(again))
        once = table.select(firsts.tolist()) if again else table
        with stages("pictures", len(once)) as advance:
            sketches = sketch(once, jobs=jobs, max_pixels=max_pixels, progress=advance)
        failures = sketches.failures
        thresholds = learn_thresholds(once, sketches, jobs=jobs, max_pixels=max_pixels)
        learned = asdict(thresholds)
        rows = firsts[sketches.rows] if len(sketches) else np.empty(0, int)
        links += [
            Link(int(rows[one.first]), int(rows[one.second]), one.kind, one.agreement)
            for one in find_links(sketches, thresholds, tuple(kinds), jobs=jobs)
        ]
        quality = _Quality(table, sketches, rows, links)
    else:
        quality = _Quality(table, None, np.empty(0, int), links)
    links = [link for link in links if link.kind in kinds]
    apart = decided_rows(decided, table)
    strong = [link for link in links if link.kind != BURST]
    groups, refused = make_groups(strong, apart=apart)
    ordered = [sorted(rows, key=quality.order) for rows in groups]
    made = [_group(table, rows, inside) for rows, inside in _linked(ordered, strong)]
    best = {row: rows[0] for rows in ordered for row in rows}
    weak = []
    for link in links:
        if link.kind == BURST:
            one, other = (best.get(row, row) for row in (link.first, link.second))
            weak.append(Link(min(one, other), max(one, other), BURST, link.agreement))
    weak = [link for link in weak if link.first != link.second]
    bursts, refused_bursts = make_groups(weak, apart=apart)
    made += [_group(table, rows, inside) for rows, inside in _linked(bursts, weak)]
    made.sort(key=lambda group: KINDS.index(group.kind))
    return Duplicates(
        table, tuple(made), learned, failures, refused + refused_bursts, frozenset(decided)
    )


def _linked(
    groups: Sequence[list[int]], links: Iterable[Link]
) -> list[tuple[list[int], list[Link]]]:
    """Give each group the pairs within it."""
    number = {row: i for i, rows in enumerate(groups) for row in rows}
    inside: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        place = number.get(link.first, -1)
        if place >= 0 and place == number.get(link.second, -2):
            inside[place].append(link)
    return [(rows, inside[i]) for i, rows in enumerate(groups)]


def _group(table: ImageTable, rows: Sequence[int], inside: Sequence[Link]) -> DuplicateGroup:
    strongest: dict[int, Link] = {}
    for link in sorted(inside, key=lambda one: (KINDS.index(one.kind), -one.agreement)):
        strongest.setdefault(link.first, link)
        strongest.setdefault(link.second, link)
    return DuplicateGroup(
        weakest([strongest[row].kind for row in rows]),
        tuple(table.paths[row] for row in rows),
        tuple(strongest[row].agreement for row in rows),
        ("", *(strongest[row].kind for row in rows[1:])),
    )


class _Quality:
    """Which picture of a group is the best: pixels, colour, sharpness, bytes, then order."""

    def __init__(
        self, table: ImageTable, sketches: Sketches | None, rows: Any, links: Iterable[Link]
    ) -> None:
        self._paths = table.paths
        self._sketches = sketches
        self._place = np.full(len(table), -1, np.int32)
        self._place[rows] = np.arange(len(rows))
        self._as = {link.second: link.first for link in links if link.kind == COPY}

    def order(self, row: int) -> tuple[float, ...]:
        """Give the key by which the best comes first."""
        place = int(self._place[self._as.get(row, row)])
        seen: tuple[float, ...] = (0.0, 0.0, 0.0)
        if place >= 0 and self._sketches is not None:
            height, width = map(int, self._sketches.shapes[place])
            sharp = max(float(self._sketches.sharpness[place]), 1e-6)
            seen = (
                -round(math.log(max(height * width, 1)) / 0.05),  # within 5 % is equal
                -float(self._sketches.colour[place]),
                -round(math.log(sharp) / _SHARPER),
            )
        try:
            size = os.path.getsize(self._paths[row])
        except OSError:
            size = 0
        return (*seen, -size, row)
