"""How vectors are laid out in columns: dense, or only what is not zero.

A colour histogram of 15,552 values is mostly zeros: as pairs of place and value it
takes a tenth of the space, and gives the same float32 values back.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Descriptor, Features

if TYPE_CHECKING:
    import pyarrow as pa

SPEC: Final = b"tamis:spec"
"""Key under which a column says by which descriptor it is."""

_AT, _VALUE = "at", "value"


def vector_field(name: str, descriptor: Descriptor) -> "pa.Field[Any]":
    """Declare the column that holds the vectors of a descriptor."""
    import pyarrow as pa

    if descriptor.sparse:
        places = pa.uint16() if descriptor.dim <= 1 << 16 else pa.uint32()
        kind: Any = pa.struct([(_AT, pa.list_(places)), (_VALUE, pa.list_(pa.float32()))])
    else:
        kind = pa.list_(pa.float32(), descriptor.dim)
    return pa.field(name, kind, metadata={SPEC: descriptor.spec.encode()})


def encode(features: Features, rows: list[int], n: int, field: "pa.Field[Any]") -> "pa.Array[Any]":
    """Lay out vectors as a column of n rows, null but for `rows`.

    Parameters
    ----------
    features : ndarray of shape (len(rows), dim), float32
    rows : list of int
        In ascending order.
    n : int
    field : pyarrow.Field
        As `vector_field` declares it.
    """
    import pyarrow as pa

    known = np.zeros(n, bool)
    known[rows] = True
    if not pa.types.is_struct(field.type):
        values = np.zeros((n, features.shape[1]), np.float32)
        values[rows] = features
        return pa.FixedSizeListArray.from_arrays(
            pa.array(values.ravel()), features.shape[1], mask=pa.array(~known)
        )
    row, place = np.nonzero(features)
    counts = np.zeros(n, np.int32)
    counts[rows] = np.bincount(row, minlength=len(rows))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    kinds = [field.type.field(part).type.value_type for part in (_AT, _VALUE)]
    parts = [
        pa.ListArray.from_arrays(offsets, pa.array(values, kind))
        for values, kind in zip((place, features[row, place]), kinds, strict=True)
    ]
    return pa.StructArray.from_arrays(parts, fields=list(field.type), mask=pa.array(~known))


def decode(column: "pa.Array[Any]", out: Features, at: npt.NDArray[np.intp]) -> None:
    """Write the vectors of a column without nulls into the rows `at` of `out`.

    Parameters
    ----------
    column : pyarrow.Array
    out : ndarray of shape (n, dim), float32
        All 0 in the rows `at`.
    at : ndarray of shape (len(column),), intp
    """
    import pyarrow as pa

    if not pa.types.is_struct(column.type):
        out[at] = column.flatten().to_numpy().reshape(len(column), column.type.list_size)
        return
    places, values = column.field(_AT), column.field(_VALUE)
    lengths = np.diff(places.offsets.to_numpy())
    out[np.repeat(at, lengths), places.flatten().to_numpy()] = values.flatten().to_numpy()
