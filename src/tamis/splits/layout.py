"""Which folders, or which values of a list's split column, are the parts of a split."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tamis.errors import JournalError, TableError, printable
from tamis.files.journal import journals
from tamis.table import ImageTable, class_key

PARTS: Final = ("train", "val", "test")
_WORDS: Final = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_FOLD: Final = re.compile(r"fold-\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a split.

    Attributes
    ----------
    parts : dict from str to str
        Each part as it is written (a folder below the root, or a value of the column
        ``split``) to its name: ``train``, ``val`` or ``test``, or ``fold-1/train`` and so
        on. A value of a column that is none of these names keeps its own.
    folders : bool
        The parts are folders, which hold a folder per class; else they are values of a
        column.
    """

    parts: Mapping[str, str]
    folders: bool

    def __str__(self) -> str:
        return ", ".join(
            name if name == written else f"{name} ({printable(written)})"
            for written, name in self.parts.items()
        )


def part_named(written: str) -> str | None:
    """Give the name of the part that a folder or a value of a column stands for.

    Examples
    --------
    >>> part_named("Training"), part_named("valid"), part_named("fold-2/test"), part_named("fox")
    ('train', 'val', 'fold-2/test', None)
    """
    fold, _, word = written.rpartition("/")
    name = _WORDS.get(word.strip().casefold())
    if name is None or (fold and not _FOLD.fullmatch(fold)):
        return None
    return f"{fold.lower()}/{name}" if fold else name


def split_of(table: ImageTable, *, refuse: bool = True) -> Split | None:
    """Tell whether a table is that of a split, and which its parts are.

    Parameters
    ----------
    table : ImageTable
        As `ImageTable.from_folder`, `ImageTable.from_csv` or a collection lists it.
    refuse : bool
        Raise for a folder that is a split only in part; else it is taken for none.

    Returns
    -------
    Split or None
        Where the split of a picture is known (from a CSV file or a collection), its parts
        are the values of that column. A folder is a split if `tamis split` wrote it, which
        its journal tells; or if all folders in it have names of parts, as `part_named`
        knows them, and one holds folders, or there are several.

    Raises
    ------
    TableError
        Some folders are parts that hold class folders, and others are not; or two names
        stand for one part, such as ``val`` and ``dev``.
    """
    if values := sorted({part for part in table.splits if part is not None}):
        return Split(_checked({one: part_named(one) or one for one in values}, table), False)
    if not _lists_folder(table):
        return None
    written = _by_journal(table.root) or _by_names(table, refuse=refuse)
    return Split(_checked(written, table), True) if written else None


def with_split(table: ImageTable, split: Split | None) -> ImageTable:
    """Say of each picture to which part it belongs; where parts are folders, of which class.

    The class is then the first folder in the part. Pictures directly in a part (those of a
    blind test) and those outside of all parts have none.
    """
    if split is None:
        return table
    if not split.folders:
        splits = tuple(None if one is None else split.parts[one] for one in table.splits)
        return table if splits == table.splits else replace(table, splits=splits)
    labels: list[str | None] = []
    splits_of: list[str | None] = []
    for name in table.names:
        written = next((w for w in _heads(name) if w in split.parts), None)
        label, _, below = name.removeprefix(f"{written}/").partition("/")
        labels.append(label if written is not None and below else None)
        splits_of.append(None if written is None else split.parts[written])
    return replace(table, labels=tuple(labels), splits=tuple(splits_of))


def take_part(table: ImageTable, part: str, *, or_only: str = "") -> ImageTable:
    """Take the pictures of one part of a split; all of a table that is no split.

    Parameters
    ----------
    table : ImageTable
        As `with_split` gives it.
    part : str
        ``train`` or ``test``.
    or_only : str
        This part is taken instead, if it is the only one there is.

    Raises
    ------
    TableError
        There is no such part, or there are several folds.
    """
    check_one_fold(table)
    known = sorted({one for one in table.splits if one is not None})
    if not set(known) & set(PARTS):
        return table
    if part not in known:
        if known != [or_only]:
            raise TableError(
                f"{printable(table.root)} is a split without the part {part}. It has: "
                f"{', '.join(map(printable, known))}. Name a folder with class folders in it."
            )
        part = or_only
    return table.select(row for row, one in enumerate(table.splits) if one == part)


