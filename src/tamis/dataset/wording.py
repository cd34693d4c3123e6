"""Search by words: the images of a source that show what a few words name."""

import os
from collections.abc import Sequence, Set
from typing import Any, Protocol, Unpack

import numpy as np
import numpy.typing as npt

from tamis.dataset.dataset import Dataset
from tamis.descriptors import descriptor
from tamis.errors import CollectionError, printable
from tamis.features import FeatureTable, Reading
from tamis.features.index import Matches
from tamis.images import promises_picture
from tamis.words import NETWORKS, WordIndex


def are_words(query: object, gallery: Dataset) -> bool:
    """Tell whether a query is words: a text that looks like no path, and names no file.

    Examples
    --------
    >>> photos = Dataset.open(["a.jpg"])
    >>> are_words("a red fox", photos), are_words("fox.jpg", photos)
    (True, False)
    """
    if not isinstance(query, str) or not query.strip() or "/" in query or os.sep in query:
        return False
    if promises_picture(query):
        return False
    return not any(map(os.path.lexists, (query, os.path.join(gallery.table.root, query))))


class Taught(Protocol):
    """What examples have taught of images, as `tamis.Predictions` has it."""

    @property
    def paths(self) -> Sequence[str]:
        """The images."""

    @property
    def classes(self) -> Sequence[str]:
        """The classes."""

    @property
    def probabilities(self) -> npt.NDArray[Any]:
        """Of each image and class."""


def search_by_words(
    gallery: Dataset,
    query: str,
    k: int,
    *,
    taught: Taught | None = None,
    classes: Set[str] | None = None,
    parts: Set[str] | None = None,
    **reading: Unpack[Reading],
) -> Matches:
    """Find the images that show what words name; as `search`.

    Parameters
    ----------
    gallery : Dataset
    query : str
        In English, or the name of a class that is taught.
    k : int
    taught : Predictions, optional
        Answers of a model for the images of the gallery.
    classes, parts : set of str, optional
        Find only images of these.
    **reading
        As `search` takes them.

    Returns
    -------
    Matches
        A distance is how far the score of an image lies below the best, in standard deviations
        over all images.

    Raises
    ------
    InvalidParameterError
        The words are not known.
    CollectionError
        The collection lacks the vectors of the networks, and its images are not there.
    MissingExtraError
        The extra ``words`` is not installed.
    """
    names = _networks(gallery)
    tables = gallery.features_by([descriptor(name) for name in names], **reading)
    known = tables[0]
    if not len(known):
        raise CollectionError(f"none of the pictures of {printable(gallery.source)} can be read.")
    index = WordIndex({name: table.features for name, table in zip(names, tables, strict=True)})
    answer = index.search(query, None if taught is None else _probabilities(taught, known.paths))
    kept = _kept(gallery, known, classes, parts)
    order = kept[np.argsort(-answer.scores[kept], kind="stable")][:k]
    best = float(answer.scores[kept].max()) if len(kept) else 0.0
    return Matches(
        order[np.newaxis],
        (best - answer.scores[order])[np.newaxis],
        known.paths,
        known.labels,
        len(known),
        {
            "descriptor": "+".join(names),
            "distance": "words",
            "search": "exact",
            "words": query,
            "nearest_labels": "; ".join(answer.labels),
            "likeness": round(answer.likeness, 3),
            "doubtful": answer.doubtful,
            "taught": answer.taught,
        },
        known.failures,
    )


def _probabilities(
    taught: Taught, paths: Sequence[str]
) -> dict[str, npt.NDArray[np.floating[Any]]]:
    """Give the probabilities of each class for images in an order; 0 for those not answered."""
    row_of = {path: row for row, path in enumerate(taught.paths)}
    rows = np.array([row_of.get(path, -1) for path in paths], np.intp)
    table = np.vstack([taught.probabilities, np.zeros((1, len(taught.classes)))])
    return {name: table[rows, column] for column, name in enumerate(taught.classes)}


def _networks(gallery: Dataset) -> list[str]:
    """Name the networks whose vectors a collection holds; all, to be computed, if it holds none."""
    held = set() if gallery.collection is None else set(gallery.collection.specs)
    return [name for name in NETWORKS if descriptor(name).spec in held] or list(NETWORKS)


def _kept(
    gallery: Dataset, known: FeatureTable, classes: Set[str] | None, parts: Set[str] | None
) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    part_of = dict(zip(gallery.table.paths, gallery.table.splits, strict=True))
    rows = [
        row
        for row, (path, label) in enumerate(zip(known.paths, known.labels, strict=True))
        if (classes is None or label in classes) and (parts is None or part_of[path] in parts)
    ]
    return np.array(rows, np.intp)
