"""One self-contained HTML page: how pictures were sorted and, if known, how well.

The page needs nothing but itself: thumbnails are in it, its style is in it, and
it runs no script. File and class names are other people's: whatever the template
writes goes through `tamis.errors.printable` and is escaped.
"""

import base64
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import jinja2
import numpy as np
import numpy.typing as npt
import simplejpeg
from markupsafe import Markup

from tamis.classify import Predictions
from tamis.errors import Failure, ImageReadError, InvalidParameterError, printable
from tamis.evaluate import Evaluation, versions
from tamis.features import available_processors
from tamis.images import DEFAULT_MAX_PIXELS, read_image
from tamis.metrics import precision_recall_f1, wilson_interval

_THUMBNAIL: Final = 96
_QUALITY: Final = 80
_NEIGHBOURS: Final = 5
_THRESHOLDS: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.0)
_STRIP: Final = 8
_STRIPS: Final = 320
"""Example thumbnails on a page, over all classes; so many classes have short strips."""

_MATRIX: Final = 720
_CELLS: Final = (11, 48)
_DRAWN_CLASSES: Final = 90
"""A confusion matrix of more classes shows those that are confused most."""

_LABEL_COLUMNS: Final = 20
_EM: Final = 0.62
"""Width of an average character; system fonts differ, this is one of the wide ones."""


