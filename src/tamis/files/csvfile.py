"""Lists as CSV files: read from whatever program wrote them, and written.

What a file may be is said by explicit rules, not guessed from its content: the text is
UTF-8 or UTF-16, and cells are divided by commas, semicolons or tabs, whichever of these
finds the columns that are needed in the first line.
"""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TextIO

from tamis.errors import TableError, printable

_DELIMITERS: Final = (",", ";", "\t")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_MOST_LINE: Final = 1 << 20
"""A line of more characters is none of a list of pictures."""


def read_csv(
    file: str | os.PathLike[str],
    *,
    required: Sequence[str],
    synonyms: Mapping[str, str] | None = None,
) -> list[dict[str, str]]:
    """Read a CSV file with a header into one dictionary per row.

    Parameters
    ----------
    file : str or os.PathLike
        UTF-8 or UTF-16, with or without a byte-order mark; cells divided by commas,
        semicolons or tabs, in double quotes where they hold one of these. Bytes that are
        not UTF-8 become surrogates, so that any file name survives.
    required : sequence of str
        Columns that there must be.
    synonyms : mapping from str to str, optional
        Other names of columns: ``{"class": "label"}`` reads a column ``class`` as ``label``
        where there is no column ``label``.

    Returns
    -------
    list of dict
        The keys are names of columns without blanks around them, in lower case. Blanks
        around values are left out only if the header has such. Empty rows are passed over.

    Raises
    ------
    TableError
        The file cannot be read or is no text, or lacks one of the `required` columns.
    """
    name = printable(os.fspath(file))
    line_number = 0
    try:
        encoding = _encoding(file)
        errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
        with open(file, encoding=encoding, errors=errors, newline="") as stream:
            lines = _lines(stream, name)
            header = next(lines, "")
            delimiters: Sequence[str] = _DELIMITERS
            if header.startswith("sep=") and len(header.strip()) == 5:  # as Excel writes it
                delimiters, header = header[4], next(lines, "")
            delimiter = _delimiter(header, delimiters, required, synonyms or {}, name)
            cells = _cells(header, delimiter)
            reader = csv.reader(
                lines,
                delimiter=delimiter,
                skipinitialspace=any(cell.startswith(" ") for cell in cells),
            )
            trailing = any(cell.endswith(" ") for cell in cells)
            columns = _columns(cells, synonyms or {})
            rows = []
            for row in reader:
                line_number = reader.line_num
                if any(row):
                    values = [value.rstrip(" ") if trailing else value for value in row]
                    values += [""] * (len(columns) - len(values))
                    # Of two columns of one name the first counts.
                    pairs = zip(reversed(columns), reversed(values[: len(columns)]), strict=True)
                    rows.append(dict(pairs))
    except OSError as error:
        raise TableError(f"cannot read {name}: {error.strerror}.") from error
    except UnicodeError as error:
        raise TableError(f"{name} is not text in UTF-8 or UTF-16: {error}.") from error
    except csv.Error as error:
        raise TableError(
            f"{name} is not a CSV file: {error}, after line {line_number + 1}. Is a double quote "
            "not closed?"
        ) from error
    return rows


def write_csv(
    file: str | os.PathLike[str] | int,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    for_spreadsheets: bool = False,
) -> None:
    """Write a CSV file that `read_csv` gives back, file names of any bytes included.

    Parameters
    ----------
    file : str, os.PathLike or int
        A number is that of an open file, which stays open.
    header : sequence of str
    rows : iterable of sequences
    for_spreadsheets : bool
        Put an apostrophe before each cell that a spreadsheet would run as a formula:
        text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return and
        is not a number. Such a cell is read back with its apostrophe.
    """
    stays = isinstance(file, int)
    with open(
        file, "w", encoding="utf-8", errors="surrogateescape", newline="", closefd=not stays
    ) as lines:
        writer = csv.writer(_NewlineEnded(lines), lineterminator="\r\n")
        writer.writerow(header)
        if for_spreadsheets:
            rows = ([_harmless(str(cell)) for cell in row] for row in rows)
        writer.writerows(rows)


def _harmless(cell: str) -> str:
    if not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


class _NewlineEnded:
    r"""Ends rows in ``\n``, which the writer must not know of.

    Python before 3.13 quotes a carriage return (a legal file name) only if it is a
    part of what ends a row.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix("\r\n") + "\n")


def _encoding(file: str | os.PathLike[str]) -> str:
    """Tell UTF-16, with its byte-order mark or by the zero byte of its first letter."""
    with open(file, "rb") as stream:
        head = stream.read(2)
    if head in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(head) == 2 and 0 in head and head != b"\0\0":
        return "utf-16-le" if head[1] == 0 else "utf-16-be"
    return "utf-8-sig"


def _lines(stream: TextIO, name: str) -> Iterator[str]:
    number = 0
    while line := stream.readline(_MOST_LINE + 1):
        number += 1
        if len(line) > _MOST_LINE:
            raise TableError(
                f"{name} is not a list of pictures: its line {number} has more than "
                f"{_MOST_LINE:,} characters."
            )
        if "\0" in line:
            raise TableError(
                f"{name} is not a list of pictures: its line {number} holds a zero byte."
            )
        yield line


def _delimiter(
    header: str,
    delimiters: Sequence[str],
    required: Sequence[str],
    synonyms: Mapping[str, str],
    name: str,
) -> str:
    """Give the delimiter that finds the required columns in the header."""
    found = [_columns(_cells(header, one), synonyms) for one in delimiters]
    for delimiter, columns in zip(delimiters, found, strict=True):
        if set(required) <= set(columns):
            return delimiter
    nearest = max(
        range(len(found)), key=lambda i: (len(set(required) & set(found[i])), len(found[i]))
    )
    missing = [column for column in required if column not in found[nearest]]
    given = _columns(_cells(header, delimiters[nearest]), {})
    others = [f"{theirs} for {ours}" for theirs, ours in synonyms.items() if ours in missing]
    raise TableError(
        f"{name} lacks the column {', '.join(missing)}. Its first line must name "
        f"{', '.join(required)}{f' (or {others[0]})' if others else ''}. "
        f"Got: {', '.join(map(printable, filter(None, given))) or 'nothing'}."
    )


def _cells(header: str, delimiter: str) -> list[str]:
    return next(csv.reader([header], delimiter=delimiter), [])


def _columns(cells: Sequence[str], synonyms: Mapping[str, str]) -> list[str]:
    names = [cell.strip().strip('"').casefold() for cell in cells]
    return [
        synonyms[name] if name in synonyms and synonyms[name] not in names else name
        for name in names
    ]
