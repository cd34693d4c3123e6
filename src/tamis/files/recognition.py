"""What was done to a file already, told from the files themselves."""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Final

from tamis.files.entry import Entry, entry
from tamis.files.evidence import fingerprint, same_bytes
from tamis.files.transfer import Mode, Transfer

_TIMES_NS: Final = 2_000_000_000  # how far FAT, the coarsest, rounds times


@contextlib.contextmanager
def picture_of(transfer: Transfer, source: Entry) -> Iterator[Entry]:
    """Name the file itself: the source, or what it leads to if it was planned as a link."""
    if transfer.link is None:
        yield source
    else:
        with entry(os.path.realpath(source.path)) as picture:
            yield picture


def is_result(
    transfer: Transfer,
    source: Entry,
    target: Entry,
    mode: Mode,
    rest: Entry,
    leads: Sequence[str],
) -> bool:
    """Tell whether `target` is what `put` leaves, the source being there still."""
    if mode is Mode.SYMLINK:
        return target.link_text() == transfer.old_link()
    if mode is Mode.MOVE and transfer.link is not None:
        return is_moved(transfer, target, leads) and source.link_text() == transfer.link
    if not target.is_file():
        return False
    with picture_of(transfer, source) as picture:
        if not picture.is_file():
            return False
        here, there, part = picture.status(), target.status(), rest.status()
        if here is None or there is None:
            return False
        if os.path.samestat(here, there):
            return True
        if mode is Mode.HARDLINK or transfer.made or transfer.aside:
            return False
        # Without hard links the part became the target: it has the times of the source.
        late = abs(here.st_mtime_ns - there.st_mtime_ns) >= _TIMES_NS
        if mode is Mode.MOVE and late and not (part and os.path.samestat(part, there)):
            return False
        return same_bytes(picture, target)


def is_planned(transfer: Transfer, source: Entry) -> bool:
    """Tell whether the source is as it was when the transfer was planned."""
    if transfer.link is not None:
        return source.link_text() == transfer.link
    status = source.status()
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_size != transfer.size:
        return False
    if status.st_mtime_ns == transfer.mtime_ns:
        return True
    return transfer.digest is not None and same_content(transfer, source)


def is_moved(transfer: Transfer, target: Entry, leads: Sequence[str]) -> bool:
    """Tell whether `target` is the file that was moved."""
    if transfer.link is not None:
        return target.link_text() in (*leads, transfer.old_link())
    return target.is_file() and same_content(transfer, target)


def same_content(transfer: Transfer, file: Entry) -> bool:
    """Tell whether a file has the bytes of the source as it was planned."""
    status = file.status()
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_size != transfer.size:
        return False
    late = abs(status.st_mtime_ns - transfer.mtime_ns)
    if transfer.digest is None:  # of earlier versions, or unreadable: only its times tell
        return late < _TIMES_NS
    if late == 0 and not (transfer.made or transfer.aside):
        return True
    return fingerprint(file, whole=transfer.made or transfer.aside) == transfer.digest


def is_whole(transfer: Transfer, part: Entry) -> bool:
    """Tell whether a part is all of the file, which a crash left nothing else of."""
    return transfer.digest is not None and part.is_file() and same_content(transfer, part)
