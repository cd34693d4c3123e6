"""Which pictures are learned from, and which are kept to check with."""

from dataclasses import dataclass, replace
from typing import Final

from tamis.deduplication.content import with_copies_together
from tamis.errors import Failure, InvalidParameterError
from tamis.splits import PARTS, check_classes, check_one_fold, split_of, take_part, with_split
from tamis.splits.assign import assign_parts
from tamis.table import ImageTable

_TRAIN, _VALIDATION, _TEST = PARTS
_MOST: Final = 0.9


@dataclass(frozen=True, slots=True)
class HoldOut:
    """The pictures of a training, all labelled.

    Attributes
    ----------
    train, validation : ImageTable
        The latter may be empty.
    set_aside : bool
        Whether the validation was drawn here; else it is a folder's.
    n_unlabelled : int
        Pictures that are left out because they are in no class folder.
    test : ImageTable
        The part test, which is left alone; empty where there is none.
    failures : tuple of Failure
        Folders that cannot be entered; neither `train` nor `validation` repeats them.
    """

    train: ImageTable
    validation: ImageTable
    test: ImageTable
    set_aside: bool
    n_unlabelled: int
    failures: tuple[Failure, ...] = ()


def hold_out(table: ImageTable, *, share: float = 0.2, seed: int = 0) -> HoldOut:
    """Divide the pictures of a training.

    Parameters
    ----------
    table : ImageTable
        Class folders, or a split, as `tamis.splits.split_of` knows it. What is neither of
        its part ``train`` nor of ``val`` is left alone.
    share : float
        Of each class that is set aside where there is no ``val/``. Pictures with the same
        content stay together.
    seed : int
        Of what is set aside.

    Raises
    ------
    TableError
        There are fewer than two classes to learn, several folds, or no part ``train``; or a
        folder is a split only in part.
    InvalidParameterError
        `share` is out of its range.
    """
    if not 0 <= share <= _MOST:
        raise InvalidParameterError(f"the share must be in [0, {_MOST}]. Got {share:g}.")
    failures, table = table.failures, replace(table, failures=())
    table = with_split(table, split_of(table))
    check_one_fold(table)
    validation = table.select([])
    test = table.select(row for row, own in enumerate(table.splits) if own == _TEST)
    known = {part for part in table.splits if part is not None}
    if known & set(PARTS):
        table, validation = (
            take_part(table, _TRAIN),
            table.select(row for row, own in enumerate(table.splits) if own == _VALIDATION),
        )
    whole = len(table) + len(validation)
    table, validation = _labelled(table), _labelled(validation)
    n_unlabelled = whole - len(table) - len(validation)
    check_classes(table, purpose="training")
    set_aside = not len(validation) and share > 0
    if set_aside:
        whole_groups, _ = with_copies_together(table)
        rows = assign_parts(whole_groups, ratio=(1 - share, share, 0.0), seed=seed)
        table, validation = table.select(rows[_TRAIN]), table.select(rows[_VALIDATION])
    return HoldOut(table, validation, test, set_aside, n_unlabelled, failures)


def _labelled(table: ImageTable) -> ImageTable:
    return table.select(row for row, label in enumerate(table.labels) if label is not None)
