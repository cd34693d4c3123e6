"""How good answers and rankings are: classification, retrieval, comparison of descriptors."""

from tamis.evaluation.classification import Evaluation, evaluate
from tamis.evaluation.retrieval import evaluate_retrieval
from tamis.evaluation.retrieval_scores import RetrievalEvaluation

__all__ = ["Evaluation", "RetrievalEvaluation", "evaluate", "evaluate_retrieval"]
