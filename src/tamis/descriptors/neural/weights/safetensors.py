"""Weights in the format safetensors, as arrays."""

import os
from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from tamis.errors import FileFormatError, MissingExtraError, WeightsError, printable
from tamis.files.regular import check_regular


def read_safetensors(
    path: str | os.PathLike[str], wanted: Callable[[str], bool] = lambda name: True
) -> dict[str, npt.NDArray[Any]]:
    """Read the tensors of a file.

    Parameters
    ----------
    path : path
    wanted : callable
        Whether a tensor of this name is to be read; others cost nothing.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    WeightsError
        The file cannot be read, is damaged or cut short, or holds a type that numpy lacks.
    MissingExtraError
        The library safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise MissingExtraError.for_project("safetensors", "a file of weights") from None
    shown = printable(os.fspath(path))
    try:
        check_regular(path)
        with safe_open(path, framework="np") as file:
            names = file.offset_keys()  # in the order of the file
            return {name: file.get_tensor(name) for name in names if wanted(name)}
    except OSError as error:
        raise WeightsError(f"cannot read the weights {shown}: {error.strerror}.") from error
    except FileFormatError:
        raise
    # The library raises many kinds where numpy lacks a type.
    except (SafetensorError, AttributeError, TypeError, LookupError, ValueError) as error:
        why = printable(" ".join(str(error).split())[:200]).rstrip(".")
        raise WeightsError(
            f"{shown} holds no weights in the format safetensors, or is damaged ({why}). "
            "Download it again."
        ) from error
