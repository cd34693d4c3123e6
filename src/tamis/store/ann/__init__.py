"""Approximate search in a collection: candidates from an index, ranked exactly.

The index (an inverted file, with 4 bits per 4 values of each vector, searched by FAISS) gives
candidates without a look at every vector. The vectors of the candidates, mapped beside it, are
then compared by any distance, which the index need not know: only a neighbour that is no
candidate is lost. `Approximate.recall` measures how many are.

Rows that are newer than the index are compared one by one until they are many; then `refresh`
adds them to it. Deleted rows are not found.
"""

from tamis.store.ann.build import build, check_metric, refresh
from tamis.store.ann.embedding import METRICS
from tamis.store.ann.search import Approximate

__all__ = ["METRICS", "Approximate", "build", "check_metric", "refresh"]
