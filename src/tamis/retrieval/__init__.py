"""How well a descriptor finds pictures of the same class."""

from tamis.retrieval.evaluation import (
    AP_OVER_ALL,
    AP_OVER_HITS,
    FIGURES,
    DepthScores,
    RetrievalEvaluation,
)
from tamis.retrieval.folds import evaluate_in_folds
from tamis.retrieval.scoring import DEFAULT_DEPTH, check_task, evaluate_retrieval

__all__ = [
    "AP_OVER_ALL",
    "AP_OVER_HITS",
    "DEFAULT_DEPTH",
    "FIGURES",
    "DepthScores",
    "RetrievalEvaluation",
    "check_task",
    "evaluate_in_folds",
    "evaluate_retrieval",
]
