"""The rows of a collection: the facts of each image, without the vectors."""

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.images.listing import path_keys
from tamis.store.checking import FACTS, check_rows, damaged, names_outside

_NAME_CODEC: Final = (sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())


@dataclass(frozen=True, eq=False)
class Rows:
    """The facts of the images of one version of a collection, sorted by name.

    Attributes
    ----------
    ids : ndarray of shape (n,), int64
        Never used twice.
    names : tuple of str
        Paths below the root, with ``/``; each once.
    labels, groups, splits : tuple of (str or None)
    hashes : tuple of (bytes or None)
        Digests of the files; None where the file could not be read.
    sizes, times : ndarray of shape (n,), int64
        Size in bytes, and modification time in nanoseconds since 1970, of the file when it
        was read.
    failures : tuple of (str or None)
        Why an image could not be read.
    outside : dict from str to int
        Name to id of the rows whose name leads out of the root. `tamis index` writes no such
        row, and nothing is read from these files.
    """

    ids: npt.NDArray[np.int64]
    names: tuple[str, ...]
    labels: tuple[str | None, ...]
    groups: tuple[str | None, ...]
    splits: tuple[str | None, ...]
    hashes: tuple[bytes | None, ...]
    sizes: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    failures: tuple[str | None, ...]
    outside: dict[str, int]

    @classmethod
    def read(cls, path: str, dataset: Any) -> Self:
        """Read the rows of the dataset of a collection.

        Parameters
        ----------
        path : str
            Path of the collection, for messages.
        dataset : lance.LanceDataset

        Raises
        ------
        CollectionError
            A fact is missing or out of bounds, or a name stands there twice.
        """
        present = [name for name in FACTS if name in dataset.schema.names]
        table = dataset.to_table(columns=present).combine_chunks()
        check_rows(path, table)
        names = [name.decode(*_NAME_CODEC) for name in _objects(table["path"])]
        if len(set(names)) < len(names):
            raise damaged(path, "it holds a path twice")
        outside = names_outside(names)
        keys = path_keys(names)
        inside = set(range(len(names))).difference(outside)
        order = np.array(sorted(inside, key=keys.__getitem__), np.int64)
        ids = table["id"].to_numpy()
        return cls(
            ids=_fixed(ids[order]),
            names=tuple(names[row] for row in order),
            labels=_few_values(table, "label", order),
            groups=_few_values(table, "group", order),
            splits=_few_values(table, "split", order),
            hashes=tuple(table["hash"].take(order).to_pylist()),
            sizes=_fixed(table["size"].to_numpy()[order]),
            times=_fixed(table["mtime_ns"].to_numpy()[order]),
            failures=_few_values(table, "failure", order),
            outside={names[row]: int(ids[row]) for row in outside},
        )

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def readable(self) -> list[int]:
        """The rows of the images that could be read."""
        return [row for row, reason in enumerate(self.failures) if reason is None]

    @cached_property
    def _by_id(self) -> npt.NDArray[np.intp]:
        return np.argsort(self.ids)

    def find(
        self, ids: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Find the rows of ids.

        Returns
        -------
        rows : ndarray of shape (n_known,), intp
        known : ndarray of shape (len(ids),), bool
            Which ids have a row; those of `outside` have none.
        """
        if not len(self):
            return np.empty(0, np.intp), np.zeros(len(ids), bool)
        place = np.searchsorted(self.ids, ids, sorter=self._by_id)
        rows = self._by_id[np.minimum(place, len(self) - 1)]
        known = self.ids[rows] == ids
        return rows[known], known


def _objects(column: Any) -> list[Any]:
    values: list[Any] = column.combine_chunks().to_numpy(zero_copy_only=False).tolist()
    return values


def _fixed(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    values.flags.writeable = False
    return values


def _few_values(table: Any, name: str, order: npt.NDArray[np.int64]) -> tuple[str | None, ...]:
    """Read a column of text in which many rows say the same; they share one object."""
    if name not in table.schema.names:  # written before there was this column
        return (None,) * len(order)
    column = table[name].combine_chunks().dictionary_encode()
    values = [
        os.fsdecode(value) if isinstance(value, bytes) else value
        for value in (*column.dictionary.to_pylist(), None)
    ]
    codes = column.indices.fill_null(len(values) - 1).to_numpy()[order]
    return tuple(values[code] for code in codes.tolist())
