"""Keywords: an XMP file beside each sorted picture that names its class for other programs.

A file is made anew, or is the picture's own XMP file with the keyword added. Where a later run
moves the picture, or a person did, its XMP file is written anew beside it; the file of before
goes to ``_replaced``, from where undoing the run brings it back.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tamis.classifiers.predictions import Predictions
from tamis.errors import Failure
from tamis.files.moving import folders_of
from tamis.files.transfer import Mode, Transfer
from tamis.images.refusal import reason_of
from tamis.sorting.earlier import Earlier
from tamis.sorting.placements import Placements
from tamis.sorting.xmp import SUFFIX, KeywordFile, XmpError, class_in, read_xmp
from tamis.table.sidecars import find_sidecars, name_beside

REPLACED: Final = "_replaced"
"""Folder of a result that holds the XMP files of before."""

Beside = Mapping[str, Sequence[str]]


class KeywordPlanner:
    """Plans the XMP files of a sort.

    Parameters
    ----------
    predictions : Predictions
    earlier : Earlier
    wanted : bool
        Every picture gets one; otherwise only those that have one of an earlier run.
    beside : mapping from str to sequence of str, optional
        Picture to the files that are to go with it.
    """

    def __init__(
        self, predictions: Predictions, earlier: Earlier, *, wanted: bool, beside: Beside | None
    ) -> None:
        self._earlier = earlier
        self._along = beside or {}
        self._previous: dict[str, str] = {}  # picture to the XMP file that a run wrote for it
        if any(map(_is_xmp, earlier.made)):
            for path in predictions.paths:
                if (place := self._written(path)) is not None:
                    self._previous[path] = place
        self._chosen = set(predictions.paths) if wanted else set(self._previous)
        around = find_sidecars(predictions.paths) if self._chosen else {}
        self._own = {
            path: xmp
            for path in self._chosen
            if (xmp := next(filter(_is_xmp, around.get(path, ())), None)) is not None
        }
        self._aside: list[Transfer] = []
        self._instead: set[str] = set()  # places of transfers that go aside
        self._made: dict[str, KeywordFile] = {}

    @property
    def others(self) -> Beside:
        """The files that go with pictures, without the XMP files that get a keyword."""
        if not self._own:
            return self._along
        return {
            path: [one for one in paths if one != self._own.get(path)]
            for path, paths in self._along.items()
        }

    def added(self, plan: Placements, predictions: Predictions, spare: Iterable[str]) -> Placements:
        """Return a plan with the XMP files of its pictures.

        Parameters
        ----------
        plan : Placements
        predictions : Predictions
        spare : iterable of str
            Folders of the result that are no class.
        """
        if not self._chosen:
            return plan
        coming = {one.destination: one for one in plan.transfers}
        corrected = {one.path: one.label for one in plan.corrections}
        no_class = frozenset(spare)
        failures = []
        for path, answer, place in zip(
            predictions.paths, predictions.labels, plan.destinations, strict=True
        ):
            if not place or path not in self._chosen:
                continue
            label = corrected.get(path, None if place.partition("/")[0] in no_class else answer)
            try:
                self._plan(path, place, label or None, plan, coming)
            except (XmpError, OSError) as error:
                reason = str(error) if isinstance(error, XmpError) else reason_of(error)
                failures.append(Failure(path, f"gets no keyword: {reason}"))
        kept = [one for one in plan.transfers if one.destination not in self._instead]
        return replace(
            plan,
            folders=(*plan.folders, *folders_of(one.destination for one in self._aside)),
            transfers=(*kept, *self._aside),
            sidecars=(*plan.sidecars, *(one.source for one in self._aside if not one.aside)),
            failures=(*plan.failures, *failures),
            keywords=self._made,
        )

    def _plan(
        self,
        path: str,
        place: str,
        label: str | None,
        plan: Placements,
        coming: Mapping[str, Transfer],
    ) -> None:
        """Plan for one picture."""
        previous, own = self._previous.get(path), self._own.get(path)
        target = _target(path, place, previous, own)
        before = None if previous is None else os.path.join(plan.out, previous)
        if before is not None and not os.path.isfile(before):
            return  # a person removed it
        instead = coming.get(target)  # a copy that an earlier run placed, and that goes along
        there = os.path.join(plan.out, target)
        standing = there if os.path.isfile(there) else None
        base = before or (instead.source if instead is not None else standing) or own
        if base is None and label is None:
            return
        if base is not None and base == standing and class_in(read_xmp(base)) == label:
            return
        file = KeywordFile(label, base)
        content = file.content()  # what is no XMP is known before anything is planned
        for old in dict.fromkeys(filter(None, (before, standing))):
            below = os.path.relpath(old, plan.out)
            self._aside.append(Transfer.of(old, _replaced(below), aside=True))
        if instead is not None:
            self._instead.add(target)
            self._aside.append(replace(instead, destination=_replaced(target)))
        if previous is None and plan.mode is Mode.MOVE and own in self._along.get(path, ()):
            assert own is not None
            self._aside.append(Transfer.of(own, _replaced(target)))
        if content is not None:
            self._made[target] = file

    def _written(self, path: str) -> str | None:
        """Name the XMP file that an earlier run wrote for a picture."""
        found = self._earlier.find(path)
        if found is None:
            return None
        names = (found.place + SUFFIX, os.path.splitext(found.place)[0] + SUFFIX)
        return next((name for name in names if name in self._earlier.made), None)


def _target(path: str, place: str, previous: str | None, own: str | None) -> str:
    """Name the XMP file beside a picture as that of before was named, or as its own is."""
    if previous is not None:
        long = os.path.splitext(previous)[0].endswith(os.path.splitext(path)[1])
        return (place if long else os.path.splitext(place)[0]) + SUFFIX
    if own is not None:
        folder, name = os.path.split(place)
        beside = name_beside(os.path.basename(own), os.path.basename(path), name)
        return f"{folder}/{beside}" if folder else beside
    return place + SUFFIX


def _replaced(place: str) -> str:
    return f"{REPLACED}/{place.replace(os.sep, '/')}"


def _is_xmp(path: str) -> bool:
    return path.lower().endswith(SUFFIX)
