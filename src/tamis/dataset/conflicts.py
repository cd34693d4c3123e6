"""Whether the same picture is in two classes."""

from collections import defaultdict
from collections.abc import Sequence

from tamis.deduplication.content import copies
from tamis.errors import printable
from tamis.store import Collection
from tamis.table import ImageTable


def conflict_remarks(table: ImageTable, collection: Collection | None) -> list[str]:
    """Say how many pictures are in several classes by their content, and name the first.

    Files of equal size are compared by their content; of a collection, the contents that it
    knows are, so that no file is read.
    """
    if len(table.classes) < 2:
        return []
    groups = copies(table.paths) if collection is None else _stored_copies(table, collection)
    labelled = ([row for row in rows if table.labels[row] is not None] for rows in groups)
    conflicts = [rows for rows in labelled if len({table.labels[row] for row in rows}) > 1]
    if not conflicts:
        return []
    first = conflicts[0][0]
    other = next(row for row in conflicts[0] if table.labels[row] != table.labels[first])
    names = table.select([first, other]).names
    example = " = ".join(map(printable, names))
    if len(conflicts) == 1:
        return [f"the same picture is in two classes: {example}"]
    return [f"{len(conflicts)} pictures are in several classes at once ({example}, for one)"]


def _stored_copies(table: ImageTable, collection: Collection) -> Sequence[Sequence[int]]:
    rows = collection.rows
    content = dict(zip(collection.table().paths, rows.hashes, strict=True))
    groups: dict[bytes, list[int]] = defaultdict(list)
    for row, path in enumerate(table.paths):
        if known := content.get(path):
            groups[known].append(row)
    return [group for group in groups.values() if len(group) > 1]
