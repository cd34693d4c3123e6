"""Whether the images of a collection are still the images that were indexed."""

import os

from tamis.errors import ImageReadError
from tamis.images import digest_of
from tamis.store.collection import Collection
from tamis.table import ImageTable


def only_unchanged(collection: Collection, table: ImageTable) -> ImageTable:
    """Leave out the images that changed since they were indexed.

    A file with the same size and time, or with the same content, is unchanged.

    Parameters
    ----------
    collection : Collection
    table : ImageTable
        Images of the collection.

    Returns
    -------
    ImageTable
        The images that are left out are among its `failures`.
    """
    rows, root = collection.rows, collection.root
    row_of = {os.path.join(root, name): row for row, name in enumerate(rows.names)}
    reasons: dict[int, str] = {}
    for i, path in enumerate(table.paths):
        row = row_of[path]
        if rows.failures[row] is not None:  # it was not read, and is named for that
            continue
        try:
            status = os.stat(path)
            same = status.st_size == rows.sizes[row] and (
                status.st_mtime_ns == rows.times[row] or digest_of(path) == rows.hashes[row]
            )
        except OSError as error:
            reasons[i] = error.reason if isinstance(error, ImageReadError) else str(error.strerror)
            continue
        if not same:
            reasons[i] = "was changed since it was indexed; run tamis index again"
    return table.leave_out(reasons)