def check_one_fold(table: ImageTable) -> None:
    """Raise TableError if a table holds several folds, which share their pictures."""
    folds = sorted({one.partition("/")[0] for one in table.splits if one and part_of_fold(one)})
    if folds:
        raise TableError(
            f"{printable(table.root)} holds several folds, which share their pictures. Name one "
            f"of them: {printable(os.path.join(table.root, folds[0]))}."
        )


def part_of_fold(part: str) -> bool:
    """Tell whether a part is one of a fold, such as ``fold-1/train``."""
    return "/" in part and part_named(part) is not None


def _heads(name: str) -> Iterable[str]:
    """Give the folders that may be the part of a picture: ``fold-1/train``, or ``train``."""
    first, _, below = name.partition("/")
    second = below.partition("/")
    if second[1] and _FOLD.fullmatch(first):
        yield f"{first}/{second[0]}"
    if below:
        yield first


def _lists_folder(table: ImageTable) -> bool:
    """Tell whether the class of every picture is its first folder below an existing root."""
    return bool(table.root) and all(
        (None if "/" not in name else class_key(name.partition("/")[0]))
        == (None if label is None else class_key(label))
        for name, label in zip(table.names, table.labels, strict=True)
    )


def _by_journal(root: str) -> dict[str, str]:
    """Find the parts of a split that `tamis split` wrote; a split that was undone left none."""
    try:
        runs = journals(root)
    except (JournalError, OSError):  # what cannot be read tells nothing; the names still do
        return {}
    found: dict[str, str] = {}
    for run in runs:
        if run.command != "split":
            continue
        for transfer in run.transfers:
            heads = [head for head in _heads(transfer.destination) if part_named(head)]
            if heads and not transfer.made:  # else it is a manifest of truth
                found[heads[0]] = part_named(heads[0]) or heads[0]
    return found


def _by_names(table: ImageTable, *, refuse: bool) -> dict[str, str]:
    """Find the folders that are parts by their names."""
    deep: dict[str, bool] = defaultdict(bool)  # whether a folder holds folders with pictures
    for name in table.names:
        if heads := list(_heads(name)):
            deep[heads[0]] |= "/" in name.removeprefix(f"{heads[0]}/")
    names = {folder: part for folder in deep if (part := part_named(folder)) is not None}
    others = [folder for folder in deep if folder not in names]
    if not others:
        return names if len(names) > 1 or any(deep.values()) else {}
    if refuse and (halves := [folder for folder in names if deep[folder]]):
        part, other = halves[0], others[0]
        raise TableError(
            f"{printable(table.root)} is half a split: {printable(part)} is a part by its name "
            f"and holds folders, and {printable(other)} is not a part. Name the part itself, "
            f"{printable(os.path.join(table.root, part))}, or move {printable(other)} "
            "elsewhere; to have both as classes, rename the part."
        )
    return {}


def _checked(parts: dict[str, str], table: ImageTable) -> dict[str, str]:
    """Refuse two words for one part; sort the parts as `PARTS` has them."""
    words: dict[str, dict[str, str]] = defaultdict(dict)
    for written, name in parts.items():
        words[name].setdefault(written.strip().casefold(), written)
    for name, several in words.items():
        if len(several) > 1:
            listed = " and ".join(map(printable, sorted(several.values())))
            raise TableError(
                f"{printable(table.root)} has {listed}, which both stand for the part {name}. "
                "Rename one of them, or put them together."
            )
    rank = {name: number for number, name in enumerate(PARTS)}

    def order(written: str) -> tuple[str, int, str]:
        fold, _, own = parts[written].rpartition("/")
        return fold, rank.get(own, len(rank)), written

    return {written: parts[written] for written in sorted(parts, key=order)}