def render(
    predictions: Predictions,
    evaluation: Evaluation | None = None,
    *,
    truth: Mapping[str, str] | None = None,
    title: str,
    train_failures: Sequence[Failure] = (),
    ignored: Sequence[str] = (),
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
    train_failures : sequence of Failure
        Examples that could not be read.
    ignored : sequence of str
        Files that were left out because nothing says that they are pictures.
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
        strips = _strips(answers)
    else:
        right, strips = answers.right, []
        wrong = [row for row in answers.surest_first if not right[row]]
        lists["wrong"] = answers.take(wrong[:most])
    paths = [path for shown in lists.values() for answer in shown for path in answer.pictures]
    paths += [path for strip in strips for path, _ in strip.examples]

    signature = predictions.settings | versions() if evaluation is None else evaluation.signature
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            n=len(predictions),
            n_wrong=0 if right is None else int((~right).sum()),
            classes=predictions.classes if evaluation is None else evaluation.classes,
            evaluation=evaluation,
            truth_known=truth is not None,
            rows=[] if evaluation is None else _class_rows(evaluation),
            matrix=None if evaluation is None else _Matrix.of(evaluation),
            confusions=[] if evaluation is None else _confusions(evaluation),
            trust=_trust(predictions.confidence, right),
            strips=strips,
            **lists,
            k=predictions.neighbours.indices.shape[1],
            shown_neighbours=_NEIGHBOURS,
            thumbnails=_thumbnails(paths, max_pixels=max_pixels, jobs=jobs),
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
        nearest = distances[:, 0] if distances.shape[1] else np.zeros(len(predictions))
        # Among answers of one confidence the one with the nearer example is surer.
        self.surest_first = [int(r) for r in np.lexsort((nearest, -self._confidence))]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        truth = self._truth or {}
        pairs = zip(self._given.paths, self.labels, strict=True)
        return np.array([truth[path] == label for path, label in pairs], bool)

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


def _strips(answers: _Answers) -> list[_Strip]:
    """List the classes in their order, each with the pictures that surely went there."""
    rows: dict[str, list[int]] = {label: [] for label in sorted(set(answers.labels))}
    for row in answers.surest_first:
        rows[answers.labels[row]].append(row)
    length = max(1, min(_STRIP, _STRIPS // max(1, len(rows))))
    return [
        _Strip(
            label=label,
            count=len(of_class),
            examples=tuple((answers.path(row), answers.name(row)) for row in of_class[:length]),
        )
        for label, of_class in rows.items()
    ]


@dataclass(frozen=True, slots=True)
class _ClassRow:
    """None is what would be 0/0: nothing was called so, or nothing is."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def _class_rows(evaluation: Evaluation) -> list[_ClassRow]:
    precision, recall, f1 = precision_recall_f1(evaluation.confusion)
    called, support = evaluation.confusion.sum(axis=0), evaluation.confusion.sum(axis=1)
    return [
        _ClassRow(
            label=label,
            precision=float(precision[i]) if called[i] else None,
            recall=float(recall[i]) if support[i] else None,
            f1=float(f1[i]) if called[i] + support[i] else None,
            support=int(support[i]),
        )
        for i, label in enumerate(evaluation.classes)
    ]


@dataclass(frozen=True, slots=True)
class _Confusion:
    truth: str
    label: str
    count: int
    share: float


def _confusions(evaluation: Evaluation) -> list[_Confusion]:
    support = evaluation.confusion.sum(axis=1)
    rows, columns = np.nonzero(evaluation.confusion * ~np.eye(len(support), dtype=bool))
    found = [
        _Confusion(
            truth=evaluation.classes[i],
            label=evaluation.classes[j],
            count=int(evaluation.confusion[i, j]),
            share=float(evaluation.confusion[i, j] / support[i]),
        )
        for i, j in zip(rows, columns, strict=True)
    ]
    return sorted(found, key=lambda c: (-c.count, -c.share))


@dataclass(frozen=True, slots=True)
class _Trust:
    threshold: float
    count: int
    share: float
    right: float | None
    interval: tuple[float, float]


def _trust(
    confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_] | None
) -> list[_Trust]:
    rows = []
    for threshold in _THRESHOLDS:
        sure = confidence >= threshold - 1e-9  # shares are sums of rounded quotients
        count = int(sure.sum())
        hits = 0 if right is None else int(right[sure].sum())
        rows.append(
            _Trust(
                threshold=threshold,
                count=count,
                share=count / max(1, len(confidence)),
                right=hits / count if right is not None and count else None,
                interval=wilson_interval(hits, count),
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class _Cell:
    row: int
    column: int
    count: int
    share: float

    @property
    def opacity(self) -> float:
        """Shade, with a step at one half: no tone between on which no text is readable."""
        return 0.12 + 0.6 * self.share if self.share < 0.5 else 0.64 + 0.36 * self.share


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The confusion matrix as a drawing, in CSS pixels."""

    classes: tuple[str, ...]
    labels: tuple[str, ...]
    n_classes: int
    cells: tuple[_Cell, ...]
    cell: int
    font: int
    count_font: float
    """0 if the counts do not fit."""
    slanted: bool
    left: int
    top: int
    right: int

    @property
    def lines(self) -> range:
        return range(0, self.side + 1, self.cell)

    @property
    def side(self) -> int:
        return self.cell * len(self.classes)

    @property
    def width(self) -> int:
        return self.left + self.side + self.right

    @property
    def least_width(self) -> int:
        """Below this it scrolls: small type must not become smaller still."""
        return int((0.7 if self.slanted else 0.9) * self.width)

    @property
    def height(self) -> int:
        return self.top + self.side + 1

    @classmethod
    def of(cls, evaluation: Evaluation) -> "_Matrix | None":
        """Lay it out; None for a single class."""
        if len(evaluation.classes) < 2:
            return None
        confusion = evaluation.confusion
        shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
        off = confusion * ~np.eye(len(confusion), dtype=bool)
        worst = np.argsort(-(off.sum(axis=0) + off.sum(axis=1)), kind="stable")
        drawn = np.sort(worst[:_DRAWN_CLASSES])
        confusion, shares = confusion[np.ix_(drawn, drawn)], shares[np.ix_(drawn, drawn)]

        cell = int(np.clip(_MATRIX // len(drawn), *_CELLS))
        font = min(13, cell - 1)
        classes = tuple(evaluation.classes[i] for i in drawn)
        labels = tuple(_shorten(label, _LABEL_COLUMNS) for label in classes)
        length = int(max(_columns(label) for label in labels) * _EM * font) + 8
        slanted = cell >= 24
        digits = len(str(confusion.max(initial=0)))
        count_font = min(13.0, cell / 2, (cell - 4) / (_EM * digits))
        return cls(
            classes=classes,
            labels=labels,
            n_classes=len(evaluation.classes),
            cells=tuple(
                _Cell(int(i), int(j), int(confusion[i, j]), float(shares[i, j]))
                for i, j in np.argwhere(confusion)
            ),
            cell=cell,
            font=font,
            count_font=round(count_font, 1) if count_font >= 8 else 0.0,
            slanted=slanted,
            left=length + 22,
            top=(int(0.71 * length) + font if slanted else length) + 22,
            right=max(2, int(0.71 * length) - cell // 2) if slanted else 2,
        )


def _columns(text: str) -> int:
    """Width of a text, in half-width characters."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _shorten(text: str, columns: int) -> str:
    text = printable(text)
    if _columns(text) <= columns:
        return text
    while _columns(text) >= columns:
        text = text[:-1]
    return text.rstrip() + "…"


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


def _thumbnails(paths: Iterable[str], *, max_pixels: int, jobs: int) -> dict[str, Markup]:
    """Make one data: URI per different path; "" for what cannot be read."""

    def thumbnail(path: str) -> Markup:
        try:
            image = read_image(path, size=_THUMBNAIL, max_pixels=max_pixels)
        except ImageReadError:
            return Markup("")
        data = simplejpeg.encode_jpeg(image, quality=_QUALITY, colorsubsampling="420")
        return Markup("data:image/jpeg;base64," + base64.b64encode(data).decode("ascii"))

    different = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-thumbnail") as pool:
        return dict(zip(different, pool.map(thumbnail, different), strict=True))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tamis", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "interval": _interval,
        "counted": _counted,
        "short": _short_number,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Make all that the template writes printable; what is markup has been already."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _interval(ends: tuple[float, float]) -> str:
    return f"({100 * ends[0]:.1f} to {100 * ends[1]:.1f})"


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _short_number(value: float) -> str:
    """Write a distance with three significant digits, without an exponent where possible.

    Examples
    --------
    >>> [_short_number(value) for value in (0.0, 0.6, 12.345, 1234.5, 1.5e-7)]
    ['0', '0.600', '12.3', '1234', '1.5e-07']
    """
    if value == 0 or 1000 <= abs(value) < 1e7:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".") if 1e-4 <= abs(value) < 1000 else f"{value:.2g}"
