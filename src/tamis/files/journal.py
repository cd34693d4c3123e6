"""The journal: what a run will do to files, written down before it does any of it.

A run that writes into a folder first writes its whole plan to
``FOLDER/.tamis/run-0001.jsonl``, and only then touches files. Because every
action can tell from the files themselves whether it was done (see
`tamis.files.transfer`), a run that was killed at any point is finished by carrying out
its plan again, and undone by carrying it out backwards.

The file is JSON, a record per line (`tamis.files.journal_records`): a header, one line per
transfer, a line ``planned``; then, as they come, ``renamed`` (a name was taken
meanwhile), ``failed``, ``finished`` and ``undoing``. Each line is signed, together with all
before it, by a key of the user's. A last line cut short by a crash is passed over. A
run that is undone whole leaves nothing, not even its journal.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Self

from tamis.errors import DestinationError, Failure, JournalError, printable
from tamis.files.entry import entry_below, make_folder
from tamis.files.faults import cannot_write, explain
from tamis.files.journal_file import JournalFile, run_numbers
from tamis.files.journal_records import Records, header, line_of
from tamis.files.names import numbered
from tamis.files.placing import Occupied, Refused, check_direct, put, take_back
from tamis.files.planning import MovedLinks, check_plan, plan_asides
from tamis.files.result import FOLDER, enter, leave, remove_drafts
from tamis.files.transfer import Mode, Transfer

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the files of a run.

    Attributes
    ----------
    done : int
        Transfers carried out or taken back, those found done already included.
    failures : tuple of Failure
        The others, with the reason; they are where they were.
    incomplete : int
        Copies whose disk did not take the times, permissions or attributes of the
        original; their bytes are whole.
    """

    done: int
    failures: tuple[Failure, ...]
    incomplete: int = 0


