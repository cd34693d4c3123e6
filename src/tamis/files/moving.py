"""Moving files below a folder by a plan of their own, with a journal that takes it back."""

from collections.abc import Callable, Iterable, Sequence

from tamis.errors import JournalError, printable
from tamis.files.journal import Journal, Outcome, journals
from tamis.files.lock import locked
from tamis.files.transfer import Mode, Transfer


def move(
    out: str,
    transfers: Sequence[Transfer],
    *,
    command: str,
    progress: Callable[[int], object] | None = None,
) -> Outcome:
    """Move files to where they belong below a folder.

    Parameters
    ----------
    out : str
    transfers : sequence of Transfer
    command : str
        For the journal.
    progress : callable, optional
        Told how many are done.

    Raises
    ------
    JournalError
        A run into this folder was interrupted.
    DestinationError
        The folder cannot be written to.
    """
    with locked(out, inside=True):
        if any(not run.finished for run in journals(out)):
            raise JournalError(
                f"a run into {printable(out)} was interrupted. Take it back first: tamis.undo."
            )
        folders = folders_of(one.destination for one in transfers)
        return Journal.create(
            out, command=command, mode=Mode.MOVE, folders=folders, transfers=tuple(transfers)
        ).carry_out(progress=progress)


def folders_of(destinations: Iterable[str]) -> tuple[str, ...]:
    """List the folders of destinations, parents first.

    Examples
    --------
    >>> folders_of(["a/b/1.jpg", "2.jpg"])
    ('a', 'a/b')
    """
    found: dict[str, None] = {}
    for destination in destinations:
        parts = destination.split("/")[:-1]
        for end in range(1, len(parts) + 1):
            found["/".join(parts[:end])] = None
    return tuple(sorted(found))
