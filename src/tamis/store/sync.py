"""Bringing a collection up to date with a folder: only what is new is computed.

A file of the same name, size and time is unchanged. Of the others the content is
hashed: a file that only got another time or another name keeps its vectors. Every
step is one commit of the dataset, so a crash leaves the state before it or after
it; pictures that were described before a crash are not described again.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.descriptors import Descriptor, descriptor
from tamis.errors import CollectionError, DestinationError, Failure, printable
from tamis.features import Chunk, Progress, describe_chunks
from tamis.files.lock import locked
from tamis.images import DEFAULT_MAX_PIXELS, default_reading
from tamis.store.adding import FOLDER as ADDING
from tamis.store.adding import Adding, sweep
from tamis.store.ann import refresh
from tamis.store.ann.embedding import Companion
from tamis.store.changes import compare, only_below, status_of
from tamis.store.checking import lance_errors
from tamis.store.collection import (
    FORMAT,
    FORMAT_KEY,
    ICC_KEY,
    ROOT_KEY,
    Collection,
    dataset_path,
    is_committed,
    lance,
)
from tamis.store.columns import SPEC, encode, vector_field
from tamis.store.creation import all_or_nothing
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
    """

    new: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    unseen: tuple[str, ...] = ()
    computed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    failures: tuple[Failure, ...] = ()

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
    table = only_below(table)
    with locked(name), all_or_nothing(name):
        collection = _open_or_create(name, table.root)
        run = _Update(collection, table, jobs, max_pixels, progress or (lambda _: None), prune)
        leaves = {leaf.spec: leaf for one in descriptors for leaf in one.leaves}
        with lance_errors(name):
            run.remove()
            run.rename()
        run.add_columns(list(leaves.values()))
        run.append(leaves)
        with lance_errors(name):
            run.tidy()
        run.changes.failures = (*table.failures, *Collection.open(name).failures())
        return run.changes


def _open_or_create(name: str, root: str) -> Collection:
    import pyarrow as pa

    absolute = os.path.abspath(root)
    as_text = json.dumps(absolute)  # ASCII, whatever the bytes of the name
    if is_committed(name):
        collection = Collection.open(name)
        collection.check_reading()
        if os.path.realpath(collection.root) != os.path.realpath(root):
            if os.path.isdir(collection.root):
                raise CollectionError(
                    f"{printable(name)} is the collection of {printable(collection.root)}, not of "
                    f"{printable(absolute)}. Index that into a collection of its own."
                )
            collection.dataset.update_schema_metadata({ROOT_KEY.decode(): as_text})
        return collection
    started = {os.path.basename(dataset_path(name)), ADDING}  # by a run that was killed at once
    if os.path.lexists(name) and (not os.path.isdir(name) or set(os.listdir(name)) - started):
        raise DestinationError(
            f"{printable(name)} exists and is not a collection. Choose another name."
        )
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("path", pa.binary(), nullable=False),
            pa.field("label", pa.binary()),
            pa.field("split", pa.string()),
            pa.field("hash", pa.binary()),
            pa.field("size", pa.int64(), nullable=False),
            pa.field("mtime_ns", pa.int64(), nullable=False),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            pa.field("failure", pa.string()),
        ],
        metadata={
            FORMAT_KEY: str(FORMAT).encode(),
            ROOT_KEY: as_text.encode(),
            ICC_KEY: b"applied" if default_reading().icc else b"ignored",
        },
    )
    os.makedirs(name, exist_ok=True)
    with lance_errors(name):
        dataset = lance().write_dataset(
            pa.Table.from_batches([], schema=schema),
            dataset_path(name),
            data_storage_version="stable",
        )
    return Collection(name, dataset)


