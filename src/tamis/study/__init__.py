"""Comparisons: which descriptor, or which fusion of several, serves pictures best."""

from tamis.study.comparing import DEFAULT_DEPTH, compare
from tamis.study.comparison import Candidate, Comparison, Lead
from tamis.study.pool import METHODS, SCALES, UNITS

__all__ = [
    "DEFAULT_DEPTH",
    "METHODS",
    "SCALES",
    "UNITS",
    "Candidate",
    "Comparison",
    "Lead",
    "compare",
]
