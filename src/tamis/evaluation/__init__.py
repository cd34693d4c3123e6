"""How good answers and rankings are: classification, retrieval, comparison, choice of classes."""

from tamis.evaluation.class_choice import ClassChoice, study_classes
from tamis.evaluation.class_study import study
from tamis.evaluation.classification import Evaluation, evaluate
from tamis.evaluation.comparison import compare
from tamis.evaluation.comparison_result import Comparison
from tamis.evaluation.galleries import evaluate_gallery
from tamis.evaluation.retrieval import evaluate_retrieval
from tamis.evaluation.retrieval_scores import RetrievalEvaluation

__all__ = [
    "ClassChoice",
    "Comparison",
    "Evaluation",
    "RetrievalEvaluation",
    "compare",
    "evaluate",
    "evaluate_gallery",
    "evaluate_retrieval",
    "study",
    "study_classes",
]
