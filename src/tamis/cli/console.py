"""What all commands print alike: progress, warnings, JSON."""

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from tamis import __version__
from tamis.errors import DestinationError, Failure, printable
from tamis.files.atomic import check_output, write_whole
from tamis.files.kinds import GENERATOR, JSON, PAGE, Kind


def writes(kind: Kind) -> Callable[[typer.Context, typer.CallbackParam, str | None], str | None]:
    """Make the callback of an option that names a file to be written.

    The file is checked when the option is read, so that no work is done for a result
    that cannot be written.
    """

    def check(context: typer.Context, option: typer.CallbackParam, file: str | None) -> str | None:
        if file is None or (file == "-" and kind is JSON):
            return file
        check_output(file, kind)
        named: dict[str, str] = context.meta.setdefault("tamis.outputs", {})
        place, name = os.path.realpath(file), option.opts[0]
        if os.path.exists(place) and not os.path.isfile(place):
            return file  # a device or a pipe takes any number
        if named.setdefault(place, name) != name:
            raise DestinationError(
                f"{named[place]} and {name} name the same file, {printable(file)}. Choose another "
                "name for one of them."
            )
        return file

    return check


Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the result as JSON to FILE; - is the output.",
        callback=writes(JSON),
    ),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Threads.", show_default="one per processor")]
MaxPixels = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Skip pictures of more pixels than this."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if a file was skipped.")]
FollowLinks = Annotated[
    bool,
    typer.Option("--follow-links", help="Enter linked folders that lead out of DIR, too."),
]
TakeOutside = Annotated[
    bool,
    typer.Option(
        "--follow-links", "--follow", help="Also take what lies outside, where links or lists lead."
    ),
]
Root = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Where the pictures of a CSV file or collection lie.",
        show_default="the folder of the file; as the collection says",
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="Descriptor, or several as a+b or a+b@learned; `tamis descriptors` lists them.",
        show_default="color",
    ),
]
K = Annotated[
    int | None,
    typer.Option("--k", "-k", min=1, help="Neighbours that vote.", show_default="5"),
]
Distance = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="l1, l2, cosine, chi2 or another.",
        show_default="the descriptor's own",
    ),
]


def warn(text: str) -> None:
    """Write a line to stderr."""
    print(text, file=sys.stderr)  # noqa: T201 - what this file is for


def say(text: str, *, unless: str | None = None) -> None:
    """Write a line to stdout, unless the JSON goes there."""
    if unless != "-":
        print(text)  # noqa: T201


def warn_failures(failures: Sequence[Failure], *, doing: str = "skipping") -> None:
    """Name each file that could not be used, and why."""
    for failure in failures:
        warn(f"{doing} {printable(failure.path)}: {failure.reason}")


def write_json(target: str | None, data: dict[str, Any]) -> None:
    """Write the machine-readable result; ASCII, so that any file name survives."""
    if target is None:
        return
    text = json.dumps({GENERATOR: f"tamis {__version__}", **data}, indent=2)
    if target == "-":
        print(text)  # noqa: T201
        return
    with write_whole(target, JSON) as file:
        file.write(f"{text}\n".encode())


def write_page(target: str, page: str) -> None:
    """Write a report that the user named."""
    with write_whole(target, PAGE) as file:
        file.write(page.encode())


def as_dicts(failures: Sequence[Failure]) -> list[dict[str, str]]:
    """Failures in plain types, for JSON."""
    return [{"path": failure.path, "reason": failure.reason} for failure in failures]


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr if it is a terminal; gives the function that moves it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress as bars
    from rich.console import Console

    with bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]}"),
        bars.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(done: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, advance=done, rate=f"{speed:.0f}/s" if speed else "")

        yield advance


def quiet_libraries() -> None:
    """Keep decoders from printing: what they say becomes the reason of a failure."""
    warnings.filterwarnings("ignore", module="PIL")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
