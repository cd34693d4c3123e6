"""Weights in the format safetensors, as arrays.

Eight bytes say how long the header is; the header is JSON, with type, shape and place of
each tensor; their values follow, one after the other.
"""

import json
import math
import os
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import WeightsError, printable
from tamis.files.regular import open_regular, size_of

_TYPES: Final = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # the upper half of a float32
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
_LONGEST_HEADER: Final = 100_000_000  # what the format allows


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
        In the order of the file. Of the type in the file, ``BF16`` as float32.

    Raises
    ------
    WeightsError
        It cannot be read, or is something else, damaged or cut short.
    """
    shown = printable(os.fspath(path))
    try:
        with open_regular(path) as file:
            size = size_of(file)
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
                raise ValueError("it begins with no header")
            header = json.loads(file.read(length), object_pairs_hook=_unique)
            if not isinstance(header, dict):
                raise ValueError("its header is no table")
            header.pop("__metadata__", None)
            _check_places(header, size - 8 - length)
            found = {}
            for name, entry in header.items():
                if wanted(name):
                    start, end = entry["data_offsets"]
                    file.seek(8 + length + start)
                    found[name] = _tensor(name, entry, file.read(end - start))
            return found
    except OSError as error:
        raise WeightsError(f"cannot read the weights {shown}: {error.strerror}.") from error
    # What json and a header of another form raise.
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        why = printable(str(error)[:200]).rstrip(".")
        raise WeightsError(
            f"{shown} holds no weights in the format safetensors, or is damaged ({why}). "
            "Download it again."
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("its header names something twice")
    return table


def _check_places(header: dict[str, Any], size: int) -> None:
    """Raise ValueError unless the tensors follow each other, whole, as the format demands."""
    places = []
    for name, entry in header.items():
        shape, place = entry["shape"], entry["data_offsets"]
        if not all(type(n) is int and n >= 0 for n in (*shape, *place)) or len(place) != 2:
            raise ValueError(f"{name} has a shape or place that cannot be")
        places.append((place[0], place[1], name))
    end = 0
    for start, stop, name in sorted(places):
        if start != end:
            raise ValueError(f"{name} does not follow the tensor before it")
        end = stop
    if end > size:
        raise ValueError("its last tensor lies outside of it")


def _tensor(name: str, entry: dict[str, Any], data: bytes) -> npt.NDArray[Any]:
    if entry["dtype"] not in _TYPES:
        raise ValueError(f"{name} has the type {entry['dtype']}")
    shape, dtype = tuple(entry["shape"]), np.dtype(_TYPES[entry["dtype"]])
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} is cut short, or of another size than it says")
    values = np.frombuffer(data, dtype).reshape(shape)
    if entry["dtype"] == "BF16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return values
