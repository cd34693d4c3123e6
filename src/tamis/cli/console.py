"""What all commands print alike: progress, warnings, JSON."""

import json
import os
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from tamis import __version__
from tamis.errors import Failure, printable
from tamis.files.atomic import write_whole
from tamis.files.faults import cannot_write
from tamis.files.kinds import GENERATOR, JSON, PAGE

if TYPE_CHECKING:
    from rich.console import Console


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


def counted(n: int, noun: str) -> str:
    """Write a number and what it counts."""
    return f"{n} {noun}{'s' * (n != 1)}"


def as_dicts(failures: Sequence[Failure]) -> list[dict[str, str]]:
    """Failures in plain types, for JSON."""
    return [{"path": failure.path, "reason": failure.reason} for failure in failures]


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
