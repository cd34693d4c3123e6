"""Reading ``.npz`` files with known fields, whoever made them."""

import io
import math
import os
import re
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import FileFormatError, printable
from tamis.files.archives import bounded_zip
from tamis.files.regular import open_regular

_MAGIC: Final = b"\x93NUMPY"
_LONGEST_HEADER: Final = 10_000
_MOST_DIMENSIONS: Final = 8
# What numpy writes; its own reader takes any literal of Python.
_HEADER: Final = re.compile(
    r"\{'descr': '([<>|=][biuf]\d{1,2})', 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,18}(?:, \d{1,18})*,?)?)\), \} *\n"
)


def read_npz(
    source: str | os.PathLike[str] | bytes,
    fields: Mapping[str, tuple[str, int]],
    *,
    limit: int | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an ``.npz`` file.

    Parameters
    ----------
    source : str, os.PathLike or bytes
        The file, or its content.
    fields : mapping from str to (str, int)
        Name of each array to its type, such as ``float32``, and its number of dimensions.
        Other arrays are not read.
    limit : int, optional
        Bytes that the file may unfold to. By default its own size: then arrays that
        `numpy.savez` writes are taken, and compressed ones are refused.

    Returns
    -------
    dict from str to ndarray
        Floats are finite.

    Raises
    ------
    FileFormatError
        The file is no ``.npz`` file, lacks an array, holds one of another type or number
        of dimensions, one whose size is not the one it announces, or NaN or infinity.
    OSError
        The file cannot be opened.
    """
    with io.BytesIO(source) if isinstance(source, bytes) else open_regular(source) as file:
        return _read(file, fields, limit)


def _read(
    file: BinaryIO, fields: Mapping[str, tuple[str, int]], limit: int | None
) -> dict[str, npt.NDArray[Any]]:
    found = {}
    with bounded_zip(file, limit=limit) as archive:
        parts = set(archive.namelist())
        for name, (kind, ndim) in fields.items():
            if f"{name}.npy" not in parts:
                raise FileFormatError(f"it holds no array {name}")
            values = _array(name, archive.read(f"{name}.npy"))
            if values.dtype != np.dtype(kind) or values.ndim != ndim:
                raise FileFormatError(
                    f"{name} must be {kind} with {ndim} dimensions. Got {values.dtype} of shape "
                    f"{values.shape}"
                )
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise FileFormatError(f"{name} must be finite, and holds NaN or infinity")
            found[name] = values
    return found


def _array(name: str, data: bytes) -> npt.NDArray[Any]:
    """Read a file in the format ``.npy``, whose size must be the one that it announces."""
    width = {b"\x01\x00": 2, b"\x02\x00": 4}.get(data[6:8])
    if data[:6] != _MAGIC or width is None or len(data) < 8 + width:
        raise FileFormatError(f"{name} is no array of numpy")
    (length,) = struct.unpack("<H" if width == 2 else "<I", data[8 : 8 + width])
    start = 8 + width + length
    text = data[8 + width : min(start, _LONGEST_HEADER)].decode("latin-1")
    header = _HEADER.fullmatch(text)
    if header is None:
        shown = printable(text[:80].strip())
        raise FileFormatError(f"{name} has a header that cannot be read: {shown}")
    shape = tuple(int(number) for number in header[3].replace(",", " ").split())
    try:
        dtype = np.dtype(header[1])
    except TypeError:
        raise FileFormatError(f"{name} has the unknown type {header[1]}") from None
    if len(shape) > _MOST_DIMENSIONS or math.prod(shape) * dtype.itemsize != len(data) - start:
        raise FileFormatError(
            f"{name} announces the shape {shape} of {dtype}, and holds {len(data) - start:,} bytes"
        )
    values = np.frombuffer(data, dtype, offset=start)
    order: Any = "F" if header[2] == "True" else "C"
    return values.reshape(shape, order=order).copy(order="K")  # aligned, and one's own
