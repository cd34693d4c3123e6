"""Reading vectors of a collection by row or as they are found, not all of them."""

from typing import Any

import numpy as np

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features
from tamis.features import FeatureTable
from tamis.store.ann.build import column_of
from tamis.store.checking import lance_errors
from tamis.store.collection import Collection
from tamis.store.columns import decode


class Stored:
    """The vectors of a descriptor's leaves in a collection.

    Attributes
    ----------
    collection : Collection
    descriptor : Descriptor
        Fitted, before vectors are combined.
    columns : list of str
        Of each leaf.
    paths : tuple of str
        Of each row, those that could not be read included.
    row_of : dict from str to int
        Path to row.
    """

    def __init__(self, collection: Collection, descriptor: Descriptor) -> None:
        self.collection = collection
        self.descriptor = descriptor
        self.columns = [column_of(collection, leaf.spec) for leaf in descriptor.leaves]
        self._dims = [leaf.dim for leaf in descriptor.leaves]
        rows = collection.rows
        self._order = np.argsort(rows.ids)
        self._sorted = rows.ids[self._order]
        self.paths = collection.table().paths
        self.row_of = {path: row for row, path in enumerate(self.paths)}

    def good_rows(self) -> list[int]:
        """List the rows of pictures that could be read."""
        return [row for row, why in enumerate(self.collection.rows.failures) if why is None]

    def read_rows(self, rows: list[int]) -> tuple[list[int], list[Features]]:
        """Rows, and the vectors by each leaf, of some pictures."""
        if not rows:
            return [], [np.empty((0, dim), np.float32) for dim in self._dims]
        ids = ", ".join(str(self.collection.rows.ids[row]) for row in rows)
        with lance_errors(self.collection.path):
            found = self.collection.dataset.to_table(
                columns=["id", *self.columns], filter=f"failure IS NULL AND id IN ({ids})"
            )
        return self.read(found)

    def read(self, found: Any) -> tuple[list[int], list[Features]]:
        """Rows and vectors of what Lance gives, without what a newer row replaces."""
        ids = found["id"].to_numpy()
        if not len(ids) or not len(self._sorted):
            return [], [np.empty((0, dim), np.float32) for dim in self._dims]
        place = np.minimum(np.searchsorted(self._sorted, ids), len(self._sorted) - 1)
        current = self._sorted[place] == ids
        leaves = []
        for name, dim in zip(self.columns, self._dims, strict=True):
            column = found[name]
            column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
            features = np.zeros((len(ids), dim), np.float32)
            with lance_errors(self.collection.path):
                decode(column, features, np.arange(len(ids)))
            leaves.append(features[current])
        return self._order[place[current]].tolist(), leaves

    def combined(self, rows: list[int], leaves: list[Features]) -> tuple[list[int], Features]:
        """Make the vectors of the descriptor."""
        if len(leaves) == 1:
            return rows, leaves[0]
        return rows, self.descriptor.combine(leaves)

    def table(self, rows: list[int], features: Features) -> FeatureTable:
        """Give rows their names and classes."""
        labels = self.collection.rows.labels
        return FeatureTable(
            paths=tuple(self.paths[row] for row in rows),
            labels=tuple(labels[row] for row in rows),
            features=features,
            spec=self.descriptor.spec,
            distance=self.descriptor.distance_for(),
        )