@dataclass
class Journal:
    """The plan of one run into a folder, and how far it got.

    Attributes
    ----------
    root : str
        The folder that receives the files.
    number : int
        1 for the first run into it.
    command : str
        ``sort``, ``split`` or ``search``.
    mode : Mode
    folders : tuple of str
        Folders below `root` that the run makes, parents first.
    transfers : list of Transfer
        Those of the plan, then (``aside``) outputs of earlier runs that make room,
        then (``made``) the outputs of this one.
    settings : dict
        The options of the command, by which it is known again.
    created : str
    token : str
        Is in the names of the files that this run makes and removes.
    finished : bool
        It was carried out to its end, or is being undone: not to be resumed.
    foreign : str
        Why it may be another's: it is not signed by this user, or for another folder.
        Empty if it is this user's.
    undoing : bool
        It was being undone, but some files had to stay.
    failed : set of int
        Numbers of the transfers that could not be carried out.
    """

    root: str
    number: int
    command: str
    mode: Mode
    folders: tuple[str, ...]
    transfers: list[Transfer]
    settings: dict[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=lambda: _now())
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    finished: bool = False
    foreign: str = ""
    undoing: bool = False
    failed: set[int] = field(default_factory=set)
    _file: JournalFile = field(default=None, repr=False, compare=False)  # type: ignore[assignment]

    @classmethod
    def create(
        cls,
        root: str,
        *,
        command: str,
        mode: Mode,
        folders: Sequence[str],
        transfers: Sequence[Transfer],
        made: Mapping[str, Callable[[str], object]] | None = None,
        absent: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> Self:
        """Write the plan of a new run; no picture is touched yet.

        Parameters
        ----------
        root : str
        command : str
        mode : Mode
        folders : sequence of str
            Below `root`, parents first.
        transfers : sequence of Transfer
        made : mapping from str to callable, optional
            Files that tamis itself adds, by name below `root`: each callable
            writes one to the path it is given. They are written before the plan,
            so that a run resumed has them. Each gets its name even if an earlier run
            wrote a file of that name: that one is renamed (``report-2.html``, then
            ``-3``), as it is now, which undoing this run takes back. A file that no
            earlier run wrote keeps its name, and the new one gets the number.
        absent : sequence of str, optional
            Names that outputs of this command have, but this run writes no such file:
            that of an earlier run is renamed likewise.
        settings : mapping from str to JSON values, optional
            The options of the command, kept in `settings`.

        Raises
        ------
        DestinationError
            The folder cannot be written to; nothing is left in it.
        JournalError
            The journal of an earlier run is damaged.
        """
        check_plan(root, folders, [*(one.destination for one in transfers), *(made or {})])
        earlier = _outputs(root) if made else set()
        try:
            enter(root)
            file = JournalFile.reserve(root)
        except OSError as error:
            leave(root)
            raise cannot_write(root, error) from error
        try:
            new = tuple(one for one in folders if not os.path.isdir(os.path.join(root, one)))
            if mode is Mode.MOVE:
                transfers = [transfer.with_digest() for transfer in transfers]
            drafts = os.path.join(os.path.abspath(root), FOLDER, file.drafts)
            outputs = [
                _written(os.path.join(drafts, f"made-{i}"), name, write)
                for i, (name, write) in enumerate((made or {}).items())
            ]
            asides = plan_asides(root, [*(made or {}), *absent], earlier)
            planned = [*transfers, *asides, *outputs]
            journal = cls(root, file.number, command, mode, new, planned, dict(settings or {}))
            journal._file = file
            lines = (line_of(one, root) for one in planned)
            file.write([journal._header(), *lines, {"planned": len(planned)}])
        except BaseException as error:
            remove_drafts(root, file.drafts)
            leave(root)
            if isinstance(error, OSError) and not isinstance(error, DestinationError):
                raise cannot_write(root, error) from error
            raise
        return journal

    @classmethod
    def read(cls, root: str, number: int) -> Self:
        """Read the journal of one run.

        Raises
        ------
        JournalError
            It is damaged, or written by a newer tamis.
        """
        file = JournalFile(root, number)
        found = file.read()
        return cls(
            root, number, found.command, found.mode, found.folders, found.transfers,
            found.settings, found.created, found.token, found.finished, found.foreign(root),
            found.undoing, found.failed, file,
        )  # fmt: skip

    def carry_out(self, *, progress: Progress | None = None, confirmed: bool = False) -> Outcome:
        """Do what the plan says, or what is left of it.

        A file that cannot be transferred stays where it is and is named in the
        outcome; the others go on.

        Parameters
        ----------
        progress : callable, optional
            Called with 1 after each file.
        confirmed : bool
            Carry out a journal that may be another's (`foreign`) too.

        Raises
        ------
        JournalError
            It may be another's, and is not confirmed.
        DestinationError
            The journal cannot be written.
        """
        self._check_own(confirmed)
        failures, incomplete = [], 0
        for folder in self.folders:  # what cannot be made fails with the files in it
            with contextlib.suppress(OSError):
                make_folder(self.root, folder)
        for i in self._links.in_order():
            try:
                incomplete += not self._put(i)
            except (Refused, OSError) as error:
                failures.append((i, Failure(self.transfers[i].source, _reason(error))))
            if progress is not None:
                progress(1)
        self.failed = {i for i, _ in failures}
        numbers = sorted(self.failed)
        for start in range(0, len(numbers), 10_000):
            self._file.append({"failed": numbers[start : start + 10_000]})
        self._file.append({"finished": _now(), "failures": len(failures)})
        self.finished = True  # without that line a run is carried out again, with its drafts
        remove_drafts(self.root, self._file.drafts)
        named = tuple(failure for _, failure in sorted(failures, key=lambda one: one[0]))
        return Outcome(len(self.transfers) - len(named), named, incomplete)

    def undo(
        self,
        *,
        progress: Progress | None = None,
        confirmed: bool = False,
        forget: bool = False,
    ) -> Outcome:
        """Put everything back, last first.

        Files changed since, and those that are the only ones left, stay and are
        named in the outcome; undoing again tries them again.

        Parameters
        ----------
        progress : callable, optional
            Called with 1 after each file.
        confirmed : bool
            Undo a journal that may be another's (`foreign`) too.
        forget : bool
            Remove the journal even if files had to stay, so that the run before can
            be undone.

        Raises
        ------
        JournalError
            It may be another's, and is not confirmed.
        DestinationError
            The journal cannot be written.
        """
        self._check_own(confirmed)
        if not self.undoing:  # from here on it is not to be resumed
            # A finished run can be undone on a full disk too.
            with contextlib.suppress(*[DestinationError] * self.finished):
                self._file.append({"undoing": _now()})
            self.finished = self.undoing = True
        failures, done = [], 0
        for i in reversed(self._links.in_order()):
            transfer = self.transfers[i]
            try:
                if self.foreign:
                    check_direct(transfer)
                done += take_back(
                    transfer, self.root, self.mode, self._part(i), leads=self._links.leads(transfer)
                )
            except (Refused, OSError) as error:
                path = os.path.join(self.root, transfer.destination)
                failures.append((i, Failure(path, _reason(error))))
            if progress is not None:
                progress(1)
        remove_drafts(self.root, self._file.drafts)
        if forget or not failures:
            self._remove_traces()
        named = (failure for _, failure in sorted(failures, key=lambda one: -one[0]))
        return Outcome(done, tuple(named))

    def describe_undo(self) -> list[str]:
        """List what `undo` would try, a line per file; nothing is looked at or touched."""
        in_order = (self.transfers[i] for i in reversed(self._links.in_order()))
        return [transfer.describe_undo(self.root, self.mode) for transfer in in_order]

    def _check_own(self, confirmed: bool) -> None:
        if self.foreign and not confirmed:
            raise JournalError(
                f"the journal {printable(self._file.path)} {self.foreign}. It may name any file of "
                f"yours. Look at what it would do, and confirm: tamis undo {printable(self.root)}"
            )

    def _put(self, i: int) -> bool:
        transfer = self.transfers[i]
        folder, name = os.path.split(transfer.destination)
        for attempt in range(2, 10_000):
            try:
                leads = self._links.leads(transfer)
                if leads and not os.path.lexists(
                    os.path.join(self.root, os.path.dirname(transfer.destination), leads[0])
                ):
                    leads = ()
                return put(transfer, self.root, self.mode, self._part(i), leads=leads)
            except Occupied:
                other = os.path.join(folder, numbered(name, attempt))
                # Ahead of the action, as all else in the journal.
                self._file.append({"renamed": i, "destination": other})
                transfer = replace(transfer, destination=other)
                self.transfers[i] = transfer
        raise Refused("has a name that is taken thousands of times over")

    @cached_property
    def _links(self) -> MovedLinks:
        return MovedLinks(self.transfers, self.mode)

    def _remove_traces(self) -> None:
        """Remove this run's journal and the folders it made, if nothing else is in them."""
        for folder in reversed([folder for folder in self.folders if folder]):
            try:
                with entry_below(self.root, folder) as made:
                    os.rmdir(made.name, dir_fd=made.folder)
            except OSError as error:
                # Gone already, not empty, or a link now; else undoing again may remove it.
                if error.errno not in (
                    errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR,
                ):  # fmt: skip
                    raise DestinationError(
                        f"all is put back, but the folder {printable(folder)} in "
                        f"{printable(self.root)} cannot be removed: {_reason(error)}. Run tamis "
                        "undo again once that is settled."
                    ) from error
        self._file.remove()
        leave(self.root)

    def _header(self) -> dict[str, Any]:
        status = os.stat(self.root)
        place = (os.path.realpath(self.root), status.st_dev, status.st_ino)
        return header(
            Records(
                self.command, self.mode, self.created, self.folders, self.settings, self.token,
                place,
            )
        )  # fmt: skip

    def _part(self, i: int) -> str:
        return f".tamis-{self.token or self._file.drafts}-{i}.part"


def journals(root: str) -> list[Journal]:
    """Read the journals of all runs into a folder, oldest first.

    Raises
    ------
    JournalError
        One is damaged, or written by a newer tamis.
    """
    return [Journal.read(root, number) for number in sorted(run_numbers(root))]


def _written(draft: str, name: str, write: Callable[[str], object]) -> Transfer:
    write(draft)
    return Transfer.of(draft, name, made=True)


def _outputs(root: str) -> set[str]:
    """Names of the outputs that earlier runs of this user wrote."""
    return {
        transfer.destination
        for run in journals(root)
        if not run.foreign
        for transfer in run.transfers
        if transfer.made
    }


def _reason(error: Exception) -> str:
    return explain(error)[0] if isinstance(error, OSError) else str(error)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
