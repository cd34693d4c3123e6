"""Splits: which pictures to learn from, and which to be tested on.

Every class is split in the same proportions. Chance comes from a hash of the
seed and of each picture's name below the root, never from the order in which a
system lists files: the same pictures give the same split on every machine, and a
picture added later moves few of the others.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final

from tamis.errors import InvalidParameterError, TableError, printable
from tamis.files.names import normal_form
from tamis.splits import PARTS
from tamis.table import ImageTable

DEFAULT_RATIO: Final = (0.7, 0.0, 0.3)
"""Shares of train, val and test."""


def assign_parts(
    table: ImageTable, *, ratio: tuple[float, float, float] = DEFAULT_RATIO, seed: int = 0
) -> dict[str, list[int]]:
    """Assign every picture to train, val or test.

    Parameters
    ----------
    table : ImageTable
        Fully labelled. Pictures of one group stay together.
    ratio : (float, float, float)
        Shares of train, val and test; they sum to 1.
    seed : int

    Returns
    -------
    dict from str to list of int
        ``"train"``, ``"val"``, ``"test"``, those that have a share, to their rows,
        in the order of the table.

    Raises
    ------
    InvalidParameterError
        The shares are negative or do not sum to 1.
    TableError
        A picture has no label, or there is none.

    Notes
    -----
    A class of n pictures gets its shares of n, rounded by largest remainder, and
    at least one picture in every part that has a share, if there are enough. One
    picture alone goes to train; two go to train and test; three to train, val and
    test, where all have a share. With groups, each goes whole to the part that
    lacks most pictures of its classes, the largest groups first: the shares are
    met as nearly as the groups allow.
    """
    if len(ratio) != 3 or min(ratio) < 0 or not math.isclose(sum(ratio), 1, abs_tol=1e-6):
        raise InvalidParameterError(
            f"ratio must be three shares >= 0 that sum to 1, such as 0.7 0 0.3. Got "
            f"{' '.join(map(str, ratio))} (sum {sum(ratio):g})."
        )

    def counts(n: int, _: int) -> list[int]:
        parts = _rounded(n, ratio)
        # Train before test before val: what is not learned cannot be tested.
        for part in (0, 2, 1):
            donor = max(range(3), key=parts.__getitem__)
            if ratio[part] > 0 and not parts[part] and (parts[donor] > 1 or part == 0):
                parts[donor] -= 1
                parts[part] += 1
        return parts

    assigned = _assign(table, counts, seed)
    return {
        name: [row for row, part in enumerate(assigned) if part == number]
        for number, name in enumerate(PARTS)
        if ratio[number] > 0
    }


def assign_folds(table: ImageTable, n_folds: int, *, seed: int = 0) -> dict[str, list[int]]:
    """Cut a table into folds of nearly equal size, each the test of all the others.

    Parameters
    ----------
    table : ImageTable
        Fully labelled. Pictures of one group stay together.
    n_folds : int
        At least 2, at most the number of pictures.
    seed : int

    Returns
    -------
    dict from str to list of int
        ``"fold-1/train"``, ``"fold-1/test"``, ``"fold-2/train"``, ... to their rows.

    Raises
    ------
    InvalidParameterError
        `n_folds` is out of its range, or the groups leave a fold empty.
    TableError
        A picture has no label, or there is none.
    """
    if not 2 <= n_folds <= max(2, len(table)):
        raise InvalidParameterError(
            f"folds must be at least 2 and at most the number of pictures, {len(table)}. "
            f"Got {n_folds}."
        )
    # What is left over of a class goes to the folds after those that got what was
    # left over of the class before.
    assigned = _assign(table, lambda n, before: _rounded(n, [1 / n_folds] * n_folds, before), seed)
    if len(set(assigned)) < n_folds:
        raise InvalidParameterError(
            f"the groups are too few or too large for {n_folds} folds: one would be empty. Take "
            "fewer folds."
        )
    parts: dict[str, list[int]] = {}
    for fold in range(n_folds):
        parts[f"fold-{fold + 1}/train"] = [r for r, part in enumerate(assigned) if part != fold]
        parts[f"fold-{fold + 1}/test"] = [r for r, part in enumerate(assigned) if part == fold]
    return parts


def draw(table: ImageTable, n: int, *, seed: int = 0) -> list[int]:
    """Draw n pictures of a labelled table, each class in its proportion.

    Returns
    -------
    list of int
        Rows, in the order of the table; all of them if there are no more than n.
    """
    if len(table) <= n:
        return list(range(len(table)))
    names = table.names
    sizes = Counter(table.labels)
    quotas = _rounded(n, [sizes[label] / len(table) for label in table.classes])
    drawn: list[int] = []
    for label, quota in zip(table.classes, quotas, strict=True):
        members = [row for row, other in enumerate(table.labels) if other == label]
        drawn += sorted(members, key=lambda row: chance(seed, "draw", names[row]))[:quota]
    return sorted(drawn)


def _assign(table: ImageTable, counts: Callable[[int, int], list[int]], seed: int) -> list[int]:
    """Give each picture a part.

    ``counts(n, before)`` are the sizes of the parts for a class of n pictures, when
    the classes ahead of it have `before` pictures in all.
    """
    if not len(table):
        raise TableError("there is no picture to split.")
    if None in table.labels:
        stray = table.paths[table.labels.index(None)]
        raise TableError(
            f"every picture needs a class to be split, and {printable(stray)} has none. Put it "
            "into a class folder."
        )
    members: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(table.labels):
        members[label or ""].append(row)
    names = table.names
    before = accumulate((len(members[label]) for label in table.classes), initial=0)
    targets = {
        label: counts(len(members[label]), n)
        for label, n in zip(table.classes, before, strict=False)
    }
    if any(group is not None for group in table.groups):
        return _assign_groups(table, targets, seed)
    parts = [0] * len(table)
    for label, rows in members.items():
        rows.sort(key=lambda row: (chance(seed, label, names[row]), names[row]))
        ends = list(accumulate(targets[label]))
        for rank, row in enumerate(rows):
            parts[row] = next(part for part, end in enumerate(ends) if rank < end)
    return parts


def _assign_groups(table: ImageTable, targets: dict[str, list[int]], seed: int) -> list[int]:
    names = table.names
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, group in enumerate(table.groups):
        groups[
            "alone" if group is None else "group", names[row] if group is None else group
        ].append(row)
    missing = {label: list(sizes) for label, sizes in targets.items()}
    overall = [sum(sizes) for sizes in zip(*targets.values(), strict=True)]
    allowed = [part for part, size in enumerate(overall) if size]
    parts = [0] * len(table)
    order = sorted(
        groups.items(), key=lambda item: (-len(item[1]), chance(seed, *item[0]), item[0])
    )
    for _, rows in order:
        classes = Counter(table.labels[row] or "" for row in rows)
        # Least squares: the part whose shortage, over the group's classes, is largest;
        # of equal ones that which lacks most pictures of any class.
        part = max(
            allowed,
            key=lambda p: (sum(n * missing[c][p] for c, n in classes.items()), overall[p]),
        )
        overall[part] -= len(rows)
        for label, n in classes.items():
            missing[label][part] -= n
        for row in rows:
            parts[row] = part
    return parts


def _rounded(n: int, shares: Sequence[float], turn: int = 0) -> list[int]:
    """Cut n into whole parts by largest remainder; equal remainders in turn."""
    exact = [round(n * share, 9) for share in shares]
    parts = [math.floor(value) for value in exact]
    order = sorted(
        range(len(shares)), key=lambda i: (parts[i] - exact[i], (i - turn) % len(shares))
    )
    for i in order[: n - sum(parts)]:
        parts[i] += 1
    return parts


def chance(seed: int, *words: str) -> bytes:
    """Return the hash of a seed and words, by which a draw is ordered on every machine."""
    text = "\0".join([str(seed), *map(normal_form, words)])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
