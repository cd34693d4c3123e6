"""Images that belong together: duplicates, the groups of a list, the tenths of a folder."""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tamis.dataset.dataset import Dataset, Source
from tamis.deduplication import (
    DEFAULT_KINDS,
    Duplicates,
    add_decisions,
    decisions_file,
    find_duplicates,
    read_decisions,
)
from tamis.deduplication.finding import Stages
from tamis.errors import InvalidParameterError
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.splits.labels import with_groups
from tamis.table import ImageTable

DUPLICATES: Final = "duplicates"
TENTHS: Final = "tenths"
WORDS: Final = (DUPLICATES, TENTHS)
"""What `grouped` makes groups by; all else names a list."""
_PARTS: Final = 10


def duplicates(
    source: Source | Dataset,
    *,
    kinds: Sequence[str] = DEFAULT_KINDS,
    apart: Sequence[tuple[str, str]] = (),
    decisions: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    stages: Stages | None = None,
) -> Duplicates:
    """Find pictures that are there again, in the same or in another form.

    Parameters
    ----------
    source : str, os.PathLike, sequence of paths, ImageTable or Dataset
    kinds : sequence of {"copy", "same", "mirrored", "turned", "burst"}
        Byte copies; the same picture saved anew, smaller, brighter, a little cut, grey, with a
        caption; mirrored; turned by about 10 or by 90, 180 or 270 degrees; and neighbours, such
        as the next shot of a burst.
    apart : sequence of (str, str)
        Pairs that are two pictures, by their paths. They are written to `decisions`, and are
        not put into one group again.
    decisions : str or os.PathLike, optional
        File of such decisions; ``photos-duplicates.csv`` beside a folder ``photos`` by default.
    jobs, max_pixels
        As `tamis.features.extract` takes them.
    stages : callable, optional
        Told of the work, as ``tamis.cli.progress.progress`` is.

    Returns
    -------
    Duplicates
        Its groups; `tamis.keep_best` plans to move all but the best of each.

    Raises
    ------
    UnknownNameError
        There is no such kind.
    InvalidParameterError
        `apart` names a picture that is not there.

    Examples
    --------
    >>> import shutil
    >>> _ = shutil.copytree("photos", "photos/again")
    >>> found = tamis.duplicates("photos", kinds=["copy"])
    >>> found
    Duplicates(6 groups (6 copy) among 12 images)
    >>> found.groups[0].kind, len(found.groups[0].others)
    ('copy', 1)
    """
    opened = Dataset.open(source)
    file = decisions
    if file is None and os.path.isdir(opened.source):
        file = decisions_file(opened.source)
    if apart and file is None:
        raise InvalidParameterError(
            "decisions need a file where the source is no folder. Name one: decisions."
        )
    decided = read_decisions(file)
    if apart and file is not None:
        decided = add_decisions(file, apart, opened.table)
    return find_duplicates(
        opened.table, kinds=kinds, decided=decided, jobs=jobs, max_pixels=max_pixels, stages=stages
    )


def grouped(
    source: Source | Dataset,
    by: str | os.PathLike[str] | Duplicates,
    *,
    stages: Stages | None = None,
) -> Dataset:
    """Put the images of a source into groups, which are not torn apart.

    `tamis.split` keeps a group in one part. `tamis.train` leaves the images of a group out together
    where it answers for examples by fits without them, so that confidences and promises hold for
    pictures of another burst, another season or another camera.

    Parameters
    ----------
    source : str, os.PathLike, sequence of paths, ImageTable or Dataset
    by : str, os.PathLike or Duplicates
        A CSV file with the columns path,group, paths below the root; what `duplicates` found;
        ``"duplicates"``, which finds them, bursts included; or ``"tenths"``: each tenth of a
        folder, by the order of the names, which is that of time for most cameras.
    stages : callable, optional
        Told of the search for duplicates.

    Returns
    -------
    Dataset
        With these groups in place of others that it had.

    Raises
    ------
    TableError
        The list cannot be read, or names an image that is not in the source.

    Examples
    --------
    >>> images = tamis.grouped("examples", "tenths")
    >>> len(set(images.table.groups))
    15
    >>> model = tamis.train(images, by="moments", classifier="discriminant")
    """
    images = Dataset.open(source)
    if by == TENTHS:
        table = replace(images.table, groups=tuple(_tenths(images.table)))
        return images.having(table)
    if by == DUPLICATES:
        by = duplicates(images, stages=stages)
    if isinstance(by, Duplicates):
        together = by.together()
        groups = tuple(together.get(path) for path in images.table.paths)
        return images.having(replace(images.table, groups=groups))
    return images.having(with_groups(images.table, by))


def _tenths(table: ImageTable) -> list[str]:
    """Name the tenth of its folder in which each image lies, by the order of the names."""
    folders: dict[str, list[int]] = defaultdict(list)
    names = table.names
    for row, name in enumerate(names):
        folders[os.path.dirname(name)].append(row)
    groups = [""] * len(table)
    for folder, rows in folders.items():
        rows.sort(key=lambda row: _by_number(names[row]))
        for place, row in enumerate(rows):
            groups[row] = f"tenth {place * _PARTS // len(rows)} of {folder}"
    return groups


def _by_number(name: str) -> list[str | int]:
    """Order names as people do: IMG_9 before IMG_10."""
    words = re.split(r"([0-9]+)", name)
    return [int(word) if place % 2 else word for place, word in enumerate(words)]
