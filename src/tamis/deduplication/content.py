"""Pictures that are there twice: which files have the same content, and who shares them.

A picture that is learned from and scored makes the score worthless. Files are told to be
equal by their content: a hard link or a link to the same file costs a look at its name;
of the others only those of the same size are read.
"""

import os
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import ImageReadError
from tamis.images import digest_of
from tamis.table import ImageTable

_SAMPLE: Final = 64
_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Overlap:
    """Pictures of one list that another list holds too.

    Attributes
    ----------
    by_path : mapping from str to str
        Each that is the same file by its path, to the path in the other list.
    by_content : mapping from str to str
        Each other one whose content is the same, to the first such path in the other list.

    Examples
    --------
    >>> shared = tamis.Overlap(by_path={"a.jpg": "a.jpg"}, by_content={"b.jpg": "copy.jpg"})
    >>> len(shared), "b.jpg" in shared
    (2, True)
    """

    by_path: Mapping[str, str] = field(default_factory=dict)
    by_content: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.by_path) + len(self.by_content)

    def __contains__(self, path: str) -> bool:
        return path in self.by_path or path in self.by_content

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain types, for JSON."""
        pairs = {**self.by_path, **self.by_content}
        return {
            "n_images": len(self),
            "n_by_path": len(self.by_path),
            "n_by_content": len(self.by_content),
            "images": [{"path": path, "same_as": other} for path, other in pairs.items()],
        }


def overlap(paths: Sequence[str], others: Sequence[str]) -> Overlap:
    """Find the pictures of one list that another list holds too, by path or by content.

    A file that cannot be read is compared by its path only.

    Parameters
    ----------
    paths : sequence of str
        Such as those of test pictures.
    others : sequence of str
        Such as those of examples.

    Examples
    --------
    >>> paths = tamis.open("photos").table.paths
    >>> len(tamis.overlap(paths, paths[:2]))
    2
    """
    known = {os.path.abspath(other): other for other in reversed(others)}
    by_path = {path: known[at] for path in paths if (at := os.path.abspath(path)) in known}
    rest = [path for path in paths if path not in by_path]
    contents = _contents([*rest, *others]).tolist() if rest else []
    first: dict[int, str] = {}
    for other, content in zip(others, contents[len(rest) :], strict=bool(rest)):
        first.setdefault(content, other)
    by_content = {
        path: first[content]
        for path, content in zip(rest, contents, strict=False)
        if content >= 0 and content in first
    }
    return Overlap(by_path, by_content)


def copies(paths: Sequence[str]) -> list[list[int]]:
    """Group the files that have the same content.

    Returns
    -------
    list of list of int
        Positions in `paths`, two or more in each group; in the order of `paths`.

    Examples
    --------
    >>> paths = tamis.open("photos").table.paths
    >>> tamis.copies([*paths, paths[0]])
    [[0, 6]]
    """
    contents = _contents(paths)
    known = contents >= 0
    times = np.bincount(contents[known], minlength=1)
    groups: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(known & (times[contents] > 1)).tolist():
        groups[int(contents[row])].append(row)
    return list(groups.values())


def with_copies_together(table: ImageTable) -> tuple[ImageTable, list[list[int]]]:
    """Put pictures with the same content into one group, joined with the groups that are there.

    Parameters
    ----------
    table : ImageTable

    Returns
    -------
    table : ImageTable
        The same with its groups; the same table if nothing is there twice.
    copies : list of list of int
        As `copies` gives them.
    """
    found = copies(table.paths)
    if not found:
        return table, []
    joined = list(range(len(table)))  # each row leads to an earlier one of its group, or itself

    def first_of(row: int) -> int:
        while joined[row] != row:
            joined[row] = joined[joined[row]]
            row = joined[row]
        return row

    named: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(table.groups):
        if group is not None:
            named[group].append(row)
    for rows in (*named.values(), *found):
        for row in rows[1:]:
            one, other = sorted((first_of(rows[0]), first_of(row)))
            joined[other] = one
    members: dict[int, list[int]] = defaultdict(list)
    for row in range(len(table)):
        members[first_of(row)].append(row)
    names, groups = table.names, list(table.groups)
    for rows in members.values():
        if len(rows) > 1:
            # By a name, not by the content: chance is to come from names alone.
            own = [group for row in rows if (group := table.groups[row]) is not None]
            label = min(own) if own else f"copies of {min(names[row] for row in rows)}"
            for row in rows:
                groups[row] = label
    return replace(table, groups=tuple(groups)), found


def _contents(paths: Sequence[str]) -> npt.NDArray[np.int64]:
    """Give each file a number, equal for equal content; -1 if it cannot be read.

    Of files of one size a few bytes are read first, and all of those that share them only. Of a
    million files some 50 bytes each are kept.
    """
    n = len(paths)
    device, number = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    size = np.full(n, -1, np.int64)  # -1 of what is no regular file
    here = np.zeros(n, bool)
    unnumbered: dict[str, int] = {}
    for row, path in enumerate(paths):
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            continue
        here[row] = True
        device[row], number[row] = found.st_dev & _WORD, found.st_ino & _WORD
        if not found.st_ino:  # some file systems number no files
            number[row] = unnumbered.setdefault(os.path.realpath(path), len(unnumbered))
            device[row] = _WORD
        if stat.S_ISREG(found.st_mode):
            size[row] = found.st_size
    contents = np.full(n, -1, np.int64)
    rows = np.flatnonzero(here)
    if not len(rows):
        return contents
    # Each file once, however often it is named.
    first, file = _numbered(device[rows], number[rows])
    own, sizes = rows[first], size[rows[first]]
    sample = np.zeros(len(own), np.int64)
    for place in _shared(sizes):
        sample[place] = hash(_sample(paths[own[place]], int(sizes[place])))
    content = np.arange(len(own))
    same: dict[bytes, int] = {}
    _, alike = _numbered(sizes, sample)
    for place in _shared(alike):
        digest = _digest(paths[own[place]])
        content[place] = -1 if digest is None else same.setdefault(digest, place)
    contents[rows] = content[file]
    return contents


def _numbered(*keys: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Find the different rows of some columns: the first of each, and the number of every row."""
    order = np.lexsort(keys[::-1])
    new = np.ones(len(order), bool)
    new[1:] = np.any([key[order[1:]] != key[order[:-1]] for key in keys], axis=0)
    numbers = np.empty(len(order), np.intp)
    numbers[order] = np.cumsum(new) - 1
    return order[new], numbers


def _shared(values: npt.NDArray[Any]) -> list[int]:
    """List the places of values that occur more than once."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return list(np.flatnonzero(counts[inverse] > 1).tolist())


def _sample(path: str, size: int) -> bytes:
    """Read a few bytes from the middle of a regular file; nothing if that cannot be done."""
    if size < 0:
        return b""
    try:
        with open(path, "rb", buffering=0) as file:
            file.seek(size // 2)
            return file.read(_SAMPLE)
    except OSError:
        return b""


def _digest(path: str) -> bytes | None:
    try:
        return digest_of(path)
    except ImageReadError:
        return None
