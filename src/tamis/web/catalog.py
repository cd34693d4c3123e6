"""The pictures of a review: those to be sorted, then the examples, one row each."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tamis.dataset import Dataset
from tamis.errors import InvalidParameterError, printable


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """All pictures of a review. A row is the number by which the page names a picture.

    Attributes
    ----------
    paths, names : tuple of str
        Names are those below the root of the source.
    n : int
        The first n rows are to be sorted; the others are examples.
    labels : tuple of (str or None)
        The class of each example, by its folder.
    row_of : dict from str to int
        Name as corrections are kept by it, to its row.
    """

    paths: tuple[str, ...]
    names: tuple[str, ...]
    n: int
    labels: tuple[str | None, ...]
    row_of: dict[str, int] = field(repr=False)

    @classmethod
    def of(cls, photos: Dataset, examples: Dataset | None) -> "Catalog":
        """List photos, without those among them that are examples, and the examples.

        Raises
        ------
        InvalidParameterError
            All photos are examples.
        """
        known = set(map(os.path.realpath, examples.table.paths)) if examples else set()
        table = photos.table
        rows = [i for i, path in enumerate(table.paths) if os.path.realpath(path) not in known]
        if not rows:
            raise InvalidParameterError(
                f"all pictures of {printable(photos.source)} are examples, which have their "
                "classes already. Name other pictures."
            )
        shown = table.select(rows)
        paths, names = list(shown.paths), shown.names
        labels: list[str | None] = []
        if examples is not None:
            paths += examples.table.paths
            names += examples.table.names
            labels += examples.table.labels
        n = len(rows)
        row_of = {f"{'p' if row < n else 'e'}:{name}": row for row, name in enumerate(names)}
        return cls(tuple(paths), tuple(names), n, tuple(labels), row_of)

    def __len__(self) -> int:
        return len(self.paths)

    def key(self, row: int) -> str:
        """Return the name by which corrections of a picture are kept."""
        return f"{'p' if row < self.n else 'e'}:{self.names[row]}"

    def check(self, rows: Sequence[object], *, examples: bool = True) -> list[int]:
        """Read rows that a page named.

        Raises
        ------
        InvalidParameterError
            There is no such row.
        """
        most = len(self) if examples else self.n
        for row in rows:
            if type(row) is not int or not 0 <= row < most:
                shown = printable(repr(row)[:40])
                raise InvalidParameterError(
                    f"rows must be numbers of pictures, 0 to {most - 1}. Got {shown}."
                )
        return [int(row) for row in rows]  # type: ignore[call-overload]

    def times(self) -> np.ndarray:
        """Return the time of each file to be sorted; 0 if it is gone."""
        found = np.zeros(self.n)
        for row, path in enumerate(self.paths[: self.n]):
            try:
                found[row] = os.stat(path).st_mtime
            except OSError:
                continue
        return found
