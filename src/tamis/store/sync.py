"""Update a collection from a folder; only new and changed images are described.

A file of the same name, size and time is unchanged. Other files are hashed: a file that
only got another time or another name keeps its vectors. Every step is one commit of the
dataset, so a crash leaves the state before or after it. Images that were described before
a crash are not described again.
"""

import os
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.descriptors import Descriptor, descriptor
from tamis.errors import CollectionError, Failure, printable
from tamis.features import Chunk, Progress, describe_chunks
from tamis.files.lock import locked
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.store.adding import Adding, Ids, sweep
from tamis.store.ann.build import refresh
from tamis.store.changes import compare, only_below, status_of
from tamis.store.checking import lance_errors
from tamis.store.collection import Collection, dataset_path, lance
from tamis.store.columns import encode, spec_of, specs_of, vector_field
from tamis.store.creation import all_or_nothing, open_or_create
from tamis.table import ImageTable

if TYPE_CHECKING:
    import pyarrow as pa

_GROUP: Final = 1024  # rows per commit: so much is lost at most when a run is stopped
_FRAGMENTS: Final = 32


@dataclass(slots=True)
class Changes:
    """What an update found and did.

    Attributes
    ----------
    new, changed, renamed, removed, unchanged : int
        Pictures.
    unseen : tuple of str
        Names of pictures that stay in the collection because their folder cannot be
        entered or is empty, so that it is not known whether they are gone.
    computed : dict from str to int
        Spec to how many pictures were described by it.
    failures : tuple of Failure
        Folders that cannot be entered, and all pictures that cannot be read, those of
        earlier runs included.
    collection : Collection
        As the update left it.
    """

    new: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    unseen: tuple[str, ...] = ()
    computed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    failures: tuple[Failure, ...] = ()
    collection: Collection = field(init=False)

    def __str__(self) -> str:
        counts = (
            f"{self.new:,} new, {self.changed:,} changed, {self.renamed:,} renamed, "
            f"{self.removed:,} removed, {self.unchanged:,} unchanged"
        )
        described = [
            f"{spec.partition('(')[0]} computed for {n:,}" for spec, n in self.computed.items() if n
        ]
        return "; ".join([counts, *described])


def update(
    path: str | os.PathLike[str],
    table: ImageTable,
    descriptors: Sequence[Descriptor] = (),
    *,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
    prune: bool = False,
) -> Changes:
    """Make a collection, or bring it up to date.

    Parameters
    ----------
    path : str or os.PathLike
        Of the collection; made if it does not exist.
    table : ImageTable
        All pictures that it is to hold: those of the collection that are not in it
        are removed from the collection (never from disk). Those that do not lie below its
        root are among the failures.
    descriptors : sequence of Descriptor
        To be computed besides those that the collection has already; of a fusion,
        its parts.
    jobs, max_pixels
        As `tamis.features.extract` takes them.
    progress : callable, optional
        Told how many pictures are described; a picture that lacks a new
        descriptor counts once more than a new one.
    prune : bool
        Remove also pictures whose folder cannot be entered or is empty, such as the mount
        point of a disk that is not there.

    Returns
    -------
    Changes

    Raises
    ------
    CollectionError
        The collection cannot be read, or belongs to another folder.
    DestinationError
        Another process is writing to it, or the folder cannot be written to.
    MissingExtraError
        Lance is not installed.
    """
    lance()  # before a folder is made
    name = os.fspath(path)
    table, names = _inside(table)
    with locked(name), all_or_nothing(name):
        collection = open_or_create(name, table.root)
        run = _Update(collection, table, names, jobs, max_pixels, progress or _ignore, prune)
        leaves = {leaf.spec: leaf for one in descriptors for leaf in one.leaves}
        with lance_errors(name):
            run.delete()
            run.update_facts()
        run.add_columns(list(leaves.values()))
        run.describe(leaves)
        with lance_errors(name):
            run.tidy()
        run.changes.collection = run.written()
        run.changes.failures = (*table.failures, *run.changes.collection.failures())
        return run.changes


def _ignore(n: int) -> None:
    pass


def _inside(table: ImageTable) -> tuple[ImageTable, list[str]]:
    """Take the images below the root of a table, and their names."""
    names = table.names
    inside = only_below(table, names)
    return inside, names if inside is table else inside.names


