"""The settings of a training run, checked."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from tamis.classifiers.network.recipe import Recipe
from tamis.errors import InvalidParameterError

_LEAST: Final = {"epochs": 1, "patience": 0, "batch_size": 1, "n_jobs": 1, "seed": 0}
PRECISIONS: Final = ("auto", "float32", "bfloat16")


def recipe_for(recipe: Recipe, asked: Mapping[str, Any], others: Mapping[str, Any]) -> Recipe:
    """Take a recipe with what was asked for instead.

    Parameters
    ----------
    recipe : Recipe
    asked : mapping from str to value
        Fields of the recipe; None leaves them.
    others : mapping from str to value
        What is checked with them.

    Raises
    ------
    InvalidParameterError
        One is out of its range.
    """
    asked = {name: value for name, value in asked.items() if value is not None}
    for name, value in (asked | dict(others)).items():
        if name in _LEAST and (
            not isinstance(value, int | np.integer)
            or isinstance(value, bool)
            or value < _LEAST[name]
        ):
            raise InvalidParameterError(
                f"{name} must be a whole number of at least {_LEAST[name]}. Got {value!r}."
            )
    if "lr" in asked and not 0 < asked["lr"] < math.inf:
        raise InvalidParameterError(f"lr must be above 0. Got {asked['lr']!r}.")
    # Of fewer epochs fewer train the last layer alone, or nothing else would be trained.
    frozen = round(recipe.frozen * asked.get("epochs", recipe.epochs) / recipe.epochs)
    return replace(recipe, frozen=frozen, **asked)


def check_choices(sampling: str | None, precision: str) -> None:
    """Check what is one of a few words.

    Raises
    ------
    InvalidParameterError
        It is none of them.
    """
    if sampling not in (None, "balanced"):
        raise InvalidParameterError(f"sampling must be 'balanced' or None. Got {sampling!r}.")
    if precision not in PRECISIONS:
        raise InvalidParameterError(
            f"precision must be one of {', '.join(PRECISIONS)}. Got {precision!r}."
        )
