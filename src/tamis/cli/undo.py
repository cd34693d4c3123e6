"""`tamis undo`."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tamis.cli.options import Json, Quiet, Verbose

if TYPE_CHECKING:
    from tamis.files.journal import Journal


def undo(
    out: Annotated[
        str, typer.Argument(help="The folder that tamis sort, split, search or duplicates wrote.")
    ],
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Undo a journal that another user or machine wrote, unasked."),
    ] = False,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Remove the journal even if some files cannot be put back."),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Put back everything that the last run into a folder did.

    Moved pictures return to where they were; copies and links are removed, each
    only if the original is there and has the same bytes. Files changed since stay.

        tamis undo sorted
    """
    import time

    from tamis.cli.console import as_dicts, say, warn, warn_failures, write_json
    from tamis.cli.progress import progress
    from tamis.files.undoing import last_run

    start = time.perf_counter()
    with last_run(out) as run:
        if run.foreign and not yes:
            _confirm(run, say=lambda line: say(line, unless=json))
        with progress("putting back", len(run.transfers)) as advance:
            outcome = run.undo(progress=advance, confirmed=True, forget=forget)
    warn_failures(outcome.failures, doing="keeping")
    say(f"Undid the {run.command} of {run.created}: {outcome.done} files put back.", unless=json)
    if outcome.failures and forget:
        warn(f"{len(outcome.failures)} files were kept, and the journal of the run is removed.")
    elif outcome.failures:
        warn(
            f"{len(outcome.failures)} files were kept; run tamis undo again once that is settled, "
            "or with --forget to leave them so."
        )
    write_json(
        json,
        {
            "command": run.command,
            "restored": outcome.done,
            "failures": as_dicts(outcome.failures),
            "seconds": time.perf_counter() - start,
        },
    )
    if outcome.failures:
        raise typer.Exit(1)


def _confirm(run: "Journal", *, say: Callable[[str], object]) -> None:
    """Show what undoing a journal of another would do, and ask; raises if it is not wanted."""
    from tamis.cli.console import warn
    from tamis.errors import JournalError, printable

    for line in run.describe_undo():
        say(printable(line))
    warn(f"The journal of the {run.command} of {run.created} {run.foreign}.")
    if not sys.stdin.isatty():
        raise JournalError(
            "nothing was undone. If all that is listed above may be done, confirm it: --yes"
        )
    if not typer.confirm("Do what is listed above?", err=True):
        raise JournalError("nothing was undone.")
