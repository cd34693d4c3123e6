"""What is settled before and beside a plan: what is in the way, old outputs, moved links."""

import itertools
import os
import stat
from collections.abc import Iterable, Sequence, Set

from tamis.errors import DestinationError, printable
from tamis.files.entry import entry_below
from tamis.files.faults import cannot_write
from tamis.files.journal_records import is_below
from tamis.files.names import TakenNames, numbered
from tamis.files.transfer import Mode, Transfer


def check_plan(root: str, folders: Sequence[str], destinations: Iterable[str]) -> None:
    """Raise DestinationError if what is in the way makes the plan impossible."""
    for path in itertools.chain(folders, destinations):
        if not is_below(path):
            raise DestinationError(
                f"cannot place a file at {printable(path)}: that is not below {printable(root)}, "
                "or no name that a file can have."
            )
    for folder in folders if os.path.isdir(root) else ():
        path = os.path.join(root, folder)
        try:
            with entry_below(root, folder) as place:
                status = place.status()
        except OSError as error:
            raise cannot_write(path, error) from error
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise DestinationError(
                f"cannot write into {printable(path)}: it is a link or a file, not a folder. "
                "Remove or rename it, or choose another folder for the result."
            )


def plan_asides(root: str, names: Sequence[str], earlier: Set[str]) -> list[Transfer]:
    """Plan new names for outputs of earlier runs that stand where new ones are to be.

    Those that were changed since are renamed as they are. All get one number, so that the
    outputs of one run are known by it.
    """
    standing = []
    for name in names:
        if "/" not in name and name in earlier:
            with entry_below(root, name) as file:
                if file.is_file():
                    standing.append(name)
    taken = TakenNames(root)
    for number in itertools.count(2):
        others = [numbered(name, number) for name in standing]
        if taken.take_all("", others):
            break
    return [
        Transfer.of(os.path.join(root, name), other, aside=True)
        for name, other in zip(standing, others, strict=True)
    ]


class MovedLinks:
    """Where symbolic links lead that are moved together with what they lead to.

    Parameters
    ----------
    transfers : list of Transfer
        Of a run; names that change later are seen.
    mode : Mode
    """

    def __init__(self, transfers: list[Transfer], mode: Mode) -> None:
        self._transfers = transfers
        self._all_moved = mode is Mode.MOVE
        self._by_source = {transfer.source: i for i, transfer in enumerate(transfers)}

    def in_order(self) -> list[int]:
        """List the numbers of the transfers, links after what they lead to."""
        return sorted(range(len(self._transfers)), key=self._depth)

    def leads(self, transfer: Transfer) -> tuple[str, ...]:
        """Where a moved link is to lead if what it leads to is moved as well."""
        other = self._led_to(transfer)
        if other is None:
            return ()
        folder = os.path.dirname(transfer.destination) or "."
        return (os.path.relpath(other.destination, folder),)

    def _led_to(self, transfer: Transfer) -> Transfer | None:
        if transfer.link is None or not self._moved(transfer):
            return None
        path = os.path.normpath(transfer.old_link())
        folder, name = os.path.split(path)
        for one in (path, os.path.join(os.path.realpath(folder), name)):
            number = self._by_source.get(one)
            if number is not None and self._moved(self._transfers[number]):
                return self._transfers[number]
        return None

    def _moved(self, transfer: Transfer) -> bool:
        return self._all_moved or transfer.aside

    def _depth(self, i: int) -> int:
        """Count the links between a transfer and the picture, as far as they are moved too."""
        depth, transfer = 0, self._transfers[i]
        while transfer.link is not None and depth < 40:  # links in a circle
            depth += 1
            other = self._led_to(transfer)
            if other is None:
                break
            transfer = other
        return depth