class _Update:
    """One update: what it found, then each step of it."""

    def __init__(
        self,
        collection: Collection,
        table: ImageTable,
        jobs: int | None,
        max_pixels: int,
        progress: Progress,
        prune: bool,
    ) -> None:
        self._collection = collection
        self._dataset = collection.dataset
        self._table = table
        self._jobs = jobs
        self._max_pixels = max_pixels
        self._progress = progress
        self._next_id = int(collection.rows.ids.max(initial=-1)) + 1
        self._names = table.names
        self._status = [status_of(path) for path in table.paths]
        found = compare(collection.rows, table, self._status, max_pixels=max_pixels, prune=prune)
        self._found = found
        self.changes = Changes(
            found.new, found.changed, found.renamed, found.removed, found.unchanged,
            unseen=tuple(found.unseen),
        )  # fmt: skip

    def remove(self) -> None:
        """Delete the rows of pictures that are gone."""
        self._delete(self._found.delete)

    def _delete(self, ids: list[int]) -> None:
        for start in range(0, len(ids), 10_000):
            some = ", ".join(map(str, ids[start : start + 10_000]))
            with lance_errors(self._collection.path):
                self._dataset.delete(f"id IN ({some})")

    def rename(self) -> None:
        """Write new names, classes, splits and times of pictures whose content is the same."""
        import pyarrow as pa

        if not self._found.keep:
            return
        ids = pa.array([i for i, _ in self._found.keep], pa.int64())
        facts = self._facts([row for _, row in self._found.keep])
        names = ["path", "label", "split", "size", "mtime_ns"]
        table = pa.table({"id": ids, **{name: facts[name] for name in names}})
        self._dataset.merge_insert("id").when_matched_update_all().execute(table)

    def add_columns(self, descriptors: Sequence[Descriptor]) -> None:
        """Describe the pictures that are there already by descriptors that are new."""
        import pyarrow as pa

        missing = {d.spec: d for d in descriptors if d.spec not in self._collection.columns}
        if not missing:
            sweep(self._collection.path, self._collection.specs)
            return
        if self._found.unseen:
            raise CollectionError(
                f"{', '.join(missing)} cannot be computed for {len(self._found.unseen)} pictures "
                f"whose folder cannot be looked at, such as {printable(self._found.unseen[0])}. "
                "Make it readable (is its disk mounted?), or remove them: --prune."
            )
        taken = {field.name for field in self._dataset.schema}
        numbers = (n for n in range(len(taken) + len(missing)) if f"vector_{n}" not in taken)
        fields = [vector_field(f"vector_{next(numbers)}", one) for one in missing.values()]
        if not self._dataset.count_rows():
            with lance_errors(self._collection.path):
                self._dataset.add_columns(pa.schema(fields))
            return
        adding = Adding(self._collection.path, fields, list(missing.values()))
        ids = self._dataset.to_table(columns=["id"])["id"].to_numpy()
        for group in self._described(adding.left(ids), list(missing.values())):
            adding.keep(group, fields)
        with lance_errors(self._collection.path):
            self._dataset.add_columns(adding.reader(ids, fields))
        adding.discard()

    def _described(
        self, ids: np.ndarray[Any, Any], descriptors: list[Descriptor]
    ) -> Iterator[tuple[np.ndarray[Any, Any], Chunk]]:
        """Describe stored pictures; a chunk of them at a time with their ids."""
        rows = Collection.open(self._collection.path).rows
        place = {int(i): at for at, i in enumerate(rows.ids)}
        at = [place[int(i)] for i in ids]
        # What could not be read has no vectors; what has changed gets new ones later.
        skip = set(self._found.replaced)
        wanted = [
            n for n, i in enumerate(ids) if rows.failures[at[n]] is None and int(i) not in skip
        ]
        pictures = ImageTable(
            paths=tuple(os.path.join(self._table.root, rows.names[at[n]]) for n in wanted),
            labels=(None,) * len(wanted),
            groups=(None,) * len(wanted),
        )
        chunks = describe_chunks(
            pictures, descriptors, jobs=self._jobs, max_pixels=self._max_pixels
        )
        with closing(chunks):
            for chunk in chunks:
                self._count(chunk, descriptors)
                yield ids[[wanted[row] for row in chunk.rows]], chunk

    def append(self, given: Mapping[str, Descriptor]) -> None:
        """Describe and write the pictures that are new or changed.

        Parameters
        ----------
        given : mapping from str to Descriptor
            Spec to descriptor, of those that the caller named. Others are rebuilt from
            what the collection says, and must not open any file.
        """
        columns = Collection.open(self._collection.path).columns
        self._dataset.checkout_latest()
        descriptors = [
            given.get(spec) or descriptor(spec, stored_in=self._collection.path) for spec in columns
        ]
        chunks = describe_chunks(
            self._table.select(self._found.append),
            descriptors,
            jobs=self._jobs,
            max_pixels=self._max_pixels,
            digest=True,
        )
        waiting: list[Chunk] = []
        with closing(chunks):
            for chunk in chunks:
                self._count(chunk, descriptors)
                waiting.append(chunk)
                if sum(len(c.rows) + len(c.failures) for c in waiting) >= _GROUP:
                    self._write(waiting)
                    waiting = []
        if waiting:
            self._write(waiting)
        self._delete(self._found.replaced)

    def _count(self, chunk: Chunk, descriptors: list[Descriptor]) -> None:
        for one in descriptors:
            self.changes.computed[one.spec] += len(chunk.rows)
        self._progress(len(chunk.rows) + len(chunk.failures))

    def _write(self, chunks: list[Chunk]) -> None:
        import pyarrow as pa

        schema = self._dataset.schema
        batches = []
        for chunk in chunks:
            taken = sorted([*chunk.rows, *chunk.failures])
            place = {row: i for i, row in enumerate(taken)}
            known = [place[row] for row in chunk.rows]
            facts = self._facts([self._found.append[row] for row in taken])
            facts["id"] = pa.array(range(self._next_id, self._next_id + len(taken)), pa.int64())
            self._next_id += len(taken)
            shapes = dict(zip(chunk.rows, chunk.shapes, strict=True))
            digests = dict(zip(chunk.rows, chunk.digests, strict=True))
            facts["height"] = pa.array([shapes.get(r, (None, None))[0] for r in taken], pa.int32())
            facts["width"] = pa.array([shapes.get(r, (None, None))[1] for r in taken], pa.int32())
            facts["hash"] = pa.array([digests.get(row) for row in taken], pa.binary())
            reasons = [chunk.failures[r].reason if r in chunk.failures else None for r in taken]
            facts["failure"] = pa.array(reasons, pa.string())
            vectors = [f for f in schema if f.metadata and SPEC in f.metadata]
            for one, features in zip(vectors, chunk.features, strict=True):
                facts[one.name] = encode(features, known, len(taken), one)
            described = dict(
                zip((f.metadata[SPEC].decode() for f in vectors), chunk.features, strict=True)
            )
            for one in schema:
                if companion := Companion.of_column(one):
                    embedded = companion.embed(described[companion.of])
                    facts[one.name] = encode(embedded, known, len(taken), one)
            arrays = [facts[one.name] for one in schema]
            batches.append(pa.record_batch(arrays, schema=schema))
        with lance_errors(self._collection.path):
            self._dataset.insert(pa.Table.from_batches(batches))

    def _facts(self, rows: list[int]) -> "dict[str, pa.Array[Any]]":
        import pyarrow as pa

        labels = [self._table.labels[row] for row in rows]
        return {
            "path": pa.array([os.fsencode(self._names[row]) for row in rows], pa.binary()),
            "label": pa.array([None if x is None else os.fsencode(x) for x in labels], pa.binary()),
            "split": pa.array([self._table.splits[row] for row in rows], pa.string()),
            "size": pa.array([self._status[row][0] for row in rows], pa.int64()),
            "mtime_ns": pa.array([self._status[row][1] for row in rows], pa.int64()),
        }

    def tidy(self) -> None:
        """Join many small files of the dataset, drop old versions, keep indexes up to date."""
        if len(self._dataset.get_fragments()) > _FRAGMENTS:
            self._dataset.optimize.compact_files(target_rows_per_fragment=16 * _GROUP)
            self._dataset.cleanup_old_versions(older_than=timedelta(days=1))
        refresh(self._dataset)
