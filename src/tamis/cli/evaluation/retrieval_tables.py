"""Retrieval scores as text, for a terminal or a pipe."""

from rich.console import Console
from rich.table import Table

from tamis.cli.console import screen
from tamis.errors import printable
from tamis.evaluation.retrieval_scores import AP_OVER_HITS, FIGURES, RetrievalEvaluation

_ENDS = 4  # classes shown at each end of a long list


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
        console.print(_without_overlap(result), end="\n\n")
    _print_classes(console, result)
    console.print(" | ".join(f"{key}: {value}" for key, value in result.signature.items()))


def _without_overlap(result: RetrievalEvaluation) -> str:
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
