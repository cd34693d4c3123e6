"""Which images there are and what is known of each, whatever names them."""

from tamis.table.table import ImageTable, class_key, common_root, one_spelling

__all__ = ["ImageTable", "class_key", "common_root", "one_spelling"]
