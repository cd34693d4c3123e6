"""`tamis search --copy-to`: the pictures found, copied into a folder, with a journal."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tamis.cli.console import warn_failures
from tamis.cli.notes import print_remarks
from tamis.cli.writing import carry_out
from tamis.dataset import Dataset
from tamis.errors import Failure
from tamis.features.index import Hit
from tamis.files.journal import journals
from tamis.files.lock import locked
from tamis.files.transfer import Mode, Transfer
from tamis.sorting import check_destination
from tamis.sorting.names import Names


@dataclass(frozen=True, slots=True)
class Copied:
    """How many pictures were copied, how many were there already, and what failed."""

    n_copied: int
    n_present: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    folders: tuple[str, ...]
    transfers: tuple[Transfer, ...]


def copy_found(
    gallery: Dataset,
    hits: Sequence[Hit],
    out: str,
    *,
    queries: Sequence[str],
    follow_links: bool,
) -> Copied:
    """Copy pictures under their names, with a number where it is taken; undo takes it back.

    A picture whose bytes are there under its name is left alone.

    Raises
    ------
    DestinationError
        The folder cannot be written to.
    TableError
        None of the pictures may be taken: see `Dataset.to_take`.
    """
    check_destination(out, ())
    if not hits:
        return Copied(0, 0, ())
    row = {path: i for i, path in enumerate(gallery.table.paths)}
    found = gallery.having(gallery.table.select(row[hit.path] for hit in hits))
    taken = print_remarks(found.to_take(follow_links=follow_links)).table
    warn_failures(taken.failures, doing="not copying")
    with locked(out, inside=True):
        for run in journals(out):
            if not run.finished:
                run.carry_out()
        names = Names(out, Mode.COPY)
        paths = [path for path in taken.paths if not names.find(path, "")]
        transfers = tuple(Transfer.of(path, names.take(path, "", ())) for path in paths)
        if not transfers:
            return Copied(0, len(taken), taken.failures)
        outcome, _ = carry_out(
            _Plan((), transfers), out, command="search", mode=Mode.COPY,
            settings={"QUERY": [os.path.abspath(query) for query in queries]},
        )  # fmt: skip
    warn_failures(outcome.failures, doing="could not copy")
    n_copied = len(transfers) - len(outcome.failures)
    return Copied(n_copied, len(taken) - len(paths), (*taken.failures, *outcome.failures))
