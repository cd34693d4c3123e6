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

from tamis.descriptors.neural.weights.torch_file import read_weights
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


def packed(pickled, **parts):
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, data in parts.items():
            archive.writestr(f"archive/data/{name}", data)
    return file.getvalue()


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word


# ("storage", torch.FloatStorage, "0", "cpu", 6) as a persistent id
STORAGE = (
    b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu") + b"K\x06tQ"
)
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + b"K\x00K\x06\x85K\x01\x85tR"


def test_a_pickle_written_by_hand_is_read():
    data = packed(b"\x80\x02}" + text(b"a") + TENSOR + b"s.", **{"0": SIX.tobytes()})
    np.testing.assert_array_equal(read_weights(data)["a"], SIX)


@pytest.mark.parametrize(
    "pickled",
    [
        # BUILD with the fields of the tensor, its storage, and its type: longer than they are
        b"}" + text(b"a") + TENSOR + b"](" + STORAGE + b"K\x00J\xff\xff\xff\x7f\x85K\x01\x85ebs.",
        b"}" + text(b"a") + TENSOR + b"N}" + text(b"offset") + b"J\xff\xff\xff\x7fs\x86bs.",
        b"}" + text(b"a") + STORAGE + b"](ctorch\nFloatStorage\nJ\xff\xff\xff\x7f]ebs.",
        b"}" + text(b"a") + b"ctorch\nFloatStorage\n" + b"](K\x01ebs.",
        # keys that are no text, and tuples in tuples, which are hashed by recursion
        b"}K\x01" + TENSOR + b"s.",
        b"}N" + b"\x85" * 30_000 + TENSOR + b"s.",
        # a place in the memo that would take 16 GB
        b"}" + text(b"a") + TENSOR + b"sr\xff\xff\xff\x7f.",
        # a dictionary whose items are something else
        b"ccollections\nOrderedDict\n)R}" + text(b"items") + b"ctorch\nFloatStorage\nsb.",
    ],
    ids=["tensor", "slots", "storage", "kind", "number", "nested", "memo", "items"],
)
def test_a_pickle_that_does_more_is_refused(pickled):
    with pytest.raises(WeightsError):
        read_weights(packed(b"\x80\x02" + pickled, **{"0": SIX.tobytes()}))


def test_values_that_are_shared_have_a_limit(save):
    values = np.zeros(10_000, np.float32)
    shared = Storage("0", values)
    few = {str(i): Tensor(shared, 0, (10_000,), (1,)) for i in range(3)}
    assert len(read_weights(save(few, zipped=True))) == 3
    many = {str(i): Tensor(shared, 0, (10_000,), (1,)) for i in range(30)}
    with pytest.raises(WeightsError, match="more than their file can hold"):
        read_weights(save(many, zipped=True))
    with pytest.raises(WeightsError, match=r"beyond its values|more than their file"):
        read_weights(save({"a": Tensor(shared, 0, (10**12,), (0,))}, zipped=True))


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
