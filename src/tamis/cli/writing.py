"""What `tamis split` and `tamis sort` share: writing into a folder, safely."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from tamis.cli.console import as_dicts, progress, say, warn, warn_failures, write_json
from tamis.errors import DestinationError, JournalError, printable
from tamis.journal import FOLDER, Journal, Outcome, journals
from tamis.transfer import Mode, Transfer

_PART: Final = re.compile(r"train|val|test|fold-\d+|.*-truth\.csv")


class Plan(Protocol):
    """A plan of files to be placed below a folder."""

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders to make, parents first."""

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """Files to place."""


def carry_out(
    plan: Plan,
    out: str,
    *,
    command: str,
    mode: Mode,
    made: Mapping[str, Callable[[str], object]] | None = None,
) -> tuple[Outcome, list[str]]:
    """Write the journal, then do what it says; also gives the paths of the `made` files."""
    journal = Journal.create(
        out,
        command=command,
        mode=mode,
        folders=plan.folders,
        transfers=plan.transfers,
        made=dict(made or {}),
    )
    with progress(f"{mode}", len(journal.transfers)) as advance:
        outcome = journal.carry_out(progress=advance)
    return outcome, [os.path.join(out, t.destination) for t in journal.transfers if t.made]


def resumed(out: str, *, json: str | None) -> bool:
    """Finish the last run into `out` if it was interrupted; tell whether it was."""
    unfinished = [run for run in journals(out) if not run.finished]
    if not unfinished:
        return False
    for run in unfinished:
        warn(f"finishing the {run.command} of {run.created}, which was interrupted")
        with progress(str(run.mode), len(run.transfers)) as advance:
            outcome = run.carry_out(progress=advance)
        warn_failures(outcome.failures, doing="could not place")
        say(
            f"Finished the interrupted {run.command}: {outcome.done} files are in place in "
            f"{printable(out)}. Nothing else was done; run the command again for what is new, or "
            f"take it back with: tamis undo {printable(out)}",
            unless=json,
        )
        write_json(
            json,
            {"resumed": run.command, "done": outcome.done, "failures": as_dicts(outcome.failures)},
        )
    return True


def make_room(out: str, *, force: bool) -> None:
    """See to it that `out` is new or empty, by undoing earlier splits if `force`."""
    runs = journals(out)
    if force:
        if others := [run for run in runs if run.command != "split"]:
            raise DestinationError(
                f"{printable(out)} holds the result of tamis {others[0].command}. Choose another "
                "folder for the split."
            )
        for run in reversed(runs):
            warn(f"undoing the split of {run.created}")
            outcome = run.undo()
            warn_failures(outcome.failures, doing="keeping")
            if outcome.failures:
                raise JournalError(
                    f"the earlier split in {printable(out)} cannot be undone whole, and two splits "
                    "must not mix. Settle the files named above, or choose another folder."
                )
    names = sorted(set(os.listdir(out)) - {FOLDER}) if os.path.isdir(out) else []
    if force:
        in_the_way = [name for name in names if _PART.fullmatch(name)]
        if in_the_way:
            raise DestinationError(
                f"{printable(out)} holds {printable(in_the_way[0])}, which no journal of tamis "
                "explains, and two splits must not mix. Choose a new folder."
            )
    elif names:
        advice = (
            "--force undoes it first" if runs else "choose a new folder, or add to it by --force"
        )
        what = "an earlier split" if runs else printable(names[0])
        raise DestinationError(f"{printable(out)} is not empty, it holds {what}: {advice}.")
