"""Progress of long work, on stderr: a bar on a terminal, else a line now and then."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final

from tamis.cli.console import screen, warn
from tamis.errors import printable

EVERY: Final = 30.0
"""Seconds between two lines where stderr is no terminal."""

quiet: Final = ContextVar("quiet", default=False)
"""Whether no progress is shown."""

verbose: Final = ContextVar("verbose", default=False)
"""Whether each stage of the work says what it did and how long it took."""


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far a stage of the work is; yields the function that is told of each step.

    Parameters
    ----------
    what : str
        The things that are counted, such as ``pictures``.
    total : int
        Their number.
    """
    start, done_before = time.monotonic(), [0]
    with _shown(what, total) as advance:
        if not verbose.get():
            yield advance
            return

        def counted(done: int) -> None:
            done_before[0] += done
            advance(done)

        warn(f"{printable(what)}: {total} to do")
        yield counted
    seconds = time.monotonic() - start
    rate = f", {done_before[0] / seconds:.3g}/s" if seconds > 0 else ""
    warn(f"{printable(what)}: {done_before[0]} done in {seconds:.2f} s{rate}")


@contextlib.contextmanager
def _shown(what: str, total: int) -> Iterator[Callable[[int], None]]:
    if quiet.get():
        yield lambda done: None
    elif sys.stderr is not None and sys.stderr.isatty():
        with _bar(what, total) as advance:
            yield advance
    else:
        yield _Lines(what, total).advance


class Pace:
    """Tells when another line is due."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()

    def due(self) -> bool:
        """Tell whether `EVERY` seconds have passed since the start or the last line."""
        now = time.monotonic()
        if now - self.last < EVERY:
            return False
        self.last = now
        return True


class _Lines:
    """Prints a line with count, rate and time left, once in `EVERY` seconds."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done, self.pace = what, total, 0, Pace()

    def advance(self, done: int) -> None:
        self.done += done
        if not self.done or not self.pace.due():
            return
        rate = self.done / max(self.pace.last - self.pace.start, 1e-9)
        left = duration(max(self.total - self.done, 0) / rate)
        warn(f"{printable(self.what)}: {self.done} of {self.total}, {rate:.3g}/s, {left} left")


def duration(seconds: float) -> str:
    """Write a duration for people.

    Examples
    --------
    >>> duration(42.3), duration(150), duration(7500)
    ('42 s', '2 min 30 s', '2 h 05 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


@contextlib.contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
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
