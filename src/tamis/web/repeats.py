"""Pictures of a review that are there again: looked for once, in the background."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

from tamis.deduplication import (
    DEFAULT_KINDS,
    DuplicateGroup,
    add_decisions,
    find_duplicates,
    read_decisions,
)
from tamis.deduplication.links import BURST
from tamis.errors import InvalidParameterError, TamisError, sentence
from tamis.features import Progress
from tamis.table import ImageTable
from tamis.web.describing import rows_of
from tamis.web.preparation import Preparation
from tamis.web.session import Session

_STEPS: Final = 100  # of the progress that pages are told


class Repeats:
    """Groups of the same picture among those to be sorted.

    Parameters
    ----------
    session : Session
    preparation : Preparation
    decisions : str
        File of the pairs that are two pictures, as `tamis.duplicates` keeps it.
    """

    def __init__(self, session: Session, preparation: Preparation, decisions: str) -> None:
        self.session = session
        self.preparation = preparation
        self.decisions = decisions
        self.groups: list[DuplicateGroup] | None = None
        self.error = ""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def look(self) -> dict[str, Any]:
        """Return the groups; begin to look for them if nobody has.

        Returns
        -------
        dict
            ``ready``; then ``groups``, each with ``kind``, ``rows`` (the one to keep first),
            ``kinds`` and ``agreement``, and ``n_extra``.
        """
        with self._lock:
            if self.groups is None and not self.error and self._thread is None:
                self._thread = threading.Thread(target=self._find, daemon=True)
                self._thread.start()
            if self.error:
                error, self.error, self._thread = self.error, "", None
                raise InvalidParameterError(error)
            if self.groups is None:
                return {"ready": False, "groups": []}
            groups = [
                {
                    "kind": one.kind,
                    "rows": [self._row_of[path] for path in one.paths],
                    "kinds": list(one.kinds),
                    "agreement": [round(share, 3) for share in one.agreement],
                }
                for one in self.groups
            ]
        return {"ready": True, "groups": groups, "n_extra": len(self.extra())}

    def extra(self) -> set[str]:
        """Return the paths of all but the kept picture of each group, bursts aside."""
        groups = self.groups or []
        return {path for one in groups if one.kind != BURST for path in one.others}

    def keep(self, rows: Sequence[object]) -> dict[str, Any]:
        """Let a picture be the one that is kept of its group."""
        wanted = {self.session.catalog.paths[row] for row in self.session.catalog.check(rows)}
        with self._lock:
            self.groups = [_led_by(one, wanted) for one in self.groups or []]
        return self.look()

    def apart(self, rows: Sequence[object]) -> dict[str, Any]:
        """Take pictures out of their groups: they are other pictures, and are not asked again.

        Written to the file of decisions before it returns.
        """
        paths = {self.session.catalog.paths[row] for row in self.session.catalog.check(rows)}
        with self._lock:
            pairs, groups = [], []
            for one in self.groups or []:
                inside = [path for path in one.paths if path in paths]
                pairs += [(path, other) for path in inside for other in one.paths if other != path]
                if (rest := _without(one, paths)) is not None:
                    groups.append(rest)
            if not pairs:
                raise InvalidParameterError("none of these pictures is in a group.")
            add_decisions(self.decisions, pairs, self._table())
            self.groups = groups
        self.session.events.tell("duplicates", n=len(groups))
        return self.look()

    @property
    def _paths(self) -> tuple[str, ...]:
        return self.session.catalog.paths[: self.session.catalog.n]

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {path: row for row, path in reversed(list(enumerate(self._paths)))}

    def _table(self) -> ImageTable:
        photos = self.preparation.plan.photos
        return photos.table.select(rows_of(photos, self._paths))

    def _find(self) -> None:
        try:
            found = find_duplicates(
                self._table(),
                kinds=DEFAULT_KINDS,
                decided=read_decisions(self.decisions),
                jobs=self.preparation.plan.jobs,
                max_pixels=self.preparation.plan.max_pixels,
                stages=self._stages,
            )
            with self._lock:
                self.groups = list(found.groups)
            self.session.events.tell("duplicates", n=len(found.groups))
        except TamisError as error:
            self.error = sentence(error)
            self.session.events.tell("duplicates", n=0)

    @contextmanager
    def _stages(self, name: str, total: int) -> Iterator[Progress]:
        done, told = 0, 0

        def advance(n: int) -> None:
            nonlocal done, told
            done += n
            if done * _STEPS // max(1, total) > told:
                told = done * _STEPS // max(1, total)
                self.session.events.tell("looking", what=name, done=done, of=total)

        yield advance


def _led_by(group: DuplicateGroup, wanted: set[str]) -> DuplicateGroup:
    """Put the first of the pictures that are wanted to the front of a group."""
    order = sorted(range(len(group)), key=lambda place: group.paths[place] not in wanted)
    if order[0] == 0:
        return group
    kinds = list(group.kinds)
    kinds[0], kinds[order[0]] = kinds[order[0]] or group.kind, ""
    return DuplicateGroup(
        group.kind,
        tuple(group.paths[place] for place in order),
        tuple(group.agreement[place] for place in order),
        tuple(kinds[place] for place in order),
    )


def _without(group: DuplicateGroup, paths: set[str]) -> DuplicateGroup | None:
    """Leave pictures out of a group; None if fewer than two are left."""
    kept = [place for place, path in enumerate(group.paths) if path not in paths]
    if len(kept) < 2:
        return None
    kinds = [group.kinds[place] for place in kept]
    kinds[0] = ""
    return DuplicateGroup(
        group.kind,
        tuple(group.paths[place] for place in kept),
        tuple(group.agreement[place] for place in kept),
        tuple(kinds),
    )
