"""Backbones: networks trained on other pictures, whose last features serve as descriptors.

`tamis.backbones.entries` says what each is: where its weights come from, under which
licence, and how it wants its pictures. They run on ONNX Runtime; torch is not needed.
"""

from tamis.backbones.backbone import Backbone, weights
from tamis.backbones.entries import ENTRIES, Entry
from tamis.backbones.session import session

__all__ = ["ENTRIES", "Backbone", "Entry", "session", "weights"]
