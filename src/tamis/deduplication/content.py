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

from tamis.errors import ImageReadError
from tamis.images import digest_of
from tamis.table import ImageTable

_SAMPLE: Final = 64


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
    contents = _contents([*rest, *others]) if rest else []
    first: dict[object, str] = {}
    for other, content in zip(others, contents[len(rest) :], strict=bool(rest)):
        if content is not None:
            first.setdefault(content, other)
    by_content = {
        path: first[content]
        for path, content in zip(rest, contents, strict=False)
        if content is not None and content in first
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
    groups: dict[object, list[int]] = defaultdict(list)
    for row, content in enumerate(_contents(paths)):
        if content is not None:
            groups[content].append(row)
    return [rows for rows in groups.values() if len(rows) > 1]


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


def _contents(paths: Sequence[str]) -> list[object]:
    """Something for each file that is equal for equal content; None if it cannot be read.

    Of files of one size a few bytes are read first, and all of those that they share only.
    """
    files: list[object] = []
    place: dict[object, tuple[str, int]] = {}  # each file once, however often it is named
    for path in paths:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            files.append(None)
            continue
        # Some file systems number no files.
        file: object = (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)
        files.append(file)
        place.setdefault(file, (path, found.st_size if stat.S_ISREG(found.st_mode) else -1))
    of_size: dict[int, list[object]] = defaultdict(list)
    for own, (_, size) in place.items():
        of_size[size].append(own)
    alike: dict[tuple[int, bytes], list[object]] = defaultdict(list)
    for size, same in of_size.items():
        for own in same:
            alike[size, _sample(*place[own]) if len(same) > 1 else b""].append(own)
    contents: dict[object, object] = {}
    for same in alike.values():
        for own in same:
            contents[own] = own if len(same) == 1 else _digest(place[own][0])
    return [None if file is None else contents[file] for file in files]


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
