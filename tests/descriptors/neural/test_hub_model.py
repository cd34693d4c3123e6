"""`hf:ORGANISATION/NAME`: found, downloaded, prepared as the repository says."""

import json

import numpy as np
import pytest

from command import tamis
from hub_server import COMMIT, Hub, serving
from made_onnx import network, write
from pictures import picture, write_kinds
from tamis.descriptors import descriptor
from tamis.descriptors.neural.preprocessing import read_preprocessor_config
from tamis.errors import InvalidParameterError, WeightsError

pytest.importorskip("huggingface_hub")

IMAGES = [picture("bars", 0), picture("sky", 1)]
WISHES = {
    "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32},
    "size": {"shortest_edge": 36},
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.25, 0.25, 0.5],
    "rescale_factor": 1 / 255,
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def hub(monkeypatch):
    content = network().SerializeToString()
    with serving(Hub(files={"org/net": {"onnx/model.onnx": content}})) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "60")  # it answers, if the machine is busy late
        yield running


def offline(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def test_a_repository_is_a_descriptor(hub, tmp_path, monkeypatch):
    one = descriptor("hf:org/net")
    local = descriptor(f"onnx:{write(tmp_path / 'a.onnx')}")
    np.testing.assert_array_equal(one.describe(IMAGES), local.describe(IMAGES))
    assert one.digest == local.digest
    assert one.spec.startswith("hf:org/net(crop=0,digest=")
    assert ",file=onnx/model.onnx,flip=0,mean=0.485/0.456/0.406," in one.spec
    offline(monkeypatch)
    assert descriptor(one.spec) == one
    np.testing.assert_array_equal(descriptor(one.spec).describe(IMAGES), one.describe(IMAGES))


def test_what_the_repository_says_of_pictures_is_followed(hub):
    hub.files["org/net"]["preprocessor_config.json"] = json.dumps(WISHES).encode()
    one = descriptor("hf:org/net")
    assert (one.size, one.crop, one.mean, one.std) == (32, 1, "0.5/0.4/0.3", "0.25/0.25/0.5")
    mine = descriptor("hf:org/net(size=48,mean=0)")
    assert (mine.size, mine.crop, mine.mean, mine.std) == (48, 1, "0/0/0", "0.25/0.25/0.5")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, {"crop": 1, "size": 32, "mean": "0.5/0.4/0.3", "std": "0.25/0.25/0.5"}),
        ({"do_center_crop": False, "size": 40}, {"crop": 0, "size": 40}),
        ({"crop_size": 30}, {"size": 30}),
        ({"do_normalize": False}, {"mean": "0/0/0", "std": "1/1/1"}),
        ({"rescale_factor": 1 / 127.5}, {"mean": "0.25/0.2/0.15", "std": "0.125/0.125/0.25"}),
        (
            {"do_rescale": False, "image_mean": [0] * 3, "image_std": [255] * 3},
            {"std": "1/1/1"},
        ),
    ],
    ids=str,
)
def test_the_ways_of_saying_it(tmp_path, changes, found):
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({**WISHES, **changes}))
    assert found.items() <= read_preprocessor_config(path).items()


@pytest.mark.parametrize("text", ["", "[]", '{"size": "big"}', '{"image_mean": 3}'])
def test_what_cannot_be_read_of_it_is_said(hub, text):
    hub.files["org/net"]["preprocessor_config.json"] = text.encode()
    with pytest.raises(WeightsError, match="Give crop=, mean=, size= and std= yourself"):
        descriptor("hf:org/net")
    assert descriptor("hf:org/net(crop=0,mean=0.5,size=32,std=0.5)").size == 32


def test_the_file_and_the_revision_can_be_named(hub):
    other = network(seed=1).SerializeToString()
    hub.files["org/net"]["onnx/other one.onnx"] = other
    one = descriptor('hf:org/net(file="onnx/other one.onnx")')
    assert one.digest != descriptor("hf:org/net").digest
    assert 'file="onnx/other one.onnx"' in one.spec
    pinned = descriptor(f"hf:org/net(revision={COMMIT})")
    assert f"revision={COMMIT}" in pinned.spec
    assert descriptor(pinned.spec) == pinned


def test_a_repository_with_its_file_elsewhere_is_answered_with_its_files(hub):
    hub.files["org/net"] = {"vision/encoder.onnx": b"", "README.md": b""}
    with pytest.raises(WeightsError, match=r"ONNX files are vision/encoder\.onnx: name one by"):
        descriptor("hf:org/net")


def test_weights_in_another_file_come_along(hub, tmp_path, monkeypatch):
    path = write(tmp_path / "model.onnx", apart="model.onnx_data")
    hub.files["org/net"] = {
        f"onnx/{name}": (tmp_path / name).read_bytes() for name in ("model.onnx", "model.onnx_data")
    }
    one = descriptor("hf:org/net")
    np.testing.assert_array_equal(one.describe(IMAGES), descriptor(f"onnx:{path}").describe(IMAGES))


@pytest.mark.parametrize(
    "spec",
    [
        "hf:net",
        "hf:org/net/more",
        "hf:../net",
        "hf:org/..",
        "hf:org/net(file=../a.onnx)",
        "hf:org/net(file=/etc/a.onnx)",
    ],
)
def test_paths_out_of_the_cache_are_refused(spec):
    with pytest.raises(InvalidParameterError):
        descriptor(spec)


def test_a_network_that_refers_out_of_its_folder_is_refused(hub):
    import onnx

    model = network()
    for tensor in model.graph.initializer[:1]:
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../../secret"
    hub.files["org/net"]["onnx/model.onnx"] = model.SerializeToString()
    with pytest.raises(WeightsError, match="outside of it"):
        descriptor("hf:org/net")


def test_offline_the_files_placed_by_hand_serve(hub, cache, monkeypatch):
    offline(monkeypatch)
    with pytest.raises(WeightsError) as caught:
        descriptor("hf:org/net")
    place = cache / "hub/org/net/onnx/model.onnx"
    assert str(place) in str(caught.value)
    write(place)
    with pytest.raises(WeightsError, match="by crop=, mean=, size= and std="):
        descriptor("hf:org/net")
    one = descriptor("hf:org/net(crop=1,mean=0.5,size=32,std=0.5)")
    assert one.describe(IMAGES).shape == (2, 6)
    (cache / "hub/org/net/preprocessor_config.json").write_text(json.dumps(WISHES))
    assert descriptor("hf:org/net").mean == "0.5/0.4/0.3"


def test_it_sorts(hub, tmp_path):
    write_kinds(tmp_path / "train", 4)
    done = tamis("evaluate", "--train", tmp_path / "train", "--test", tmp_path / "train",
                 "-k", 1, "--by", "hf:org/net(size=32)+color")  # fmt: skip
    assert "accuracy" in done.stdout


def test_the_command_says_in_words_that_there_is_no_network(tmp_path, monkeypatch):
    offline(monkeypatch)
    write_kinds(tmp_path / "train", 2)
    done = tamis("evaluate", tmp_path / "train", "--by", "hf:org/net", check=False)
    assert done.returncode == 1
    assert "hf:org/net is not on this machine" in done.stderr
    assert "Traceback" not in done.stderr
