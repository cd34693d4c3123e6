"""Putting one file in another place so that no picture can be lost.

`put` and `take_back` may be interrupted at any point and called again: what is
already done is recognised from the files themselves. Neither ever replaces a
file, and neither removes one unless the same bytes are certain to be elsewhere
(`tamis.files.evidence.is_kept`). A copy grows beside its place, under a name that
only this run uses (`part`), and gets its own name when it is whole.
"""

import contextlib
import errno
import os
from collections.abc import Sequence
from typing import Final

from tamis.errors import printable
from tamis.files.copying import ChangedMeanwhile, copy_file
from tamis.files.entry import Entry, entry, entry_below, make_folder
from tamis.files.evidence import is_kept
from tamis.files.recognition import (
    is_moved,
    is_planned,
    is_result,
    is_whole,
    picture_of,
    same_content,
)
from tamis.files.transfer import Mode, Transfer

_CHANGED: Final = "was changed while tamis was at work; left where it is"
_CHANGED_SINCE: Final = "was changed since; left where it is"


class Occupied(Exception):  # noqa: N818 - a state, answered by choosing another name
    """Another file has the name already."""


class Refused(Exception):  # noqa: N818 - a state, reported per file
    """The action would lose something, or there is nothing to act on; says why."""


def put(transfer: Transfer, root: str, mode: Mode, part: str, *, leads: Sequence[str] = ()) -> bool:
    """Bring a file to its place below `root`; harmless if it is there already.

    Parameters
    ----------
    transfer : Transfer
    root : str
        Its folder for the destination must exist.
    mode : Mode
    part : str
        The name, beside the destination, under which a copy grows. No other file may
        have it.
    leads : sequence of str
        What a moved link may lead to, the first for a new one; by default the old
        place.

    Returns
    -------
    bool
        Whether the disk took the times and permissions too.

    Raises
    ------
    Occupied
        Another file has that name.
    Refused
        The source is gone, or was changed since the plan.
    OSError
        The system says no.
    """
    if transfer.made or transfer.aside:
        mode = Mode.MOVE
    with _origin(transfer, root) as source, entry_below(root, transfer.destination) as target:
        rest = target.beside(part)
        here, there = source.status(), target.status()
        if here is None:
            if mode is Mode.MOVE and there is not None and is_moved(transfer, target, leads):
                _discard(rest)
                return True
            if mode is Mode.MOVE and there is None and is_whole(transfer, rest):
                _name(rest, target)
                return True
            raise Refused("is gone")
        if there is not None:
            if transfer.aside and transfer.link is None and not os.path.samestat(here, there):
                # In place already: the source is what this run wrote in its stead.
                if is_moved(transfer, target, ()):
                    return True
                raise Occupied
            if not is_result(transfer, source, target, mode, rest, leads):
                raise Occupied
            if mode is Mode.MOVE:  # interrupted between its two halves
                _finish_move(transfer, source, target)
            _discard(rest)
            return True
        if not is_planned(transfer, source):
            raise Refused(_CHANGED)
        _discard(rest)
        try:
            return _place(transfer, source, target, mode, rest, leads)
        except ChangedMeanwhile:
            raise Refused(_CHANGED) from None
        except FileExistsError:
            raise Occupied from None


def take_back(
    transfer: Transfer, root: str, mode: Mode, part: str, *, leads: Sequence[str] = ()
) -> bool:
    """Undo `put`, whose arguments it takes; harmless if nothing is there to undo.

    Returns
    -------
    bool
        Whether there was something to do.

    Raises
    ------
    Refused
        The file was changed since, its old place is taken, or it is the only one
        left.
    OSError
        The system says no.
    """
    if transfer.aside:
        mode = Mode.MOVE
    with entry_below(root, transfer.destination) as target, _origin(transfer, root) as source:
        rest, back = target.beside(part), source.beside(part)
        if target.status() is None:
            done = _take_back_part(transfer, source, mode, (back, rest), root)
        elif transfer.made:
            done = _take_back_made(transfer, source, target)
        elif mode is Mode.MOVE:
            done = _take_back_move(transfer, source, target, part, leads, root)
        else:
            done = _take_back_copy(transfer, source, target, mode, rest)
        _discard(rest)
        _discard(back)
        return done


def _origin(transfer: Transfer, root: str) -> contextlib.AbstractContextManager[Entry]:
    """Hold the place of the source; below the folder of the result through no link."""
    if transfer.aside:
        return entry_below(root, transfer.below(root))
    return entry(transfer.source)


def check_direct(transfer: Transfer) -> None:
    """Raise Refused if a journal of another would have a file put through a link."""
    folder = os.path.dirname(transfer.source)
    if not (transfer.made or transfer.aside) and os.path.realpath(folder) != folder:
        raise Refused("stays: the folder of the original is reached through a link")


# Doing


def _place(
    transfer: Transfer,
    source: Entry,
    target: Entry,
    mode: Mode,
    rest: Entry,
    leads: Sequence[str],
) -> bool:
    match mode:
        case Mode.SYMLINK:
            target.symlink(transfer.old_link())
        case Mode.HARDLINK:
            with picture_of(transfer, source) as picture:
                picture.link_to(target)
        case Mode.COPY:
            with picture_of(transfer, source) as picture:
                complete = copy_file(picture, rest)
            try:
                _name(rest, target)
            except BaseException:
                _discard(rest)
                raise
            return complete
        case Mode.MOVE if transfer.link is not None:
            target.symlink(leads[0] if leads else transfer.old_link())
            _finish_move(transfer, source, target)
        case Mode.MOVE:
            return _move(source, target, rest)
    return True


