"""Pictures that are there again: byte copies, the same picture in another file, bursts.

No pair is looked at but those that a hash or the nearest tiny pictures propose, so the work
grows with the number of pictures, not with its square; a pair is confirmed by laying one
picture over the other.
"""

from tamis.deduplication.content import Overlap, copies, overlap, with_copies_together
from tamis.deduplication.decisions import add_decisions, decisions_file, read_decisions
from tamis.deduplication.finding import find_duplicates
from tamis.deduplication.groups import DuplicateGroup, Duplicates
from tamis.deduplication.keeping import KeepPlan, keep_best
from tamis.deduplication.links import DEFAULT_KINDS, KINDS

__all__ = [
    "DEFAULT_KINDS",
    "KINDS",
    "DuplicateGroup",
    "Duplicates",
    "KeepPlan",
    "Overlap",
    "add_decisions",
    "copies",
    "decisions_file",
    "find_duplicates",
    "keep_best",
    "overlap",
    "read_decisions",
    "with_copies_together",
]
