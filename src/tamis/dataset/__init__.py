"""Images, from whatever names them, opened once: a folder, a list, a split, a collection."""

from tamis.dataset.dataset import Dataset, Source
from tamis.dataset.opening import Role

__all__ = ["Dataset", "Role", "Source"]
