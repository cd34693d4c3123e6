"""Comparisons: which descriptor, or which fusion of several, serves pictures best."""

from tamis.study.comparing import compare
from tamis.study.comparison import Candidate, Comparison, Lead
from tamis.study.pool import METHODS, SCALES, UNITS

__all__ = ["METHODS", "SCALES", "UNITS", "Candidate", "Comparison", "Lead", "compare"]