class _Update:
    """The steps of an update; each is a commit."""

    def __init__(
        self,
        collection: Collection,
        table: ImageTable,
        names: Sequence[str],
        jobs: int | None,
        max_pixels: int,
        progress: Progress,
        prune: bool,
    ) -> None:
        self._collection = collection
        self._path = collection.path
        self._dataset = lance().dataset(dataset_path(self._path))  # which advances as it is written
        self._table = table
        self._names = names
        self._jobs = jobs
        self._max_pixels = max_pixels
        self._progress = progress
        self._next_id = int(collection.rows.ids.max(initial=-1)) + 1
        self._status = [status_of(path) for path in table.paths]
        self._difference = difference = compare(
            collection.rows, table, names, self._status, max_pixels=max_pixels, prune=prune
        )
        self.changes = Changes(
            new=difference.new,
            changed=difference.changed,
            renamed=difference.renamed,
            removed=difference.removed,
            unchanged=difference.unchanged,
            unseen=tuple(difference.unseen),
        )

    def written(self) -> Collection:
        """Give the collection as it is by now; the one that was opened if nothing changed."""
        if self._dataset.version != self._collection.dataset.version:
            self._collection = Collection.open(self._path)
        return self._collection

    def delete(self) -> None:
        """Delete the rows of images that are gone."""
        ids = self._difference.delete
        for start in range(0, len(ids), 10_000):
            self._dataset.delete(f"id IN ({', '.join(map(str, ids[start : start + 10_000]))})")

    def update_facts(self) -> None:
        """Write other names, classes, groups, parts and times beside the same vectors."""
        import pyarrow as pa

        if not self._difference.update:
            return
        ids = pa.array([i for i, _ in self._difference.update], pa.int64())
        facts = self._facts([row for _, row in self._difference.update])
        table = pa.table({"id": ids, **facts})
        self._dataset.merge_insert("id").when_matched_update_all().execute(table)

    def add_columns(self, descriptors: Sequence[Descriptor]) -> None:
        """Describe the images that have rows already by the descriptors that are new."""
        import pyarrow as pa

        missing = [d for d in descriptors if d.spec not in self._collection.vector_columns]
        if not missing:
            sweep(self._path, self._collection.specs)
            return
        if self._difference.unseen:
            raise CollectionError(
                f"{', '.join(d.spec for d in missing)} cannot be computed for "
                f"{len(self._difference.unseen)} pictures whose folder cannot be looked at, such "
                f"as {printable(self._difference.unseen[0])}. Make it readable (is its disk "
                "mounted?), or remove them: --prune."
            )
        taken = {field.name for field in self._dataset.schema}
        free = (
            name for n in range(len(taken) + len(missing)) if (name := f"vector_{n}") not in taken
        )
        fields = [vector_field(next(free), new) for new in missing]
        if not self._dataset.count_rows():
            with lance_errors(self._path):
                self._dataset.add_columns(pa.schema(fields))
            return
        adding = Adding(self._path, fields, missing)
        ids = self._dataset.to_table(columns=["id"])["id"].to_numpy()
        for group in self._described(adding.missing(ids), missing):
            adding.keep(*group)
        with lance_errors(self._path):
            self._dataset.add_columns(adding.reader(ids))
        adding.discard()

    def _described(self, ids: Ids, descriptors: list[Descriptor]) -> Iterator[tuple[Ids, Chunk]]:
        """Describe images that have rows; give chunks of them with their ids."""
        collection = self.written()
        rows, _ = collection.rows.find(ids)
        # An image that could not be read has no vectors; one that has changed gets new ones.
        rows = np.array(
            [
                row
                for row, i in zip(rows.tolist(), ids.tolist(), strict=True)
                if collection.rows.failures[row] is None and i not in self._difference.outdated
            ],
            np.intp,
        )
        names = collection.rows.names
        images = ImageTable(
            paths=tuple(os.path.join(self._table.root, names[row]) for row in rows.tolist()),
            labels=(None,) * len(rows),
            groups=(None,) * len(rows),
        )
        with closing(self._chunks(images, descriptors)) as chunks:
            for chunk in chunks:
                yield collection.rows.ids[rows[chunk.rows]], chunk

    def _chunks(
        self, images: ImageTable, descriptors: list[Descriptor], *, digest: bool = False
    ) -> Generator[Chunk]:
        """Describe images, and count them."""
        chunks = describe_chunks(
            images, descriptors, jobs=self._jobs, max_pixels=self._max_pixels, digest=digest
        )
        with closing(chunks):
            for chunk in chunks:
                for known in descriptors:
                    self.changes.computed[known.spec] += len(chunk.rows)
                self._progress(len(chunk.rows) + len(chunk.failures))
                yield chunk

    def describe(self, given: Mapping[str, Descriptor]) -> None:
        """Describe the images that are new or changed, and write their rows.

        Parameters
        ----------
        given : mapping from str to Descriptor
            Spec to descriptor, of those that the caller named. Others are rebuilt from
            the specs in the collection, and must not open any file.
        """
        if not self._difference.describe:
            return
        specs = specs_of(self._dataset.schema)
        descriptors = [given.get(spec) or descriptor(spec, stored_in=self._path) for spec in specs]
        images = self._table.select(self._difference.describe)
        waiting: list[Chunk] = []
        with closing(self._chunks(images, descriptors, digest=True)) as chunks:
            for chunk in chunks:
                waiting.append(chunk)
                if sum(len(c.rows) + len(c.failures) for c in waiting) >= _GROUP:
                    self._write(waiting)
                    waiting = []
        if waiting:
            self._write(waiting)

    def _write(self, chunks: list[Chunk]) -> None:
        """Write the rows of some images; a row of the same name is replaced in the same commit."""
        import pyarrow as pa

        table = pa.Table.from_batches([self._batch(chunk) for chunk in chunks])
        with lance_errors(self._path):
            if self._difference.outdated:
                self._dataset.merge_insert(
                    "path"
                ).when_matched_update_all().when_not_matched_insert_all().execute(table)
            else:  # the same, without a look at the names there are
                self._dataset.insert(table)

    def _batch(self, chunk: Chunk) -> "pa.RecordBatch":
        import pyarrow as pa

        schema = self._dataset.schema
        rows = sorted([*chunk.rows, *chunk.failures])
        n = len(rows)
        place = {row: i for i, row in enumerate(rows)}
        described = [place[row] for row in chunk.rows]
        columns = self._facts([self._difference.describe[row] for row in rows])
        columns["id"] = pa.array(range(self._next_id, self._next_id + n), pa.int64())
        self._next_id += n
        shapes = dict(zip(chunk.rows, chunk.shapes, strict=True))
        digests = dict(zip(chunk.rows, chunk.digests, strict=True))
        columns["height"] = pa.array([shapes.get(r, (None, None))[0] for r in rows], pa.int32())
        columns["width"] = pa.array([shapes.get(r, (None, None))[1] for r in rows], pa.int32())
        columns["hash"] = pa.array([digests.get(row) for row in rows], pa.binary())
        reasons = [chunk.failures[r].reason if r in chunk.failures else None for r in rows]
        columns["failure"] = pa.array(reasons, pa.string())
        vectors = dict(zip(specs_of(schema), chunk.features, strict=True))
        for column in schema:
            if spec := spec_of(column):
                columns[column.name] = encode(vectors[spec], described, n, column)
        return pa.record_batch([columns[name] for name in schema.names], schema=schema)

    def _facts(self, rows: list[int]) -> "dict[str, pa.Array[Any]]":
        import pyarrow as pa

        table = self._table

        def encoded(values: Iterable[str | None]) -> "pa.Array[Any]":
            return pa.array([None if x is None else os.fsencode(x) for x in values], pa.binary())

        return {
            "path": encoded(self._names[row] for row in rows),
            "label": encoded(table.labels[row] for row in rows),
            "group": encoded(table.groups[row] for row in rows),
            "split": pa.array([table.splits[row] for row in rows], pa.string()),
            "size": pa.array([self._status[row][0] for row in rows], pa.int64()),
            "mtime_ns": pa.array([self._status[row][1] for row in rows], pa.int64()),
        }

    def tidy(self) -> None:
        """Join many small files of the dataset, drop old versions, keep indexes up to date."""
        if len(self._dataset.get_fragments()) > _FRAGMENTS:
            self._dataset.optimize.compact_files(target_rows_per_fragment=16 * _GROUP)
            self._dataset.cleanup_old_versions(older_than=timedelta(days=1))
        refresh(self._path, self._dataset, jobs=self._jobs)
