"""8 bits: nearly the same vectors, from a smaller graph."""

import logging

import numpy as np
import pytest

from tamis.descriptors import descriptor
from tamis.descriptors.neural.quantization import quantize
from tamis.errors import InvalidParameterError

onnx = pytest.importorskip("onnx", reason="needs onnxruntime and onnx")

LITE0 = "efficientnet-lite0(size=32)"
RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (40, 40, 3), np.uint8) // (1 + i) for i in range(6)]


def small():
    """A graph of one convolution."""
    make, number = onnx.helper, onnx.TensorProto.FLOAT
    weight = np.random.default_rng(1).normal(size=(1280, 3, 3, 3)).astype(np.float32)
    nodes = [
        make.make_node("Conv", ["pixels", "weight"], ["x"], name="conv"),
        make.make_node("Relu", ["x"], ["y"], name="relu"),
        make.make_node("GlobalAveragePool", ["y"], ["z"], name="pool"),
        make.make_node("Flatten", ["z"], ["features"], name="flat"),
    ]
    graph = make.make_graph(
        nodes,
        "small",
        [make.make_tensor_value_info("pixels", number, ["n", 3, "h", "w"])],
        [make.make_tensor_value_info("features", number, ["n", 1280])],
        [onnx.numpy_helper.from_array(weight, "weight")],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_vectors_are_nearly_the_same(capfd):
    one = descriptor(LITE0).using(small())
    graph = quantize(one, iter(PICTURES))
    assert len(graph) < 0.6 * len(small())
    exact, rough = one.describe(PICTURES), one.using(graph).describe(PICTURES)
    cosines = (exact * rough).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rough, axis=1)
    assert (cosines > 0.99).all()
    assert not np.array_equal(exact, rough)
    assert capfd.readouterr() == ("", "")
    assert logging.root.manager.disable == 0


def test_without_pictures_it_is_refused():
    with pytest.raises(InvalidParameterError, match="pictures to calibrate on"):
        quantize(descriptor(LITE0).using(small()), [])
