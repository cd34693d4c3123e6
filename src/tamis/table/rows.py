"""Finding pictures of a table by a path that a person or a file names."""

import os

from tamis.files.names import normal_form
from tamis.table.table import ImageTable


class RowFinder:
    """Finds the rows of pictures by their paths, as they are or below the root of the table.

    Parameters
    ----------
    table : ImageTable
    """

    def __init__(self, table: ImageTable) -> None:
        self._by_path = {os.path.abspath(path): row for row, path in enumerate(table.paths)}
        self._by_name = {normal_form(name): row for row, name in enumerate(table.names)}

    def row(self, path: str) -> int | None:
        """Return the row of a picture; None if it is not in the table."""
        row = self._by_name.get(normal_form(path))
        return self._by_path.get(os.path.abspath(path)) if row is None else row
