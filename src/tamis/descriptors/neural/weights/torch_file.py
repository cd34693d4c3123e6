"""Reading the weights that torch saved, without torch.

A file of torch is a pickle, and a pickle may run any code. This reader knows the few
names that a dictionary of arrays needs, builds stand-ins for them, and refuses all else.
"""

import collections
import io
import math
import pickle
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt

from tamis.errors import FileFormatError, WeightsError, printable
from tamis.files.archives import bounded_zip

Weights = dict[str, npt.NDArray[Any]]
"""The arrays of a network by the names it gives them."""

_MAGIC: Final = 0x1950A86A20F9469CFC6C  # of the format before torch 1.6, which is no zip file
_PROTOCOL: Final = 1001
_MEMO: Final = ("PUT", "BINPUT", "LONG_BINPUT")
_MOST_TUPLES: Final = 20_000  # a tensor has four
_COPIES: Final = 4  # of all values, where tensors share them
_DTYPES: Final = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


def _refused(stand_in: object, state: object) -> NoReturn:
    """Stand for ``__setstate__``: a pickle may make a stand-in, and never change it."""
    raise WeightsError("the weights are a pickle that does more than hold arrays.")


@dataclass(frozen=True, slots=True)
class _Kind:
    """Stands for a class of storages."""

    dtype: np.dtype[Any]

    __setstate__ = _refused


@dataclass(frozen=True, slots=True)
class _Storage:
    """Stands for one storage: in the old format its values come after the pickle."""

    dtype: np.dtype[Any]
    length: int
    values: list[npt.NDArray[Any]] = field(default_factory=list)

    __setstate__ = _refused


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Stands for a tensor: a view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    __setstate__ = _refused

    def array(self) -> npt.NDArray[Any]:
        """Copy the values out of the storage."""
        if len(self.storage.values) != 1:
            raise WeightsError("the weights hold a tensor without values.")
        values = self.storage.values[0]
        if (
            len(self.shape) != len(self.strides)
            or min(self.offset, *self.shape, *self.strides, 0) < 0
        ):
            raise WeightsError("the weights hold a tensor that cannot be.")
        ends = [(n - 1) * step for n, step in zip(self.shape, self.strides, strict=True)]
        if math.prod(self.shape) > values.size or (
            0 not in self.shape and self.offset + sum(ends) >= values.size
        ):
            raise WeightsError("the weights hold a tensor that reaches beyond its values.")
        bytes_each = values.itemsize
        view = np.lib.stride_tricks.as_strided(
            values[self.offset :] if 0 not in self.shape else values[:0],
            self.shape,
            [step * bytes_each for step in self.strides],
        )
        return view.astype(view.dtype.newbyteorder("="))


class _Maker:
    """Stands for the functions of torch that a pickle calls. Nothing can be set on it."""

    __slots__ = ("_make",)
    __setstate__ = _refused

    def __init__(self, make: Callable[..., Any]) -> None:
        object.__setattr__(self, "_make", make)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise WeightsError("the weights are a pickle that does more than hold arrays.")

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)  # type: ignore[attr-defined]


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or not all(type(number) is int for number in numbers):
        raise WeightsError("the weights hold a tensor that cannot be read.")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


