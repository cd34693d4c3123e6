"""Search: the images of a source that look most like some other images."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from tamis.dataset.dataset import Dataset, Source
from tamis.dataset.defaults import default_descriptor
from tamis.dataset.wording import Taught, are_words, search_by_words
from tamis.descriptors import Descriptor, descriptor
from tamis.distances import check_distance
from tamis.errors import CollectionError, ImageReadError, InvalidParameterError, printable
from tamis.features import FeatureTable, Reading, combine, extract_several
from tamis.features.index import Index, Matches, check_combination
from tamis.store import Approximate
from tamis.table import ImageTable

Pixels = npt.NDArray[np.uint8]
Query = str | os.PathLike[str] | Pixels


def search(
    source: Source | Dataset,
    queries: Query | Sequence[Query],
    k: int = 10,
    *,
    by: str | Descriptor = "",
    distance: str = "",
    combine: str = "average",
    unlike: Query | Sequence[Query] = (),
    classes: Sequence[str] | None = None,
    parts: str | Sequence[str] | None = None,
    approximate: bool = False,
    sample: int = 0,
    taught: Taught | None = None,
    **reading: Unpack[Reading],
) -> Matches:
    """Find the images of a source that look most like others, or show what words name.

    Parameters
    ----------
    source : str, os.PathLike, sequence of paths, ImageTable or Dataset
        What `tamis.dataset.Dataset.open` opens. Of a collection the stored vectors are read.
    queries : path or ndarray of shape (height, width, 3), uint8, or a sequence of these
        An image of the source is not among its own results. A text that names no file, such as
        ``a red fox``, is searched for by its meaning (extra ``words``).
    k : int
        Images to find; all, if there are fewer.
    by : str or Descriptor
        By default what `default_by` gives: ``auto``, or what a collection holds instead.
    distance : str
        The default of the descriptor if empty.
    combine : {"average", "best"}
        Of several queries, search for the average of the vectors, or let the distance of an
        image be the smallest to any query.
    unlike : path, ndarray, or a sequence of these
        Images that the results should not look like, as `tamis.Index.search` takes them; not
        among the results.
    classes, parts : sequence of str, optional
        Find only images of these classes, or of these parts of a split.
    approximate : bool
        Take candidates from the approximate index of a collection; their distances are exact.
    sample : int
        With `approximate`: measure recall on so many stored images; it stands in the signature.
    taught : Predictions, optional
        With words: answers of a model for the source, so that its classes are found by name.
    **reading
        ``jobs``, ``max_pixels``, ``icc``, ``progress``, as `tamis.features.extract` takes them.

    Returns
    -------
    Matches
        A single row of results, nearest first.

    Raises
    ------
    ImageReadError
        A query cannot be read.
    CollectionError
        The collection has no approximate index by this descriptor.
    InvalidParameterError
        Words are not known, or stand beside what does not go with them.

    Examples
    --------
    >>> query = tamis.open("photos").table.paths[0]
    >>> matches = tamis.search("examples", query, k=3, by="moments")
    >>> matches
    Matches(3 nearest of 1 query)
    >>> [hit.label for hit in matches]
    ['bars', 'bars', 'bars']
    """
    check_combination(combine)
    if distance:
        check_distance(distance)
    gallery = Dataset.open(source)
    several, others = _several(queries), _several(unlike)
    # All of these may be wrong: before the long work.
    wanted = None if not classes else frozenset(gallery.select(classes=classes).classes)
    taken = None if parts is None else frozenset(gallery.parts_named(parts))
    if words := [query for query in several if are_words(query, gallery)]:
        if len(several) > 1 or others or approximate or distance or by:
            raise InvalidParameterError(
                f"{printable(str(words[0]))}: there is no such file. A query is an image, named by "
                "its path, or words. Words are searched for alone: without other queries, --by, "
                "--unlike, --distance or --approximate."
            )
        return search_by_words(
            gallery, str(words[0]), k, classes=wanted, parts=taken, taught=taught, **reading
        )
    if taught is not None:
        raise InvalidParameterError("what a model has taught is for a search by words alone.")
    by = _descriptor(gallery, by)
    asked = _Asked.of(gallery, several, by, reading)
    if others:
        if approximate:
            raise InvalidParameterError(
                "an approximate index has no candidates for a contrast. Search without "
                "--approximate, or without --unlike."
            )
        contrast = _Asked.of(gallery, others, by, reading)
    else:
        contrast = None
    if approximate:
        return _approximate(
            gallery, asked, by, k, distance, combine, wanted, taken, sample, reading
        )
    return _exact(gallery, asked, contrast, by, k, distance, combine, wanted, taken, reading)


def _several(queries: Query | Sequence[Query]) -> list[Query]:
    return [queries] if isinstance(queries, str | os.PathLike | np.ndarray) else list(queries)


def _descriptor(gallery: Dataset, by: str | Descriptor) -> Descriptor:
    if isinstance(by, Descriptor):
        return by
    return descriptor(by) if by else default_descriptor(gallery)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Queries: those that are images of the gallery, by their path in it, and the others."""

    inside: tuple[str, ...]
    outside: list[FeatureTable]  # by each leaf of the descriptor

    @classmethod
    def of(
        cls, gallery: Dataset, queries: Sequence[Query], by: Descriptor, reading: Reading
    ) -> "_Asked":
        paths = [os.fspath(query) for query in queries if not isinstance(query, np.ndarray)]
        images = [query for query in queries if isinstance(query, np.ndarray)]
        inside = _inside(gallery.table, paths)
        rest = tuple(path for path in paths if path not in inside)
        for path in rest:
            if not os.path.lexists(path):
                raise ImageReadError(path, _no_query(path, gallery))
        table = ImageTable(rest, (None,) * len(rest), (None,) * len(rest))
        quiet: Any = {key: value for key, value in reading.items() if key != "progress"}
        outside = extract_several(table, by.leaves, **quiet)
        for failure in outside[0].failures:
            raise ImageReadError(failure.path, failure.reason)
        if images:
            outside = [
                replace(
                    found,
                    paths=(*found.paths, *("",) * len(images)),
                    labels=(*found.labels, *(None,) * len(images)),
                    features=np.concatenate([found.features, leaf.describe(images)]),
                )
                for leaf, found in zip(by.leaves, outside, strict=True)
            ]
        return cls(tuple(inside.values()), outside)


