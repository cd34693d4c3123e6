"""Training a network on one's own pictures (torch, extra ``train``)."""

from tamis.training.augment import AUGMENTATIONS, Augmentation, augmentation
from tamis.training.checkpoint import history_csv
from tamis.training.classifier import NetworkClassifier

__all__ = ["AUGMENTATIONS", "Augmentation", "NetworkClassifier", "augmentation", "history_csv"]
