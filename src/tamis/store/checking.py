"""Whether a collection is what it should be: its files, its schema and its rows.

A collection may come from a stranger or from a damaged disk. All that is read from it
besides vectors is checked here; vectors are checked where they are decoded,
`tamis.store.columns.decode`.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from tamis.errors import CollectionError, DestinationError, TamisError, printable
from tamis.files.faults import explain
from tamis.store.columns import SPEC

_AGAIN: Final = (
    "Its pictures are safe where they are: delete the collection and index them again, by tamis "
    "index DIR --into NAME."
)
FACTS: Final = {
    "id": "int64",
    "path": "binary",
    "label": "binary",
    "group": "binary",
    "split": "string",
    "hash": "binary",
    "size": "int64",
    "mtime_ns": "int64",
    "width": "int32",
    "height": "int32",
    "failure": "string",
}
"""Columns besides those of vectors, and their types."""

LATER: Final = ("group",)
"""Columns that collections of an earlier format lack."""

_ODD_PART: Final = re.compile(r"(?:^|[/\0])\.{0,2}(?:[/\0]|\Z)")
"""A part ``""``, ``.`` or ``..`` in names that are joined by NUL."""

_LOST: Final = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EINVAL)
NEEDED: Final = ("id", "path", "size", "mtime_ns")
"""Facts that every row has."""


def damaged(path: str, why: str) -> CollectionError:
    """Build the error that says what is wrong with the collection at a path."""
    return CollectionError(f"the collection {printable(path)} cannot be used: {why}. {_AGAIN}")


@contextmanager
def lance_errors(path: str) -> Iterator[None]:
    """Turn what Lance and pyarrow raise on damaged files into errors of tamis.

    Raises
    ------
    CollectionError
        The collection is damaged.
    DestinationError
        The system refuses to read or write it.
    """
    try:
        yield
    except TamisError:
        raise
    except BaseException as error:
        # A panic of Rust derives from BaseException, and its class cannot be imported.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        code = _number(error)
        if code is not None and code not in _LOST:
            reason, advice = explain(OSError(code, os.strerror(code)))
            text = f"cannot read or write the collection {printable(path)}: {reason}. {advice}"
            raise DestinationError(text.rstrip()) from error
        raise damaged(path, _said(error)) from error


def check_files(path: str) -> None:
    """Raise CollectionError unless all that lies in a collection is a folder or regular file.

    A link may lead anywhere, a named pipe waits for its writer, and a device may be
    endless. The collection itself may be a link.
    """
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    waiting.append(entry.path)
                elif not stat.S_ISREG(mode):
                    kind = "a link" if stat.S_ISLNK(mode) else "a pipe or a device"
                    raise damaged(path, f"{printable(entry.path)} is {kind}, not a regular file")


def check_dataset(path: str, dataset: Any) -> None:
    """Raise CollectionError unless the columns are of the right types and the files inside."""
    found = {field.name: str(field.type) for field in dataset.schema}
    for name, kind in FACTS.items():
        if found.get(name) != kind and (name in found or name not in LATER):
            raise damaged(path, f"its column {name} must be {kind}. Got {found.get(name, 'none')}")
    specs = [field.metadata[SPEC] for field in dataset.schema if SPEC in (field.metadata or {})]
    for spec in specs:
        if not spec.isascii() or not spec.decode().isprintable():
            raise damaged(path, f"it has a column by {printable(str(spec))}")
    if len(specs) != len(set(specs)):
        raise damaged(path, "it has two columns by one descriptor")
    # A dataset of Lance may refer to files in other folders and to other machines.
    if dataset._ds.base_paths():
        raise damaged(path, "it refers to files outside of its folder")


def root_of(path: str, metadata: bytes) -> str:
    """Read the folder below which the pictures lie.

    Raises
    ------
    CollectionError
        It is no absolute path.
    """
    try:
        root = json.loads(metadata)
    except (ValueError, RecursionError):
        root = None
    if not isinstance(root, str) or not os.path.isabs(root) or "\0" in root:
        raise damaged(path, f"its root is no absolute path: {printable(repr(root)[:100])}")
    return root


def check_rows(path: str, table: Any) -> None:
    """Raise CollectionError unless the facts of the pictures are complete and within bounds.

    Parameters
    ----------
    path : str
        Of the collection.
    table : pyarrow.Table
        The columns of `FACTS`, or some of them.
    """
    import pyarrow.compute as pc

    table.validate(full=True)
    for name in NEEDED:
        if table[name].null_count:
            raise damaged(path, f"its column {name} holds a null")
    ids = table["id"].to_numpy()
    if len(ids) and (ids.min() < 0 or ids.max() == np.iinfo(np.int64).max):
        raise damaged(path, "it holds an id that is out of range")
    if len(np.unique(ids)) < len(ids):
        raise damaged(path, "it holds an id twice")
    for name in ("path", "label", "group", "split", "failure"):
        if name in table.schema.names and pc.any(pc.match_substring(table[name], "\0")).as_py():
            raise damaged(path, f"its column {name} holds a NUL")


def names_outside(names: Sequence[str]) -> list[int]:
    """Find the names that lead out of the folder in which they begin; see `is_below`."""
    joined = "\0".join(names)
    # Nearly always all are inside, and one search tells that faster than one per name.
    if os.sep == "/" and joined.count("\0") < len(names) and not _ODD_PART.search(joined):
        return []
    return [row for row, name in enumerate(names) if not is_below(name)]


def is_below(name: str) -> bool:
    """Tell whether a name is a relative path that stays below where it begins."""
    parts = name.replace(os.sep, "/").split("/")
    return not ("\0" in name or os.path.splitdrive(name)[0] or {"", ".", ".."} & set(parts))


def _number(error: BaseException) -> int | None:
    """Give the number of an error of the operating system, which Lance writes into its text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    match = re.search(r"\(os error (\d+)\)", str(error))
    return int(match[1]) if match else None


def _said(error: BaseException) -> str:
    return printable(" ".join(str(error).split())[:200]).rstrip(".") or type(error).__name__
