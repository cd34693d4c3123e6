"""What `tamis split` and `tamis sort` share: writing into a folder, safely."""

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn, Protocol

import typer

from tamis.cli.console import as_dicts, say, warn, warn_failures, write_json
from tamis.cli.progress import progress
from tamis.errors import DestinationError, Failure, JournalError, printable
from tamis.files.journal import Journal, Outcome, journals
from tamis.files.result import FOLDER
from tamis.files.transfer import Mode, Transfer

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
    absent: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> tuple[Outcome, list[str]]:
    """Write the journal, then do what it says; also gives the paths of the `made` files."""
    journal = Journal.create(
        out,
        command=command,
        mode=mode,
        folders=plan.folders,
        transfers=plan.transfers,
        made=dict(made or {}),
        absent=absent,
        settings=settings,
    )
    with progress(f"{mode}", len(journal.transfers)) as advance:
        outcome = journal.carry_out(progress=advance)
    if outcome.incomplete:
        warn(
            f"{outcome.incomplete} copies are whole but for their times, permissions or "
            f"attributes, which the disk of {printable(out)} did not take"
        )
    if renamed := [
        one.destination for one in journal.transfers if one.aside and "/" not in one.destination
    ]:
        warn(f"what the run before wrote is now {', '.join(map(printable, renamed))}")
    return outcome, _made(journal, out)


def finish_interrupted(
    out: str,
    *,
    command: str,
    settings: Mapping[str, Any],
    force: bool = False,
    json: str | None,
) -> None:
    """Finish the last run into `out` if it was interrupted; then the command is at its end.

    Parameters
    ----------
    out : str
    command : str
        The one that was typed.
    settings : mapping
        Its options, as `options` makes them.
    force : bool
        A run that other options began is left to `make_room`, which undoes it.

    Raises
    ------
    typer.Exit
        The run is finished; with 1 if a file could not be placed.
    JournalError
        Another command, or this one with other options, began the run.
    """
    unfinished = [run for run in journals(out) if not run.finished]
    if not unfinished:
        return
    for run in unfinished:
        if run.command != command or (run.settings and run.settings != dict(settings)):
            if force:
                return
            raise JournalError(
                f"a tamis {run.command} into {printable(out)} was interrupted ({run.created}), "
                f"and this command differs from it. Take it back (tamis undo {_quoted(out)}), or "
                f"finish it by its own command: {_command_line(run, out)}"
            )
    _finish(unfinished, out, json=json)


def options(
    named: Mapping[str, Any], *, paths: Mapping[str, str | None], words: Sequence[str] = ()
) -> dict[str, Any]:
    """Write down the options of a command so that another run of it can be told apart.

    Parameters
    ----------
    named : mapping
        Name on the command line to value; None, False and "" were not given.
    paths : mapping
        Likewise, of files and folders, which are the same from any working folder.
    words : sequence of str
        What may stand in the place of a path, and is none.
    """
    absolute = {
        name: path if not path or path in words else os.path.abspath(path)
        for name, path in paths.items()
    }
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in (absolute | dict(named)).items()
    }
    return {name: value for name, value in values.items() if value not in (None, False, "")}


def warn_if_interrupted(out: str) -> None:
    """Say that a run into `out` was interrupted, where nothing is to be done about it."""
    for run in journals(out):
        if not run.finished:
            warn(
                f"a tamis {run.command} of {run.created} into {printable(out)} was interrupted; "
                f"finish it first: {_command_line(run, out)}"
            )


def _finish(runs: Sequence[Journal], out: str, *, json: str | None) -> NoReturn:
    done = 0
    failures: list[Failure] = []
    for run in runs:
        warn(f"finishing the {run.command} of {run.created}, which was interrupted")
        with progress(str(run.mode), len(run.transfers)) as advance:
            outcome = run.carry_out(progress=advance)
        warn_failures(outcome.failures, doing="could not place")
        done += outcome.done
        failures += outcome.failures
    lack = f", {len(failures)} could not be placed" if failures else ""
    say(
        f"Finished the interrupted {runs[-1].command}: {done} files are in place in "
        f"{printable(out)}{lack}. Nothing else was done; run the command again for what is new, "
        f"or take it back with: tamis undo {_quoted(out)}",
        unless=json,
    )
    for file in _made(runs[-1], out):
        warn(f"see {printable(file)}")
    write_json(
        json,
        {"resumed": runs[-1].command, "out": out, "done": done, "failures": as_dicts(failures)},
    )
    raise typer.Exit(1 if failures else 0)


def _command_line(run: Journal, out: str) -> str:
    """Write the command that began a run, to be typed again."""
    words = [f"tamis {run.command}"]
    for name, value in run.settings.items():
        if name.startswith("-"):
            words.append(name)
        if value is not True:
            words += [_quoted(str(one)) for one in (value if isinstance(value, list) else [value])]
    words.append(_quoted(out) if run.command == "split" else f"--out {_quoted(out)}")
    return " ".join(words)


def _quoted(word: str) -> str:
    return shlex.quote(printable(word))


def _made(run: Journal, out: str) -> list[str]:
    """List what a run wrote beside the class folders."""
    written = (one.destination for one in run.transfers if one.made)
    return [os.path.join(out, name) for name in written if "/" not in name]


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
