"""The members of a model's file that hold its classifier and the paths of its examples."""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tamis.classifiers.base import Classifier, classifier_type
from tamis.errors import FileFormatError, ModelError
from tamis.files.arrays import read_npz
from tamis.model.manifest import check_examples

ARRAYS: Final = "classifier.npz"
EXAMPLES: Final = "examples.json"


def classifier_from(manifest: Mapping[str, Any], parts: Mapping[str, bytes]) -> Classifier:
    """Rebuild the classifier of a model; raise ModelError if something does not fit."""
    kind = classifier_type(manifest["classifier"])
    if not issubclass(kind, Classifier):
        raise ModelError(f"its classifier {manifest['classifier']!r} is none of vectors.")
    arrays = read_npz(parts[ARRAYS], kind.array_types) if ARRAYS in parts else {}
    if missing := sorted(set(kind.array_types) - set(arrays)):
        raise ModelError(f"it lacks the array {missing[0]} of its classifier.")
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is refused
        return kind.from_arrays(manifest["config"], arrays)


def examples_from(parts: Mapping[str, bytes], classifier: Classifier) -> tuple[str, ...]:
    """Return the paths of the examples that a model holds, in the order of its rows."""
    if EXAMPLES not in parts:
        return ()
    try:
        return check_examples(json.loads(parts[EXAMPLES]), len(getattr(classifier, "labels_", ())))
    except ValueError as error:
        raise FileFormatError(f"its examples cannot be read: {error}.") from error
