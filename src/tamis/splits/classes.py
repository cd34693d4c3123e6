"""What is odd about the classes of a table: only one, empty ones, ones of a single picture."""

import os
from collections import Counter
from typing import Final

from tamis.errors import TableError, printable
from tamis.table import ImageTable, class_key

_SHOWN: Final = 3


def check_classes(table: ImageTable, *, purpose: str = "learning") -> None:
    """Raise TableError unless the pictures are of two classes at least.

    If the only class holds folders of pictures itself, the folder above was named: the
    message asks whether it was meant.
    """
    if len(table.classes) > 1:
        return
    raise TableError(
        f"{purpose} needs pictures of at least two classes, each in a folder of its own. "
        + (only_class(table) or f"{printable(table.root) or 'The table'} has none.")
    )


def only_class(table: ImageTable) -> str:
    """Say that all pictures are of one class, and which folder may have been meant; or ""."""
    if len(table.classes) != 1:
        return ""
    return (
        f"The pictures of {printable(table.root) or 'the table'} are of one class only, "
        f"{printable(table.classes[0])}{_meant(table)}"
    )


def class_remarks(table: ImageTable, *, singles: bool = True) -> list[str]:
    """Say which class folders are empty, hold a folder named like another class, or one picture.

    Parameters
    ----------
    table : ImageTable
        With its split, if it has one (see `with_split`).
    singles : bool
        Name also the classes of one picture.

    Returns
    -------
    list of str
        A sentence each; none if there is nothing odd.
    """
    remarks = []
    if empty := empty_classes(table):
        verb = "holds" if len(empty) == 1 else "hold"
        remarks.append(f"{', '.join(map(printable, empty))} {verb} no picture")
    inner = inner_classes(table)
    remarks += [
        f"the {n} picture{'s' * (n > 1)} in {printable(folder)} {'is' if n == 1 else 'are'} of the "
        f"class {printable(label)}, and {printable(folder.rpartition('/')[2])} is another class"
        for folder, label, n in inner[:_SHOWN]
    ]
    if len(inner) > _SHOWN:
        remarks.append(f"{len(inner) - _SHOWN} more folders are so")
    if singles and (single := [label for label, n in class_counts(table).items() if n == 1]):
        listed = ", ".join(map(printable, single))
        remarks.append(f"there is only one picture of {listed}")
    return remarks


def class_counts(table: ImageTable) -> dict[str, int]:
    """Count the pictures of each class."""
    counts = Counter(table.labels)
    return {label: counts[label] for label in table.classes}


def empty_classes(table: ImageTable) -> list[str]:
    """Find the class folders without a picture: first-level ones, or those in a part."""
    depths = {part.count("/") + 1 for part in table.splits if part is not None} or {0}
    return [name for name in table.empty if name.count("/") in depths]


def inner_classes(table: ImageTable) -> list[tuple[str, str, int]]:
    """Find the folders inside a class folder that have the name of another class.

    Returns
    -------
    list of (str, str, int)
        Folder below the root, the class of its pictures, and how many these are; sorted.
    """
    keys = {class_key(label) for label in table.classes}
    counts: Counter[tuple[str, str]] = Counter()
    for name, label in zip(table.names, table.labels, strict=True):
        pieces = name.split("/")[:-1]
        if label is None or len(pieces) < 2:
            continue
        own = class_key(label)
        below = [class_key(piece) for piece in pieces]
        at = below.index(own) + 1 if own in below else len(below)
        for depth in range(at, len(below)):
            if below[depth] in keys and below[depth] != own:
                counts["/".join(pieces[: depth + 1]), label] += 1
                break
    return [(folder, label, n) for (folder, label), n in sorted(counts.items())]


def _meant(table: ImageTable) -> str:
    """Ask whether the class folder itself was meant, if it holds folders of pictures."""
    (known,) = table.classes
    inner: set[str] = set()
    above: set[str] = set()
    for name in table.names:
        pieces = name.split("/")
        at = next((i for i, one in enumerate(pieces) if class_key(one) == class_key(known)), None)
        if at is None or at + 2 >= len(pieces):
            return "."
        above.add("/".join(pieces[: at + 1]))
        inner.add(pieces[at + 1])
    if len(inner) < 2 or len(above) != 1:
        return "."
    return f": did you mean {printable(os.path.join(table.root, above.pop()))}?"
