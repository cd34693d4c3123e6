"""Evaluation: answers and the truth in, numbers out, with all that they depend on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.classifiers.predictions import Predictions
from tamis.deduplication.content import Overlap
from tamis.errors import Failure, TableError, printable
from tamis.evaluation.signature import Signature, versions
from tamis.features.index import Matches
from tamis.metrics.calibration import Calibration
from tamis.metrics.classification import averages, confusion_matrix, precision_recall_f1
from tamis.metrics.intervals import RESAMPLES, bootstrap_intervals, wilson_interval
from tamis.table import class_key, one_spelling
from tamis.table.frames import Columns, Tabular

_SCORES: Final = ("precision", "recall", "f1-score")
AVERAGES: Final = ("macro avg", "weighted avg")
"""Keys of the averages in a report, beside ``accuracy``."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(Tabular):
    """How well pictures were classified.

    Attributes
    ----------
    classes : tuple of str
        Those that occur in the truth or could have been answered, sorted.
    confusion : ndarray of shape (n_classes, n_classes), int64
        Rows are true classes, columns predicted ones.
    accuracy : float
        Share of right answers among the pictures that could be read.
    accuracy_ci : (float, float)
        95 % interval (Wilson).
    intervals : dict
        ``intervals["macro avg"]["f1-score"]`` is a 95 % interval (bootstrap over
        pictures); likewise ``"weighted avg"``, ``"precision"`` and ``"recall"``.
    signature : dict
        All that the numbers depend on.
    failures : tuple of Failure
        Pictures that could not be read; they do not count in any number.
    overlap : Overlap or None
        The scored pictures that are among the examples too; None if nobody looked.
    without_overlap : Evaluation or None
        The figures of the other pictures; None if there is no overlap, or nothing else.
    calibration : Calibration or None
        How well the confidences agree with the truth.

    Examples
    --------
    >>> model = tamis.train("examples", by="moments", classifier="knn")
    >>> score = model.score("test")
    >>> score
    Evaluation(accuracy 100.0%, 95 % interval 61.0% to 100.0%, 6 images of 3 classes)
    >>> score.per_class["sky"]["recall"]
    1.0
    """

    classes: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    accuracy: float
    accuracy_ci: tuple[float, float]
    intervals: dict[str, dict[str, tuple[float, float]]]
    signature: Signature
    failures: tuple[Failure, ...] = ()
    overlap: Overlap | None = None
    without_overlap: "Evaluation | None" = None
    calibration: Calibration | None = None

    def __repr__(self) -> str:
        low, high = self.accuracy_ci
        return (
            f"Evaluation(accuracy {self.accuracy:.1%}, 95 % interval {low:.1%} to {high:.1%}, "
            f"{self.n_images:,} images of {len(self.classes)} classes)"
        )

    def columns(self) -> Columns:
        """Return ``class``, ``precision``, ``recall``, ``f1-score`` and ``support``."""
        keys = (*_SCORES, "support")
        rows = self.per_class
        return {"class": list(rows)} | {key: [row[key] for row in rows.values()] for key in keys}

    @property
    def n_images(self) -> int:
        """Pictures that were scored."""
        return int(self.confusion.sum())

    @property
    def report(self) -> dict[str, Any]:
        """As scikit-learn's ``classification_report(output_dict=True)``.

        Of a class that is named like an average (``accuracy``, ``macro avg``,
        ``weighted avg``) this holds the average; `per_class` has every class.
        """
        rows: dict[str, Any] = dict(self.per_class)
        rows["accuracy"] = self.accuracy
        for name, row in zip(AVERAGES, averages(self.confusion), strict=True):
            rows[name] = dict(zip(_SCORES, map(float, row), strict=True))
            rows[name]["support"] = self.n_images
        return rows

    @property
    def per_class(self) -> dict[str, dict[str, float | int]]:
        """Precision, recall, F1 and support of every class, whatever its name."""
        scores = np.stack(precision_recall_f1(self.confusion), axis=-1)
        support = self.confusion.sum(axis=1)
        return {
            name: dict(zip(_SCORES, map(float, row), strict=True)) | {"support": int(n)}
            for name, row, n in zip(self.classes, scores, support, strict=True)
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        return {
            "accuracy": self.accuracy,
            "accuracy_ci": list(self.accuracy_ci),
            "report": self.report,
            "per_class": self.per_class,
            "intervals": self.intervals,
            "classes": list(self.classes),
            "confusion_matrix": self.confusion.tolist(),
            "signature": self.signature,
            "n_images": self.n_images,
            "failures": [{"path": f.path, "reason": f.reason} for f in self.failures],
            "overlap": None if self.overlap is None else self.overlap.to_dict(),
            "without_overlap": self.without_overlap and self.without_overlap.to_dict(),
            "calibration": None if self.calibration is None else asdict(self.calibration),
        }


def evaluate(
    predictions: Predictions,
    truth: Mapping[str, str],
    *,
    seed: int = 0,
    overlap: Overlap | None = None,
) -> Evaluation:
    """Compare predictions with the truth.

    Parameters
    ----------
    predictions : Predictions
    truth : mapping from str to str
        Path of each picture to its class.
    seed : int
        Of the bootstrap.
    overlap : Overlap, optional
        The pictures that are among the examples too, as `tamis.overlap` finds
        them. The others are also scored by themselves.

    Returns
    -------
    Evaluation

    Raises
    ------
    TableError
        The truth of a picture is not known, or there is no picture to score.

    Examples
    --------
    >>> model = tamis.train("examples", by="moments", classifier="knn", validation=0)
    >>> test = tamis.open("test").table
    >>> truth = dict(zip(test.paths, test.labels))
    >>> tamis.evaluate(model.predict(test), truth).accuracy
    1.0
    """
    if not len(predictions):
        raise TableError("no picture could be read; there is nothing to score.")
    if missing := [path for path in predictions.paths if path not in truth]:
        raise TableError(
            f"the true class of {len(missing)} pictures is not known, {printable(missing[0])} "
            "for one. Put them into class folders or name them in the truth manifest."
        )
    true_labels = [truth[path] for path in predictions.paths]
    # Spelled as the answers spell them: accents may be stored otherwise in the truth.
    spelled = one_spelling((*predictions.classes, *true_labels))
    classes = sorted({name for name in spelled if name is not None})
    number = {class_key(name): i for i, name in enumerate(classes)}
    confusion = confusion_matrix(
        [number[class_key(label)] for label in true_labels],
        [number[class_key(label)] for label in predictions.labels],
        len(classes),
    )
    right = int(np.trace(confusion))
    column = {class_key(label): i for i, label in enumerate(predictions.classes)}
    true_columns = [column.get(class_key(label), -1) for label in true_labels]
    ends = bootstrap_intervals(confusion, averages, seed=seed)
    return Evaluation(
        classes=tuple(classes),
        confusion=confusion,
        accuracy=right / len(predictions),
        accuracy_ci=wilson_interval(right, len(predictions)),
        intervals={
            average: {
                score: (float(ends[0, i, j]), float(ends[1, i, j]))
                for j, score in enumerate(_SCORES)
            }
            for i, average in enumerate(AVERAGES)
        },
        signature=versions()
        | predictions.settings
        | {
            "task": "classification",
            "n_test": len(predictions),
            "bootstrap": f"{RESAMPLES} resamples, seed {seed}",
        },
        failures=predictions.failures,
        overlap=overlap,
        without_overlap=_without(predictions, truth, overlap, seed) if overlap else None,
        calibration=Calibration.of(predictions.probabilities, true_columns),
    )


def _without(
    predictions: Predictions, truth: Mapping[str, str], overlap: Overlap, seed: int
) -> Evaluation | None:
    """Score the pictures that are not among the examples."""
    rows = [row for row, path in enumerate(predictions.paths) if path not in overlap]
    if not rows:
        return None
    matches = predictions.neighbours
    rest = replace(
        predictions,
        paths=tuple(predictions.paths[row] for row in rows),
        probabilities=predictions.probabilities[rows],
        neighbours=Matches(matches.indices[rows], matches.distances[rows]),
        failures=(),
        sets=None,
    )
    return evaluate(rest, truth, seed=seed)
