"""Approximate search in a collection: candidates from Lance's index, ranked exactly.

The index (an HNSW graph per cell of an inverted file, over vectors of one byte per
value) answers with candidates without looking at every vector. Their true vectors are
then compared by the distance that was asked for, so that the index need not know it:
what can be lost is a neighbour that was no candidate. How many are, `Approximate.recall`
measures.

Rows that were added after the index was made are searched one by one until they are
many; then `refresh` adds them to it. Rows that were deleted are not found.
"""

from tamis.store.ann.build import build, check_metric, refresh
from tamis.store.ann.embedding import METRICS
from tamis.store.ann.search import Approximate

__all__ = ["METRICS", "Approximate", "build", "check_metric", "refresh"]
