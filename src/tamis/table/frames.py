"""Results as tables of other libraries: pandas, Arrow, CSV, and HTML for notebooks."""

import csv
import html
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from tamis.errors import MissingExtraError, printable
from tamis.files.atomic import write_whole
from tamis.files.csvfile import write_csv
from tamis.files.kinds import Kind

_SHOWN: Final = 10
_MISSING: Final = {"pandas": "a pandas DataFrame", "pyarrow": "an Arrow table"}

Columns = Mapping[str, Any]
"""Name to the values of a column, a sequence or an array."""


class Tabular:
    """A result with named columns; a subclass says which by `columns`."""

    __slots__ = ()

    def columns(self) -> Columns:
        """Return the name and the values of each column, all of one length."""
        raise NotImplementedError

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame`.

        Raises
        ------
        MissingExtraError
            pandas is not installed.
        """
        pandas = _needed("pandas")
        return pandas.DataFrame(
            {
                # Names that are not UTF-8 do not fit into pandas' type of text.
                name: pandas.Series(values, dtype=object)
                if any(_encodable(value) is not value for value in values)
                else values
                for name, values in self.columns().items()
            }
        )

    def to_arrow(self) -> Any:
        """Return a `pyarrow.Table`; names that are not UTF-8 are shown escaped.

        Raises
        ------
        MissingExtraError
            pyarrow is not installed.
        """
        columns = {
            name: [_encodable(value) for value in values] for name, values in self.columns().items()
        }
        return _needed("pyarrow").table(columns)

    def to_csv(self, file: str | os.PathLike[str], *, for_spreadsheets: bool = False) -> None:
        """Write a CSV file, whole or not at all.

        Parameters
        ----------
        file : str or os.PathLike
            Replaced if it has the same columns; any other file is left alone.
        for_spreadsheets : bool
            Put an apostrophe before cells that look like formulas.

        Raises
        ------
        DestinationError
            The file cannot be written, or holds something else.
        """
        columns = self.columns()
        rows = [
            ["" if value is None else value for value in row]
            for row in zip(*columns.values(), strict=True)
        ]
        with write_whole(file, _table_with(list(columns))) as stream:
            write_csv(stream.fileno(), list(columns), rows, for_spreadsheets=for_spreadsheets)

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.columns())


def html_table(caption: str, columns: Columns, *, escaped: Sequence[str] = ()) -> str:
    """Write the first rows as HTML for a notebook.

    Parameters
    ----------
    caption : str
    columns : mapping from str to sequence
    escaped : sequence of str
        Names of columns that hold HTML already.
    """
    n = len(next(iter(columns.values()), ()))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    rows = []
    for row in range(min(n, _SHOWN)):
        cells = (
            str(values[row]) if name in escaped else html.escape(_shown(values[row]))
            for name, values in columns.items()
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    more = f"<p>… and {n - _SHOWN:,} more rows</p>" if n > _SHOWN else ""
    return (
        f"<div><p>{html.escape(caption)}</p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{more}</div>"
    )


def _table_with(header: Sequence[str]) -> Kind:
    def recognise(path: str) -> bool:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return next(csv.reader(file), None) == list(header)

    return Kind(f"a table with the columns {', '.join(header[:4])}", recognise)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else printable(str(value))


def _encodable(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return printable(value)
    return value


def _needed(library: str) -> Any:
    try:
        return import_module(library)
    except ImportError:
        extra = "frames" if library == "pandas" else "store"
        raise MissingExtraError.for_extra(extra, _MISSING[library]) from None
