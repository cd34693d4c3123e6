"""From pictures whose class is known to a trained model.

`training_parts` says which pictures teach and which only check; `train_probe` and
`train_network` learn from the former, and score the model on the latter.
"""

from tamis.learning.parts import TrainingParts, training_parts
from tamis.learning.trained import Trained, train_network, train_probe

__all__ = [
    "Trained",
    "TrainingParts",
    "train_network",
    "train_probe",
    "training_parts",
]
