"""What is new in a folder since it was last looked at, and what is not."""

import os
from collections import defaultdict
from dataclasses import dataclass, field

from tamis.errors import ImageReadError, printable
from tamis.images import digest_of, read_image
from tamis.store.checking import is_below
from tamis.store.collection import Rows
from tamis.table import ImageTable


@dataclass(slots=True)
class Difference:
    """What has to be done to make the rows of a collection those of a table.

    Attributes
    ----------
    append : list of int
        Rows of the table to be described, in order: new pictures and changed ones.
    replaced : list of int
        Ids of the rows that the changed ones replace.
    delete : list of int
        Ids of the rows whose pictures are gone.
    keep : list of (int, int)
        Ids whose vectors stay while name, class, split or time change, with the row of
        the table that says to what.
    new, changed, renamed, removed, unchanged : int
        Pictures.
    unseen : list of str
        Names of rows that stay because their folder cannot be looked at.
    """

    append: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    delete: list[int] = field(default_factory=list)
    keep: list[tuple[int, int]] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    unseen: list[str] = field(default_factory=list)


def compare(
    rows: Rows,
    table: ImageTable,
    status: list[tuple[int, int]],
    *,
    max_pixels: int,
    prune: bool = False,
) -> Difference:
    """Compare a collection with a table of pictures.

    A file of the same name, size and time is unchanged; only where these differ is
    its content hashed. A new name with the content of a picture that is gone is a
    renamed picture. What could not be read is tried again.

    Parameters
    ----------
    rows : Rows
    table : ImageTable
    status : list of (int, int)
        Size and time of each file of the table, as `status_of` gives them.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    prune : bool
        Take also those pictures for gone whose folder cannot be looked at.
    """
    found = Difference(delete=list(rows.stale))
    stored = {name: i for i, name in enumerate(rows.names)}
    strangers: list[int] = []
    for row, name in enumerate(table.names):
        i = stored.pop(name, None)
        if i is None:
            strangers.append(row)
            continue
        same = (int(rows.sizes[i]), int(rows.times[i])) == status[row]
        path, reason = table.paths[row], rows.failures[i]
        if reason is not None:
            unchanged, touched = _still_fails(path, reason, max_pixels), False
        else:
            unchanged = same or _digest(path) == rows.hashes[i]
            facts = (table.labels[row], table.splits[row])
            touched = not same or facts != (rows.labels[i], rows.splits[i])
        if not unchanged:
            found.append.append(row)
            found.replaced.append(int(rows.ids[i]))
            found.changed += 1
            continue
        found.unchanged += 1
        if touched:
            found.keep.append((int(rows.ids[i]), row))

    gone: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for i in stored.values():
        if rows.failures[i] is None:
            gone[int(rows.sizes[i]), rows.hashes[i]].append(i)
    sizes = {size for size, _ in gone}
    removed = set(stored.values())
    for row in strangers:
        size = status[row][0]
        twins = gone.get((size, _digest(table.paths[row])), []) if size in sizes else []
        if twins:
            i = twins.pop()
            removed.discard(i)
            found.keep.append((int(rows.ids[i]), row))
            found.renamed += 1
        else:
            found.append.append(row)
            found.new += 1
    found.append.sort()
    if not prune:
        sight = _Sight(table)
        hidden = {i for i in removed if sight.hides(rows.names[i])}
        found.unseen = sorted(rows.names[i] for i in hidden)
        removed -= hidden
    found.delete += [int(rows.ids[i]) for i in removed]
    found.removed = len(removed)
    return found


def only_below(table: ImageTable) -> ImageTable:
    """Leave out the pictures that a list names outside of its root."""
    root = printable(table.root or os.curdir)
    reason = (
        f"lies outside of {root}, and a collection is of the pictures below one folder. Write the "
        "list relative to a folder above all of them, and name that by --root"
    )
    return table.leave_out(
        {row: reason for row, name in enumerate(table.names) if not is_below(name)}
    )


class _Sight:
    """Tells whether pictures that are not listed are gone, or only cannot be looked at.

    They cannot where their folder, or the nearest one above it that is there, may not be
    entered, is empty (a mount point without its disk), or is a link that was not entered.
    """

    def __init__(self, table: ImageTable) -> None:
        self._root = table.root
        self._links = [os.path.join(link, "") for link in table.outside]
        self._known: dict[str, bool] = {}

    def hides(self, name: str) -> bool:
        """Tell it of a name below the root."""
        folder = os.path.dirname(os.path.join(self._root, name))
        if folder not in self._known:
            self._known[folder] = self._looks_hidden(folder)
        return self._known[folder]

    def _looks_hidden(self, folder: str) -> bool:
        if any(os.path.join(folder, "").startswith(link) for link in self._links):
            return True
        while True:
            try:
                with os.scandir(folder or os.curdir) as entries:
                    return next(entries, None) is None
            except (FileNotFoundError, NotADirectoryError):
                if len(folder) <= len(self._root) or os.path.dirname(folder) == folder:
                    return True
                folder = os.path.dirname(folder)
            except OSError:
                return True


def status_of(path: str) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; (-1, -1) if the file is not there."""
    try:
        status = os.stat(path)
    except OSError:  # reading it will say why
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _digest(path: str) -> bytes:
    try:
        return digest_of(path)
    except ImageReadError:
        return b""


def _still_fails(path: str, reason: str, max_pixels: int) -> bool:
    # A library may have been installed, or a permission given, since.
    try:
        read_image(path, max_pixels=max_pixels)
    except ImageReadError as error:
        return error.reason == reason
    return False
