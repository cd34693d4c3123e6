"""The reader of safetensors: what comes back, and one error for what is none."""

import json

import numpy as np
import pytest

from tamis.descriptors.neural.weights.safetensors import read_safetensors
from tamis.errors import WeightsError

numpy_format = pytest.importorskip("safetensors.numpy", reason="needs onnxruntime and onnx")


def written(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def test_arrays_come_back(tmp_path):
    arrays = {
        "a.weight": np.arange(6, dtype="<f4").reshape(2, 3),
        "half": np.arange(4, dtype="<f2"),
        "count": np.array(7, "<i8"),
    }
    path = tmp_path / "a.safetensors"
    numpy_format.save_file(arrays, path, metadata={"format": "pt"})
    found = read_safetensors(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert list(read_safetensors(path, lambda name: name == "half")) == ["half"]


ONE = {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"PK\x03\x04" + bytes(100),
        written(b"["),
        written({}, length=10**12),
        written(ONE, b"1234"),
        written({"x": {**ONE["x"], "dtype": "F8_E4M3", "shape": [8]}}, bytes(8)),
        written({"x": {**ONE["x"], "shape": [3]}}, bytes(8)),
        written(b"[" * 100_000),
        written({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, bytes(8)),
    ],
)
def test_what_is_none_is_refused(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.safetensors") as caught:
        read_safetensors(path)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(WeightsError, match="No such file"):
        read_safetensors(tmp_path / "a.safetensors")
