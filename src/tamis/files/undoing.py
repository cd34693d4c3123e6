"""Taking back the last run into a folder."""

import contextlib
import os
from collections.abc import Callable, Iterator

from tamis.errors import JournalError, printable
from tamis.files.journal import Journal, Outcome, journals
from tamis.files.lock import locked


@contextlib.contextmanager
def last_run(out: str | os.PathLike[str]) -> Iterator[Journal]:
    """Lock a folder, and give the journal of the last run into it.

    Raises
    ------
    JournalError
        There is none.
    DestinationError
        Another run is writing there.
    """
    place = os.fspath(out)
    nothing = JournalError(
        f"{printable(place)} holds no journal of tamis, so there is nothing to undo."
    )
    if not os.path.isdir(place):
        raise nothing
    with locked(place, inside=True):
        runs = journals(place)
        if not runs:
            raise nothing
        yield runs[-1]


def undo(
    out: str | os.PathLike[str],
    *,
    confirmed: bool = False,
    forget: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Outcome:
    """Take back the last run into a folder that `sort` or `split` wrote.

    Parameters
    ----------
    out : str or os.PathLike
    confirmed : bool
        Undo also a journal that another user or machine wrote.
    forget : bool
        Remove the journal even if some files cannot be put back.
    progress : callable, optional
        Told how many files were put back, as they are.

    Returns
    -------
    Outcome
        Files changed since stay, and are among its failures.

    Raises
    ------
    JournalError
        There is nothing to undo, or the journal is another's and was not confirmed.

    Examples
    --------
    >>> done = tamis.split("examples", "parts").apply()
    >>> tamis.undo("parts").failures
    ()
    """
    with last_run(out) as run:
        return run.undo(progress=progress, confirmed=confirmed, forget=forget)
