"""What `tamis search` asks, and how it comes to its answer."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tamis.cli.console import progress
from tamis.cli.notes import told
from tamis.dataset import Dataset
from tamis.descriptors import Descriptor, descriptor
from tamis.distances import check_distance
from tamis.errors import CollectionError, Failure, ImageReadError, printable
from tamis.features import FeatureTable, combine, extract_several
from tamis.index import Index, Matches, check_combination
from tamis.report import Found
from tamis.store import Approximate
from tamis.table import ImageTable


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and on what it depends.

    Attributes
    ----------
    found : tuple of Found
        Nearest first.
    n_images : int
        Pictures among which was searched.
    settings : dict
    failures : tuple of Failure
        Pictures of the gallery that could not be read.
    """

    found: tuple[Found, ...]
    n_images: int
    settings: dict[str, object]
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Asked:
    """Where to search, for which pictures, and by what."""

    source: str
    queries: Sequence[str]
    by: str
    distance: str
    labels: Sequence[str] | None
    splits: str | None
    follow_links: bool
    jobs: int | None
    max_pixels: int

    def __post_init__(self) -> None:
        if self.distance:
            check_distance(self.distance)

    @cached_property
    def gallery(self) -> Dataset:
        """All pictures of the source."""
        return told(Dataset.open(self.source, follow_links=self.follow_links))

    @cached_property
    def descriptor(self) -> Descriptor:
        """As named; if not, the only one of the collection, or color."""
        if self.by or self.gallery.collection is None:
            return descriptor(self.by or "color")
        specs = self.gallery.collection.specs
        if len(specs) == 1:
            return descriptor(specs[0], stored_in=self.source)
        return descriptor("color")

    @cached_property
    def chosen(self) -> frozenset[str] | None:
        """The classes to find; None for all."""
        if not self.labels:
            return None
        chosen = self.gallery.select(classes=self.labels)
        return frozenset(chosen.classes)

    @cached_property
    def parts(self) -> frozenset[str] | None:
        """The parts of a split to search in; None for all."""
        if self.splits is None:
            return None
        return frozenset(self.gallery.parts_named(self.splits))

    @cached_property
    def inside(self) -> dict[str, str]:
        """Each query that is one of the pictures of the source, to the path that it has there."""
        absolute = {os.path.abspath(path): path for path in self.gallery.table.paths}
        by_name: dict[str, list[str]] = defaultdict(list)
        for picture in self.gallery.table.paths:
            by_name[os.path.basename(picture)].append(picture)
        found = {}
        for query in self.queries:
            path = absolute.get(os.path.abspath(query))
            if path is None:  # by another way: through a link, on either side
                real = os.path.realpath(query)
                names = {os.path.basename(query), os.path.basename(real)}
                namesakes = [picture for name in names for picture in by_name[name]]
                path = next((p for p in namesakes if os.path.realpath(p) == real), None)
            if path is not None:
                found[query] = path
        return found

    @cached_property
    def outside(self) -> list[FeatureTable]:
        """The other queries, by each leaf of the descriptor; all of them, or it is an error."""
        paths = tuple(query for query in self.queries if query not in self.inside)
        table = ImageTable(paths, (None,) * len(paths), (None,) * len(paths))
        found = extract_several(
            table, self.descriptor.leaves, jobs=self.jobs, max_pixels=self.max_pixels
        )
        for failure in found[0].failures:
            raise ImageReadError(failure.path, failure.reason)
        return found


def exact(asked: Asked, k: int, *, combination: str) -> Answer:
    """Compare the queries with every picture."""
    check_combination(combination)
    # All of these may be wrong: before the long work.
    chosen, parts, outside = asked.chosen, asked.parts, asked.outside
    with progress("pictures", len(asked.gallery)) as advance:
        by, gallery = asked.gallery.fit(
            asked.descriptor,
            distance=asked.distance,
            jobs=asked.jobs,
            max_pixels=asked.max_pixels,
            progress=advance,
        )
    row = {path: i for i, path in enumerate(gallery.paths)}
    reasons = {failure.path: failure.reason for failure in gallery.failures}
    for path in asked.inside.values():
        if path not in row:
            raise ImageReadError(path, reasons.get(path, "is not among the pictures read"))
    own = [row[path] for path in asked.inside.values()]
    queries = _joined(gallery.select(own), combine(by, outside))
    left_out = set(own)
    if chosen is not None:
        left_out |= {i for i, label in enumerate(gallery.labels) if label not in chosen}
    if parts is not None:
        split_of = dict(zip(asked.gallery.table.paths, asked.gallery.table.splits, strict=True))
        left_out |= {i for i, path in enumerate(gallery.paths) if split_of[path] not in parts}
    matches = Index(gallery).search_together(
        queries, k, combine=combination, without=left_out, jobs=asked.jobs
    )
    return Answer(
        found=_found(gallery, matches),
        n_images=len(gallery),
        settings={"descriptor": by.spec, "distance": gallery.distance, "search": "exact"},
        failures=gallery.failures,
    )


def approximate(asked: Asked, k: int, *, combination: str, sample: int) -> Answer:
    """Compare the queries with candidates from the index of a collection."""
    check_combination(combination)
    collection = asked.gallery.collection
    if collection is None:
        raise CollectionError(
            f"{printable(asked.source)} is not a collection: only those have an approximate "
            f"index. Make one: tamis index {printable(asked.source)} --into NAME.tamis --by SPEC "
            "--approximate"
        )
    index = Approximate.open(collection, asked.descriptor, distance=asked.distance)
    distance = index.descriptor.compared_by(asked.distance)
    chosen, parts = asked.chosen, asked.parts
    outside = combine(index.descriptor, asked.outside)
    failures = tuple(collection.failures())
    own = tuple(asked.inside.values())
    for failure in failures:
        if failure.path in own:
            raise ImageReadError(failure.path, failure.reason)
    gallery, matches = index.search(
        _joined(index.stored(own), outside),
        k,
        distance=distance,
        combine=combination,
        without=own,
        labels=chosen,
        splits=parts,
        jobs=asked.jobs,
    )
    settings: dict[str, object] = {
        "descriptor": index.spec,
        "distance": distance,
        "search": f"approximate, candidates by {index.metric}",
    }
    if sample:
        recall = index.recall(k, distance=distance, sample=sample, jobs=asked.jobs)
        settings |= {"recall": recall, "recall_sample": sample}
    return Answer(_found(gallery, matches), len(collection) - len(failures), settings, failures)


def _joined(first: FeatureTable, second: FeatureTable) -> FeatureTable:
    return replace(
        first,
        paths=first.paths + second.paths,
        labels=first.labels + second.labels,
        features=np.concatenate([first.features, second.features]),
    )


def _found(gallery: FeatureTable, matches: Matches) -> tuple[Found, ...]:
    return tuple(
        Found(gallery.paths[row], gallery.labels[row], float(distance))
        for row, distance in zip(matches.indices[0], matches.distances[0], strict=True)
    )
