"""What a person has decided: that two pictures which look the same are two pictures.

It is kept in a small CSV file beside the folder, ``photos-duplicates.csv`` for ``photos``, with
the columns ``path`` and ``other``: both below the folder.
"""

import csv
import os
from collections.abc import Iterable
from typing import Final

from tamis.errors import InvalidParameterError, printable
from tamis.files.atomic import write_whole
from tamis.files.csvfile import read_csv, write_csv
from tamis.files.kinds import Kind
from tamis.files.names import normal_form
from tamis.table import ImageTable
from tamis.table.rows import RowFinder

_HEADER: Final = ("path", "other")


def decisions_file(source: str) -> str:
    """Name the file in which decisions on a source are kept.

    Examples
    --------
    >>> decisions_file("photos/")
    'photos-duplicates.csv'
    """
    return f"{source.rstrip(os.sep + '/') or source}-duplicates.csv"


def read_decisions(file: str | os.PathLike[str] | None) -> set[tuple[str, str]]:
    """Read the pairs that are two pictures; none if there is no such file.

    Raises
    ------
    TableError
        It is something else.
    """
    if file is None or not os.path.lexists(file):
        return set()
    rows = read_csv(file, required=_HEADER)
    return {_pair(row["path"], row["other"]) for row in rows}


def add_decisions(
    file: str | os.PathLike[str], pairs: Iterable[tuple[str, str]], table: ImageTable
) -> set[tuple[str, str]]:
    """Write down that pairs of pictures are two pictures; gives all that are known.

    Parameters
    ----------
    file : str or os.PathLike
    pairs : iterable of (str, str)
        Paths, as they are or below the root of the table.
    table : ImageTable

    Raises
    ------
    InvalidParameterError
        A path names no picture of the table.
    """
    names, finder = table.names, RowFinder(table)

    def name_of(path: str) -> str:
        row = finder.row(path)
        if row is None:
            raise InvalidParameterError(
                f"{printable(path)} is no picture of {printable(table.root)}. Name two of its "
                "pictures, as the groups show them."
            )
        return names[row]

    before = read_decisions(file)
    decided = before | {_pair(name_of(one), name_of(other)) for one, other in pairs}
    if decided != before:
        kind = Kind("decisions of tamis duplicates", _is_decisions)
        with write_whole(file, kind) as stream:
            write_csv(stream.fileno(), _HEADER, sorted(decided))
    return decided


def decided_rows(decided: Iterable[tuple[str, str]], table: ImageTable) -> list[tuple[int, int]]:
    """Find the rows of pairs; those that are gone are passed over."""
    wanted = {name for pair in decided for name in pair}
    rows = {name: row for row, name in enumerate(map(normal_form, table.names)) if name in wanted}
    return [(rows[a], rows[b]) for a, b in decided if a in rows and b in rows]


def _pair(path: str, other: str) -> tuple[str, str]:
    first, second = sorted(map(normal_form, (path, other)))
    return first, second


def _is_decisions(path: str) -> bool:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return next(csv.reader(file), None) == list(_HEADER)
