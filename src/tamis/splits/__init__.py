"""Splits: which folders or lists are one, and which pictures are learned from.

`split_of` is the one answer to whether a folder or a list is a split, and which its parts
are; `with_split` gives the pictures their parts and classes.
"""

from tamis.splits.classes import (
    check_classes,
    class_counts,
    class_remarks,
    empty_classes,
    inner_classes,
    only_class,
)
from tamis.splits.layout import (
    PARTS,
    Split,
    check_one_fold,
    part_named,
    split_of,
    take_part,
    with_split,
)

__all__ = [
    "PARTS",
    "Split",
    "check_classes",
    "check_one_fold",
    "class_counts",
    "class_remarks",
    "empty_classes",
    "inner_classes",
    "only_class",
    "part_named",
    "split_of",
    "take_part",
    "with_split",
]
