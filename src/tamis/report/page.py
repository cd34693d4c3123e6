"""The page as a whole: what is shown, in which order."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.classifiers.predictions import Predictions
from tamis.errors import Failure, InvalidParameterError, printable
from tamis.evaluation.classification import Evaluation
from tamis.evaluation.signature import versions
from tamis.features import available_processors
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.images.thumbnails import thumbnails
from tamis.report.confusion import Matrix
from tamis.report.curves import Course
from tamis.report.promises import promise_notes, set_notes
from tamis.report.reliability import Reliability
from tamis.report.tables import class_rows, confusions, trust
from tamis.report.templating import environment
from tamis.table import class_key
from tamis.trust.aside import Aside

_NEIGHBOURS: Final = 5
_STRIP: Final = 8
_STRIPS: Final = 320
"""Example thumbnails on a page, over all classes; so many classes have short strips."""


def render(
    predictions: Predictions,
    evaluation: Evaluation | None = None,
    *,
    truth: Mapping[str, str] | None = None,
    title: str,
    course: Course | None = None,
    train_failures: Sequence[Failure] = (),
    ignored: Sequence[str] = (),
    aside: Aside | None = None,
    coverage: float | None = None,
    most: int = 24,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    jobs: int | None = None,
) -> str:
    """Write the page.

    Parameters
    ----------
    predictions : Predictions
        Whose pictures should still lie where they were: thumbnails are made of
        them. One that cannot be read any more is shown as an empty frame.
    evaluation : Evaluation, optional
        Of these predictions. Without it the page says what went where, with it
        also how much of that is right.
    truth : mapping from str to str, optional
        Path of each picture to its class; goes with `evaluation`.
    title : str
        Heading of the page.
    course : Course, optional
        How the model was trained that these are the answers of: shown as curves.
    train_failures : sequence of Failure
        Examples that could not be read.
    ignored : sequence of str
        Files that were left out because nothing says that they are pictures.
    aside : Aside, optional
        The pictures that were set aside, and what is promised of the others.
    coverage : float, optional
        Share of the prediction sets that is to hold the true class.
    most : int
        Answers shown in one list, at least 1.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    jobs : int, optional
        Threads that make thumbnails; as many as there are processors by default.

    Returns
    -------
    str
        HTML, the same for the same arguments and files; can be encoded as UTF-8.

    Raises
    ------
    InvalidParameterError
        `most` or `jobs` is below 1, or `evaluation` and `truth` do not belong to
        these predictions or come without each other.
    """
    if most < 1:
        raise InvalidParameterError(f"most must be at least 1. Got {most}.")
    jobs = jobs if jobs is not None else available_processors()
    if jobs < 1:
        raise InvalidParameterError(f"jobs must be at least 1. Got {jobs}.")
    if (evaluation is None) != (truth is None):
        raise InvalidParameterError("evaluation and truth go together: give both, or neither.")
    if evaluation is not None and evaluation.n_images != len(predictions):
        raise InvalidParameterError(
            f"the evaluation is of {evaluation.n_images} pictures, the predictions of "
            f"{len(predictions)}: they do not belong together."
        )
    if truth is not None and (missing := [p for p in predictions.paths if p not in truth]):
        raise InvalidParameterError(
            f"truth must name the class of every picture. {printable(missing[0])} is not in it."
        )

    answers = _Answers(predictions, truth)
    lists = {"unsure": answers.take(answers.surest_first[::-1][:most])}
    right: npt.NDArray[np.bool_] | None = None
    if evaluation is None:
        strips = _strips(answers, () if aside is None else aside.folders)
    else:
        right, strips = answers.right, []
        wrong = [row for row in answers.surest_first if not right[row]]
        lists["wrong"] = answers.take(wrong[:most])
    paths = [path for shown in lists.values() for answer in shown for path in answer.pictures]
    paths += [path for strip in strips for path, _ in strip.examples]

    signature = versions() | predictions.settings if evaluation is None else evaluation.signature
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            n=len(predictions),
            n_wrong=0 if right is None else int((~right).sum()),
            classes=predictions.classes if evaluation is None else evaluation.classes,
            evaluation=evaluation,
            truth_known=truth is not None,
            rows=[] if evaluation is None else class_rows(evaluation),
            matrix=None if evaluation is None else Matrix.of(evaluation),
            confusions=[] if evaluation is None else confusions(evaluation),
            trust=trust(predictions.confidence, right),
            strips=strips,
            course=course,
            voted=predictions.voted,
            promises=[
                *promise_notes(predictions, aside, right),
                *set_notes(predictions, coverage, truth),
            ],
            reliability=None if right is None else Reliability.of(predictions.confidence, right),
            **lists,
            k=predictions.neighbours.indices.shape[1],
            shown_neighbours=_NEIGHBOURS,
            thumbnails=thumbnails(paths, max_pixels=max_pixels, jobs=jobs),
            failures=_failures(predictions.failures, answers.root),
            train_failures=_failures(train_failures, answers.train_root),
            ignored=ignored,
            folders={
                name: folder
                for name, folder in (("pictures", answers.root), ("examples", answers.train_root))
                if folder
            },
            settings={k: v for k, v in signature.items() if k not in versions()},
            versions={k: v for k, v in signature.items() if k in versions()},
        )
    )


@dataclass(frozen=True, slots=True)
class _Neighbour:
    path: str
    name: str
    label: str
    distance: float


@dataclass(frozen=True, slots=True)
class _Answer:
    path: str
    name: str
    label: str
    truth: str | None
    confidence: float
    runner_up: tuple[str, float]
    neighbours: tuple[_Neighbour, ...]

    @property
    def pictures(self) -> list[str]:
        return [self.path, *(neighbour.path for neighbour in self.neighbours)]


class _Answers:
    """All answers, by row; those to be shown are written out by `take`."""

    def __init__(self, predictions: Predictions, truth: Mapping[str, str] | None) -> None:
        self._given = predictions
        self._truth = truth
        self._runners_up = predictions.runners_up
        self._confidence = predictions.confidence
        self.labels = predictions.labels
        self.root = _root([*predictions.paths, *(f.path for f in predictions.failures)])
        self.train_root = _root(predictions.train_paths)
        distances = predictions.neighbours.distances
        nearest = distances[:, 0] if predictions.voted else np.zeros(len(predictions))
        # Among answers of one confidence the one with the nearer example is surer.
        self.surest_first = [int(r) for r in np.lexsort((nearest, -self._confidence))]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        truth = self._truth or {}
        pairs = zip(self._given.paths, self.labels, strict=True)
        return np.array([class_key(truth[path]) == class_key(label) for path, label in pairs], bool)

    def name(self, row: int) -> str:
        return _below(self._given.paths[row], self.root)

    def path(self, row: int) -> str:
        return self._given.paths[row]

    def take(self, rows: Iterable[int]) -> list[_Answer]:
        return [self._take(row) for row in rows]

    def _take(self, row: int) -> _Answer:
        given = self._given
        neighbours = zip(
            given.neighbours.indices[row, :_NEIGHBOURS],
            given.neighbours.distances[row, :_NEIGHBOURS],
            strict=True,
        )
        path = given.paths[row]
        return _Answer(
            path=path,
            name=self.name(row),
            label=self.labels[row],
            truth=None if self._truth is None else self._truth[path],
            confidence=float(self._confidence[row]),
            runner_up=self._runners_up[row],
            neighbours=tuple(
                _Neighbour(
                    path=given.train_paths[i],
                    name=_below(given.train_paths[i], self.train_root),
                    label=given.train_labels[i],
                    distance=float(distance),
                )
                for i, distance in neighbours
            ),
        )


@dataclass(frozen=True, slots=True)
class _Strip:
    label: str
    count: int
    examples: tuple[tuple[str, str], ...]


def _strips(answers: _Answers, apart: Sequence[str]) -> list[_Strip]:
    """List the folders, classes first, each with the pictures that surely went there."""
    went = answers.labels
    if apart:
        went = [folder or label for folder, label in zip(apart, answers.labels, strict=True)]
    order = sorted(set(went), key=lambda folder: (folder in apart, folder))
    rows: dict[str, list[int]] = {folder: [] for folder in order}
    for row in answers.surest_first:
        rows[went[row]].append(row)
    length = max(1, min(_STRIP, _STRIPS // max(1, len(rows))))
    return [
        _Strip(
            label=label,
            count=len(of_class),
            examples=tuple((answers.path(row), answers.name(row)) for row in of_class[:length]),
        )
        for label, of_class in rows.items()
    ]


def _root(paths: Sequence[str]) -> str:
    """Find the folder in which all of the files lie; "" if there is none."""
    try:
        return os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError:  # no paths, or on different drives
        return ""


def _below(path: str, root: str) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/") if root else path


def _failures(failures: Iterable[Failure], root: str) -> list[Failure]:
    def name(path: str) -> str:
        inside = root and path.startswith(root.rstrip(os.sep) + os.sep)
        return _below(path, root) if inside else path

    return [Failure(name(failure.path), failure.reason) for failure in failures]
