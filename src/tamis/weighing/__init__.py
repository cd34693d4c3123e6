"""How much each of several descriptors should count, told from the distances of pictures."""

from tamis.weighing.learning import Learned, learn_weights
from tamis.weighing.pairs import (
    Matrices,
    by_rank,
    distance_matrix,
    mean_of_classes,
    median_of,
    nearest_by_sum,
)

__all__ = [
    "Learned",
    "Matrices",
    "by_rank",
    "distance_matrix",
    "learn_weights",
    "mean_of_classes",
    "median_of",
    "nearest_by_sum",
]
