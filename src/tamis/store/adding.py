"""A new column of vectors, while it is being computed.

Lance's `batch_udf` with a checkpoint file is no substitute: it keeps the results by the
position of a batch in a fragment. If rows are deleted between a kill and the next run, it
fails for good ("new batch has different size") or brings the deleted rows back (pylance
14.0.2). The checkpoint is also a pickle, which a collection from a stranger must not hold.
"""

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors import Descriptor
from tamis.errors import CollectionError
from tamis.features import Chunk
from tamis.store.checking import lance_errors
from tamis.store.collection import lance
from tamis.store.columns import decode, encode, spec_of

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER: Final = "adding.lance"
"""Folder of a collection for vectors that not all images have yet."""

_GROUP: Final = 1024

Ids = npt.NDArray[np.int64]


class Adding:
    """Vectors by new descriptors, kept aside until all images have them.

    A column can only be added whole. Meanwhile the vectors are written beside the dataset,
    so that a run that was stopped goes on where it was.

    Parameters
    ----------
    path : str
        Path of the collection.
    fields : list of pyarrow.Field
        The new columns.
    descriptors : sequence of Descriptor
        The descriptor of each.
    """

    def __init__(
        self, path: str, fields: "list[pa.Field[Any]]", descriptors: Sequence[Descriptor]
    ) -> None:
        import pyarrow as pa

        self._path = os.path.join(path, FOLDER)
        self._fields = fields
        self._dataset: Any = None
        self._known = np.empty(0, np.int64)
        self._waiting: list[Any] = []
        self._schema = pa.schema([pa.field("id", pa.int64()), *fields])
        if os.path.lexists(self._path) and not self._resumed([d.dim for d in descriptors]):
            self.discard()

    def _resumed(self, dims: Sequence[int]) -> bool:
        """Take the vectors that a stopped run left, if all of them can be used.

        They may be of other descriptors, without any commit, or damaged.
        """
        try:
            with lance_errors(self._path):
                dataset = lance().dataset(self._path)
                if not dataset.schema.equals(self._schema, check_metadata=True):
                    return False
                known = [self._known]
                for batch in dataset.to_batches(batch_size=_GROUP):
                    known.append(batch.column("id").to_numpy())
                    for column, dim in zip(batch.columns[1:], dims, strict=True):
                        rows = np.arange(batch.num_rows)
                        decode(column, np.zeros((batch.num_rows, dim), np.float32), rows)
        except (CollectionError, OSError):
            return False
        self._dataset, self._known = dataset, np.concatenate(known)
        return len(np.unique(self._known)) == len(self._known)

    def missing(self, ids: Ids) -> Ids:
        """Give the ids that have no vectors yet."""
        return ids[~np.isin(ids, self._known)]

    def keep(self, ids: Ids, chunk: Chunk) -> None:
        """Keep vectors; write them once they are enough for a commit."""
        import pyarrow as pa

        rows = list(range(len(ids)))
        arrays = [pa.array(ids, pa.int64())]
        arrays += [
            encode(features, rows, len(ids), field)
            for features, field in zip(chunk.features, self._fields, strict=True)
        ]
        self._waiting.append(pa.record_batch(arrays, schema=self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= _GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            table = pa.Table.from_batches(self._waiting)
            with lance_errors(os.path.dirname(self._path)):
                if self._dataset is None:
                    self._dataset = lance().write_dataset(
                        table, self._path, data_storage_version="stable"
                    )
                else:
                    self._dataset.insert(table)
            self._waiting = []

    def reader(self, ids: Ids) -> Any:
        """Give the columns for `ids`, in their order; null where there are no vectors."""
        import pyarrow as pa

        self._flush()
        schema = pa.schema(self._fields)
        known = np.empty(0, np.int64)
        if self._dataset is not None:
            known = self._dataset.to_table(columns=["id"])["id"].to_numpy()
        order = np.argsort(known)

        def batches() -> Iterator[Any]:
            for start in range(0, len(ids), _GROUP):
                piece = ids[start : start + _GROUP]
                place = np.searchsorted(known, piece, sorter=order)
                present = np.zeros(len(piece), bool)
                inside = place < len(known)
                present[inside] = known[order[place[inside]]] == piece[inside]
                where = pa.array(
                    np.where(present, np.cumsum(present) - 1, 0), pa.int64(), mask=~present
                )
                if present.any():
                    taken = self._dataset.take(order[place[present]].tolist(), columns=schema.names)
                else:
                    taken = schema.empty_table()
                arrays = [taken[name].combine_chunks().take(where) for name in schema.names]
                yield pa.record_batch(arrays, schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def discard(self) -> None:
        """Remove the vectors that were kept aside."""
        self._dataset, self._known = None, np.empty(0, np.int64)
        _remove(self._path)


def sweep(path: str, specs: Collection[str]) -> None:
    """Remove the vectors that a killed run kept aside for columns that were added since.

    Vectors of other descriptors stay: the run that computes these goes on from them.

    Parameters
    ----------
    path : str
        Path of the collection.
    specs : collection of str
        Specs of its columns.
    """
    place = os.path.join(path, FOLDER)
    if not os.path.lexists(place):
        return
    try:
        with lance_errors(place):
            waiting = {spec for field in lance().dataset(place).schema if (spec := spec_of(field))}
    except (CollectionError, OSError):  # half removed
        waiting = set()
    if waiting <= set(specs):
        _remove(place)


def _remove(place: str) -> None:
    if os.path.isdir(place) and not os.path.islink(place):
        shutil.rmtree(place, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(place)
