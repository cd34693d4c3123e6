"""Checking: doubtful examples, odd classes, and pictures that show too little."""

from tamis.checking.checkup import check
from tamis.checking.classes import ClassFinding
from tamis.checking.looks import LOOKS, Look
from tamis.checking.moves import RelabelPlan, relabel
from tamis.checking.result import Checkup, Suspect

__all__ = [
    "LOOKS",
    "Checkup",
    "ClassFinding",
    "Look",
    "RelabelPlan",
    "Suspect",
    "check",
    "relabel",
]
