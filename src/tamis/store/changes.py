"""What changed in a folder since it was indexed."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tamis.errors import ImageReadError, printable
from tamis.images import digest_of, read_image
from tamis.store.checking import names_outside
from tamis.store.rows import Rows
from tamis.table import ImageTable

FileStatus = tuple[int, int]
"""Size in bytes and modification time in nanoseconds."""


@dataclass(slots=True)
class Difference:
    """What makes the rows of a collection those of a table.

    Attributes
    ----------
    describe : list of int
        Rows of the table to describe, in order: new images and changed ones.
    outdated : set of int
        Ids of the rows of changed images. They are replaced by name.
    delete : list of int
        Ids of the rows to delete.
    update : list of (int, int)
        Ids of the rows that keep their vectors and get other facts, each with the row of the
        table that has the facts.
    new, changed, renamed, removed, unchanged : int
        Counts of images.
    unseen : list of str
        Names of rows that stay because their folder cannot be entered or is empty.
    """

    describe: list[int] = field(default_factory=list)
    outdated: set[int] = field(default_factory=set)
    delete: list[int] = field(default_factory=list)
    update: list[tuple[int, int]] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    unseen: list[str] = field(default_factory=list)


def compare(
    rows: Rows,
    table: ImageTable,
    names: Sequence[str],
    status: Sequence[FileStatus],
    *,
    max_pixels: int,
    prune: bool = False,
) -> Difference:
    """Compare a collection with a table of images.

    A file of the same name, size and time is unchanged; only where these differ is
    its content hashed. A new name with the content of an image that is gone is a
    renamed image. An image that could not be read is tried again.

    Parameters
    ----------
    rows : Rows
    table : ImageTable
    names : sequence of str
        The names of the table.
    status : sequence of (int, int)
        Size and time of each file of the table, as `status_of` gives them.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    prune : bool
        Delete also the rows whose folder cannot be entered or is empty.
    """
    difference = Difference(delete=list(rows.outside.values()))
    ids = rows.ids.tolist()
    stored = {name: i for i, name in enumerate(rows.names)}
    sizes, times = rows.sizes.tolist(), rows.times.tolist()
    labels, groups, splits = rows.labels, rows.groups, rows.splits
    strangers: list[int] = []
    for row, name in enumerate(names):
        i = stored.pop(name, None)
        if i is None:
            strangers.append(row)
            continue
        same_status = (sizes[i], times[i]) == status[row]
        path, reason = table.paths[row], rows.failures[i]
        if reason is not None:
            unchanged, same_facts = _still_fails(path, reason, max_pixels), True
        else:
            unchanged = same_status or _digest(path) == rows.hashes[i]
            same_facts = (
                same_status
                and labels[i] == table.labels[row]
                and groups[i] == table.groups[row]
                and splits[i] == table.splits[row]
            )
        if not unchanged:
            difference.describe.append(row)
            difference.outdated.add(ids[i])
            difference.changed += 1
            continue
        difference.unchanged += 1
        if not same_facts:
            difference.update.append((ids[i], row))

    gone: dict[tuple[int, bytes | None], list[int]] = defaultdict(list)
    if strangers:
        for i in stored.values():
            if rows.failures[i] is None:
                gone[sizes[i], rows.hashes[i]].append(i)
    gone_sizes = {size for size, _ in gone}
    removed = set(stored.values())
    for row in strangers:
        size = status[row][0]
        twins = gone.get((size, _digest(table.paths[row])), []) if size in gone_sizes else []
        if twins:
            i = twins.pop()
            removed.discard(i)
            difference.update.append((ids[i], row))
            difference.renamed += 1
        else:
            difference.describe.append(row)
            difference.new += 1
    difference.describe.sort()
    if not prune:
        sight = _Sight(table)
        hidden = {i for i in removed if sight.hides(rows.names[i])}
        difference.unseen = sorted(rows.names[i] for i in hidden)
        removed -= hidden
    difference.delete += [ids[i] for i in removed]
    difference.removed = len(removed)
    return difference


def only_below(table: ImageTable, names: Sequence[str]) -> ImageTable:
    """Leave out the images that a list names outside of its root."""
    root = printable(table.root or os.curdir)
    reason = (
        f"lies outside of {root}, and a collection is of the pictures below one folder. Write the "
        "list relative to a folder above all of them, and name that by --root"
    )
    return table.leave_out(dict.fromkeys(names_outside(names), reason))


class _Sight:
    """Tells images that are gone from images that cannot be seen at present.

    An image cannot be seen if its folder, or the nearest folder above it that exists, may not
    be entered, is empty (a mount point without its disk), or is a link that was not entered.
    """

    def __init__(self, table: ImageTable) -> None:
        self._root = table.root
        self._links = [os.path.join(link, "") for link in table.outside]
        self._known: dict[str, bool] = {}

    def hides(self, name: str) -> bool:
        """Tell whether the image of a name below the root cannot be seen."""
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


def status_of(path: str) -> FileStatus:
    """Give the size and time of a file; (-1, -1) if there is none."""
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
