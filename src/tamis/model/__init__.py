"""One trained model as one file, `model.tamis`.

It holds all that answering needs: the classes, what looks at the picture (a descriptor
with its graphs, or a network), and what answers. No weights from elsewhere, no torch.
"""

from tamis.classifiers.network.served import NetworkView
from tamis.model.file import is_model
from tamis.model.model import Model

__all__ = ["Model", "NetworkView", "is_model"]
