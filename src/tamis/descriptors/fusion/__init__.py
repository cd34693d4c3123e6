"""Several descriptors as one, and how much each of them counts."""

from tamis.descriptors.fusion.fusion import METHODS, Fusion

__all__ = ["METHODS", "Fusion"]
