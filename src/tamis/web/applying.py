"""Carrying a review out: the plan as counts and a table, apply, undo; and what can be kept."""

import os
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from tamis.classifiers.predictions import Predictions
from tamis.dataset import Dataset
from tamis.deduplication.keeping import FOLDER as DUPLICATES
from tamis.errors import DestinationError, InvalidParameterError, TamisError, printable, sentence
from tamis.files.transfer import Mode
from tamis.files.undoing import undo
from tamis.sorting import SortPlan, check_folders, sort
from tamis.trust.aside import UNSURE, Aside
from tamis.web.preparation import Preparation
from tamis.web.repeats import Repeats
from tamis.web.session import Session

_ROWS: Final = 200  # of the table that a page shows


class Applying:
    """Plans and carries out, one run at a time.

    Parameters
    ----------
    session : Session
    preparation : Preparation
    repeats : Repeats
    out : str
        Folder that is proposed.
    fixed : bool
        Nothing may be written elsewhere.
    """

    def __init__(
        self,
        session: Session,
        preparation: Preparation,
        repeats: Repeats,
        *,
        out: str,
        fixed: bool,
    ) -> None:
        self.session = session
        self.preparation = preparation
        self.repeats = repeats
        self.out = out
        self.fixed = fixed
        self._busy = threading.Lock()

    def plan(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Say what would be done.

        Parameters
        ----------
        wish : mapping
            ``out``, ``mode`` (copy, hardlink, symlink or move), and what becomes of ``unsure``
            answers and of ``repeats``, all but the kept of each group of duplicates: "sort" like
            the others, "aside" into ``_unsure`` or ``_duplicates``, or "leave" where they are.
        """
        plan = self._plan(wish)
        placed = plan.placements
        counts = Counter(one.destination.partition("/")[0] for one in placed.transfers)
        return {
            "out": placed.out,
            "mode": str(placed.mode),
            "n": len(placed.transfers),
            "present": len(placed.present),
            "failures": [{"path": f.path, "reason": f.reason} for f in placed.failures[:_ROWS]],
            "folders": {name: counts[name] for name in placed.folders},
            "transfers": [
                {"from": printable(one.source), "to": printable(one.destination)}
                for one in placed.transfers[:_ROWS]
            ],
            "left": self.session.catalog.n - len(plan.predictions),
        }

    def apply(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Begin to carry out the plan; the pages are told how it goes."""
        plan = self._plan(wish)
        return self._begin("applying", len(plan.placements.transfers), self._apply, plan)

    def undo(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Begin to take back the last run into a folder."""
        return self._begin("undoing", 0, self._undo, self._place(wish))

    def save_examples(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Copy the pictures that people gave a class to into a folder per class."""
        rows = np.flatnonzero(self.session.person[: self.session.catalog.n] >= 0)
        if not len(rows):
            raise InvalidParameterError("nobody has given a picture a class yet.")
        place = self._place(wish)
        outcome = sort(self._allowed(self.session.predictions(rows)), place).apply(
            title="Examples from a review"
        )
        return {
            "out": place,
            "done": outcome.done,
            "failures": [{"path": f.path, "reason": f.reason} for f in outcome.failures],
        }

    def save_model(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Fit a model to the examples and all corrections, and write it."""
        file = wish.get("file")
        if not isinstance(file, str) or not file:
            raise InvalidParameterError("file must name the model to be written.")
        place = os.path.abspath(os.path.expanduser(file))
        if self.fixed and os.path.dirname(place) != os.path.abspath(self.out):
            raise DestinationError(f"models are written into {printable(self.out)} only.")
        if os.path.lexists(place):
            raise DestinationError(f"{printable(place)} is there already. Choose another name.")
        model = self.preparation.trained()
        os.makedirs(os.path.dirname(place), exist_ok=True)
        return {
            "file": place,
            "digest": model.save(place),
            "classes": list(model.classes),
            "n_train": len(model.examples),
        }

    def _begin(self, doing: str, of: int, work: Any, what: Any) -> dict[str, Any]:
        if not self._busy.acquire(blocking=False):
            raise DestinationError("something is being carried out already. Wait for its end.")

        def run() -> None:
            try:
                self.session.events.tell("run", doing=doing, done=0, of=of)
                outcome = work(what)
                self.session.events.tell(
                    "run", doing="", over=doing, done=outcome.done,
                    failures=[[f.path, f.reason] for f in outcome.failures[:_ROWS]],
                )  # fmt: skip
            except TamisError as error:
                self.session.events.tell("run", doing="", over=doing, error=sentence(error))
            except Exception as error:
                self.session.events.tell("run", doing="", over=doing, error=f"{error!r:.300}.")
                raise
            finally:
                self._busy.release()

        threading.Thread(target=run, daemon=True, name="tamis-apply").start()
        return {"doing": doing, "of": of}

    def _apply(self, plan: SortPlan) -> Any:
        of, done = len(plan.placements.transfers), 0

        def advance(n: int) -> None:
            nonlocal done
            done += n
            if done % 20 == 0 or done == of:
                self.session.events.tell("run", doing="applying", done=done, of=of)

        return plan.apply(progress=advance)

    def _undo(self, place: str) -> Any:
        return undo(place)

    def _plan(self, wish: Mapping[str, Any]) -> SortPlan:
        session = self.session
        if not session.answers.revision:
            raise InvalidParameterError("there are no answers yet. Wait a little.")
        try:
            mode = Mode(wish.get("mode", "copy"))
        except ValueError:
            raise InvalidParameterError(
                "mode must be copy, hardlink, symlink or move. "
                f"Got {printable(str(wish.get('mode'))[:40])}."
            ) from None
        place = self._place(wish)
        predictions = session.predictions()
        doubtful = predictions.confidence < session.answers.sure_from
        extra = self.repeats.extra()
        again = np.array([path in extra for path in predictions.paths], bool)
        goes = np.full(len(predictions), "", object)
        stays = np.zeros(len(predictions), bool)
        for name, rows, folder in (("unsure", doubtful, UNSURE), ("repeats", again, DUPLICATES)):
            match wish.get(name, "sort"):
                case "aside":
                    goes[rows] = folder
                case "leave":
                    stays |= rows
                case "sort":
                    pass
                case _:
                    raise InvalidParameterError(f"{name} must be sort, aside or leave.")
        if stays.any():
            row_of = {path: row for row, path in enumerate(session.catalog.paths)}
            kept = np.flatnonzero(~stays)
            goes = goes[kept]
            places = [row_of[predictions.paths[i]] for i in kept]
            predictions = session.predictions(np.array(places, np.intp))
        taken = self._allowed(predictions)
        allowed = set(taken.paths)
        apart = [one for one, path in zip(goes, predictions.paths, strict=True) if path in allowed]
        used = tuple(name for name in (UNSURE, DUPLICATES) if name in apart)
        if not used:
            return sort(taken, place, mode=mode)
        return sort(taken, place, mode=mode, aside=Aside(tuple(apart), used=used))

    def _place(self, wish: Mapping[str, Any]) -> str:
        out = wish.get("out") or self.out
        if not isinstance(out, str):
            raise InvalidParameterError("out must name a folder.")
        place = os.path.abspath(os.path.expanduser(out))
        if self.fixed and place != os.path.abspath(self.out):
            raise DestinationError(f"pictures are written into {printable(self.out)} only.")
        train = self.preparation.plan.examples
        check_folders(
            place,
            train=None if train is None else train.table.root or None,
            source=self.preparation.plan.photos.table.root or self.preparation.plan.photos.source,
        )
        return place

    def _allowed(self, predictions: Predictions) -> Predictions:
        """Leave out what may not be taken: what a list or a link names elsewhere."""
        photos = self.preparation.plan.photos
        wanted = set(predictions.paths)
        rows = [row for row, path in enumerate(photos.table.paths) if path in wanted]
        taken = set(taken_paths(photos.having(photos.table.select(rows))))
        if len(taken) == len(predictions):
            return predictions
        kept = [i for i, path in enumerate(predictions.paths) if path in taken]
        return replace(
            predictions,
            paths=tuple(predictions.paths[i] for i in kept),
            probabilities=predictions.probabilities[kept],
            neighbours=replace(
                predictions.neighbours,
                indices=predictions.neighbours.indices[kept],
                distances=predictions.neighbours.distances[kept],
            ),
        )


def taken_paths(photos: Dataset) -> tuple[str, ...]:
    """Return the paths of the pictures that may be copied, linked or moved."""
    return photos.to_take().table.paths
