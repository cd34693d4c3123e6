"""Models: a descriptor and a classifier that learned together, as a single file.

A file, ``model.tamis``, holds all that answering needs: the classes, the descriptor with its
graphs, and the classifier. No weights from elsewhere, no torch.
"""

from tamis.classifiers.network.served import NetworkView
from tamis.model.budget import check_budget, fit_within, seconds_of
from tamis.model.file import is_model
from tamis.model.fitting import fit, learn
from tamis.model.model import Model
from tamis.model.training import Trained, train

__all__ = [
    "Model",
    "NetworkView",
    "Trained",
    "check_budget",
    "fit",
    "fit_within",
    "is_model",
    "learn",
    "seconds_of",
    "train",
]
