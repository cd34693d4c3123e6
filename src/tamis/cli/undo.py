"""`tamis undo`."""

from typing import Annotated

import typer

from tamis.cli.console import Json


def undo(
    out: Annotated[str, typer.Argument(help="The folder that tamis sort or tamis split wrote.")],
    json: Json = None,
) -> None:
    """Put back everything that the last run into a folder did.

    Moved pictures return to where they were; copies and links are removed, each
    only if the original is there and has the same bytes. Files changed since stay.

        tamis undo sorted
    """
    import time

    from tamis.cli.console import as_dicts, progress, say, warn, warn_failures, write_json
    from tamis.errors import JournalError, printable
    from tamis.journal import journals
    from tamis.lock import locked

    start = time.perf_counter()
    with locked(out):
        runs = journals(out)
        if not runs:
            raise JournalError(
                f"{printable(out)} holds no journal of tamis, so there is nothing to undo."
            )
        run = runs[-1]
        with progress("putting back", len(run.transfers)) as advance:
            outcome = run.undo(progress=advance)
    warn_failures(outcome.failures, doing="keeping")
    say(f"Undid the {run.command} of {run.created}: {outcome.done} files put back.", unless=json)
    if outcome.failures:
        warn(f"{len(outcome.failures)} files were kept; run tamis undo again once that is settled.")
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
