"""Weights: what torch writes is read, and anything else is refused before it runs."""

import collections
import io
import os
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import pytest

from tamis.backbones.weights import read_weights
from tamis.errors import WeightsError


class Storage:
    """Stands for a storage of torch when it is pickled."""

    def __init__(self, key, values, kind="FloatStorage"):
        self.key, self.values, self.kind = key, values, kind


class Tensor:
    """Pickles as a tensor of torch does."""

    def __init__(self, storage, offset, shape, strides):
        self.parts = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


@pytest.fixture
def save(monkeypatch):
    """Return a function that writes as torch does, without torch."""
    torch, functions = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        raise AssertionError("only pickled")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        functions.__name__,
        ("_rebuild_tensor_v2"),
    )
    functions._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils = functions
    for kind in ("FloatStorage", "LongStorage", "HalfStorage", "StrangeStorage"):
        one = type(kind, (), {"__module__": "torch"})
        setattr(torch, kind, one)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", functions)

    def write(found, *, zipped, order=b"little"):
        storages = {}

        class Pickler(pickle.Pickler):
            def persistent_id(self, one):
                if not isinstance(one, Storage):
                    return None
                storages[one.key] = one
                kind, length = getattr(torch, one.kind), one.values.size
                return ("storage", kind, one.key, "cpu", length, *([] if zipped else [None]))

        body = io.BytesIO()
        Pickler(body, 2).dump(found)
        if zipped:
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("archive/data.pkl", body.getvalue())
                archive.writestr("archive/byteorder", order)
                for key, one in storages.items():
                    archive.writestr(f"archive/data/{key}", one.values.tobytes())
            return file.getvalue()
        parts = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": order == b"little"}]
        data = b"".join(pickle.dumps(part, 2) for part in parts) + body.getvalue()
        data += pickle.dumps(sorted(storages), 2)
        for key in sorted(storages):
            values = storages[key].values
            data += struct.pack("<q", values.size) + values.tobytes()
        return data

    return write


ZIPPED = pytest.mark.parametrize("zipped", [False, True], ids=["old", "zip"])
SIX = np.arange(6, dtype=np.float32)


@ZIPPED
def test_arrays_come_back(save, zipped):
    shared = Storage("0", SIX)
    found = collections.OrderedDict(
        whole=Tensor(shared, 0, (2, 3), (3, 1)),
        turned=Tensor(shared, 0, (3, 2), (1, 3)),
        part=Tensor(shared, 4, (2,), (1,)),
        number=Tensor(Storage("1", np.array([7]), "LongStorage"), 0, (), ()),
        none=Tensor(shared, 0, (0, 3), (3, 1)),
        half=Tensor(Storage("2", np.float16([0.5]), "HalfStorage"), 0, (1,), (1,)),
    )
    arrays = read_weights(save(found, zipped=zipped))
    assert list(arrays) == list(found)
    np.testing.assert_array_equal(arrays["whole"], SIX.reshape(2, 3))
    np.testing.assert_array_equal(arrays["turned"], SIX.reshape(2, 3).T)
    np.testing.assert_array_equal(arrays["part"], [4, 5])
    assert arrays["number"] == 7
    assert arrays["number"].dtype == np.int64
    assert arrays["none"].shape == (0, 3)
    assert arrays["half"].dtype == np.float16
    arrays["whole"][0, 0] = 9  # writable, and its own
    assert arrays["turned"][0, 0] == 0


@ZIPPED
def test_a_wrapped_dictionary_is_unwrapped(save, zipped):
    found = {"state_dict": {"a": Tensor(Storage("0", SIX), 0, (6,), (1,))}, "epoch": 3}
    assert list(read_weights(save(found, zipped=zipped))) == ["a"]


class Bomb:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


@ZIPPED
@pytest.mark.parametrize(
    ("call", "name"),
    [
        ((os.system, ("touch /tmp/tamis-was-here",)), "system"),
        ((eval, ("1",)), "builtins.eval|__builtin__.eval"),
        ((getattr, ("a", "upper")), "getattr"),
        ((np.zeros, (3,)), "numpy"),
        ((bytearray, (b"a",)), "bytearray"),
    ],
)
def test_a_pickle_that_calls_anything_is_refused_by_name(save, call, name, zipped):
    with pytest.raises(WeightsError, match=name):
        read_weights(save({"a": Bomb(*call)}, zipped=zipped))


def test_nothing_can_be_set_on_what_stands_for_torch():
    pickled = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x05\x00\x00\x00_makeK\x01sb."  # BUILD
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    with pytest.raises(WeightsError):
        read_weights(file.getvalue())


@ZIPPED
@pytest.mark.parametrize(
    "tensor",
    [(0, (7,), (1,)), (5, (2,), (1,)), (0, (2,), (6,)), (-1, (2,), (1,)), (0, (-1,), (1,))],
)
def test_a_tensor_beyond_its_values_is_refused(save, tensor, zipped):
    with pytest.raises(WeightsError):
        read_weights(save({"a": Tensor(Storage("0", SIX), *tensor)}, zipped=zipped))


@ZIPPED
@pytest.mark.parametrize("found", [{}, [1], {"a": 1}, {1: 2}, "text"])
def test_what_holds_no_arrays_is_refused(save, found, zipped):
    with pytest.raises(WeightsError):
        read_weights(save(found, zipped=zipped))


@ZIPPED
def test_an_unknown_kind_of_values_is_refused(save, zipped):
    odd = Tensor(Storage("0", SIX, "StrangeStorage"), 0, (6,), (1,))
    with pytest.raises(WeightsError, match=r"torch\.StrangeStorage"):
        read_weights(save({"a": odd}, zipped=zipped))


@ZIPPED
def test_another_byte_order_is_refused(save, zipped):
    found = {"a": Tensor(Storage("0", SIX), 0, (6,), (1,))}
    with pytest.raises(WeightsError, match="little"):
        read_weights(save(found, zipped=zipped, order=b"big"))


def test_a_file_cut_anywhere_is_refused(save):
    data = save({"a": Tensor(Storage("0", SIX), 0, (6,), (1,))}, zipped=False)
    for end in range(len(data)):
        with pytest.raises(WeightsError):
            read_weights(data[:end])


@pytest.mark.parametrize("data", [b"", b"PK", b"no pickle", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_file_of_torch_is_refused(data):
    with pytest.raises(WeightsError):
        read_weights(data)


@pytest.mark.torch
def test_what_torch_writes_is_read():
    torch = pytest.importorskip("torch", reason="needs torch")
    given = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.tensor(3)}
    for new in (False, True):
        file = io.BytesIO()
        torch.save(given, file, _use_new_zipfile_serialization=new)
        arrays = read_weights(file.getvalue())
        for name, tensor in given.items():
            np.testing.assert_array_equal(arrays[name], tensor.numpy())
            assert arrays[name].dtype == tensor.numpy().dtype
