"""Named distances between vectors, and the k nearest by each of them."""

from tamis.distances.search import Gallery, nearest
from tamis.distances.table import DISTANCES, check_distance

__all__ = ["DISTANCES", "Gallery", "check_distance", "nearest"]
