"""Sorting: from predictions to a plan, from a plan to folders on disk."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tamis.classifiers.predictions import Predictions
from tamis.errors import Failure, printable
from tamis.files.names import existing_folders, folder_name
from tamis.files.transfer import Mode, Transfer, check_can_link
from tamis.images.refusal import reason_of
from tamis.sorting.checks import existing_above
from tamis.sorting.earlier import Correction, Earlier, Placement, State, read_earlier
from tamis.sorting.keywords import KeywordPlanner
from tamis.sorting.names import Names
from tamis.sorting.placements import Placements
from tamis.table import common_root
from tamis.table.sidecars import name_beside
from tamis.trust.aside import Aside


def plan_sort(
    predictions: Predictions,
    out: str,
    *,
    mode: Mode = Mode.COPY,
    sidecars: Mapping[str, Sequence[str]] | None = None,
    aside: Aside | None = None,
    earlier: Earlier | None = None,
    root: str | None = None,
    keep_folders: bool = False,
    keywords: bool = False,
) -> Placements:
    """Plan ``out/<class>/<file>`` for every picture.

    Files with one name get a number (``cat-2.jpg``). A picture that an earlier run has put in
    place is left alone, so that sorting twice is harmless; it goes to another folder if its
    answer is another now and nobody touched it. What a person moved, changed or removed in the
    result stays as it is.

    Parameters
    ----------
    predictions : Predictions
    out : str
    mode : Mode
    sidecars : mapping from str to sequence of str, optional
        Picture to the files that go with it, as `tamis.table.sidecars.find_sidecars` gives
        them. Each gets the name of the picture, with the same number.
    aside : Aside, optional
        The pictures that go to another folder than that of their class.
    earlier : Earlier, optional
        What earlier runs placed, if it was read already.
    root : str, optional
        The folder below which the pictures lie; by default that which they have in common.
    keep_folders : bool
        Keep the folders between `root` and a picture below the folder of its class.
    keywords : bool
        Write the class of each picture into an XMP file beside it. Pictures that have such a
        file of an earlier run keep it right in any case.

    Raises
    ------
    TableError
        A class cannot be the name of a folder.
    InvalidParameterError
        A class has the name of that folder.
    DestinationError
        Hard links are asked for across disks.
    """
    spare = () if aside is None else aside.spare
    if aside is not None:
        aside.check(predictions.classes)
    apart = ("",) * len(predictions) if aside is None else aside.folders
    folder_of = existing_folders(out, map(folder_name, (*predictions.classes, *spare)))
    earlier = read_earlier(out) if earlier is None else earlier
    xmp = KeywordPlanner(predictions, earlier, wanted=keywords, beside=sidecars)
    planner = _Planner(out, mode, xmp.others, earlier)
    known = [planner.look_up(path) for path in predictions.paths]
    planner.settle(place for state, place, _ in known if state is not None and place)
    if root is None:
        root = common_root([os.path.dirname(path) or os.curdir for path in predictions.paths])
    folders = [folders_below(planner.original(path), root) for path in predictions.paths]
    destinations = []
    made = dict.fromkeys(folder_of.values())
    for path, answered, instead, found, between in zip(
        predictions.paths, predictions.labels, apart, known, folders, strict=True
    ):
        folder = folder_of[instead or answered]
        for name in between if keep_folders else ():
            made.setdefault(folder := f"{folder}/{name}")
        try:
            destinations.append(planner.plan(path, folder, *found))
        except OSError as error:
            planner.failures.append(Failure(path, reason_of(error)))
            destinations.append("")
    fresh = [one.source for one in planner.transfers if not one.aside]
    if mode is Mode.HARDLINK and fresh:
        check_can_link(fresh[0], existing_above(out))
    plan = Placements(
        out, mode, tuple(made), tuple(planner.transfers), tuple(destinations),
        tuple(planner.present), tuple(planner.sidecars), tuple(planner.failures),
        tuple(planner.resorted), tuple(planner.corrections), tuple(planner.edited),
        tuple(planner.removed), tuple(folders),
    )  # fmt: skip
    return xmp.added(plan, predictions, spare)


def folders_below(path: str, root: str) -> tuple[str, ...]:
    """List the folders between a root and a picture; none if it lies elsewhere.

    Examples
    --------
    >>> folders_below("photos/north/2024-05/a.jpg", "photos")
    ('north', '2024-05')
    """
    below = os.path.relpath(os.path.dirname(os.path.abspath(path)), os.path.abspath(root))
    parts = tuple(below.replace(os.sep, "/").split("/"))
    return () if parts == (".",) or ".." in parts else parts


class _Planner:
    """Plans picture by picture; what it decided is in its lists, named as in `Placements`."""

    def __init__(
        self, out: str, mode: Mode, beside: Mapping[str, Sequence[str]], earlier: Earlier
    ) -> None:
        self._out = out
        self._mode = mode
        self._beside = beside
        self._earlier = earlier
        self._anew = earlier.emptied
        self._names = Names(out, mode)
        self._went_along: set[str] = set()
        self.transfers: list[Transfer] = []
        self.present: list[str] = []
        self.sidecars: list[str] = []
        self.failures: list[Failure] = []
        self.resorted: list[str] = []
        self.corrections: list[Correction] = []
        self.edited: list[str] = []
        self.removed: list[str] = []

    def look_up(self, path: str) -> tuple[State | None, str, Placement | None]:
        """Tell what became of a picture that an earlier run placed; None if none did."""
        found = None if self._anew else self._earlier.find(path)
        if found is None:
            return None, "", None
        try:
            state, place = self._earlier.state(found, path)
        except OSError:  # not to be read: nothing is known of it
            return None, "", None
        return (state, place, found) if state is not State.NOWHERE else (None, "", None)

    def original(self, path: str) -> str:
        """Name the place from which a picture came, if it lies in the result already."""
        found = self._earlier.find(path)
        return path if found is None or os.path.lexists(found.first.source) else found.first.source

    def settle(self, places: Iterable[str]) -> None:
        """Take note of places that hold certain pictures, and so no others."""
        self._names = Names(self._out, self._mode, frozenset(places))

    def plan(
        self, path: str, folder: str, state: State | None, place: str, found: Placement | None
    ) -> str:
        """Plan for one picture; gives its place below the result."""
        match state:
            case State.GONE:
                self.removed.append(path)
                return ""
            case State.EDITED:
                self.edited.append(path)
                return place
            case State.MOVED if found is not None:
                label = place.rpartition("/")[0].partition("/")[0]
                self.corrections.append(Correction(path, label, place, found.label))
                return place
            case State.PLACED if found is not None and os.path.dirname(place) != folder:
                return self._resort(path, folder, place, found)
            case State.PLACED:
                os.stat(path)  # gone since it was read
                self.present.append(path)
                self._place_sidecars(path, folder, os.path.basename(place), there=True)
                return place
        transfer = Transfer.of(path, "")
        if there := self._names.find(path, folder):
            self.present.append(path)
        name = there or self._names.take(path, folder, self._beside.get(path, ()))
        if not there:
            self.transfers.append(replace(transfer, destination=f"{folder}/{name}"))
        self._place_sidecars(path, folder, name, there=bool(there))
        return f"{folder}/{name}"

    def _resort(self, path: str, folder: str, place: str, found: Placement) -> str:
        """Plan to move a picture, and what goes with it, from the folder of an earlier answer."""
        original = found.first.source
        companions = [
            one for one in self._earlier.companions(found) if one.place not in self._went_along
        ]
        self._went_along.update(one.place for one in companions)
        others = [one.first.source for one in companions]
        fresh = [one for one in self._beside.get(path, ()) if self._earlier.find(one) is None]
        name = self._names.take(original, folder, [*others, *fresh])
        self._put_aside(place, f"{folder}/{name}")
        for one, source in zip(companions, others, strict=True):
            other = name_beside(os.path.basename(source), os.path.basename(original), name)
            self._put_aside(one.place, f"{folder}/{other}")
            self.sidecars.append(self.transfers[-1].source)
        for sidecar in fresh:
            other = name_beside(os.path.basename(sidecar), os.path.basename(path), name)
            self._place_sidecar(sidecar, f"{folder}/{other}")
        self.resorted.append(path)
        return f"{folder}/{name}"

    def _put_aside(self, place: str, destination: str) -> None:
        source = os.path.join(self._out, place)
        self.transfers.append(Transfer.of(source, destination, aside=True))

    def _place_sidecars(self, path: str, folder: str, name: str, *, there: bool) -> None:
        for sidecar in self._beside.get(path, ()):
            other = name_beside(os.path.basename(sidecar), os.path.basename(path), name)
            known = self._earlier.find(sidecar)
            try:
                if there and known is not None and self._earlier.state(known)[0] is State.GONE:
                    continue
                if there and self._names.holds(sidecar, folder, other):
                    continue
                if there and not self._names.take_one(folder, other):
                    self.failures.append(
                        Failure(sidecar, f"stays: another {printable(other)} is in place")
                    )
                    continue
                self._place_sidecar(sidecar, f"{folder}/{other}")
            except OSError as error:
                self.failures.append(Failure(sidecar, reason_of(error)))

    def _place_sidecar(self, sidecar: str, destination: str) -> None:
        self.transfers.append(Transfer.of(sidecar, destination))
        self.sidecars.append(self.transfers[-1].source)
