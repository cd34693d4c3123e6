"""Where the pictures of a split go: a plan, of which nothing is done yet."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tamis.files.names import TakenNames, folder_name
from tamis.files.transfer import Transfer
from tamis.images import promises_picture
from tamis.splits.assign import chance
from tamis.splits.labels import TRUTH_SUFFIX
from tamis.table import ImageTable


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
            rows = sorted(rows, key=lambda row: chance(seed, "blind", names[row]))
            digits = max(4, len(str(len(rows))))
            truth[part + TRUTH_SUFFIX] = manifest = []
        folders |= dict.fromkeys(_with_parents(part))
        for number, row in enumerate(rows, start=1):
            path, label = table.paths[row], labels[row]
            if hidden:
                suffix = os.path.splitext(path)[1].lower()
                if not promises_picture(path):  # it may be the class: "3.dinosaur"
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


def _with_parents(folder: str) -> list[str]:
    return list(accumulate(folder.split("/"), lambda above, name: f"{above}/{name}"))
