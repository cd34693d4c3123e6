"""Approximate search in a collection: candidates from Lance's index, ranked exactly.

The index (an HNSW graph per cell of an inverted file, over vectors of one byte per
value) gives candidates without a look at every vector. The stored vectors of the
candidates are then compared by any distance, which the index need not know: only a
neighbour that is no candidate is lost. `Approximate.recall` measures how many are.

Rows that are newer than the index are searched one by one until they are many; then
`refresh` adds them to it. Deleted rows are not found.
"""

from tamis.store.ann.build import build, check_metric, refresh
from tamis.store.ann.embedding import METRICS
from tamis.store.ann.search import Approximate

__all__ = ["METRICS", "Approximate", "build", "check_metric", "refresh"]
