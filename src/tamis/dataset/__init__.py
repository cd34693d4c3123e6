"""Images, from whatever names them, opened once: a folder, a list, a split, a collection."""

from tamis.dataset.dataset import Dataset, Source
from tamis.dataset.defaults import default_by, default_descriptor, taught_by
from tamis.dataset.grouping import duplicates, grouped
from tamis.dataset.opening import Role
from tamis.dataset.searching import search
from tamis.dataset.verbs import SplitPlan, describe, index, open, split

__all__ = [
    "Dataset",
    "Role",
    "Source",
    "SplitPlan",
    "default_by",
    "default_descriptor",
    "describe",
    "duplicates",
    "grouped",
    "index",
    "open",
    "search",
    "split",
    "taught_by",
]
