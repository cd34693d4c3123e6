"""`tamis descriptors`."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tamis.cli.options import Json

if TYPE_CHECKING:
    from tamis.descriptors.catalog import Entry

# Columns from which there is room for the sources.
_WIDE = 110


def descriptors(
    spec: Annotated[
        str | None,
        typer.Argument(metavar="SPEC", help="Say all about one.", show_default=False),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Measure what a picture costs on this machine."),
    ] = False,
    download: Annotated[
        bool,
        typer.Option("--download", help="Bring what SPEC needs from the hub onto this machine."),
    ] = False,
    json: Json = None,
) -> None:
    """List the descriptors that --by takes, or say all about one.

    tamis descriptors

    tamis descriptors "color(bins=8)" --measure

    tamis descriptors resnet50 --download
    """
    from tamis.cli.console import warn, write_json
    from tamis.descriptors import descriptor
    from tamis.descriptors.catalog import SHAPE, Entry, entries

    if download:
        _download(spec)
    listed, failures = entries() if spec is None else ([Entry.of(descriptor(spec))], {})
    rows: list[dict[str, Any]] = [dataclasses.asdict(entry) for entry in listed]
    result: dict[str, Any] = {"descriptors": rows}
    costs: list[float | None] = []
    if measure:
        costs = _measure(listed, failures)
        for row, ms in zip(rows, costs, strict=True):
            row["ms_per_image"] = ms
        result["measured"] = {"height": SHAPE[0], "width": SHAPE[1], "threads": 1}
    result["failures"] = [{"name": name, "reason": why} for name, why in failures.items()]
    for why in failures.values():
        warn(why)
    write_json(json, result)
    if json == "-":
        return
    if spec is None:
        _print_table(listed, costs)
    else:
        _print_entry(listed[0], costs)


def _download(spec: str | None) -> None:
    """Bring what the parts of a descriptor need."""
    from tamis.descriptors import descriptor

    if spec is None:
        raise typer.BadParameter("--download needs a descriptor, as resnet50 --download.")
    for leaf in descriptor(spec).leaves:
        download = getattr(leaf, "download", None)
        if download is not None:
            download()


def _measure(listed: "list[Entry]", failures: dict[str, str]) -> list[float | None]:
    """Measure each; what is not installed, and what other packages raise, are failures."""
    from tamis.cli.progress import progress
    from tamis.descriptors import descriptor, plugins
    from tamis.descriptors.catalog import cost
    from tamis.errors import TamisError

    costs: list[float | None] = []
    with progress("measuring", len(listed)) as advance:
        for entry in listed:
            try:
                costs.append(cost(descriptor(entry.spec)))
            except TamisError as error:
                failures[entry.name] = str(error)
                costs.append(None)
            except Exception as error:
                if entry.package == "tamis":
                    raise
                failures[entry.name] = str(plugins.broken(entry.name, error))
                costs.append(None)
            advance(1)
    return costs


def _written(ms: float | None) -> str:
    return "" if ms is None else f"{ms:.2f}"


def _print_table(listed: "list[Entry]", costs: list[float | None]) -> None:
    from rich.table import Table
    from rich.text import Text

    from tamis.cli.console import screen

    console = screen(wrap=True)
    wide = console.width >= _WIDE
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("values", justify="right", no_wrap=True)
    if costs:
        table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("captures", ratio=1)
    if wide:
        table.add_column("source", no_wrap=True)
    for i, entry in enumerate(listed):
        cells = [entry.name, f"{entry.dim:,}"]
        cells += [_written(costs[i])] if costs else []
        cells += [entry.captures]
        cells += [entry.source.partition(", ")[0]] if wide else []
        table.add_row(*map(Text, cells))
    console.print(table)
    console.print()
    lacking: dict[str, list[str]] = {}
    for entry in listed:
        if entry.missing and not entry.download:
            lacking.setdefault(entry.missing, []).append(entry.name)
    for command, those in lacking.items():
        console.print(Text(f"Not installed: {', '.join(those)}. Install: {command}"))
    if absent := [f"{entry.name} ({entry.download})" for entry in listed if entry.download]:
        console.print(Text(f"Not downloaded: {', '.join(absent)}. {_DOWNLOAD_SAYS}"))
    if costs:
        console.print(_COST_SAYS)
    console.print("All about one: tamis descriptors NAME")


_DOWNLOAD_SAYS = (
    "Each comes at its first use, or before: tamis descriptors NAME --download. Without a network "
    "its file can be placed by hand: tamis descriptors NAME says where."
)
_COST_SAYS = "ms is for one decoded picture of 96 x 128 pixels, on one thread of this machine."


def _print_entry(entry: "Entry", costs: list[float | None]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from tamis.cli.console import screen

    console = screen(wrap=True)
    facts = Table.grid(padding=(0, 2))
    facts.add_row("captures", Text(entry.captures))
    facts.add_row("values", f"{entry.dim:,}")
    facts.add_row("source", Text(entry.source))
    facts.add_row("package", Text(entry.package))
    if entry.missing:
        facts.add_row("download" if entry.download else "install", Text(entry.missing))
    if costs:
        facts.add_row("cost", f"{_written(costs[0])} ms")
    console.print(Text(entry.name, style="bold"))
    # Not broken at the width of the terminal: it is there to be copied.
    console.print(Text(entry.spec), soft_wrap=True)
    console.print()
    console.print(facts)
    for paragraph in entry.text.split("\n\n"):
        console.print()
        console.print(Text(" ".join(paragraph.split())))
    console.print()
    console.print(Text("arguments", style="bold"))
    for parameter in entry.parameters:
        default = "" if parameter.default is None else f"={parameter.default}"
        kind = f"  ({parameter.kind})" if parameter.kind else ""
        console.print(Text(f"{parameter.name}{default}{kind}"))
        if parameter.text:
            console.print(Padding(Text(parameter.text), (0, 0, 0, 4)))
    if costs:
        console.print()
        console.print(_COST_SAYS)
