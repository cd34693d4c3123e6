"""The state of a review: pictures, answers, and what people said; every page shows it."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.classifiers.predictions import Predictions
from tamis.errors import InvalidParameterError, printable
from tamis.features.index import Matches
from tamis.files.names import folder_name
from tamis.web.catalog import Catalog
from tamis.web.corrections import Change, Corrections
from tamis.web.events import Events
from tamis.web.thumbnails import Thumbnails

KEYS: Final = "123456789bcdefgimopqstvwxy"
"""Keys that classes get, in order: those that no command of the page has."""

SURE: Final = 0.9
"""Confidence of sure answers where the examples promise nothing."""

MAX_CLASSES: Final = 1000


@dataclass(eq=False)
class Answers:
    """What is answered for all pictures, as of one fit.

    Attributes
    ----------
    classes : ndarray of shape (n,), uint16
    confidence : ndarray of shape (n,), float32
    probabilities : ndarray of shape (n, n_classes), float32
        Zero for a picture that could not be read.
    unlike : ndarray of shape (n,), bool
        Pictures that are far from all examples.
    sure_from : float
        Confidence from which an answer counts as sure.
    promised : str
        What the examples promise of sure answers; empty if nothing.
    revision : int
        Grows with every fit; 0 before the first.
    seconds : float
        That the last fit took.
    """

    classes: npt.NDArray[np.uint16]
    confidence: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]
    unlike: npt.NDArray[np.bool_]
    sure_from: float = SURE
    promised: str = ""
    revision: int = 0
    seconds: float = 0.0

    @classmethod
    def none(cls, n: int) -> "Answers":
        """Before the first fit."""
        return cls(
            np.zeros(n, np.uint16), np.zeros(n, np.float32), np.zeros((n, 0), np.float32),
            np.zeros(n, bool),
        )  # fmt: skip


@dataclass(eq=False)
class Session:
    """A review.

    Attributes
    ----------
    catalog : Catalog
    corrections : Corrections
    thumbnails : Thumbnails
    events : Events
    classes : list of str
        A class keeps its number; new ones are appended.
    keys : list of str
        The key of each class; "" for none.
    person : ndarray of shape (n_rows,), int32
        Number of the class that a person gave; -1 for none.
    given : ndarray of shape (n_rows,), int32
        Number of the class of the folder of an example; -1 for others.
    answers : Answers
    phase : dict
        What is being done, for the page.
    """

    catalog: Catalog
    corrections: Corrections
    thumbnails: Thumbnails
    events: Events
    classes: list[str]
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Event()
        stored = self.corrections.classes()
        current = self.corrections.current()
        made = [name for name in stored if name not in self.classes]
        made += [str(one.after) for one in current.values()]
        self.classes = list(dict.fromkeys([*self.classes, *made]))
        self.keys: list[str] = []
        for name in self.classes:
            self._give_key(stored.get(name, ""))
        code = {name: i for i, name in enumerate(self.classes)}
        self.person: npt.NDArray[np.int32] = np.full(len(self.catalog), -1, np.int32)
        self.given: npt.NDArray[np.int32] = np.full(len(self.catalog), -1, np.int32)
        for i, label in enumerate(self.catalog.labels):
            self.given[self.catalog.n + i] = -1 if label is None else code[label]
        self.said: dict[int, Change] = {}
        self.n_lost = 0
        for name, change in current.items():
            row = self.catalog.row_of.get(name)
            if row is None:
                self.n_lost += 1
                continue
            self.person[row] = code[str(change.after)]
            self.said[row] = change
        self.answers = Answers.none(self.catalog.n)
        self.phase: dict[str, Any] = {"doing": "opening", "done": 0, "of": 0}
        self._order: dict[str, Any] = {}

    # What people do

    def label(self, rows: Sequence[object], label: str | None, *, client: str) -> dict[str, Any]:
        """Give pictures a class, or take it back with None; on the disk when it returns."""
        numbers = self.catalog.check(rows)
        if not numbers:
            raise InvalidParameterError("rows must name at least one picture.")
        with self.lock:
            code = -1 if label is None else self.class_named(label)
            changes = []
            for row in dict.fromkeys(numbers):
                before = None if self.person[row] < 0 else self.classes[self.person[row]]
                changes.append(self._change(row, before, label))
            batch = self.corrections.add(changes, client=client)
            self._apply(dict.fromkeys(numbers, code), changes)
        self._tell(numbers, [code] * len(numbers), client)
        return {"batch": batch, "saved": len(changes)}

    def undo(self, *, client: str) -> dict[str, Any]:
        """Take back the last act of a client, as far as nobody has spoken since."""
        with self.lock:
            last = self.corrections.last(client)
            if last is None:
                return {"batch": None, "rows": []}
            batch, changes = last
            code = {name: i for i, name in enumerate(self.classes)}
            back, codes = [], {}
            for change in changes:
                row = self.catalog.row_of.get(change.name)
                if row is None:
                    continue
                now = None if self.person[row] < 0 else self.classes[self.person[row]]
                if now == change.after:
                    back.append(self._change(row, now, change.before))
                    codes[row] = -1 if change.before is None else code[change.before]
            self.corrections.add(back, client=client, undoes=batch)
            self._apply(codes, back)
        self._tell(list(codes), list(codes.values()), client)
        return {"batch": batch, "rows": list(codes), "classes": list(codes.values())}

    def add_class(self, name: str, key: str = "") -> int:
        """Make a class, or give a class another key."""
        with self.lock:
            if key and (len(key) != 1 or key not in KEYS + "0"):
                raise InvalidParameterError(
                    f"the key of a class must be one of 0{KEYS}; the others belong to commands. "
                    f"Got {printable(key)}."
                )
            code = self.class_named(name)
            if key:
                for i, other in enumerate(self.keys):
                    if other == key:
                        self.keys[i] = ""
                self.keys[code] = key
            self.corrections.set_class(self.classes[code], key)
        self.events.tell("classes", classes=self.classes, keys=self.keys)
        return code

    def class_named(self, name: object) -> int:
        """Return the number of a class, which is made if there is none of that name.

        Raises
        ------
        TableError
            It cannot be the name of a folder.
        InvalidParameterError
            It is no text, too long, or there are too many classes.
        """
        if not isinstance(name, str) or not 0 < len(name) <= 200:
            raise InvalidParameterError("a class must have a name of 1 to 200 characters.")
        if name in self.classes:
            return self.classes.index(name)
        folder_name(name)
        if len(self.classes) >= MAX_CLASSES:
            raise InvalidParameterError(f"there can be at most {MAX_CLASSES} classes.")
        self.classes.append(name)
        self._give_key("")
        self.corrections.set_class(name)
        self.events.tell("classes", classes=self.classes, keys=self.keys)
        return len(self.classes) - 1

    # What is shown

    def effective(self) -> npt.NDArray[np.int32]:
        """Return the class of each picture to be sorted: a person's, else the answer."""
        person = self.person[: self.catalog.n]
        return np.where(person >= 0, person, self.answers.classes).astype(np.int32)

    def flags(self) -> npt.NDArray[np.uint8]:
        """Per picture to be sorted: 1 by a person, 2 sure, 4 unlike any example, 8 unreadable."""
        flags = (self.person[: self.catalog.n] >= 0).astype(np.uint8)
        answers = self.answers
        flags |= ((answers.confidence >= answers.sure_from).astype(np.uint8)) << 1
        flags |= answers.unlike.astype(np.uint8) << 2
        for row in tuple(self.thumbnails.failures):
            if row < len(flags):
                flags[row] |= 8
        return flags

    def state(self) -> dict[str, Any]:
        """Return what a page needs to begin."""
        with self.lock:
            return {
                "n": self.catalog.n,
                "n_examples": len(self.catalog) - self.catalog.n,
                "classes": self.classes,
                "keys": self.keys,
                "key_choices": "0" + KEYS,
                "revision": self.answers.revision,
                "sure_from": self.answers.sure_from,
                "promised": self.answers.promised,
                "corrected": int((self.person >= 0).sum()),
                "lost": self.n_lost,
                "phase": self.phase,
                "fit_seconds": round(self.answers.seconds, 3),
                "settings": self.settings,
            }

    def tell_phase(self, doing: str, done: int = 0, of: int = 0, **more: Any) -> None:
        """Tell the pages what is being done."""
        self.phase = {"doing": doing, "done": done, "of": of, **more}
        self.events.tell("phase", **self.phase)

    def publish(self, answers: Answers) -> None:
        """Take new answers, and tell the pages how many changed."""
        with self.lock:
            old = self.answers
            open_ = self.person[: self.catalog.n] < 0
            changed = int(((old.classes != answers.classes) & open_).sum()) if old.revision else 0
            answers.revision = old.revision + 1
            self.answers = answers
        self.events.tell(
            "answers",
            revision=answers.revision,
            changed=changed,
            seconds=round(answers.seconds, 3),
            sure_from=answers.sure_from,
            promised=answers.promised,
        )

    def predictions(self, rows: npt.NDArray[np.intp] | None = None) -> Predictions:
        """Return what is answered, and where a person spoke what was said, with certainty."""
        with self.lock:
            n, k = self.catalog.n, len(self.classes)
            table = np.zeros((n, k))
            known = self.answers.probabilities
            table[:, : known.shape[1]] = known
            said = np.flatnonzero(self.person[:n] >= 0)
            table[said] = 0
            table[said, self.person[said]] = 1
            if rows is None:
                rows = np.flatnonzero(table.sum(axis=1) > 0)
            return Predictions(
                paths=tuple(self.catalog.paths[row] for row in rows),
                classes=tuple(self.classes),
                probabilities=table[rows],
                neighbours=Matches(np.empty((len(rows), 0), np.intp), np.empty((len(rows), 0))),
                train_paths=(),
                train_labels=(),
                failures=(),
                settings={**self.settings.get("signature", {}), "corrected": len(said)},
                by_vote=False,
            )

    def _change(self, row: int, before: str | None, after: str | None) -> Change:
        earlier = self.said.get(row)
        if earlier is not None:  # what was answered before a person spoke is what counts
            answer, confidence = earlier.answer, earlier.confidence
        elif row < self.catalog.n and self.answers.revision:
            answer = self.classes[self.answers.classes[row]]
            confidence = float(self.answers.confidence[row])
        else:
            answer, confidence = None, None
        return Change(self.catalog.key(row), before, after, answer, confidence)

    def _apply(self, codes: dict[int, int], changes: Sequence[Change]) -> None:
        for row, code in codes.items():
            self.person[row] = code
        for change in changes:
            row = self.catalog.row_of[change.name]
            if change.after is None:
                self.said.pop(row, None)
            else:
                self.said[row] = change
        self.changed.set()

    def _tell(self, rows: list[int], codes: list[int], client: str) -> None:
        self.events.tell(
            "labels", rows=rows, classes=codes, client=client, at=time.time(),
            corrected=int((self.person >= 0).sum()),
        )  # fmt: skip

    def _give_key(self, key: str) -> None:
        free = [one for one in KEYS if one not in self.keys]
        if key in self.keys:
            key = ""
        self.keys.append(key or (free[0] if free else ""))
