"""What a person has confirmed: that a doubtful example has the right class.

It is kept in a small CSV file beside the folder, ``photos-confirmed.csv`` for ``photos``, with
the columns ``path``, below the folder, and ``label``.
"""

import csv
import os
from collections.abc import Mapping
from typing import Final

from tamis.files.atomic import write_whole
from tamis.files.csvfile import read_csv, write_csv
from tamis.files.kinds import Kind
from tamis.files.names import normal_form
from tamis.table import ImageTable, class_key

_HEADER: Final = ("path", "label")


def confirmed_file(source: str) -> str:
    """Name the file in which the confirmed examples of a source are kept.

    Examples
    --------
    >>> confirmed_file("photos/")
    'photos-confirmed.csv'
    """
    return f"{source.rstrip(os.sep + '/') or source}-confirmed.csv"


def read_confirmed(file: str | os.PathLike[str] | None) -> dict[str, str]:
    """Read the classes of confirmed examples by their names; none if there is no such file.

    Raises
    ------
    TableError
        It is something else.
    """
    if file is None or not os.path.lexists(file):
        return {}
    rows = read_csv(file, required=_HEADER)
    return {normal_form(row["path"]): row["label"] for row in rows}


def add_confirmed(file: str | os.PathLike[str], more: Mapping[str, str]) -> dict[str, str]:
    """Write down classes of examples by their names below the folder; gives all that are known."""
    before = read_confirmed(file)
    known = before | {normal_form(name): label for name, label in more.items()}
    if known != before:
        with write_whole(file, Kind("confirmed examples of tamis check", _is_confirmed)) as stream:
            write_csv(stream.fileno(), _HEADER, sorted(known.items()))
    return known


def confirmed_rows(known: Mapping[str, str], table: ImageTable) -> set[int]:
    """Find the rows whose class is the confirmed one; one that has another class is doubtful."""
    if not known:
        return set()
    found = set()
    for row, (name, label) in enumerate(zip(table.names, table.labels, strict=True)):
        sure = known.get(normal_form(name))
        if sure is not None and label is not None and class_key(sure) == class_key(label):
            found.add(row)
    return found


def _is_confirmed(path: str) -> bool:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return next(csv.reader(file), None) == list(_HEADER)
