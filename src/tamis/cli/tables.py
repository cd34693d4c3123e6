"""Evaluations as text, for a terminal or a pipe."""

import numpy as np
from rich.console import Console
from rich.table import Table

from tamis.errors import printable
from tamis.evaluate import Evaluation


def print_evaluation(result: Evaluation) -> None:
    """Print the figures, one row per class, and the most frequent confusions."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    low, high = result.accuracy_ci
    right = int(result.confusion.trace())
    console.print(
        f"accuracy {result.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}): "
        f"{right} of {result.n_images} pictures right, {len(result.failures)} could not be read"
    )
    report = result.report
    table = Table("", box=None, pad_edge=False)
    for name in ("precision", "recall", "F1", "pictures"):
        table.add_column(name, justify="right")
    for name in (*result.classes, *result.intervals):
        row = report[name]
        scores = (f"{row[score]:.3f}" for score in ("precision", "recall", "f1-score"))
        table.add_row(printable(name), *scores, str(row["support"]))
    console.print(table)
    for name, intervals in result.intervals.items():
        ends = (
            f"{title} {intervals[score][0]:.3f} to {intervals[score][1]:.3f}"
            for title, score in (
                ("precision", "precision"),
                ("recall", "recall"),
                ("F1", "f1-score"),
            )
        )
        console.print(f"95 % intervals, {name}: {', '.join(ends)}")
    for number, truth, answer in _confusions(result)[:5]:
        console.print(f"{number} of {printable(truth)} taken for {printable(answer)}")
    console.print(" | ".join(f"{key}: {value}" for key, value in result.signature.items()))


def _confusions(result: Evaluation) -> list[tuple[int, str, str]]:
    wrong = [
        (int(result.confusion[i, j]), result.classes[i], result.classes[j])
        for i, j in np.argwhere(result.confusion)
        if i != j
    ]
    return sorted(wrong, key=lambda item: -item[0])
