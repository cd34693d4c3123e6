"""What a review looks at pictures by, and where their vectors are kept."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tamis.dataset import Dataset, index
from tamis.descriptors import Descriptor, descriptor
from tamis.errors import TamisError
from tamis.model import Model
from tamis.store.checking import names_outside


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a review looks at pictures by, and where it keeps what it computes.

    Attributes
    ----------
    photos : Dataset
    examples : Dataset or None
    model : Model or None
        Given instead of examples.
    by : Descriptor
    classifier : str
    folder : Path
        Of this review.
    collection : str
        Where the vectors of the photos are kept.
    jobs : int or None
    max_pixels : int
    """

    photos: Dataset
    examples: Dataset | None
    model: Model | None
    by: Descriptor
    classifier: str
    folder: Path
    collection: str
    jobs: int | None
    max_pixels: int


def rows_of(dataset: Dataset, paths: tuple[str, ...]) -> list[int]:
    """Find the rows of some paths in a dataset."""
    wanted = set(paths)
    return [row for row, path in enumerate(dataset.table.paths) if path in wanted]


def can_be_kept(images: Dataset, by: Descriptor) -> bool:
    """Tell whether a collection can hold the vectors.

    It can if their spec says all of them, and all images lie below the root of the source: a
    list may name others.
    """
    if names_outside(images.table.names):
        return False
    try:
        return all(descriptor(leaf.spec).spec == leaf.spec for leaf in by.leaves)
    except TamisError:
        return False


def holds(photos: Dataset, by: Descriptor) -> bool:
    """Tell whether the collection of a dataset has the vectors."""
    held = () if photos.collection is None else photos.collection.specs
    return all(leaf.spec in held for leaf in by.leaves)


def indexed(
    source: Dataset, place: str | Path, by: Descriptor, *, progress: Any, jobs: Any, max_pixels: int
) -> Dataset:
    """Keep vectors in a collection; gives the same images as read from there."""
    collection = index(
        replace(source, collection=None),
        place,
        by=[leaf.spec for leaf in by.leaves],
        jobs=jobs,
        max_pixels=max_pixels,
        progress=progress,
    )
    return replace(source, collection=collection)
