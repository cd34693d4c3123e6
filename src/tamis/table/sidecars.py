"""Sidecars: files that are not pictures but go with one, such as its XMP or live video."""

import os
from collections import defaultdict
from collections.abc import Iterable

from tamis.images import SUFFIXES


def find_sidecars(pictures: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Find the files that go with pictures by their name.

    ``cat.jpg.xmp`` and ``cat.xmp`` go with ``cat.jpg``, as do ``cat.MOV``, ``cat.AAE``,
    ``cat.CR3`` and ``cat.jpg.supplemental-metadata.json``: files in the same folder that have
    the picture's whole name before a dot, or its name without the suffix before their own suffix.

    Parameters
    ----------
    pictures : iterable of str
        Paths. What is among them is never a sidecar.

    Returns
    -------
    dict from str to tuple of str
        Picture to the paths of its sidecars, sorted. Pictures without are left out.

    Notes
    -----
    Only plain files count, neither links nor hidden ones, and none whose name says that
    it is a picture (``cat.png`` beside ``cat.jpg`` has a place of its own). If several
    pictures have one name but for the suffix (``cat.DNG``, ``cat.jpg``), a file with that
    name goes with the first of them in the order of names.
    """
    folders: dict[str, set[str]] = defaultdict(set)
    for path in pictures:
        folder, name = os.path.split(path)
        folders[folder].add(name)
    found: dict[str, tuple[str, ...]] = {}
    for folder, names in folders.items():
        stems: dict[str, str] = {}
        for name in sorted(names, reverse=True):
            stems[os.path.splitext(name)[0]] = name
        sidecars: dict[str, list[str]] = defaultdict(list)
        for other in _others(folder, names):
            owner = _whole(other, names) or stems.get(os.path.splitext(other)[0])
            if owner is not None:
                sidecars[owner].append(os.path.join(folder, other))
        for owner, paths in sidecars.items():
            found[os.path.join(folder, owner)] = tuple(sorted(paths))
    return found


def _whole(other: str, names: set[str]) -> str | None:
    """Return the picture whose whole name, followed by a dot, begins another name."""
    dots = [place for place, letter in enumerate(other) if letter == "."]
    return next((other[:dot] for dot in reversed(dots) if other[:dot] in names), None)


def name_beside(sidecar: str, picture: str, placed: str) -> str:
    """Return the name of a sidecar beside a picture that has got another name.

    Examples
    --------
    >>> name_beside("cat.jpg.xmp", "cat.jpg", "cat-2.jpg")
    'cat-2.jpg.xmp'
    >>> name_beside("cat.MOV", "cat.jpg", "cat-2.jpg")
    'cat-2.MOV'
    """
    if sidecar.startswith(picture + "."):
        return placed + sidecar[len(picture) :]
    return os.path.splitext(placed)[0] + sidecar[len(os.path.splitext(picture)[0]) :]


def _others(folder: str, pictures: set[str]) -> list[str]:
    """List the plain files of a folder that are not pictures."""
    try:
        with os.scandir(folder or os.curdir) as entries:
            return [
                entry.name
                for entry in entries
                if entry.name not in pictures
                and not entry.name.startswith(".")
                and os.path.splitext(entry.name)[1].lower() not in SUFFIXES
                and entry.is_file(follow_symlinks=False)
            ]
    except OSError:  # gone meanwhile, or may not be listed: its pictures say so themselves
        return []
