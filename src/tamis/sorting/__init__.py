"""From predictions to a plan, from a plan to folders on disk, and back."""

from tamis.sorting.apply import SortPlan, sort
from tamis.sorting.checks import check_destination, check_folders
from tamis.sorting.earlier import Correction, Earlier
from tamis.sorting.outputs import (
    CORRECTIONS,
    FAILURES,
    OUTPUTS,
    PREDICTIONS,
    REPORT,
    outputs,
    predictions_as_dicts,
    write_failures,
    write_predictions,
)
from tamis.sorting.placements import Placements
from tamis.sorting.plan import plan_sort

__all__ = [
    "CORRECTIONS",
    "FAILURES",
    "OUTPUTS",
    "PREDICTIONS",
    "REPORT",
    "Correction",
    "Earlier",
    "Placements",
    "SortPlan",
    "check_destination",
    "check_folders",
    "outputs",
    "plan_sort",
    "predictions_as_dicts",
    "sort",
    "write_failures",
    "write_predictions",
]
