"""What is odd about the classes of a folder, before any picture is looked at."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from tamis.errors import printable
from tamis.splits import class_counts, empty_classes, inner_classes
from tamis.table import ImageTable, class_key

TINY: Final = 5
"""Below so many pictures a class is tiny: little can be learned, and nothing checked."""


@dataclass(frozen=True, slots=True)
class ClassFinding:
    """Something odd about classes.

    Attributes
    ----------
    kind : str
        ``empty`` (no picture), ``tiny`` (fewer than five), ``alike`` (names that differ only in
        case, accents as they are stored, or signs between words) or ``inside`` (a folder in
        one class has the name of another).
    names : tuple of str
        The classes; of ``inside`` the folder, then the class of its pictures.
    n : int
        Pictures that it is about.
    sentence : str
        Without a full stop.
    """

    kind: str
    names: tuple[str, ...]
    n: int
    sentence: str


def find_class_findings(table: ImageTable) -> tuple[ClassFinding, ...]:
    """Find what is odd about the classes of a table.

    Parameters
    ----------
    table : ImageTable
        With its split, if it has one.

    Returns
    -------
    tuple of ClassFinding
        Kinds in the order empty, tiny, alike, inside.
    """
    counts = class_counts(table)
    found = [
        ClassFinding("empty", (name,), 0, f"{printable(name)} holds no picture")
        for name in empty_classes(table)
    ]
    for label, n in counts.items():
        if n < TINY:
            plural = "s" * (n > 1)
            said = f"{printable(label)} has {n} picture{plural}, too few to check or to learn from"
            found.append(ClassFinding("tiny", (label,), n, said))
    for names, n in _alike(table, counts):
        said = " and ".join(map(_quoted, names)) + " are one name, written differently"
        found.append(ClassFinding("alike", names, n, said))
    for folder, label, n in inner_classes(table):
        said = (
            f"{printable(folder)} has the name of a class, and its {n} picture{'s' * (n > 1)} are "
            f"of the class {printable(label)}"
        )
        found.append(ClassFinding("inside", (folder, label), n, said))
    return tuple(found)


def plain_name(name: str) -> str:
    """Give the form in which names are the same to a person.

    Examples
    --------
    >>> plain_name("Red_Fox") == plain_name("red fox")
    True
    """
    words = re.split(r"[\W_]+", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(word for word in words if word) or name


def _alike(table: ImageTable, counts: dict[str, int]) -> list[tuple[tuple[str, ...], int]]:
    """Group spellings of one name, with the number of their pictures."""
    spellings: dict[str, dict[str, None]] = defaultdict(dict)
    totals: dict[str, int] = defaultdict(int)
    for label, n in counts.items():
        spellings[plain_name(label)].setdefault(label)
        totals[plain_name(label)] += n
    odd = {label for label in counts if not label.isascii()}
    for name, own in zip(table.names, table.labels, strict=True):
        if own is not None and own in odd:  # one class by its key, perhaps in several folders
            for piece in name.split("/")[:-1]:
                if class_key(piece) == class_key(own):
                    spellings[plain_name(own)].setdefault(piece)
    return [(tuple(names), totals[key]) for key, names in spellings.items() if len(names) > 1]


def _quoted(name: str) -> str:
    """Quote a name; letters beyond ASCII whose spelling alone differs are shown by number."""
    shown = printable(name)
    return f"'{shown}'" if unicodedata.is_normalized("NFC", name) else f"'{shown}' (decomposed)"
