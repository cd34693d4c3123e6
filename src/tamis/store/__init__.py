"""A collection: pictures and their vectors, kept on disk and kept up to date.

A collection is a folder (``photos.tamis``) that holds one Lance dataset: a row per
picture (path, hash, size, time, class, shape) and a column per descriptor. It is
opened by `Collection.open`, and made or brought up to date by `update`. Fitted
reductions lie beside the dataset, in ``photos.tamis/reductions``.
"""

from tamis.store.ann import METRICS, Approximate, build, check_metric
from tamis.store.collection import Collection, is_collection, is_committed
from tamis.store.reductions import find_reduction, fit_reduction
from tamis.store.sync import Changes, update
from tamis.store.unchanged import only_unchanged

__all__ = [
    "METRICS",
    "Approximate",
    "Changes",
    "Collection",
    "build",
    "check_metric",
    "find_reduction",
    "fit_reduction",
    "is_collection",
    "is_committed",
    "only_unchanged",
    "update",
]
