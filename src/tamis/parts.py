"""The parts of a folder that `tamis split` wrote, told by its journal."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tamis.journal import journals
from tamis.table import ImageTable

_FOLD: Final = re.compile(r"fold-\d+")


def part_folders(root: str | os.PathLike[str]) -> tuple[str, ...]:
    """Find the parts of a split, such as ``train``, ``test`` or ``fold-1/train``.

    A folder is one that `tamis split` wrote if the journal of that run lies in it, not
    because folders in it have certain names; a split that was undone left none.

    Returns
    -------
    tuple of str
        Folders below `root`, with ``/``, in the order of the split; none if it is no split.

    Raises
    ------
    JournalError
        A journal is damaged, or written by a newer tamis.
    """
    found: dict[str, None] = {}
    for run in journals(os.fspath(root)):
        if run.command != "split":
            continue
        for transfer in run.transfers:
            first, *rest = transfer.destination.split("/")
            if transfer.made or not rest:  # a manifest of truth
                continue
            found[f"{first}/{rest[0]}" if _FOLD.fullmatch(first) else first] = None
    return tuple(found)


def with_parts(table: ImageTable, parts: Sequence[str]) -> ImageTable:
    """Say of each picture to which part of a split it belongs, and of which class it is.

    Parameters
    ----------
    table : ImageTable
        As `ImageTable.from_folder` lists the folder that the split is in.
    parts : sequence of str
        As `part_folders` finds them.

    Returns
    -------
    ImageTable
        The class is the first folder in the part; pictures directly in it (those of a
        blind test) have none. What lies outside of all parts stays as it was.
    """
    labels, splits = list(table.labels), list(table.splits)
    for row, name in enumerate(table.names):
        part = next((one for one in parts if name.startswith(f"{one}/")), None)
        if part is not None:
            label, _, below = name.removeprefix(f"{part}/").partition("/")
            labels[row] = label if below else None
            splits[row] = part
    return replace(table, labels=tuple(labels), splits=tuple(splits))