def _move(source: Entry, target: Entry, rest: Entry) -> bool:
    """Move a file; `target` does not exist. Leaves one name or, if it fails, the old one."""
    complete = True
    try:
        if not _name(source, target, keep=True):
            return True
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        complete = copy_file(source, rest, durable=True)
        try:
            # The part keeps its name until the source is gone: by it the copy is known.
            _name(rest, target, keep=True)
        except (Occupied, OSError):
            _discard(rest)
            raise
        target.sync()
    try:
        if not is_kept(source, target):
            raise Refused(_CHANGED)
        source.unlink()
    except (OSError, Refused):
        with contextlib.suppress(OSError):
            _discard(rest)
            if is_kept(target, source):  # no second name is left behind
                target.unlink()
        raise
    _discard(rest)
    return complete


def _name(path: Entry, new: Entry, *, keep: bool = False) -> bool:
    """Give a file another name, never that of another file; tell whether it has both now."""
    try:
        path.link_to(new)
    except FileExistsError:
        raise Occupied from None
    except (OSError, NotImplementedError) as error:
        if getattr(error, "errno", None) == errno.EXDEV:
            raise
        # No hard links on this file system (exFAT, some network shares).
        if new.status() is not None:
            raise Occupied from None
        path.rename_to(new)
        return False
    if not keep:
        path.unlink()
    return keep


def _finish_move(transfer: Transfer, source: Entry, target: Entry) -> None:
    """Remove the source of a move whose target is in place."""
    if transfer.link is not None:
        if source.link_text() != transfer.link:
            raise Refused(_CHANGED)
        try:
            source.unlink()
        except OSError:
            target.unlink()
            raise
        return
    target.sync()
    if not is_kept(source, target):
        raise Refused(_CHANGED)
    source.unlink()


def _discard(rest: Entry) -> None:
    with contextlib.suppress(FileNotFoundError):
        rest.unlink()


# Undoing


def _take_back_part(
    transfer: Transfer, source: Entry, mode: Mode, parts: tuple[Entry, Entry], root: str
) -> bool:
    """Take back a transfer of which no target is there."""
    if mode is not Mode.MOVE or transfer.made or source.status() is not None:
        return False
    for part in parts:
        if is_whole(transfer, part):
            _restore(transfer, part, os.path.basename(part.path), root)
            return True
    raise Refused("is gone, and so is the original")


def _take_back_made(transfer: Transfer, source: Entry, target: Entry) -> bool:
    if (draft := source.status()) is not None:  # not placed, or interrupted between the halves
        there = target.status()
        if there is None or not os.path.samestat(draft, there):
            return False
    elif not same_content(transfer, target):
        raise Refused(_CHANGED_SINCE)
    target.unlink()
    return True


def _take_back_move(
    transfer: Transfer,
    source: Entry,
    target: Entry,
    part: str,
    leads: Sequence[str],
    root: str,
) -> bool:
    if source.status() is not None:
        if transfer.link is not None and source.link_text() == transfer.link:
            if not is_moved(transfer, target, leads):
                return False
            target.unlink()
            return True
        if is_kept(target, source):
            source.sync()
            target.unlink()
            return True
        here, there = source.status(), target.status()
        if here is not None and there is not None and os.path.samestat(here, there):
            raise Refused("stays: its old place leads to this very file")
        if transfer.link is None and is_planned(transfer, source):
            return False  # it never left; the target is another's
        raise Refused(f"stays: its old place {printable(transfer.source)} is taken")
    if not is_moved(transfer, target, leads):
        raise Refused(_CHANGED_SINCE)
    _discard(source.beside(part))  # of an undo that was cut short: the target is whole
    _restore(transfer, target, part, root)
    return True


def _restore(transfer: Transfer, target: Entry, part: str, root: str) -> None:
    """Move a file to the place of the source, where nothing is."""
    if transfer.aside:
        make_folder(root, os.path.dirname(transfer.below(root)))
    else:
        os.makedirs(os.path.dirname(transfer.source), exist_ok=True)
    with _origin(transfer, root) as place:
        try:
            if transfer.link is not None:
                place.symlink(transfer.link)
                target.unlink()
            else:
                _move(target, place, place.beside(part))
        except (FileExistsError, Occupied):
            raise Refused(f"stays: its old place {printable(transfer.source)} is taken") from None
        except ChangedMeanwhile:
            raise Refused(_CHANGED) from None


def _take_back_copy(
    transfer: Transfer, source: Entry, target: Entry, mode: Mode, rest: Entry
) -> bool:
    with picture_of(transfer, source) as picture:
        there = os.path.exists(source.path) if mode is Mode.SYMLINK else picture.is_file()
        if not there:
            raise Refused("stays: the original is gone, this is the only one left")
        if not is_result(transfer, source, target, mode, rest, ()):
            raise Refused(_CHANGED_SINCE)
        if mode is not Mode.SYMLINK and not is_kept(target, picture):
            raise Refused("stays: the original leads to this very file, the only one left")
    target.unlink()
    return True
