"""Backbones: networks trained on other pictures, whose last features serve as descriptors.

`tamis.descriptors.neural.catalog` says what each is: where its weights come from, under which
licence, and how it wants its pictures. They run on ONNX Runtime; torch is not needed.
"""

from tamis.descriptors.neural.backbone import Backbone, weights
from tamis.descriptors.neural.catalog import ENTRIES, Entry
from tamis.descriptors.neural.runtime import session

__all__ = ["ENTRIES", "Backbone", "Entry", "session", "weights"]
