"""Splits: which pictures to learn from, and which to be tested on.

Every class is split in the same proportions. Chance comes from a hash of the
seed and of each picture's name below the root, never from the order in which a
system lists files: the same pictures give the same split on every machine, and a
picture added later moves few of the others.
"""

import hashlib
import math
import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from tamis.errors import InvalidParameterError, TableError, printable
from tamis.files.csvfile import read_csv, write_csv
from tamis.images import SUFFIXES
from tamis.naming import TakenNames, folder_name
from tamis.splits import PARTS
from tamis.table import ImageTable
from tamis.transfer import Transfer

TRUTH_SUFFIX: Final = "-truth.csv"


def assign_parts(
    table: ImageTable, *, ratio: tuple[float, float, float] = (0.7, 0.0, 0.3), seed: int = 0
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
        drawn += sorted(members, key=lambda row: _chance(seed, "draw", names[row]))[:quota]
    return sorted(drawn)


def with_groups(table: ImageTable, file: str | os.PathLike[str]) -> ImageTable:
    """Take the groups of pictures from a CSV file with the columns path,group.

    Paths are those below the root of the table. Pictures not named stand alone.

    Raises
    ------
    TableError
        The file cannot be read, or names a picture that is not in the table.
    """
    rows = read_csv(file, required=("path", "group"))
    groups = {_normal(row["path"]): row["group"] for row in rows}
    names = [_normal(name) for name in table.names]
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
        _normal(os.path.abspath(path)): label
        for path, label in zip(known.paths, known.labels, strict=True)
    }
    labels = [truth.get(_normal(os.path.abspath(path))) for path in table.paths]
    if None in labels:
        raise TableError(
            f"{printable(os.fspath(manifest))} does not say what "
            f"{printable(table.paths[labels.index(None)])} is."
        )
    return replace(table, labels=tuple(labels))


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """What a split does on disk: nothing is done yet.

    Attributes
    ----------
    folders : tuple of str
        Below the folder that receives the split, parents first.
    transfers : tuple of Transfer
    truth : dict from str to list of (str, str, str)
        Name of a manifest to its rows: path below the manifest's folder, class,
        original name.
    counts : dict from str to Counter
        Part to the number of pictures of each class.
    """

    folders: tuple[str, ...]
    transfers: tuple[Transfer, ...]
    truth: dict[str, list[tuple[str, str, str]]]
    counts: dict[str, Counter[str]]


def plan_split(
    table: ImageTable,
    parts: Mapping[str, Sequence[int]],
    out: str,
    *,
    blind: bool = False,
    seed: int = 0,
) -> SplitPlan:
    """Say which file goes where; nothing is touched.

    Parameters
    ----------
    table : ImageTable
    parts : mapping from str to sequence of int
        Folder, such as ``"train"`` or ``"fold-1/test"``, to the rows that go there.
    out : str
        The folder that receives the split.
    blind : bool
        Give the pictures of test folders neutral names in one flat folder, in an
        order by chance, and keep their classes in a manifest beside the folder.
    seed : int
        Of that order.
    """
    names, taken = table.names, TakenNames(out)
    folders: dict[str, None] = {}
    transfers: list[Transfer] = []
    truth: dict[str, list[tuple[str, str, str]]] = {}
    counts: dict[str, Counter[str]] = {}
    for part, rows in parts.items():
        labels = {row: folder_name(table.labels[row] or "") for row in rows}
        counts[part] = Counter(labels.values())
        hidden = blind and part.split("/")[-1] == "test"
        if hidden:
            rows = sorted(rows, key=lambda row: _chance(seed, "blind", names[row]))
            digits = max(4, len(str(len(rows))))
            truth[part + TRUTH_SUFFIX] = manifest = []
        folders |= dict.fromkeys(_with_parents(part))
        for number, row in enumerate(rows, start=1):
            path, label = table.paths[row], labels[row]
            if hidden:
                suffix = os.path.splitext(path)[1].lower()
                if suffix not in SUFFIXES:  # it may be the class: "3.dinosaur"
                    suffix = ""
                destination = f"{part}/{number:0{digits}}{suffix}"
                below = destination.removeprefix(part.removesuffix("test"))
                manifest.append((below, label, names[row]))
            else:
                *above, name = names[row].split("/")
                inner = above[1:] if above[:1] == [label] else []
                folder = "/".join([part, label, *inner])
                folders |= dict.fromkeys(_with_parents(folder))
                destination = f"{folder}/{taken.take_free(folder, name)}"
            transfers.append(Transfer.of(path, destination))
    return SplitPlan(tuple(folders), tuple(transfers), truth, counts)


def write_truth(file: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write the manifest of a blind test: path,label,original."""
    write_csv(file, ("path", "label", "original"), rows)


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
        rows.sort(key=lambda row: (_chance(seed, label, names[row]), names[row]))
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
        groups.items(), key=lambda item: (-len(item[1]), _chance(seed, *item[0]), item[0])
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


def _with_parents(folder: str) -> list[str]:
    return list(accumulate(folder.split("/"), lambda above, name: f"{above}/{name}"))


def _chance(seed: int, *words: str) -> bytes:
    text = "\0".join([str(seed), *map(_normal, words)])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
