"""From sources to answers, while the page is open already: describe, learn, answer, relearn."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.classifiers.predictions import Predictions
from tamis.classifiers.probe import blocks_of, views_of
from tamis.descriptors import Descriptor
from tamis.errors import InvalidParameterError, TamisError, sentence
from tamis.features import FeatureTable
from tamis.features.index import Index, Matches
from tamis.model import Model, learn
from tamis.web.describing import Plan, can_be_kept, holds, indexed, rows_of
from tamis.web.kept import KeptModel
from tamis.web.learner import Learner
from tamis.web.session import SURE, Answers, Session
from tamis.words import WordIndex

RISK: Final = 0.05
"""Share of sure answers that may be wrong, as the page promises it."""

_PAUSE: Final = 0.15  # seconds in which corrections gather before a fit
_UNLIKE: Final = 0.02  # share of the examples that are farther than this from all others
_FEW: Final = 20  # corrections before all is learned anew


class Preparation:
    """Describes, learns and answers in a thread, and again whenever people have spoken."""

    def __init__(self, plan: Plan, session: Session) -> None:
        self.plan = plan
        self.session = session
        self.ended = False
        self.model: Model | None = None
        self.descriptor: Descriptor | None = None
        self.features: FeatureTable | None = None
        self.rows: npt.NDArray[np.intp] = np.empty(0, np.intp)  # of the features
        self.place: npt.NDArray[np.intp] = np.empty(0, np.intp)  # of a row in them; -1
        self.learner: Learner | None = None
        self._included: dict[int, int] = {}  # corrections that the model has learned from
        self._unlike: npt.NDArray[np.bool_] = np.zeros(session.catalog.n, bool)
        self._index: Index | None = None
        self._words: WordIndex | None = None
        self._relearning: threading.Thread | None = None
        self._fits, self._making = threading.Lock(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="tamis-review", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done."""
        self.ended = True
        self.session.changed.set()
        self._thread.join(timeout=5)

    @property
    def ready(self) -> bool:
        """Whether there are answers."""
        return self.session.answers.revision > 0

    def index(self) -> Index:
        """Return the index of all vectors.

        Raises
        ------
        InvalidParameterError
            The pictures are not described yet.
        """
        if self.features is None:
            raise InvalidParameterError("the pictures are still being described. Wait a little.")
        with self._making:
            if self._index is None:
                self._index = Index(self.features)
        return self._index

    def words(self) -> WordIndex:
        """Return the index of all vectors that is searched by words.

        Raises
        ------
        InvalidParameterError
            The pictures are not described yet, or not by a network that knows words.
        """
        vectors = self.index().gallery.features
        assert self.descriptor is not None
        if self._words is None:
            self._words = WordIndex.of(self.descriptor, vectors)
        return self._words

    def trained(self) -> Model:
        """Fit a model to the examples and to all corrections.

        Raises
        ------
        InvalidParameterError
            The pictures are not described yet, or there is nothing to learn from.
        """
        self.index()
        said = self._said()
        if self.plan.examples is None and not said:
            raise InvalidParameterError("nobody has given a picture a class yet.")
        classifier = self.plan.classifier if self.plan.examples is not None else "auto"
        return self._learned(classifier, said)

    # The thread

    def _run(self) -> None:
        try:
            self._describe()
            self._first_answers()
            self.session.tell_phase("ready")
            threading.Thread(target=self._thumbnails, daemon=True).start()
            self.index()  # the first search need not wait for it
            while not self.ended:
                self.session.changed.wait()
                # Where many people speak at once, half of the time is left to all that they ask.
                time.sleep(max(_PAUSE, self.session.answers.seconds))
                self.session.changed.clear()
                if not self.ended:
                    self._answer()
                    self._relearn_if_due()
        except TamisError as error:
            self.session.tell_phase("failed", error=sentence(error))
        except Exception as error:
            self.session.tell_phase("failed", error=f"{type(error).__name__}: {error}.")
            raise

    def _thumbnails(self) -> None:
        with contextlib.suppress(OSError):
            self.session.thumbnails.make(lambda n: None)

    def _describe(self) -> None:
        plan, catalog = self.plan, self.session.catalog
        lance = find_spec("lance") is not None
        photos = plan.photos.having(plan.photos.table.select(rows_of(plan.photos, catalog.paths)))
        total = len(photos) + (len(plan.examples) if plan.examples else 0)
        progress = self._progress("describing", total)
        reading: Any = {"jobs": plan.jobs, "max_pixels": plan.max_pixels}
        fitted = plan.by
        tables = []
        if plan.examples is not None:
            examples = plan.examples
            if lance and examples.collection is None and can_be_kept(examples, plan.by):
                place = plan.folder / "examples.tamis"
                examples = indexed(examples, place, plan.by, progress=progress, **reading)
            fitted, known = examples.fit(plan.by, distance="", progress=progress, **reading)
            tables.append(known)
        if lance and not holds(photos, fitted) and can_be_kept(photos, plan.by):
            whole = indexed(plan.photos, plan.collection, fitted, progress=progress, **reading)
            photos = replace(photos, collection=whole.collection)
        if photos.collection is not None:
            stored = photos.collection
            known_hashes = dict(zip(stored.table().paths, stored.rows.hashes, strict=True))
            for row, path in enumerate(catalog.paths[: catalog.n]):
                if key := known_hashes.get(path):
                    self.session.thumbnails.know(row, key)
        found = photos.features(fitted, progress=progress, **reading)
        rows_by_path = {path: row for row, path in enumerate(catalog.paths)}
        for failure in found.failures:
            lost = rows_by_path.get(failure.path)
            if lost is not None:
                self.session.thumbnails.failures[lost] = failure.reason
        tables.insert(0, found)
        self.descriptor = fitted
        paths = tuple(path for table in tables for path in table.paths)
        first = {path: row for row, path in reversed(list(enumerate(catalog.paths)))}
        rows = np.array([first[path] for path in paths], np.intp)
        self.features = replace(
            found,
            paths=paths,
            labels=(None,) * len(paths),
            features=np.concatenate([table.features for table in tables]),
        )
        self.rows = rows
        self.place = np.full(len(catalog), -1, np.intp)
        self.place[rows] = np.arange(len(rows))
        # Beside networks, colour and texture are heard through the model alone.
        blocks, main = blocks_of(fitted), [view == 0 for view in views_of(fitted)]
        lengths = tuple(length for length, one in zip(blocks, main, strict=True) if one)
        vectors = self.features.features
        taken = vectors if all(main) else vectors[:, np.repeat(main, blocks)]
        self.learner = Learner(taken, lengths)

    def _progress(self, doing: str, of: int) -> Callable[[int], None]:
        done, told = 0, 0.0

        def advance(n: int) -> None:
            nonlocal done, told
            done += n
            if self.ended:
                raise InvalidParameterError("the page is being closed")
            if time.monotonic() - told > 0.3:
                told = time.monotonic()
                self.session.tell_phase(doing, min(done, of), of)

        self.session.tell_phase(doing, 0, of)
        return advance

    # Learning

    def _first_answers(self) -> None:
        self.session.tell_phase("learning")
        if self.plan.model is not None:
            self._take(self.plan.model, {})
            return
        assert self.descriptor is not None
        if (kept := self._kept().open(self.descriptor)) is not None:
            self._take(*kept)
            return
        if self.plan.classifier == "auto":  # an answer within seconds, until it has weighed all
            self._take(self._learned("discriminant", {}), {})
            self._relearn()
        else:
            said = self._said()
            self._take(self._learned(self.plan.classifier, said), said)

    def _kept(self) -> KeptModel:
        assert self.features is not None
        known = {row: self.features.features[self.place[row]] for row in self._given()}
        return KeptModel(self.session, self.plan, known)

    def _said(self) -> dict[int, int]:
        with self.session.lock:
            person = self.session.person
            return {
                int(row): int(person[row])
                for row in np.flatnonzero(person >= 0)
                if self.place[row] >= 0
            }

    def _given(self) -> dict[int, int]:
        """Return the classes of the examples, by their folders."""
        given = self.session.given
        rows = np.flatnonzero(given >= 0)
        return {int(row): int(given[row]) for row in rows if self.place[row] >= 0}

    def _learned(self, classifier: str, said: dict[int, int]) -> Model:
        """Fit a classifier to the examples and to corrections."""
        assert self.features is not None and self.descriptor is not None
        session = self.session
        labels = self._given() | said
        rows = sorted(labels)
        known = replace(
            self.features.select([int(self.place[row]) for row in rows]),
            labels=tuple(session.classes[labels[row]] for row in rows),
        )
        return learn(self.descriptor, known, classifier=classifier, jobs=self.plan.jobs)

    def _take(self, model: Model, included: dict[int, int]) -> None:
        """Answer by a model that has learned from some corrections."""
        assert self.features is not None and self.learner is not None
        start = time.perf_counter()
        answers = model.predict_features([self.features])
        with self.session.lock:
            for name in model.classes:
                self.session.class_named(name)
            column = {name: i for i, name in enumerate(self.session.classes)}
        table = np.full((len(self.features), len(column)), 0.0)
        table[:, [column[name] for name in model.classes]] = answers.probabilities
        with self._fits:
            self.model, self._included = model, included
            self.learner.set_model(table)
            self._unlike = self._far()
        self._answer(extra=time.perf_counter() - start)

    def _far(self) -> npt.NDArray[np.bool_]:
        """Find the pictures that are farther from all examples than nearly all examples are."""
        assert self.learner is not None
        n, values = self.session.catalog.n, self.learner.values
        taught = [int(self.place[row]) for row in np.flatnonzero(self.session.given >= 0)]
        taught = [place for place in taught if place >= 0]
        far = np.zeros(n, bool)
        if len(taught) < 10:
            return far
        among = values[taught]
        own = among @ among.T
        np.fill_diagonal(own, -1)
        least = np.quantile(own.max(axis=1), _UNLIKE)
        for start in range(0, len(values), 4096):
            nearest = (values[start : start + 4096] @ among.T).max(axis=1)
            rows = self.rows[start : start + 4096]
            inside = rows < n
            far[rows[inside]] = nearest[inside] < least
        return far

    def _answer(self, extra: float = 0.0) -> None:
        """Fit to the corrections that the model does not know, and publish."""
        assert self.learner is not None
        start = time.perf_counter()
        session = self.session
        with self._fits:
            said = self._said()
            fresh = {row: code for row, code in said.items() if self._included.get(row) != code}
            rows = np.array(sorted(fresh), np.intp)
            codes = np.array([fresh[row] for row in rows.tolist()], np.intp)
            k = len(session.classes)
            if len(rows):  # the examples hold the rest in its place
                known = self._included | self._given()
                anchors = [row for row in known if row not in fresh]
                rows = np.array([*rows, *anchors], np.intp)
                codes = np.array([*codes, *(known[row] for row in anchors)], np.intp)
            table = self.learner.answer(self.place[rows], codes, k)
            n = session.catalog.n
            mine = self.rows < n
            probabilities = np.zeros((n, k), np.float32)
            probabilities[self.rows[mine]] = table[mine]
            answers = Answers(
                probabilities.argmax(axis=1).astype(np.uint16),
                probabilities.max(axis=1),
                probabilities,
                self._unlike,
            )
            answers.sure_from, answers.promised = self._promise(answers)
            answers.seconds = time.perf_counter() - start + extra
        session.publish(answers)

    def _promise(self, answers: Answers) -> tuple[float, str]:
        open_ = np.flatnonzero(self.session.person[: self.session.catalog.n] < 0)
        model = self.model
        known = getattr(model and model.classifier, "out_of_fold_", None)
        if model is None or known is None or not len(known) or not len(open_):
            return SURE, ""
        batch = Predictions(
            ("",) * len(open_), tuple(self.session.classes),
            answers.probabilities[open_].astype(np.float64),
            Matches(np.empty((len(open_), 0), np.intp), np.empty((len(open_), 0))), (), (), (), {},
        )  # fmt: skip
        found = model.promise(batch, RISK)
        return min(found.threshold, 1.0 + 1e-6), str(found)

    def _relearn_if_due(self) -> None:
        """Let all be learned anew when a fifth more pictures have a class than then."""
        if self.plan.model is not None or self.plan.classifier not in ("auto", "knn"):
            return
        said = self._said()
        fresh = sum(self._included.get(row) != code for row, code in said.items())
        n_known = int((self.session.given >= 0).sum()) + len(self._included)
        if fresh >= max(_FEW, n_known // 5):
            self._relearn()

    def _relearn(self) -> None:
        if self._relearning is not None and self._relearning.is_alive():
            return
        self._relearning = threading.Thread(target=self._relearn_now, daemon=True)
        self._relearning.start()

    def _relearn_now(self) -> None:
        said = self._said()
        self.session.events.tell("relearning", busy=True)
        try:
            model = self._learned(self.plan.classifier, said)
            if not self.ended:
                self._take(model, said)
                self._kept().save(model, said)
        finally:
            self.session.events.tell("relearning", busy=False)
