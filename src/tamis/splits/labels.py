"""What a list says of pictures: their groups, and the classes of a blind test."""

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tamis.errors import TableError, printable
from tamis.files.csvfile import read_csv, write_csv
from tamis.files.names import normal_form
from tamis.table import ImageTable

TRUTH_SUFFIX: Final = "-truth.csv"


def with_groups(table: ImageTable, file: str | os.PathLike[str]) -> ImageTable:
    """Take the groups of pictures from a CSV file with the columns path,group.

    Paths are those below the root of the table. Pictures not named stand alone.

    Raises
    ------
    TableError
        The file cannot be read, or names a picture that is not in the table.
    """
    rows = read_csv(file, required=("path", "group"))
    groups = {normal_form(row["path"]): row["group"] for row in rows}
    names = [normal_form(name) for name in table.names]
    if strangers := sorted(set(groups) - set(names)):
        raise TableError(
            f"{printable(os.fspath(file))} names {len(strangers)} pictures that are not there, "
            f"{printable(strangers[0])} for one. Write paths as they are below "
            f"{printable(table.root)}."
        )
    return replace(table, groups=tuple(groups.get(name) or None for name in names))


def with_truth(table: ImageTable, manifest: str | os.PathLike[str]) -> ImageTable:
    """Label the pictures of a blind test folder from its manifest.

    Parameters
    ----------
    table : ImageTable
        As `ImageTable.from_folder` lists the test folder.
    manifest : str or os.PathLike
        CSV with the columns path,label; paths below the folder of the manifest.

    Raises
    ------
    TableError
        The manifest cannot be read, or does not name a picture of the table.
    """
    known = ImageTable.from_csv(manifest, labelled=True)
    truth = {
        normal_form(os.path.abspath(path)): label
        for path, label in zip(known.paths, known.labels, strict=True)
    }
    labels = [truth.get(normal_form(os.path.abspath(path))) for path in table.paths]
    if None in labels:
        raise TableError(
            f"{printable(os.fspath(manifest))} does not say what "
            f"{printable(table.paths[labels.index(None)])} is."
        )
    return replace(table, labels=tuple(labels))


def write_truth(file: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write the manifest of a blind test: path,label,original."""
    write_csv(file, ("path", "label", "original"), rows)
