"""How a command ends: its exit code, and one line on stderr where it could not go on.

0: done. 1: could not. 2: wrongly called. 130, 143: stopped by SIGINT (Ctrl-C), SIGTERM.
141: nobody reads the output any more.
"""

import errno
import os
import platform
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import typer

from tamis import __version__
from tamis.cli.console import OutputClosedError, prepare, show, warn
from tamis.errors import InvalidParameterError, TamisError, printable
from tamis.files.faults import explain

_WRONGLY_CALLED: Final = 2
_CLOSED: Final = 128 + 13
_GO_ON: Final = {
    "sort": "Run the same command again to finish it; tamis undo takes back what was placed.",
    "split": "Run the same command again to finish it; tamis undo takes back what was placed.",
    "undo": "Run the same command again to finish it.",
    "index": "Run the same command again: it goes on where it was.",
    "train": "Nothing was written to --out. Run the same command again: a network goes on at its "
    "last whole epoch, a probe begins again.",
    "demo": "Run the same command again to begin anew.",
}
_NOTHING_DONE: Final = "Nothing was written. Run the same command to begin again."

_ClickError: Final[Any] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)
_STORES: Final = ("pyarrow", "lance", "pyo3_runtime")
"""Packages whose errors come from a collection on disk."""
_NUMBER: Final = re.compile(r"\(os error (\d+)\)")


def run(app: typer.Typer, words: Sequence[str]) -> int:
    """Run a command, say why it could not end well, and give the exit code."""
    prepare()
    told = "--verbose" in words
    command = typer.main.get_command(app)
    name = next((word for word in words if word in _commands(app)), "")
    with _signals() as received:
        try:
            with command.make_context("tamis", list(words)) as context:
                command.invoke(context)
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        except typer.Exit as end:
            return end.exit_code
        except (OutputClosedError, BrokenPipeError) as error:
            if isinstance(error, BrokenPipeError) and not _closed(error):
                return _say(error)
            _forget_output()
            return _CLOSED
        except (KeyboardInterrupt, typer.Abort):
            number = received[0] if received else signal.SIGINT
            warn(f"tamis: stopped. {_GO_ON.get(name, _NOTHING_DONE)}")
            return 128 + number
        except _ClickError as error:
            return _show_usage(error, name)
        except Exception as error:
            return _say(error, traced=told)
        except BaseException as error:
            if isinstance(error, SystemExit) or not _from_store(error):
                raise
            return _say(error)
    return 0


def _say(error: BaseException, *, traced: bool = False) -> int:
    """Print one line for an error, with its traceback if nobody foresaw it; the exit code."""
    line = describe(error)
    if line is not None:
        if traced:
            show("".join(traceback.format_exception(error)).rstrip(), sys.stderr)
        warn(f"tamis: {printable(line)}")
        return _WRONGLY_CALLED if isinstance(error, InvalidParameterError) else 1
    what = printable(f"{type(error).__name__}: {error}".rstrip(": "))
    warn(
        f"tamis: an error of tamis itself: {what}. Please report it with the lines below, and with "
        f"what was to be done. tamis {__version__}, Python {platform.python_version()}, "
        f"{platform.platform()}"
    )
    show("".join(traceback.format_exception(error)).rstrip(), sys.stderr)
    return 1


def describe(error: BaseException) -> str | None:
    """Say in one line what went wrong, where, and what to do; None for what nobody foresaw."""
    if isinstance(error, TamisError):
        return " ".join(str(error).split())
    if isinstance(error, MemoryError):
        detail = f" ({error})" if str(error) else ""
        return f"there is not enough memory{detail}. Lower --jobs, or close other programs."
    if _from_store(error) or "LanceError" in str(error):
        return _describe_store(error)
    if isinstance(error, OSError) and error.errno is not None:
        return _describe_system(error)
    return None


def _describe_system(error: OSError) -> str:
    reason, advice = explain(error)
    names = [os.fsdecode(name) for name in (error.filename, error.filename2)
             if isinstance(name, str | bytes)]  # fmt: skip
    where = f"cannot use {' and '.join(names)}" if names else "cannot go on"
    return f"{where}: {reason}. {advice}".rstrip()


def _describe_store(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if found := _NUMBER.search(text):
        number = int(found[1])
        reason, advice = explain(OSError(number, os.strerror(number)))
        return f"the collection cannot be used: {reason}. {advice}".rstrip()
    return (
        f"the collection cannot be used ({type(error).__name__}: {text[:300]}). If it is damaged, "
        "make it again with tamis index."
    )


def _from_store(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in _STORES


def _show_usage(error: Any, name: str) -> int:
    text = " ".join(error.format_message().split()).replace("Value error, ", "")
    if text:  # none where only the help was asked for, which is printed already
        end = "" if text.endswith((".", "?")) else "."
        warn(printable(f"tamis: {text}{end} See: {f'tamis {name}'.rstrip()} --help"))
    return int(error.exit_code)


def _commands(app: typer.Typer) -> set[str]:
    return {one.callback.__name__ for one in app.registered_commands if one.callback is not None}


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Let SIGTERM end a command as Ctrl-C does, and a second signal at once."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:  # impatience: what is unfinished stays as after a power cut
            os._exit(128 + number)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as nohup and shells set it for background jobs
            signal.signal(number, stop)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _closed(error: BrokenPipeError) -> bool:
    """Tell a reader of our output that is gone from any other pipe."""
    if error.filename is not None or error.errno != errno.EPIPE:
        return False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            return True
    return False


def _forget_output() -> None:
    """Keep the interpreter from complaining that it cannot flush at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
