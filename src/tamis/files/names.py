"""Names of files and folders that can be written, and that do not collide."""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Final

from tamis.errors import TableError, printable

_MAX_BYTES: Final = 255


def normal_form(name: str) -> str:
    """Return a name in Unicode form NFC, under which equal names are equal."""
    return unicodedata.normalize("NFC", name)


def folder_name(label: str) -> str:
    """Return a class label, if a folder can have it as its name.

    Raises
    ------
    TableError
        It cannot, or the folder would be hidden or lie elsewhere.
    """
    reason = ""
    if not label or label != label.strip():
        reason = "is empty, or begins or ends with a blank"
    elif label.startswith("."):
        reason = "begins with a dot, which hides a folder"
    elif any(c in label for c in "/\\\0"):
        reason = "holds a slash, a backslash or a zero byte"
    elif len(os.fsencode(label)) > _MAX_BYTES:
        reason = f"is longer than {_MAX_BYTES} bytes"
    if reason:
        raise TableError(
            f"the class {printable(label)!r} cannot become a folder: it {reason}. Rename the class."
        )
    return label


def existing_folders(root: str, labels: Iterable[str]) -> dict[str, str]:
    """Give each class the name of its folder below a root.

    That is the class itself, unless there is a folder of its name whose accents are stored
    otherwise: a class is one folder.
    """
    on_disk = os.listdir(root) if os.path.isdir(root) else []
    by_key = {normal_form(name): name for name in on_disk}
    return {
        label: label if label in on_disk else by_key.get(normal_form(label), label)
        for label in labels
    }


def numbered(name: str, number: int) -> str:
    """Give a file name a number before its suffix, within 255 bytes.

    Examples
    --------
    >>> numbered("cat.jpg", 2)
    'cat-2.jpg'
    """
    stem, suffix = os.path.splitext(name)
    room = _MAX_BYTES - len(os.fsencode(f"-{number}{suffix}"))
    if room < 1:  # what follows the dot is no suffix, but most of the name
        stem, suffix = name, ""
        room = _MAX_BYTES - len(f"-{number}")
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return f"{stem}-{number}{suffix}"


class TakenNames:
    """The names that are taken in folders, some on disk and some only planned.

    Names that differ in case or in how accents are stored are one name on many
    systems, so they count as one here.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._taken: dict[str, set[str]] = {}
        self._next: dict[tuple[str, str], int] = {}  # numbers below are taken

    def take(self, folder: str, name: str) -> bool:
        """Take a name in a folder below the root; False if it is taken already."""
        return self.take_all(folder, [name])

    def take_all(self, folder: str, wanted: Sequence[str]) -> bool:
        """Take several names in a folder, or none: False if one is taken already."""
        names = self._taken.get(folder)
        if names is None:
            path = os.path.join(self._root, folder)
            on_disk = os.listdir(path) if os.path.isdir(path) else []
            names = self._taken[folder] = {_key(other) for other in on_disk}
        keys = {_key(name) for name in wanted}
        if keys & names:
            return False
        names |= keys
        return True

    def take_free(self, folder: str, name: str) -> str:
        """Take a name, with a number if it needs one, and return it."""
        if self.take(folder, name):
            return name
        key = folder, _key(name)
        for number in count(self._next.get(key, 2)):
            candidate = numbered(name, number)
            if self.take(folder, candidate):
                self._next[key] = number + 1
                return candidate
        raise AssertionError


def _key(name: str) -> str:
    return normal_form(name).casefold()
