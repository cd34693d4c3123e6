"""The tables of the page: classes, confusions, confidence against accuracy."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.evaluation.classification import Evaluation
from tamis.metrics.classification import precision_recall_f1
from tamis.metrics.intervals import wilson_interval

_THRESHOLDS: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.0)


@dataclass(frozen=True, slots=True)
class ClassRow:
    """None is what would be 0/0: nothing was called so, or nothing is."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def class_rows(evaluation: Evaluation) -> list[ClassRow]:
    """Precision, recall, F1 and support of every class."""
    precision, recall, f1 = precision_recall_f1(evaluation.confusion)
    called, support = evaluation.confusion.sum(axis=0), evaluation.confusion.sum(axis=1)
    return [
        ClassRow(
            label=label,
            precision=float(precision[i]) if called[i] else None,
            recall=float(recall[i]) if support[i] else None,
            f1=float(f1[i]) if called[i] + support[i] else None,
            support=int(support[i]),
        )
        for i, label in enumerate(evaluation.classes)
    ]


@dataclass(frozen=True, slots=True)
class Confusion:
    """One class taken for another: how often, and for what share of its pictures."""

    truth: str
    label: str
    count: int
    share: float


def confusions(evaluation: Evaluation) -> list[Confusion]:
    """All confusions, most frequent first."""
    support = evaluation.confusion.sum(axis=1)
    rows, columns = np.nonzero(evaluation.confusion * ~np.eye(len(support), dtype=bool))
    found = [
        Confusion(
            truth=evaluation.classes[i],
            label=evaluation.classes[j],
            count=int(evaluation.confusion[i, j]),
            share=float(evaluation.confusion[i, j] / support[i]),
        )
        for i, j in zip(rows, columns, strict=True)
    ]
    return sorted(found, key=lambda c: (-c.count, -c.share))


@dataclass(frozen=True, slots=True)
class Trust:
    """Of the answers at least so sure: how many, and what share is right."""

    threshold: float
    count: int
    share: float
    right: float | None
    interval: tuple[float, float]


def trust(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_] | None) -> list[Trust]:
    """Accuracy of the answers at least so sure, for falling thresholds."""
    rows = []
    for threshold in _THRESHOLDS:
        sure = confidence >= threshold - 1e-9  # shares are sums of rounded quotients
        count = int(sure.sum())
        hits = 0 if right is None else int(right[sure].sum())
        rows.append(
            Trust(
                threshold=threshold,
                count=count,
                share=count / max(1, len(confidence)),
                right=hits / count if right is not None and count else None,
                interval=wilson_interval(hits, count),
            )
        )
    return rows
