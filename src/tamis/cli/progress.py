"""Progress of long work, on stderr."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from tamis.cli.console import screen
from tamis.errors import printable


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