class _Reader(pickle.Unpickler):
    """Unpickles dictionaries of tensors, and nothing else."""

    def __init__(self, file: io.BytesIO, load: Callable[[_Storage, str], None]) -> None:
        super().__init__(file, encoding="utf-8")
        self._load = load
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Give the stand-in for a name, or refuse it."""
        match module, name:
            case "collections", "OrderedDict":
                return collections.OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return _Maker(_tensor)
            case "torch._utils", "_rebuild_parameter":
                return _Maker(_parameter)
            case "torch", kind if kind in _DTYPES:
                return _Kind(np.dtype(_DTYPES[kind]))
        raise WeightsError(
            f"the weights ask for {module}.{name}, which a file of arrays does not need. It may "
            "run code, and is not opened."
        )

    def persistent_load(self, pid: Any) -> _Storage:
        """Give the storage that is named by a pid of torch."""
        match pid:
            case ("storage", _Kind(dtype), str(key), str(), int(length), *view) if (
                length >= 0 and view in ([], [None])
            ):
                if key not in self.storages:
                    self.storages[key] = _Storage(dtype, length)
                    self._load(self.storages[key], key)
                return self.storages[key]
        raise WeightsError("the weights hold a kind of storage that is not known.")


def read_weights(data: bytes) -> Weights:
    """Read a dictionary of arrays as `torch.save` writes it.

    Parameters
    ----------
    data : bytes
        The file: the zip format of torch 1.6 and later, or the one before it. A
        dictionary ``{"state_dict": ...}`` around the arrays is taken off.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    WeightsError
        It is no such file, is damaged, or holds anything but arrays.
    """
    try:
        found = _read_zip(data) if data[:2] == b"PK" else _read_old(data)
        return _arrays(found, _COPIES * len(data))
    except WeightsError:
        raise
    except FileFormatError as error:
        raise WeightsError(f"the weights are damaged ({error}).") from error
    except Exception as error:  # a damaged pickle may fail in any way
        why = printable(f"{type(error).__name__}: {error}"[:200])
        raise WeightsError(f"the weights are damaged ({why}).") from error


def _arrays(found: Any, limit: int) -> Weights:
    """Copy the arrays, which may share their values, up to so many bytes."""
    if isinstance(found, dict) and isinstance(inner := dict.get(found, "state_dict"), dict):
        found = inner
    if not isinstance(found, dict) or not found:
        raise WeightsError("the weights are no dictionary of arrays.")
    arrays: Weights = {}
    # Not found.items(): a pickle may have put anything in its place.
    for name, tensor in dict.items(found):
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise WeightsError(f"the weights hold {printable(repr(name)[:60])}, which is no array.")
        limit -= math.prod(tensor.shape) * tensor.storage.dtype.itemsize
        if limit < 0:
            raise WeightsError("the weights unfold to more than their file can hold.")
        arrays[name] = tensor.array()
    return arrays


def _read_zip(data: bytes) -> Any:
    with bounded_zip(io.BytesIO(data)) as archive:
        (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = pickled.removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist():
            order = archive.read(f"{folder}byteorder")
            if order != b"little":
                raise WeightsError(f"the weights have the byte order {order!r}, not little.")

        def load(storage: _Storage, key: str) -> None:
            _fill(storage, archive.read(f"{folder}data/{key}"))

        return _unpickled(_Reader(body := io.BytesIO(archive.read(pickled)), load), body)


def _read_old(data: bytes) -> Any:
    file = io.BytesIO(data)
    magic, protocol, system = (_unpickled(_Reader(file, _nothing), file) for _ in range(3))
    if magic != _MAGIC or protocol != _PROTOCOL:
        raise WeightsError("the weights are not in a format of torch.")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise WeightsError("the weights are not little-endian.")
    reader = _Reader(file, _nothing)
    found = _unpickled(reader, file)
    for key in _unpickled(_Reader(file, _nothing), file):
        storage = reader.storages[key]
        if int.from_bytes(file.read(8), "little") != storage.length:
            raise WeightsError("the weights are damaged: a length is not the one announced.")
        _fill(storage, file.read(storage.length * storage.dtype.itemsize))
    return found


def _fill(storage: _Storage, data: bytes) -> None:
    if len(data) != storage.length * storage.dtype.itemsize:
        raise WeightsError("the weights are truncated.")
    storage.values[:] = [np.frombuffer(data, storage.dtype)]


def _unpickled(reader: _Reader, file: io.BytesIO) -> Any:
    """Read the next pickle of a file, once its operations are known to be harmless.

    A place in the memo is allocated up to its number, and tuples within tuples are hashed
    by recursion: both end a process.
    """
    start, tuples, count = file.tell(), 0, 0
    for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if operation.name in _MEMO and not 0 <= int(argument or 0) <= count:
            raise WeightsError("the weights are a pickle with a memo that cannot be.")
        tuples += operation.name.startswith("TUPLE")
        if tuples > _MOST_TUPLES:
            raise WeightsError(f"the weights hold more than {_MOST_TUPLES:,} tuples.")
    file.seek(start)
    return reader.load()


def _nothing(storage: _Storage, key: str) -> None:
    pass
