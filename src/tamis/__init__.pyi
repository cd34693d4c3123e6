"""The public names of tamis; `lazy_loader` imports each when it is asked for."""

from .checking import Checkup, RelabelPlan, Suspect, check, relabel
from .classifiers.automatic import AutoClassifier
from .classifiers.knn import KNNClassifier
from .classifiers.network.classifier import NetworkClassifier
from .classifiers.predictions import Prediction, Predictions
from .classifiers.probe import ProbeClassifier
from .dataset import Dataset, SplitPlan, describe, duplicates, grouped, index, open, search, split
from .deduplication import (
    DuplicateGroup,
    Duplicates,
    KeepPlan,
    Overlap,
    copies,
    keep_best,
    overlap,
)
from .descriptors import Descriptor, Fusion, Reduction, descriptor, list_descriptors
from .descriptors.base import PixelDescriptor
from .errors import (
    CodebookError,
    CollectionError,
    DestinationError,
    Failure,
    FileFormatError,
    ImageReadError,
    InvalidParameterError,
    JournalError,
    MissingExtraError,
    ModelError,
    PluginError,
    ReductionError,
    TableError,
    TamisError,
    TrainingError,
    UnknownNameError,
    WeightsError,
)
from .evaluation import (
    ClassChoice,
    Comparison,
    Evaluation,
    RetrievalEvaluation,
    compare,
    evaluate,
    evaluate_gallery,
    evaluate_retrieval,
    study,
    study_classes,
)
from .features import FeatureTable
from .features.index import Hit, Index, Matches
from .features.transformer import DescriptorTransformer
from .files.undoing import undo
from .images import read_image
from .model import Model, train
from .sorting import SortPlan, sort
from .store import Collection
from .table import ImageTable
from .web import serve

__version__: str

__all__ = [
    "AutoClassifier",
    "Checkup",
    "ClassChoice",
    "CodebookError",
    "Collection",
    "CollectionError",
    "Comparison",
    "Dataset",
    "Descriptor",
    "DescriptorTransformer",
    "DestinationError",
    "DuplicateGroup",
    "Duplicates",
    "Evaluation",
    "Failure",
    "FeatureTable",
    "FileFormatError",
    "Fusion",
    "Hit",
    "ImageReadError",
    "ImageTable",
    "Index",
    "InvalidParameterError",
    "JournalError",
    "KNNClassifier",
    "KeepPlan",
    "Matches",
    "MissingExtraError",
    "Model",
    "ModelError",
    "NetworkClassifier",
    "Overlap",
    "PixelDescriptor",
    "PluginError",
    "Prediction",
    "Predictions",
    "ProbeClassifier",
    "Reduction",
    "ReductionError",
    "RelabelPlan",
    "RetrievalEvaluation",
    "SortPlan",
    "SplitPlan",
    "Suspect",
    "TableError",
    "TamisError",
    "TrainingError",
    "UnknownNameError",
    "WeightsError",
    "__version__",
    "check",
    "compare",
    "copies",
    "describe",
    "descriptor",
    "duplicates",
    "evaluate",
    "evaluate_gallery",
    "evaluate_retrieval",
    "grouped",
    "index",
    "keep_best",
    "list_descriptors",
    "open",
    "overlap",
    "read_image",
    "relabel",
    "search",
    "serve",
    "sort",
    "split",
    "study",
    "study_classes",
    "train",
    "undo",
]
