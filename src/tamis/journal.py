"""The journal: what a run will do to files, written down before it does any of it.

A run that writes into a folder first writes its whole plan to
``FOLDER/.tamis/run-0001.jsonl``, and only then touches files. Because every
action can tell from the files themselves whether it was done (see
`tamis.transfer`), a run that was killed at any point is finished by carrying out
its plan again, and undone by carrying it out backwards.

The file is JSON, a record per line: a header, one line per transfer, a line
``planned``; then, as they come, ``renamed`` (a name was taken meanwhile),
``finished`` and ``undoing``. A last line cut short by a crash is passed over. A
run that is undone whole leaves nothing, not even its journal.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Self

from tamis.errors import Failure, JournalError, printable
from tamis.naming import numbered
from tamis.transfer import Mode, Occupied, Refused, Transfer, put, take_back

Progress = Callable[[int], object]

FORMAT: Final = 1
FOLDER: Final = ".tamis"
_NAME: Final = re.compile(r"run-(\d{4,})\.jsonl")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the files of a run.

    Attributes
    ----------
    done : int
        Transfers carried out or taken back, those found done already included.
    failures : tuple of Failure
        The others, with the reason; they are where they were.
    """

    done: int
    failures: tuple[Failure, ...]


@dataclass(slots=True)
class Journal:
    """The plan of one run into a folder, and how far it got.

    Attributes
    ----------
    root : str
        The folder that receives the files.
    number : int
        1 for the first run into it.
    command : str
        ``sort`` or ``split``.
    mode : Mode
    folders : tuple of str
        Folders below `root` that the run makes, parents first; "" is `root` itself.
    transfers : list of Transfer
    settings : dict
        The options that the plan came from, as the command names them.
    finished : bool
        It was carried out to its end, or is being undone: not to be resumed.
    """

    root: str
    number: int
    command: str
    mode: Mode
    folders: tuple[str, ...]
    transfers: list[Transfer]
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    settings: dict[str, Any] = field(default_factory=dict)
    finished: bool = False

    @classmethod
    def create(
        cls,
        root: str,
        *,
        command: str,
        mode: Mode,
        folders: Sequence[str],
        transfers: Sequence[Transfer],
        made: dict[str, Callable[[str], object]] | None = None,
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
        made : dict from str to callable, optional
            Files that tamis itself adds, by name below `root`: each callable
            writes one to the path it is given. They are written before the plan,
            so that a run resumed has them.
        settings : mapping, optional
            The options that the plan came from, in JSON's types: they tell whether a
            command that finds the run interrupted is the one that began it.
        """
        number = max((n for n, _ in _runs(root)), default=0) + 1
        new = [] if os.path.isdir(root) else [""]
        new += [folder for folder in folders if not os.path.isdir(os.path.join(root, folder))]
        journal = cls(root, number, command, mode, tuple(new), list(transfers))
        journal.settings = dict(settings or {})
        os.makedirs(journal._scratch_folder, exist_ok=True)
        for i, (name, write) in enumerate((made or {}).items()):
            draft = os.path.join(journal._scratch_folder, f"made-{i}")
            write(draft)
            journal.transfers.append(Transfer.of(draft, name, made=True))
        records = [
            {
                "tamis journal": FORMAT,
                "command": command,
                "mode": str(mode),
                "created": journal.created,
                "folders": list(new),
                "settings": journal.settings,
            },
            *(transfer.to_dict() for transfer in journal.transfers),
            {"planned": len(journal.transfers)},
        ]
        draft = os.path.join(journal._scratch_folder, "plan")
        with open(draft, "w", encoding="ascii") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, journal._path)
        return journal

    @classmethod
    def read(cls, root: str, number: int) -> Self:
        """Read the journal of one run.

        Raises
        ------
        JournalError
            It is damaged, or written by a newer tamis.
        """
        path = os.path.join(root, FOLDER, f"run-{number:04}.jsonl")
        try:
            with open(path, encoding="ascii") as file:
                lines = file.read().split("\n")
            records = [json.loads(line) for line in lines[:-1]]  # after "\n": "" or a torn line
            header = records[0]
            if header["tamis journal"] > FORMAT:
                raise JournalError(
                    f"{printable(path)} was written by a newer tamis (format "
                    f"{header['tamis journal']}, this one knows {FORMAT}). Upgrade tamis."
                )
            end = next(i for i, record in enumerate(records) if "planned" in record)
            journal = cls(
                root=root,
                number=number,
                command=header["command"],
                mode=Mode(header["mode"]),
                folders=tuple(header["folders"]),
                transfers=[Transfer(**record) for record in records[1:end]],
                created=header["created"],
                settings=dict(header.get("settings", {})),
            )
            for record in records[end + 1 :]:
                if (i := record.get("renamed")) is not None:
                    journal.transfers[i] = replace(
                        journal.transfers[i], destination=record["destination"]
                    )
                journal.finished |= "finished" in record or "undoing" in record
        except (OSError, ValueError, LookupError, TypeError, StopIteration) as error:
            raise JournalError(
                f"cannot read the journal {printable(path)}: {error}. No file was touched."
            ) from error
        return journal

    def carry_out(self, *, progress: Progress | None = None) -> Outcome:
        """Do what the plan says, or what is left of it.

        A file that cannot be transferred stays where it is and is named in the
        outcome; the others go on.
        """
        for folder in self.folders:
            os.makedirs(os.path.join(self.root, folder), exist_ok=True)
        failures = []
        for i, transfer in enumerate(self.transfers):
            try:
                self._put(i, transfer)
            except (Refused, OSError) as error:
                failures.append(Failure(transfer.source, _reason(error)))
            if progress is not None:
                progress(1)
        self._append({"finished": _now(), "failures": len(failures)})
        self.finished = True
        shutil.rmtree(self._scratch_folder, ignore_errors=True)
        return Outcome(len(self.transfers) - len(failures), tuple(failures))

    def undo(self, *, progress: Progress | None = None) -> Outcome:
        """Put everything back, last first.

        Files changed since, and those that are the only ones left, stay and are
        named in the outcome; undoing again tries them again.
        """
        if not self.finished:  # from here on it is not to be resumed
            self._append({"undoing": _now()})
        failures, done = [], 0
        for i, transfer in reversed(list(enumerate(self.transfers))):
            try:
                done += take_back(transfer, self.root, self.mode, self._scratch(i))
            except (Refused, OSError) as error:
                path = os.path.join(self.root, transfer.destination)
                failures.append(Failure(path, _reason(error)))
            if progress is not None:
                progress(1)
        shutil.rmtree(self._scratch_folder, ignore_errors=True)
        if not failures:
            self._remove_traces()
        return Outcome(done, tuple(failures))

    def _put(self, i: int, transfer: Transfer) -> None:
        for attempt in range(2, 10_000):
            try:
                put(transfer, self.root, self.mode, self._scratch(i))
                return
            except Occupied:
                folder, name = os.path.split(transfer.destination)
                other = os.path.join(folder, numbered(name, attempt))
                # Ahead of the action, as all else in the journal.
                self._append({"renamed": i, "destination": other})
                transfer = replace(transfer, destination=other)
                self.transfers[i] = transfer
        raise Refused("has a name that is taken thousands of times over")

    def _remove_traces(self) -> None:
        """Remove this run's journal and the folders it made, if nothing else is in them."""
        below = [folder for folder in self.folders if folder]
        for folder in reversed(below):
            with contextlib.suppress(OSError):
                os.rmdir(os.path.join(self.root, folder))
        os.unlink(self._path)
        if any(True for _ in _runs(self.root)):
            return
        shutil.rmtree(os.path.join(self.root, FOLDER), ignore_errors=True)
        if "" in self.folders:
            with contextlib.suppress(OSError):
                os.rmdir(self.root)

    @property
    def _path(self) -> str:
        return os.path.join(self.root, FOLDER, f"run-{self.number:04}.jsonl")

    @property
    def _scratch_folder(self) -> str:
        return os.path.join(self.root, FOLDER, f"run-{self.number:04}")

    def _scratch(self, i: int) -> str:
        os.makedirs(self._scratch_folder, exist_ok=True)
        return os.path.join(self._scratch_folder, f"part-{i}")

    def _append(self, record: dict[str, Any]) -> None:
        with open(self._path, "r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)  # a line that a crash cut short
            file.seek(0, os.SEEK_END)
            file.write(json.dumps(record).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())


def journals(root: str) -> list[Journal]:
    """Read the journals of all runs into a folder, oldest first."""
    return [Journal.read(root, number) for number, _ in sorted(_runs(root))]


def _runs(root: str) -> Iterator[tuple[int, str]]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(os.path.join(root, FOLDER)):
            if match := _NAME.fullmatch(name):
                yield int(match[1]), name


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
