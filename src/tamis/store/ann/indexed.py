"""The vectors of a descriptor as its index has them, by the rows of a collection."""

import threading
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features
from tamis.store.ann.cells import InvertedFile, faiss
from tamis.store.ann.folder import IndexFolder, index_errors
from tamis.store.checking import damaged, lance_errors
from tamis.store.collection import Collection
from tamis.store.columns import decode

Rows = npt.NDArray[np.intp]


class IndexedVectors:
    """An index, mapped, beside one version of its collection.

    Rows that were deleted since have a position without a row; rows that were written since
    come after the positions of the index, and are read here.

    Parameters
    ----------
    collection : Collection
    folder : IndexFolder

    Attributes
    ----------
    known : Manifest
    n_newer : int
        Rows that the index does not have.

    Raises
    ------
    CollectionError
        Collection or index is damaged.
    MissingExtraError
        FAISS is not installed.
    """

    def __init__(self, collection: Collection, folder: IndexFolder) -> None:
        faiss()
        self.known = folder.manifest
        self._folder, self._path = folder, collection.path
        self._lock = threading.Lock()
        rows = collection.rows
        n = self.known.n
        with self._errors():
            self._vectors = folder.vectors.open(n)
            ids = folder.ids.read(n)
        found, inside = rows.find(ids)
        self._row_at = np.full(n, -1, np.intp)
        self._row_at[inside] = found
        self._position_of = np.full(len(rows), -1, np.intp)
        self._position_of[found] = np.flatnonzero(inside)
        if len(np.unique(ids)) < n:
            with self._errors():
                raise ValueError("it holds an id twice")
        readable = np.asarray(rows.readable, np.intp)
        newer = readable[self._position_of[readable] < 0]
        self.n_newer = len(newer)
        self._newer = self._read(collection, newer)
        self._position_of[newer] = n + np.arange(len(newer))
        self._row_at = np.concatenate([self._row_at, newer])
        self._n_gone = n - len(found)

    def _errors(self) -> AbstractContextManager[None]:
        return index_errors(self._path, str(self._folder.path))

    def _read(self, collection: Collection, rows: Rows) -> Features:
        """Read the vectors of rows from the collection itself."""
        features = np.zeros((len(rows), self.known.dim), np.float32)
        if not len(rows):
            return features
        ids = collection.rows.ids[rows]
        order = np.argsort(ids)
        column = collection.vector_columns[self.known.spec]
        n_read = 0
        with lance_errors(collection.path):
            scanner = collection.dataset.scanner(
                columns=["id", column], filter=f"failure IS NULL AND id >= {ids.min()}"
            )
            for batch in scanner.to_batches():
                seen = batch.column("id").to_numpy()
                place = np.minimum(np.searchsorted(ids, seen, sorter=order), len(ids) - 1)
                wanted = ids[order[place]] == seen
                decode(batch.column(column).filter(_mask(wanted)), features, order[place[wanted]])
                n_read += int(wanted.sum())
        if n_read != len(rows):
            raise damaged(collection.path, f"it holds {n_read} of {len(rows)} newer vectors")
        return features

    @cached_property
    def _inverted(self) -> InvertedFile:
        with self._errors():
            return InvertedFile(self._folder.quantiser(), *self._folder.read_cells())

    def take(self, rows: Rows) -> Features:
        """Read the vectors of some rows.

        Parameters
        ----------
        rows : ndarray of shape (n,), intp
            Of the collection; of images that could be read.

        Returns
        -------
        ndarray of shape (n, dim), float32
        """
        positions = self._position_of[rows]
        if not self.n_newer:
            with self._errors():
                return self._vectors.take(positions)
        features = np.empty((len(rows), self.known.dim), np.float32)
        stored = positions < self.known.n
        with self._errors():
            features[stored] = self._vectors.take(positions[stored])
        features[~stored] = self._newer[positions[~stored] - self.known.n]
        return features

    def candidates(self, vector: Features, n: int) -> Rows:
        """Find the rows of about the n nearest vectors, and all that are newer than the index.

        Parameters
        ----------
        vector : ndarray of shape (length,), float32
            As `Embedding.embed` gives it.
        n : int
        """
        known = self.known
        if not known.n_cells:
            positions = np.arange(len(self._row_at))
        else:
            with self._lock:
                inverted = self._inverted
            # As many more as are gone from among them, on the average.
            wanted = min(known.n, n * known.n // max(1, known.n - self._n_gone))
            positions = inverted.candidates(vector, wanted, known.probes)
            if self.n_newer:
                positions = np.concatenate([positions, known.n + np.arange(self.n_newer)])
        rows = self._row_at[positions]
        return rows[rows >= 0]


def _mask(wanted: npt.NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    return pa.array(wanted)
