"""The forms in which images are named besides a folder and a CSV file.

Single files, patterns such as ``photos/**/*.jpg``, sequences of paths, Parquet files, and the
``metadata.csv``, ``metadata.jsonl`` or ``metadata.parquet`` of the imagefolder layout of
Hugging Face's datasets.
"""

import glob
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from tamis.errors import MissingExtraError, TableError, printable
from tamis.files.csvfile import read_csv
from tamis.images import has_signature, promises_picture
from tamis.images.listing import sort_key
from tamis.table.table import ImageTable, common_root

METADATA: Final = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_COLUMNS: Final = ("path", "file_name", "label", "class", "group", "split")
_MOST_BYTES: Final = 1 << 30


def from_paths(paths: Iterable[str | os.PathLike[str]]) -> ImageTable:
    """List images by their paths, in the order given; no class is known.

    Raises
    ------
    TableError
        A path is given twice.
    """
    named = tuple(os.fspath(path) for path in paths)
    if len(set(named)) < len(named):
        twice = next(path for path in named if named.count(path) > 1)
        raise TableError(f"{printable(twice)} is named twice. Name every image once.")
    unknown = (None,) * len(named)
    root = common_root([os.path.dirname(path) or os.curdir for path in named]) if named else ""
    return ImageTable(named, unknown, unknown, root=root)


def is_pattern(source: str) -> bool:
    """Whether a text is a pattern of paths, and not the path of a file or folder."""
    return glob.has_magic(source) and not os.path.lexists(source)


def from_pattern(pattern: str) -> ImageTable:
    """List the images whose paths match a pattern, sorted; ``**`` stands for any folders.

    The root is the folder before the first part with a wildcard, and the class of an image is
    the first folder below it, as in a folder that is listed.

    Raises
    ------
    TableError
        No image matches.
    """
    found = sorted(
        (
            path
            for path in set(glob.glob(pattern, recursive=True))
            if promises_picture(path) and os.path.isfile(path)
        ),
        key=lambda path: [sort_key(part) for part in path.split(os.sep)],
    )
    if not found:
        raise TableError(
            f"no image matches {printable(pattern)}. Name a folder or another pattern."
        )
    fixed: list[str] = []
    for part in pattern.split(os.sep)[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    root = os.sep.join(fixed) or (os.sep if pattern.startswith(os.sep) else os.curdir)
    table = ImageTable(tuple(found), (None,) * len(found), (None,) * len(found), root=root)
    labels = [name.partition("/") for name in table.names]
    return replace(table, labels=tuple(head if below else None for head, _, below in labels))


def is_image_file(source: str) -> bool:
    """Whether a path is that of an image, by its suffix or its first bytes."""
    if promises_picture(source):
        return True
    try:
        with open(source, "rb") as file:
            return has_signature(file.read(16))
    except OSError:
        return False


def from_parquet(
    file: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    labelled: bool = False,
) -> ImageTable:
    """Read a list of images from a Parquet file with the columns of a CSV list.

    Parameters
    ----------
    file : str or os.PathLike
        With a column ``path``, and optionally ``label`` (or ``class``), ``group``, ``split``.
    root : str or os.PathLike, optional
        Where relative paths start; the folder of `file` by default.
    labelled : bool
        Whether the column ``label`` is required.

    Raises
    ------
    TableError
        The file cannot be read, or lacks a required column.
    MissingExtraError
        pyarrow is not installed.
    """
    required = ("path", "label") if labelled else ("path",)
    rows = _parquet_rows(os.fspath(file), required)
    return ImageTable.from_rows(rows, file, root=root)


def with_metadata(table: ImageTable) -> ImageTable:
    """Take classes from the metadata files that lie among the images of a folder.

    Such a file names images by ``file_name``, relative to its own folder, and their classes by
    ``label``. Images below its folder that it does not name have no class; where it has no
    column ``label``, it changes nothing.

    Raises
    ------
    TableError
        A metadata file cannot be read.
    """
    labels: dict[str, str | None] = {}
    found = [path for path in table.ignored if os.path.basename(path).lower() in METADATA]
    for file in sorted(found, key=len):  # those of inner folders come last, and count
        rows = _metadata(file)
        if not any("label" in row for row in rows):
            continue
        folder = os.path.dirname(file)
        inside = os.path.join(folder, "")
        labels |= {path: None for path in table.paths if path.startswith(inside)}
        for row in rows:
            path = os.path.normpath(os.path.join(folder, _text(row.get("file_name"))))
            if path in labels:
                labels[path] = _text(row.get("label")) or None
    if not labels:
        return table
    pairs = zip(table.paths, table.labels, strict=True)
    return replace(table, labels=tuple(labels.get(os.path.normpath(p), own) for p, own in pairs))


def _metadata(file: str) -> Sequence[dict[str, Any]]:
    if file.lower().endswith(".csv"):
        return read_csv(file, required=("file_name",))
    if file.lower().endswith(".parquet"):
        return _parquet_rows(file)
    rows = []
    try:
        with open(file, encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    rows.append(json.loads(line))
                    if not isinstance(rows[-1], dict) or "file_name" not in rows[-1]:
                        raise ValueError(f"line {number} has no file_name")
    except (OSError, ValueError) as error:
        raise TableError(f"cannot read {printable(file)}: {printable(str(error))}.") from error
    return rows


def _parquet_rows(file: str, required: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read the columns that lists have as text; ``class`` as ``label`` where there is none."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError.for_extra("store", "a list of images in a Parquet file") from None
    try:
        if os.path.getsize(file) > _MOST_BYTES:
            raise ValueError("it is larger than 1 GiB")
        names = parquet.read_schema(file).names
        wanted = [name for name in names if name in _COLUMNS]
        rows = parquet.read_table(file, columns=wanted).to_pylist()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise TableError(
            f"cannot read {printable(file)} as Parquet: {printable(str(error))[:300]}."
        ) from error
    as_label = {"class": "label"} if "label" not in wanted else {}
    columns = [as_label.get(name, name) for name in wanted]
    if missing := [name for name in required if name not in columns]:
        raise TableError(
            f"{printable(file)} lacks the column {missing[0]}. It has: "
            f"{', '.join(map(printable, columns)) or 'none'}."
        )
    return [{as_label.get(name, name): _text(value) for name, value in row.items()} for row in rows]


def _text(value: object) -> str:
    return "" if value is None else os.fsdecode(value) if isinstance(value, bytes) else str(value)
