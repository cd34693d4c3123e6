"""The layout of vectors in columns: dense, or only the values that are not zero.

A colour histogram of 15,552 values is mostly zeros: pairs of place and value take a tenth
of the space, and give the same float32 values back.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Descriptor, Features

if TYPE_CHECKING:
    import pyarrow as pa

SPEC: Final = b"tamis:spec"
"""Key of a column's metadata for the spec of its descriptor."""

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


def spec_of(field: "pa.Field[Any]") -> str:
    """Give the spec of the descriptor whose vectors a column holds; "" for other columns."""
    return (field.metadata or {}).get(SPEC, b"").decode()


def specs_of(schema: "pa.Schema") -> dict[str, str]:
    """Give the spec of each descriptor, and the name of the column of its vectors."""
    return {spec: field.name for field in schema if (spec := spec_of(field))}


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

    Raises
    ------
    ValueError
        A vector is null, of another length, has a place out of range, or is not finite.
    """
    import pyarrow as pa

    column.validate(full=True)
    dim = out.shape[1]
    if column.null_count:
        raise ValueError("a picture that could be read has no vector")
    if not pa.types.is_struct(column.type):
        if column.type != pa.list_(pa.float32(), dim):
            raise ValueError(f"a vector must be {dim} floats. Got {column.type}")
        out[at] = _numbers(column.flatten()).reshape(len(column), dim)
        return
    places, values = column.field(_AT), column.field(_VALUE)
    kinds = [part.type.value_type for part in (places, values)]
    if kinds[0] not in (pa.uint16(), pa.uint32()) or kinds[1] != pa.float32():
        raise ValueError(f"a sparse vector must be places and floats. Got {column.type}")
    lengths = np.diff(places.offsets.to_numpy())
    if (lengths != np.diff(values.offsets.to_numpy())).any() or places.null_count:
        raise ValueError("a sparse vector must have a value for each place")
    columns = _numbers(places.flatten())
    if len(columns) and columns.max() >= dim:
        raise ValueError(f"the places in a sparse vector must be below {dim}. Got {columns.max()}")
    out[np.repeat(at, lengths), columns] = _numbers(values.flatten())


def _numbers(values: "pa.Array[Any]") -> npt.NDArray[Any]:
    """Give the numbers of an array, which must be there and finite."""
    if values.null_count:
        raise ValueError("a vector must be numbers. Got a null")
    numbers: npt.NDArray[Any] = values.to_numpy()
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise ValueError("a vector must be finite. Got NaN or infinity")
    return numbers
