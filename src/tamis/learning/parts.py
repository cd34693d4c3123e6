"""Which pictures are learned from, and which are kept to check with."""

import os
from dataclasses import dataclass, replace
from typing import Final

from tamis.errors import Failure, InvalidParameterError, TableError, printable
from tamis.split import PARTS, assign_parts
from tamis.table import ImageTable

_TRAIN, _VALIDATION, _TEST = PARTS
_MOST: Final = 0.9


@dataclass(frozen=True, slots=True)
class TrainingParts:
    """The pictures of a training, all labelled.

    Attributes
    ----------
    train, validation : ImageTable
        The latter may be empty.
    set_aside : bool
        Whether the validation was drawn here; else it is a folder's.
    n_unlabelled : int
        Pictures that are left out because they are in no class folder.
    failures : tuple of Failure
        Folders that cannot be entered; neither `train` nor `validation` repeats them.
    """

    train: ImageTable
    validation: ImageTable
    set_aside: bool
    n_unlabelled: int
    failures: tuple[Failure, ...] = ()


def is_split_folder(folder: str) -> bool:
    """Tell whether a folder is as `tamis split` leaves it: train/, val/, test/, no more."""
    if not os.path.isdir(folder):
        return False
    with os.scandir(folder) as listing:
        found = {one.name for one in listing if one.is_dir() and not one.name.startswith(".")}
    return _TRAIN in found and found <= set(PARTS)


def training_parts(table: ImageTable, *, share: float = 0.2, seed: int = 0) -> TrainingParts:
    """Divide the pictures of a training.

    Parameters
    ----------
    table : ImageTable
        Class folders; or pictures that know to which part of a split they belong; or
        ``train/`` and ``val/`` with class folders in them. What is neither of ``train``
        nor of ``val`` is left alone.
    share : float
        Of each class that is set aside where there is no ``val/``.
    seed : int
        Of what is set aside.

    Raises
    ------
    TableError
        There are fewer than two classes to learn, or several folds.
    InvalidParameterError
        `share` is out of its range.
    """
    if not 0 <= share <= _MOST:
        raise InvalidParameterError(f"the share must be in [0, {_MOST}]. Got {share:g}.")
    failures, table = table.failures, replace(table, failures=())
    found = set(table.classes)
    known = {part for part in table.splits if part is not None}
    validation = table.select([])
    if folds := sorted(part for part in known if "/" in part):
        raise TableError(
            f"{printable(table.root)} holds several folds, which share their pictures. Name one "
            f"of them: {printable(os.path.join(table.root, folds[0].partition('/')[0]))}."
        )
    if _TRAIN in known:
        table, validation = (
            table.select(row for row, own in enumerate(table.splits) if own == part)
            for part in (_TRAIN, _VALIDATION)
        )
    elif _TRAIN in found and found <= set(PARTS):
        of_part = {
            part: _below(table, [row for row, own in enumerate(table.labels) if own == part])
            for part in (_TRAIN, _VALIDATION)
        }
        table, validation = of_part[_TRAIN], of_part[_VALIDATION]
    whole = len(table) + len(validation)
    table, validation = _labelled(table), _labelled(validation)
    n_unlabelled = whole - len(table) - len(validation)
    if len(table.classes) < 2:
        named = f" ({printable(table.classes[0])})" if table.classes else ""
        raise TableError(
            f"training needs pictures of at least two classes, each in a folder of its own. "
            f"{printable(table.root) or 'The table'} has {len(table.classes)}{named}."
        )
    set_aside = not len(validation) and share > 0
    if set_aside:
        rows = assign_parts(table, ratio=(1 - share, share, 0.0), seed=seed)
        table, validation = table.select(rows[_TRAIN]), table.select(rows[_VALIDATION])
    return TrainingParts(table, validation, set_aside, n_unlabelled, failures)


def _below(table: ImageTable, rows: list[int]) -> ImageTable:
    """Take some pictures, with the second-level folder as their class."""
    names = table.names
    folders = [names[row].split("/") for row in rows]
    labels = tuple(parts[1] if len(parts) > 2 else None for parts in folders)
    return replace(table.select(rows), labels=labels)


def _labelled(table: ImageTable) -> ImageTable:
    return table.select(row for row, label in enumerate(table.labels) if label is not None)
