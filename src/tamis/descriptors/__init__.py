"""Descriptors: a picture in, a vector out. One file each.

`descriptor("color")` builds one from its spec; `list_descriptors()` lists them all.
"""

from tamis.descriptors.base import Descriptor
from tamis.descriptors.fusion.fusion import Fusion
from tamis.descriptors.grammar import split_specs
from tamis.descriptors.reduction import Reduction
from tamis.descriptors.registry import AUTO, TAUGHT, descriptor, list_descriptors

__all__ = [
    "AUTO",
    "TAUGHT",
    "Descriptor",
    "Fusion",
    "Reduction",
    "descriptor",
    "list_descriptors",
    "split_specs",
]
