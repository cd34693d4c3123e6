"""What all commands print alike: progress, warnings, JSON."""

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from tamis import __version__
from tamis.errors import DestinationError, Failure, printable
from tamis.files.atomic import check_output, write_whole
from tamis.files.faults import cannot_write
from tamis.files.kinds import GENERATOR, JSON, PAGE, Kind

if TYPE_CHECKING:
    from rich.console import Console


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


def _no_icc(ctx: typer.Context, value: bool) -> bool:
    from tamis.images import reading_with

    ctx.with_resource(reading_with(icc=not value))
    return value


def _max_memory(ctx: typer.Context, value: int) -> int:
    from tamis.images import reading_with

    ctx.with_resource(reading_with(max_memory=value * 1_000_000))
    return value


# These two act by themselves, for as long as the command runs.
NoIcc = Annotated[
    bool,
    typer.Option(
        "--no-icc", help="Take colours as stored, not by embedded profiles.", callback=_no_icc
    ),
]
MaxMemory = Annotated[
    int,
    typer.Option(
        metavar="MB",
        min=1,
        help="Memory for all pictures being decoded; larger ones are skipped.",
        callback=_max_memory,
    ),
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
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="With --model: let the model read other files, or download, as it says.",
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B,...",
        help="Take only these classes; give it again for names with commas.",
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
ClassifierName = Annotated[
    str | None,
    typer.Option(
        "--classifier",
        metavar="NAME",
        help="What learns from --train: knn (the nearest examples vote) or probe.",
        show_default="knn",
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


class OutputClosedError(Exception):
    """Whoever read the output reads no more, as ``head`` after its lines."""


def show(text: str, stream: TextIO | None) -> None:
    r"""Print, so that nothing in the text commands the terminal.

    Everything that a command prints goes through here or through `screen`. File names,
    class names and the reasons of failures may come from a stranger: of the characters
    that are not printable only newlines and tabs are left, which the layout needs. Values
    with a newline of their own must be made printable before they are put into a line.

    Raises
    ------
    OutputClosedError
        Nobody reads any more.
    DestinationError
        The stream leads to a file that cannot be written to.
    """
    if stream is None:  # Python runs without a console
        return
    try:
        stream.write(printable(text, keep="\n\t") + "\n")
        stream.flush()
    except BrokenPipeError as error:
        raise OutputClosedError from error
    except OSError as error:
        raise cannot_write("the output", error) from error


def warn(text: str) -> None:
    """Write a line to stderr."""
    show(text, sys.stderr)


def say(text: str, *, unless: str | None = None) -> None:
    """Write a line to stdout, unless the JSON goes there."""
    if unless != "-":
        show(text, sys.stdout)


def screen(*, stderr: bool = False, width: int | None = None, wrap: bool = False) -> "Console":
    """Make a console for tables and bars, which prints only what is printable.

    Lines longer than the terminal are broken if `wrap`.
    """
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
    from rich.segment import Segment

    class Printable:
        def __init__(self, content: Any) -> None:
            self.content = content

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for piece in console.render(self.content, options):
                if piece.control:
                    yield piece
                else:
                    yield Segment(printable(piece.text, keep="\n\t"), piece.style)

    class OnlyPrintable(RenderHook):
        def process_renderables(
            self, renderables: list[ConsoleRenderable]
        ) -> list[ConsoleRenderable]:
            return [Printable(one) for one in renderables]

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise OutputClosedError

    console = Screen(highlight=False, soft_wrap=not wrap, markup=False, stderr=stderr, width=width)
    console.push_render_hook(OnlyPrintable())
    return console


def warn_failures(failures: Sequence[Failure], *, doing: str = "skipping") -> None:
    """Name each file that could not be used, and why."""
    for failure in failures:
        warn(f"{doing} {printable(failure.path)}: {printable(failure.reason)}")


def write_json(target: str | None, data: dict[str, Any]) -> None:
    """Write the machine-readable result; ASCII, so that any file name survives."""
    if target is None:
        return
    text = json.dumps({GENERATOR: f"tamis {__version__}", **data}, indent=2)
    if target == "-":
        show(text, sys.stdout)
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

    with bars.Progress(
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]}"),
        bars.TimeRemainingColumn(),
        console=screen(stderr=True, wrap=True),
        transient=True,
    ) as bar:
        task = bar.add_task(printable(what), total=total, rate="")

        def advance(done: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, advance=done, rate=f"{speed:.0f}/s" if speed else "")

        yield advance


def prepare() -> None:
    """Make ready for any file name, any user, and libraries that print."""
    warnings.filterwarnings("ignore", module="PIL")  # what it says becomes a failure's reason
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # A container's user may have no name, and libraries ask for it.
    if not any(os.environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME")):
        os.environ["LOGNAME"] = _user_name()


def _user_name() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
    except ImportError:  # not on this system, where the name is always known
        return "user"
