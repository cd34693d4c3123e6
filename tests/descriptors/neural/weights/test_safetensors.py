"""The reader of safetensors: every type, and files that are none."""

import json

import numpy as np
import pytest

from tamis.descriptors.neural.weights.safetensors import read_safetensors
from tamis.errors import WeightsError


def written(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def test_arrays_come_back(tmp_path):
    arrays = {
        "a.weight": np.arange(6, dtype="<f4").reshape(2, 3),
        "half": np.arange(4, dtype="<f2"),
        "count": np.array(7, "<i8"),
        "flags": np.array([True, False]),
        "empty": np.zeros((0, 3), "<f4"),
    }
    kinds = {"f4": "F32", "f2": "F16", "i8": "I64", "b1": "BOOL"}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        start, data = len(data), data + array.tobytes()
        header[name] = {
            "dtype": kinds[array.dtype.str[1:]],
            "shape": list(array.shape),
            "data_offsets": [start, len(data)],
        }
    path = tmp_path / "a.safetensors"
    path.write_bytes(written(header, data))
    found = read_safetensors(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert list(read_safetensors(path, lambda name: name == "half")) == ["half"]


def test_bfloat16_becomes_float32(tmp_path):
    values = np.float32([1, -2.5, 3e38])
    short = (values.view(np.uint32) >> 16).astype("<u2")
    header = {"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    path = tmp_path / "a.safetensors"
    path.write_bytes(written(header, short.tobytes()))
    found = read_safetensors(path)["x"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values, rtol=0.01)


ONE = {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"PK\x03\x04" + bytes(100),
        written(b"{"),
        written(b"[1]"),
        written({}, length=10**12),
        written(ONE, b"1234"),
        written({"x": {**ONE["x"], "dtype": "F8"}}, bytes(8)),
        written({"x": {**ONE["x"], "shape": [3]}}, bytes(8)),
        written({"x": {**ONE["x"], "shape": [-1, -2]}}, bytes(8)),
        written({"x": {**ONE["x"], "data_offsets": [-20, -12]}}, bytes(8)),
        written({"x": {**ONE["x"], "data_offsets": [0, 8, 9]}}, bytes(8)),
        written({"x": {"dtype": "F32"}}, bytes(8)),
        written({"x": 3}, bytes(8)),
        written(b"[" * 100_000),
        written({"x": {**ONE["x"], "data_offsets": [8, 16]}}, bytes(16)),
        written({"x": ONE["x"], "y": ONE["x"]}, bytes(16)),
        written({"x": {**ONE["x"], "shape": [2.0]}}, bytes(8)),
        written({"x": {**ONE["x"], "data_offsets": [False, 8]}}, bytes(8)),
        written({"x": {**ONE["x"], "data_offsets": [8, 0]}}, bytes(8)),
        written({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, bytes(8)),
        written(b'{"x": {}, "x": {}}', bytes(8)),
    ],
)
def test_what_is_none_is_refused(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.safetensors"):
        read_safetensors(path)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(WeightsError, match="No such file"):
        read_safetensors(tmp_path / "a.safetensors")