def _no_query(path: str, gallery: Dataset) -> str:
    below = os.path.join(gallery.table.root, path)
    if os.path.lexists(below):
        return f"there is no such file. Did you mean {printable(below)}?"
    return "there is no such file. A query is an image, named by its path, or words."


def _inside(table: ImageTable, queries: Sequence[str]) -> dict[str, str]:
    """Find the queries that are images of a table: each to the path that it has there."""
    names = {
        query: {os.path.basename(os.path.abspath(query)), os.path.basename(os.path.realpath(query))}
        for query in queries
    }
    ends = tuple({name for each in names.values() for name in each})
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in table.paths:
        if path.endswith(ends):  # of a million few are left
            by_name[os.path.basename(path)].append(path)
    found = {}
    for query in queries:
        namesakes = [path for name in names[query] for path in by_name[name]]
        # By another way: through a link, on either side.
        for place in (os.path.abspath, os.path.realpath):
            known = next((path for path in namesakes if place(path) == place(query)), None)
            if known is not None:
                found[query] = known
                break
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A gallery that has been read, and is ready to be searched."""

    key: tuple[str, str]
    by: Descriptor
    index: Index
    row_of: dict[str, int]

    @classmethod
    def of(cls, gallery: Dataset, by: Descriptor, distance: str, reading: Reading) -> "_Ready":
        """Read a gallery, or take what was read of it last.

        What lies in a collection is kept as long as the dataset is: opened once, it may be asked
        many times. Pictures in a folder may have changed.
        """
        key = (by.spec, distance)
        kept = _KEPT.get(gallery)
        if kept is not None and kept.key == key:
            return kept
        fitted, vectors = gallery.fit(by, distance=distance, **reading)
        row_of = {path: i for i, path in enumerate(vectors.paths)}
        ready = cls(key, fitted, Index(vectors), row_of)
        stored = gallery.collection.specs if gallery.collection is not None else ()
        if all(leaf.spec in stored for leaf in by.leaves):
            _KEPT[gallery] = ready
        return ready


_KEPT: "WeakKeyDictionary[Dataset, _Ready]" = WeakKeyDictionary()
_OPENED: "WeakKeyDictionary[Dataset, tuple[tuple[str, str], Approximate]]" = WeakKeyDictionary()


def _exact(
    gallery: Dataset,
    asked: _Asked,
    contrast: _Asked | None,
    by: Descriptor,
    k: int,
    distance: str,
    combination: str,
    classes: frozenset[str] | None,
    parts: frozenset[str] | None,
    reading: Reading,
) -> Matches:
    """Compare the queries with every image."""
    ready = _Ready.of(gallery, by, distance, reading)
    by, vectors, row = ready.by, ready.index.gallery, ready.row_of
    reasons = {failure.path: failure.reason for failure in vectors.failures}
    asking = [asked] if contrast is None else [asked, contrast]
    inside = [path for one in asking for path in one.inside]
    for path in inside:
        if path not in row:
            raise ImageReadError(path, reasons.get(path, "is not among the pictures read"))
    queries, *unlike = (
        _joined(vectors.select([row[path] for path in one.inside]), combine(by, one.outside))
        for one in asking
    )
    among = ready.index
    if classes is not None or parts is not None:
        part_of = dict(zip(gallery.table.paths, gallery.table.splits, strict=True))
        kept = [
            i
            for i, (path, label) in enumerate(zip(vectors.paths, vectors.labels, strict=True))
            if (classes is None or label in classes) and (parts is None or part_of[path] in parts)
        ]
        among = Index(vectors.select(kept))
    found = among.search(
        queries,
        k,
        combine=combination,
        unlike=unlike[0] if unlike else None,
        exclude=frozenset(inside),
        jobs=reading.get("jobs"),
    )
    return replace(
        found,
        n_gallery=len(vectors),
        signature=dict(found.signature) | {"search": "exact"},
    )


def _approximate(
    gallery: Dataset,
    asked: _Asked,
    by: Descriptor,
    k: int,
    distance: str,
    combination: str,
    classes: frozenset[str] | None,
    parts: frozenset[str] | None,
    sample: int,
    reading: Reading,
) -> Matches:
    """Compare the queries with candidates from the index of a collection."""
    collection = gallery.collection
    if collection is None:
        raise CollectionError(
            f"{printable(gallery.source)} is not a collection: only those have an approximate "
            f"index. Make one: tamis index {printable(gallery.source)} --into NAME.tamis --by SPEC "
            "--approximate"
        )
    key = (by.spec, distance)
    known, index = _OPENED.get(gallery, (("", ""), None))
    if index is None or known != key:
        index = Approximate.open(collection, by, distance=distance)
        _OPENED[gallery] = key, index
    distance = index.descriptor.distance_for(distance)
    failures = tuple(collection.failures())
    for failure in failures:
        if failure.path in asked.inside:
            raise ImageReadError(failure.path, failure.reason)
    jobs = reading.get("jobs")
    found = index.search(
        _joined(index.stored(asked.inside), combine(index.descriptor, asked.outside)),
        k,
        distance=distance,
        combine=combination,
        exclude=asked.inside,
        classes=classes,
        parts=parts,
        jobs=jobs,
    )
    signature: dict[str, object] = {
        "descriptor": index.spec,
        "distance": distance,
        "search": f"approximate, candidates by {index.metric}",
        "newer": index.n_newer,
    }
    if sample:
        recall = index.recall(k, distance=distance, sample=sample, jobs=jobs)
        signature |= {"recall": recall, "recall_sample": sample}
    return replace(
        found,
        n_gallery=len(collection) - len(failures),
        signature=signature,
        failures=failures,
    )


def _joined(first: FeatureTable, second: FeatureTable) -> FeatureTable:
    if not len(first) + len(second):
        raise InvalidParameterError("there must be at least one query.")
    return replace(
        first,
        paths=first.paths + second.paths,
        labels=first.labels + second.labels,
        features=np.concatenate([first.features, second.features]),
    )
