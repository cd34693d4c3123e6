"""The vectors of some rows of a collection, read as they are needed."""

from typing import Any

import numpy as np

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features
from tamis.features import FeatureTable
from tamis.store.ann.build import column_of
from tamis.store.checking import lance_errors
from tamis.store.collection import Collection
from tamis.store.columns import decode


class StoredVectors:
    """The vectors by the leaves of a descriptor in a collection.

    Attributes
    ----------
    collection : Collection
    descriptor : Descriptor
        Fitted, before vectors are combined.
    columns : list of str
        The column of each leaf.
    paths : tuple of str
        Path of each row, those that could not be read included.
    row_of : dict from str to int
        Path to row.
    """

    def __init__(self, collection: Collection, descriptor: Descriptor) -> None:
        self.collection = collection
        self.descriptor = descriptor
        self.columns = [column_of(collection, leaf.spec) for leaf in descriptor.leaves]
        self._dims = [leaf.dim for leaf in descriptor.leaves]
        self.paths = collection.table().paths
        self.row_of = {path: row for row, path in enumerate(self.paths)}

    def read_rows(self, rows: list[int]) -> tuple[list[int], list[Features]]:
        """Read the vectors of some rows; as `read`."""
        if not rows:
            return [], [np.empty((0, dim), np.float32) for dim in self._dims]
        ids = ", ".join(map(str, self.collection.rows.ids[rows].tolist()))
        with lance_errors(self.collection.path):
            table = self.collection.dataset.to_table(
                columns=["id", *self.columns], filter=f"failure IS NULL AND id IN ({ids})"
            )
        return self.read(table)

    def read(self, table: Any) -> tuple[list[int], list[Features]]:
        """Decode what Lance gives.

        Parameters
        ----------
        table : pyarrow.Table or pyarrow.RecordBatch
            With the columns ``id`` and those of the leaves.

        Returns
        -------
        rows : list of int
            Without those outside of the root.
        vectors : list of ndarray of shape (len(rows), dim), float32
            By each leaf.
        """
        rows, known = self.collection.rows.find(table["id"].to_numpy())
        leaves = []
        for name, dim in zip(self.columns, self._dims, strict=True):
            column = table[name]
            column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
            features = np.zeros((len(known), dim), np.float32)
            with lance_errors(self.collection.path):
                decode(column, features, np.arange(len(known)))
            leaves.append(features[known])
        return rows.tolist(), leaves

    def combined(self, rows: list[int], leaves: list[Features]) -> tuple[list[int], Features]:
        """Combine the vectors of the leaves to those of the descriptor."""
        if len(leaves) == 1:
            return rows, leaves[0]
        return rows, self.descriptor.combine(leaves)

    def table(self, rows: list[int], features: Features) -> FeatureTable:
        """Give rows their paths and classes."""
        labels = self.collection.rows.labels
        return FeatureTable(
            paths=tuple(self.paths[row] for row in rows),
            labels=tuple(labels[row] for row in rows),
            features=features,
            spec=self.descriptor.spec,
            distance=self.descriptor.distance_for(),
        )
