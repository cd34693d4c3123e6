"""Names in the folders of a result: which are there with which bytes, which are free."""

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Sequence, Set
from itertools import count

from tamis.files.names import TakenNames, numbered
from tamis.files.transfer import Mode, same_file
from tamis.table.sidecars import name_beside


class Names:
    """Names in the class folders of a result.

    Work grows with the number of files, not with its square, however many have one name.

    Parameters
    ----------
    out : str
    mode : Mode
    settled : set of str
        Places below `out` that are known to be of some picture: not of another.
    """

    def __init__(self, out: str, mode: Mode, settled: Set[str] = frozenset()) -> None:
        self._out = out
        self._mode = mode
        self._settled = settled
        self._taken = TakenNames(out)
        self._next: dict[tuple[str, str], int] = {}
        self._present: dict[str, dict[int | str, list[str]]] = {}

    def find(self, path: str, label: str) -> str:
        """Find the name under which the bytes of a picture lie in a class folder already."""
        if label not in self._present:
            self._present[label] = self._listed(label)
        key = os.path.realpath(path) if self._mode is Mode.SYMLINK else os.stat(path).st_size
        wanted = os.path.basename(path)
        alike = self._present[label].get(key, [])
        for name in alike:
            if _is_numbered(name, wanted) and self.holds(path, label, name):
                alike.remove(name)  # the next of this name is likely the next in the list
                alike.append(name)
                return name
        return ""

    def holds(self, path: str, label: str, name: str) -> bool:
        """Tell whether a file of the result is what placing `path` there would give."""
        target = os.path.join(self._out, label, name)
        if self._mode is Mode.SYMLINK:
            return os.path.islink(target) and os.path.realpath(target) == os.path.realpath(path)
        return os.path.isfile(target) and same_file(path, target)

    def take(self, path: str, label: str, sidecars: Sequence[str]) -> str:
        """Take a name for a picture under which its sidecars can have theirs, and take those."""
        wanted = os.path.basename(path)
        for number in count(self._next.get((label, wanted), 1)):
            name = wanted if number == 1 else numbered(wanted, number)
            others = [name_beside(os.path.basename(one), wanted, name) for one in sidecars]
            if self._taken.take_all(label, [name, *others]):
                break
        self._next[label, wanted] = number + 1
        return name

    def take_one(self, label: str, name: str) -> bool:
        """Take a name in a class folder; False if it is taken already."""
        return self._taken.take(label, name)

    def _listed(self, label: str) -> dict[int | str, list[str]]:
        """Group the files in a class folder by what tells most of them apart."""
        found: dict[int | str, list[str]] = defaultdict(list)
        folder = os.path.join(self._out, label)
        names = os.listdir(folder) if os.path.isdir(folder) else []
        for name in sorted(names, key=lambda name: (len(name), name)):
            target = os.path.join(folder, name)
            if f"{label}/{name}" in self._settled:
                continue
            if self._mode is not Mode.SYMLINK:
                with contextlib.suppress(OSError):  # a link to nothing
                    found[os.stat(target).st_size].append(name)
            elif os.path.islink(target):
                found[os.path.realpath(target)].append(name)
        return found


def _is_numbered(name: str, wanted: str) -> bool:
    """Tell whether a file name is another one, with or without a number."""
    if name == wanted:
        return True
    number = re.search(r"-(\d{1,9})$", os.path.splitext(name)[0]) or re.search(r"-(\d{1,9})$", name)
    return number is not None and numbered(wanted, int(number[1])) == name
