"""Results as text, for a terminal or a pipe."""

import numpy as np
from rich.console import Console
from rich.table import Table

from tamis.cli.console import screen
from tamis.errors import printable
from tamis.evaluation.classification import AVERAGES, Evaluation
from tamis.evaluation.comparison_result import Comparison
from tamis.evaluation.retrieval_scores import AP_OVER_HITS, FIGURES, RetrievalEvaluation

_ENDS = 4  # classes shown at each end of a long list


def print_evaluation(result: Evaluation) -> None:
    """Print the figures, one row per class, and the most frequent confusions."""
    console = screen()
    low, high = result.accuracy_ci
    right = int(result.confusion.trace())
    console.print(
        f"accuracy {result.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}): "
        f"{right} of {result.n_images} pictures right, {len(result.failures)} could not be read"
    )
    if result.overlap:
        console.print(without_overlap(result))
    if result.calibration is not None:
        of = result.calibration
        console.print(
            f"calibration error {of.error:.1%}, Brier score {of.brier:.3f}, log-loss "
            f"{of.log_loss:.3f}"
        )
    averages = {name: result.report[name] for name in AVERAGES}
    table = Table("", box=None, pad_edge=False)
    for name in ("precision", "recall", "F1", "pictures"):
        table.add_column(name, justify="right")
    # A class that is named like an average is told from it.
    classes = {
        f"{name} (class)" if name in averages else name: row
        for name, row in result.per_class.items()
    }
    for name, row in [*classes.items(), *averages.items()]:
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


def without_overlap(result: Evaluation) -> str:
    """Say how accurate the answers are for pictures that are not among the examples."""
    n_shared, rest = len(result.overlap or ()), result.without_overlap
    if rest is None:
        return "all of them are among the examples, so this is not the accuracy for new pictures"
    low, high = rest.accuracy_ci
    return (
        f"without the {n_shared} among the examples: accuracy {rest.accuracy:.1%} (95 % interval "
        f"{low:.1%} to {high:.1%}): {int(rest.confusion.trace())} of {rest.n_images} pictures right"
    )


def _confusions(result: Evaluation) -> list[tuple[int, str, str]]:
    wrong = [
        (int(result.confusion[i, j]), result.classes[i], result.classes[j])
        for i, j in np.argwhere(result.confusion)
        if i != j
    ]
    return sorted(wrong, key=lambda item: -item[0])


def print_comparison(result: Comparison, *, most: int = 15) -> None:
    """Print the best candidates, every single descriptor, and what the choice is worth."""
    console = screen()
    names = [spec.partition("(")[0] for spec in result.specs]
    if len(set(names)) < len(names):  # two of one kind: only the whole spec tells them apart
        names = list(result.specs)

    def name(parts: tuple[int, ...]) -> str:
        return "+".join(names[part] for part in parts)

    depth = result.signature["depth"]
    table = Table("", box=None, pad_edge=False)
    for title in (f"MMAP@{depth}, hits found", "all relevant", f"P@{depth}"):
        table.add_column(title, justify="right")
    shown = [
        one for rank, one in enumerate(result.candidates) if rank < most or len(one.parts) == 1
    ]
    for one in shown:
        values = (f"{value:.3f}" for value in (one.mmap, one.mmap_all, one.precision))
        table.add_row(name(one.parts), *values)
    console.print(table)
    if len(shown) < len(result.candidates):
        console.print(
            f"{len(shown)} of {len(result.candidates)} candidates: the {most} best and each "
            "descriptor alone; --json has all"
        )
    best = result.candidates[0]
    for lead in result.leads:
        low, high = lead.interval
        rank = lead.first_result
        console.print(
            f"{name(best.parts)} is {'ahead of' if lead.shown else 'not told apart from'} "
            f"{name(lead.other)}: {lead.difference:+.4f} (95 % interval {low:.4f} to {high:.4f}); "
            f"first result right for {rank.only_first} that the other misses, wrong for "
            f"{rank.only_second} (p {rank.p_value:.2g})"
        )
    chosen = ", ".join(dict.fromkeys(name(parts) for parts in result.chosen))
    console.print(
        f"best of {len(result.candidates)}: {name(best.parts)}, {best.mmap:.4f}; honest figure, "
        f"chosen on other pictures than scored: {result.nested:.4f} (chosen: {chosen})"
    )
    console.print(" | ".join(f"{key}: {value}" for key, value in result.signature.items()))


def print_retrieval(result: RetrievalEvaluation) -> None:
    """Print the figures by depth, the classes found worst and best, and the signature."""
    # As wide as it has to be: a figure is not to be folded.
    console = screen(width=60 + 26 * len(result.depths))
    left_out = {
        "without another picture of their class": result.n_without_relevant,
        "without a class": result.n_unlabelled,
        "that could not be read": len(result.failures),
    }
    said = "".join(f"; {number} {what} left out" for what, number in left_out.items() if number)
    others = int(result.signature["n_gallery"])
    where = f"a gallery of {others}"
    if "leave-one-out" in str(result.signature["task"]):
        where = f"the {others - 1} others"
    console.print(
        f"{result.n_images} pictures of {len(result.classes)} classes, each looked for among "
        f"{where}{said}"
    )
    figures = Table("95 % intervals", box=None, pad_edge=False)
    rows = [[title] for title in FIGURES.values()]
    for scores in result.depths:
        figures.add_column(f"depth {scores.depth}", justify="right")
        for row, name in zip(rows, FIGURES, strict=True):
            low, high = scores.intervals[name]
            row.append(f"{getattr(scores, name):.3f} ({low:.3f} to {high:.3f})")
    for row in rows:
        figures.add_row(*row)
    console.print(figures, end="\n\n")
    if result.overlap:
        console.print(_retrieval_without_overlap(result), end="\n\n")
    _print_classes(console, result)
    console.print(" | ".join(f"{key}: {value}" for key, value in result.signature.items()))


def _retrieval_without_overlap(result: RetrievalEvaluation) -> str:
    n_shared, rest = len(result.overlap or ()), result.without_overlap
    if rest is None:
        return "all queries are in the gallery too, so these are not the figures for new pictures"
    said = f"without the {n_shared} that are in the gallery too, of {rest.n_images} pictures:"
    for scores in rest.depths:
        low, high = scores.intervals["mmap"]
        said += (
            f"\nMMAP at depth {scores.depth} {scores.mmap:.3f} ({low:.3f} to {high:.3f}), "
            f"precision {scores.precision:.3f}, error rate {scores.error_rate:.3f}"
        )
    return said


def _print_classes(console: Console, result: RetrievalEvaluation) -> None:
    """Worst first, by the first depth; the middle of a long list is left out."""
    first = result.depths[0].map_per_class
    order = sorted(first, key=lambda name: first[name])
    between = len(order) - 2 * _ENDS
    table = Table(f"MAP, {AP_OVER_HITS}", box=None, pad_edge=False)
    for scores in result.depths:
        table.add_column(f"depth {scores.depth}", justify="right")
    table.add_column("pictures", justify="right")
    for place, name in enumerate(order):
        if between > 1 and _ENDS <= place < _ENDS + between:
            if place == _ENDS:
                table.add_row(f"... {between} more, all with --json ...")
            continue
        values = [f"{scores.map_per_class[name]:.3f}" for scores in result.depths]
        table.add_row(printable(name), *values, str(result.depths[0].per_class[name]["n_queries"]))
    console.print(table, end="\n\n")
