"""`onnx:PATH`: networks of many forms, and files that are none."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest

from made_onnx import expected, network, write
from pictures import picture
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError, WeightsError
from tamis.images import Square, fit

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
IMAGES = [picture("bars", 0), picture("sky", 1), picture("tiles", 2, height=70, width=50)]


def seen(images, side, *, mean=MEAN, std=STD, crop=False):
    """Pictures as a network sees them, (n, 3, side, side)."""
    squares = np.stack([fit(image, Square(side, crop)) for image in images])
    return ((squares / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)


def made(path, **form):
    return descriptor(f"onnx:{write(path, **form)}")


def close(found, wanted):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_network_is_shown_pictures_as_it_was_trained(tmp_path):
    one = made(tmp_path / "a.onnx")
    assert one.dim == 6
    close(one.describe(IMAGES), expected(seen(IMAGES, 224)).mean(axis=(2, 3)))
    assert one.describe([]).shape == (0, 6)
    assert f"onnx:{tmp_path}/a.onnx(crop=0,digest=" in one.spec
    assert "mean=0.485/0.456/0.406,output=vector,pool=plain,size=224" in one.spec


@pytest.mark.parametrize(
    "form",
    [
        {"shape": ("n", 3, 32, 32)},
        {"shape": ("n", 32, 32, 3)},
        {"shape": (1, 3, 32, 32)},
        {"shape": (4, 3, 32, 32)},
        {"shape": ("n", 3, 32, 32), "outputs": ["map"]},
        {"shape": ("n", 3, 32, 32), "outputs": ["tokens"]},
        {"shape": ("n", 3, 32, 32), "outputs": ["label", "vector"]},
        {"shape": ("n", 3, 32, 32), "outputs": ["vector", "image_embeds"]},
    ],
    ids=str,
)
def test_what_it_takes_and_gives_is_found_out(tmp_path, form):
    one = made(tmp_path / "a.onnx", **form)
    assert (one.size, one.dim) == (32, 6)
    close(one.describe(IMAGES), expected(seen(IMAGES, 32)).mean(axis=(2, 3)))


def test_half_precision_is_converted(tmp_path):
    one = made(tmp_path / "a.onnx", kind="half", shape=("n", 3, 32, 32))
    wanted = expected(seen(IMAGES, 32)).mean(axis=(2, 3))
    np.testing.assert_allclose(one.describe(IMAGES), wanted, atol=0.01)


def test_a_network_that_takes_bytes_sees_bytes(tmp_path):
    one = made(tmp_path / "a.onnx", kind="bytes", shape=("n", 32, 32, 3))
    wanted = expected(seen(IMAGES, 32, mean=0, std=np.float32(1 / 255))).mean(axis=(2, 3))
    np.testing.assert_allclose(one.describe(IMAGES), wanted, rtol=1e-3)


def test_a_form_that_is_no_square_is_stretched_to(tmp_path):
    one = made(tmp_path / "a.onnx", shape=("n", 3, 64, 32))
    assert one.size == 64
    assert one.describe(IMAGES).shape == (3, 6)
    assert np.isfinite(one.describe(IMAGES)).all()


def test_the_first_token_stands_for_all_where_it_stands_before_a_square(tmp_path):
    one = made(tmp_path / "a.onnx", shape=("n", 3, 32, 32), outputs=["tokens+1"])
    assert one.pool == "class"
    mean = descriptor(f"onnx:{tmp_path / 'a.onnx'}(pool=mean)")
    assert "pool=mean" in mean.spec
    tokens = expected(seen(IMAGES, 32)).reshape(3, 6, -1)
    head = one.describe(IMAGES)
    close(mean.describe(IMAGES), (head + tokens.sum(axis=2)) / 65)


def test_what_is_asked_for_is_done(tmp_path):
    path = write(tmp_path / "a.onnx")
    one = descriptor(f"onnx:{path}(size=48,crop=1,mean=0.5,std=0.25/0.5/1)")
    assert one.input_size == Square(48, crop=True)
    pixels = seen(IMAGES, 48, mean=0.5, std=np.float32([0.25, 0.5, 1]), crop=True)
    close(one.describe(IMAGES), expected(pixels).mean(axis=(2, 3)))
    both = descriptor(f"onnx:{path}(size=48,flip=1)")
    sides = [seen(IMAGES, 48), seen(IMAGES, 48)[..., ::-1]]
    close(both.describe(IMAGES), np.mean([expected(x).mean(axis=(2, 3)) for x in sides], axis=0))


def test_values_out_of_range_become_finite(tmp_path):
    model = network(shape=("n", 3, 32, 32))
    model.graph.node.append(onnx.helper.make_node("Log", ["vector"], ["logs"]))
    model.graph.output[0].name = "logs"
    one = descriptor(f"onnx:{write(tmp_path / 'a.onnx', model)}(mean=9,std=1)")
    assert np.isfinite(one.describe(IMAGES)).all()


# The spec


@pytest.mark.parametrize(
    "name", ["plain.onnx", "a b.onnx", "a+b>c,(d).onnx", 'say "it".onnx', "é=2*x.onnx"]
)
def test_the_spec_rebuilds_it_whatever_the_path(tmp_path, name):
    path = write(tmp_path / name)
    quoted = str(path).replace('"', '""')
    one = descriptor(f'onnx:"{quoted}"(size=32)')
    again = descriptor(one.spec)
    assert again == one
    assert again.spec == one.spec
    np.testing.assert_array_equal(again.describe(IMAGES), one.describe(IMAGES))
    fused = descriptor(f"1*{one.spec}+1*color@early>gauss8")
    assert descriptor(fused.spec).spec == fused.spec
    assert one.spec in fused.spec


def test_a_path_becomes_absolute(tmp_path, monkeypatch):
    write(tmp_path / "a.onnx")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert descriptor("onnx:a.onnx") == descriptor(f"onnx:{tmp_path}/a.onnx")
    assert descriptor("onnx:~/a.onnx") == descriptor(f"onnx:{tmp_path}/a.onnx")


def test_another_file_under_the_same_path_is_noticed(tmp_path):
    path = tmp_path / "a.onnx"
    one = made(path)
    spec, before = one.spec, one.describe(IMAGES)
    write(path, seed=1)
    for kept in (one, descriptor(spec)):
        with pytest.raises(WeightsError, match="it has changed"):
            kept.describe(IMAGES)
    other = descriptor(f"onnx:{path}")
    assert other.spec != spec
    assert np.abs(other.describe(IMAGES) - before).max() > 0.01
    write(path)
    np.testing.assert_array_equal(descriptor(spec).describe(IMAGES), before)


def test_it_is_like_any_descriptor(tmp_path):
    one = made(tmp_path / "a.onnx", shape=("n", 3, 32, 32))
    alone = np.concatenate([one.describe([image]) for image in IMAGES])
    np.testing.assert_array_equal(one.describe(IMAGES), alone)
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    np.testing.assert_array_equal(again.describe(IMAGES), alone)
    grey = IMAGES[0][..., 0]
    np.testing.assert_array_equal(one.describe([grey]), one.describe([np.dstack([grey] * 3)]))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(one.describe, [IMAGES] * 4):
            np.testing.assert_array_equal(found, alone)


# Weights in another file


def test_weights_may_lie_beside(tmp_path):
    one = made(tmp_path / "a.onnx", apart="a.data", shape=("n", 3, 32, 32))
    close(one.describe(IMAGES), expected(seen(IMAGES, 32)).mean(axis=(2, 3)))
    spec = one.spec
    data = tmp_path / "a.data"
    data.write_bytes(data.read_bytes()[::-1])
    with pytest.raises(WeightsError, match="it has changed"):
        descriptor(spec).describe(IMAGES)
    data.unlink()
    with pytest.raises(WeightsError, match=r"keeps its weights in .*a\.data, which is not there"):
        descriptor(f"onnx:{tmp_path / 'a.onnx'}")


# Files that are none


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file"),
        (b"", "no ONNX file"),
        (b"hello, this is text" * 50, "no ONNX file"),
        ("folder", "is a folder"),
    ],
)
def test_what_is_no_onnx_file_is_refused(tmp_path, content, says):
    path = tmp_path / "a.onnx"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=says) as caught:
        descriptor(f"onnx:{path}")
    assert str(path) in str(caught.value)


def test_a_file_that_was_cut_short_is_refused(tmp_path):
    path = write(tmp_path / "a.onnx", values=64)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(WeightsError, match=r"a\.onnx"):
        descriptor(f"onnx:{path}")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"shape": ("n", 1, 32, 32)}, "1 channels"),
        ({"outputs": ["label"]}, "gives no floats"),
        ({"outputs": ["one", "two"]}, "2 outputs; name one by output=, of one, two"),
    ],
    ids=str,
)
def test_forms_that_do_not_fit_are_refused(tmp_path, form, says):
    with pytest.raises((WeightsError, InvalidParameterError), match=says):
        made(tmp_path / "a.onnx", **form)


def test_two_inputs_or_none_of_pictures_are_refused(tmp_path):
    model = network()
    extra = onnx.helper.make_tensor_value_info("text", onnx.TensorProto.INT64, ["n", 77])
    model.graph.input.append(extra)
    path = write(tmp_path / "two.onnx", model)
    with pytest.raises(WeightsError, match=r"2 inputs \(pixels, text\)"):
        descriptor(f"onnx:{path}")
    flat = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Relu", ["x"], ["y"])],
            "flat",
            [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 8])],
            [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 8])],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )
    with pytest.raises(WeightsError, match=r"shape \(n, 8\), and not pictures"):
        descriptor(f"onnx:{write(tmp_path / 'flat.onnx', flat)}")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("size=64", "32 x 32 pixels only"),
        ("output=other", "output must be one of vector"),
        ("mean=a/b/c", "mean must be"),
        ("mean=1/2", "mean must be"),
        ("std=0", "std must not be 0"),
        ("crop=2", "crop must be"),
        ("pool=best", "pool must be"),
        ("digest=12", "digest must be"),
        ("digest=0123456789ab", "it has changed"),
        ("colour=1", "no argument"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path, arguments, says):
    path = write(tmp_path / "a.onnx", shape=("n", 3, 32, 32))
    with pytest.raises((InvalidParameterError, WeightsError), match=says):
        descriptor(f"onnx:{path}({arguments})")


def test_a_size_that_a_network_cannot_be_run_at_is_said(tmp_path):
    with pytest.raises(WeightsError, match="cannot be run on pictures of shape"):
        descriptor(f"onnx:{write(tmp_path / 'a.onnx')}(size=2)")


def test_a_name_that_is_no_text_is_an_error_of_the_file(tmp_path):
    file = write(tmp_path / "a.onnx")
    file.write_bytes(file.read_bytes().replace(b"pixels", b"pi\x9bels"))
    with pytest.raises(WeightsError, match="cannot be run"):
        descriptor(f"onnx:{file}")
