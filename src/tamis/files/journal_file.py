"""The file of a journal: numbered, written whole, appended to, found again."""

import contextlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any, Final

from tamis.errors import DestinationError, JournalError, printable
from tamis.files.entry import entry_below
from tamis.files.faults import explain
from tamis.files.journal_records import (
    FORMAT,
    LONGEST_LINE,
    NewerFormatError,
    Records,
    read_records,
)
from tamis.files.result import FOLDER
from tamis.files.signing import Signer, user_key

_NAME: Final = re.compile(r"run-(\d{4,9})\.jsonl")


class JournalFile:
    """The journal of one run into a folder.

    Parameters
    ----------
    root : str
        The folder that receives the files of the run.
    number : int
        1 for the first run into it.
    """

    def __init__(self, root: str, number: int) -> None:
        self.root = root
        self.drafts = f"run-{number:04}"  # the folder in which files of the run are prepared
        self.path = os.path.join(root, FOLDER, f"{self.drafts}.jsonl")
        self._number = number
        self._below = f"{FOLDER}/{self.drafts}.jsonl"
        self._signer = Signer(user_key())
        self._end = 0

    @classmethod
    def reserve(cls, root: str) -> "JournalFile":
        """Choose the number of a new run so that no two runs have one, even without a lock.

        Who makes the folder of a number may write its journal, unless that is there:
        then the run that made the folder before is done with it.
        """
        for number in itertools.count(max(run_numbers(root), default=0) + 1):
            with (
                entry_below(root, f"{FOLDER}/run-{number:04}") as drafts,
                contextlib.suppress(FileExistsError),
            ):
                os.mkdir(drafts.name, dir_fd=drafts.folder)
                if drafts.beside(f"run-{number:04}.jsonl").status() is None:
                    return cls(root, number)
                os.rmdir(drafts.name, dir_fd=drafts.folder)
        raise AssertionError

    @property
    def number(self) -> int:
        """1 for the first run into the folder."""
        return self._number

    def write(self, records: Iterable[dict[str, Any]]) -> None:
        """Write the plan; it is there whole, and on the disk, or not at all."""
        with (
            entry_below(self.root, f"{FOLDER}/{self.drafts}/plan") as draft,
            entry_below(self.root, self._below) as file,
        ):
            with (
                draft.opened(os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor,
                open(descriptor, "wb", closefd=False) as stream,
            ):
                stream.writelines(map(self._signer.signed, records))
                stream.flush()
                os.fsync(descriptor)
                self._end = stream.tell()
            draft.rename_to(file)  # whose number is this run's: see `reserve`
            file.sync()

    def read(self) -> Records:
        """Read and check the journal.

        Raises
        ------
        JournalError
            It is damaged, or written by a newer tamis.
        """
        try:
            with entry_below(self.root, self._below) as file:
                if not file.is_file():
                    raise ValueError("it is not a regular file")
                with file.opened() as descriptor:
                    return read_records(
                        self._lines(descriptor), self.root, self._number, self._signer
                    )
        except NewerFormatError as error:
            raise JournalError(
                f"{printable(self.path)} was written by a newer tamis (format {error}, this one "
                f"knows {FORMAT}). Upgrade tamis."
            ) from error
        except (OSError, ValueError) as error:
            said = explain(error)[0] if isinstance(error, OSError) else printable(str(error))
            raise JournalError(
                f"cannot read the journal {printable(self.path)}: {said}. No file was touched."
            ) from error

    def append(self, record: dict[str, Any]) -> None:
        """Add a line to a journal that was written or read, and have it on the disk.

        Raises
        ------
        DestinationError
            The system says no; the journal is as it was.
        """
        signer = copy(self._signer)
        line = signer.signed(record)
        try:
            with entry_below(self.root, self._below) as file, file.opened(os.O_RDWR) as descriptor:
                os.ftruncate(descriptor, self._end)  # a line that a crash cut short
                os.lseek(descriptor, self._end, os.SEEK_SET)
                try:
                    with open(descriptor, "wb", closefd=False) as stream:
                        stream.write(line)
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, self._end)
                    raise
        except OSError as error:
            raise DestinationError(
                f"cannot write to the journal {printable(self.path)}: {explain(error)[0]}. Settle "
                "that, then run the command again to finish, or tamis undo to take it back."
            ) from error
        self._signer, self._end = signer, self._end + len(line)

    def remove(self) -> None:
        """Remove the journal of a run that is undone.

        Raises
        ------
        DestinationError
            The system says no.
        """
        try:
            with entry_below(self.root, self._below) as file:
                file.unlink()
        except OSError as error:
            raise DestinationError(
                f"all is put back, but the journal {printable(self.path)} cannot be removed: "
                f"{explain(error)[0]}."
            ) from error

    def _lines(self, descriptor: int) -> Iterator[bytes]:
        with open(descriptor, "rb", closefd=False) as stream:
            while line := stream.readline(LONGEST_LINE + 1):
                self._end += len(line) if line.endswith(b"\n") else 0
                yield line


def run_numbers(root: str) -> Iterator[int]:
    """List the numbers of the runs into a folder whose journals are there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(os.path.join(root, FOLDER)):
            if (match := _NAME.fullmatch(name)) and name == f"run-{int(match[1]):04}.jsonl":
                yield int(match[1])
