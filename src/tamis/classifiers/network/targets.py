"""The classes of the pictures of a training, as numbers and weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import compute_class_weight

from tamis.errors import InvalidParameterError, TrainingError


def codes_of(classes: npt.NDArray[Any], targets: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the number of each validation picture's class among the sorted `classes`.

    Raises
    ------
    InvalidParameterError
        A class is not among them.
    """
    codes = np.searchsorted(classes, targets).clip(max=len(classes) - 1)
    strange = np.flatnonzero(classes[codes] != targets)
    if len(strange):
        raise InvalidParameterError(
            f"the validation has the class {targets[strange[0]]!s}, of which there is no "
            f"training picture."
        )
    return codes


def check_all_there(classes: npt.NDArray[Any], codes: npt.NDArray[np.int64]) -> None:
    """Raise TrainingError if no picture of a class could be read."""
    missing = np.setdiff1d(np.arange(len(classes)), codes)
    if len(missing):
        raise TrainingError(f"no picture of the class {classes[missing[0]]!s} can be read.")


def weight_of(
    class_weight: str | Mapping[Any, float] | None,
    classes: npt.NDArray[Any],
    codes: npt.NDArray[np.int64],
) -> Any:
    """Return the weight of an error on each class as a tensor; None weighs all alike."""
    if class_weight is None:
        return None
    import torch

    weight = compute_class_weight(class_weight, classes=classes, y=classes[codes])
    return torch.tensor(weight, dtype=torch.float32)
