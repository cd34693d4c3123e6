"""Models that somebody else made: what they may not do."""

import hashlib
import json
import os
import sys
import zipfile

import numpy as np
import pytest

from command import tamis
from pictures import write_kinds
from tamis.classifiers.identity import IdentityClassifier
from tamis.classifiers.knn import KNNClassifier
from tamis.classifiers.out_of_fold import OutOfFold
from tamis.classifiers.probe import ProbeClassifier
from tamis.descriptors import descriptor
from tamis.descriptors.components import Components
from tamis.descriptors.reduction import Reduction
from tamis.errors import ModelError, WeightsError
from tamis.features import FeatureTable
from tamis.model import Model, NetworkView
from tamis.table import ImageTable

onnx = pytest.importorskip("onnx", reason="needs onnxruntime and onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime and onnx")
helper, TYPES = onnx.helper, onnx.TensorProto


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    write_kinds(folder, 1)
    return folder


def constant(values, *, external=None):
    """A network that answers with the same values whatever it sees."""
    held = onnx.numpy_helper.from_array(np.array([values], np.float32), "answer")
    if external is not None:
        held.ClearField("raw_data")
        held.data_location = TYPES.EXTERNAL
        held.external_data.add(key="location", value=external)
    node = helper.make_node("Identity", ["answer"], ["out"])
    return model_of([node], ["out"], [held], len(values))


def model_of(nodes, outputs, held, n):
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("pictures", TYPES.UINT8, [1, 8, 8, 3])],
        [helper.make_tensor_value_info(name, TYPES.FLOAT, [1, n]) for name in outputs],
        held,
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def endless(n=2):
    """A loop whose condition stays true: less than a kilobyte."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("Add", ["state", "one"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TYPES.INT64, []),
            helper.make_tensor_value_info("going", TYPES.BOOL, []),
            helper.make_tensor_value_info("state", TYPES.FLOAT, [1, n]),
        ],
        [
            helper.make_tensor_value_info("still", TYPES.BOOL, []),
            helper.make_tensor_value_info("next", TYPES.FLOAT, [1, n]),
        ],
    )
    held = [
        onnx.numpy_helper.from_array(np.array(True), "true"),
        onnx.numpy_helper.from_array(np.ones((1, n), np.float32), "one"),
    ]
    node = helper.make_node("Loop", ["", "true", "one"], ["out"], body=body)
    return model_of([node], ["out"], held, n)


def probe(weights):
    arrays = {
        "blocks": np.array([len(weights)]),
        "weights": weights,
        "bias": np.zeros(2, np.float32),
        "power": np.array(1.0),
        **OutOfFold.none(2).to_arrays(),
    }
    return ProbeClassifier.from_arrays({"classes": ["a", "b"]}, arrays)


def network(graph, n=2):
    view = NetworkView(net="x", graph=graph, size=8, n_classes=n)
    classes = [f"class {i}" for i in range(n)]
    return Model(
        descriptor=view, classifier=IdentityClassifier.from_arrays({"classes": classes}, {})
    )


@pytest.mark.parametrize(
    "values",
    [
        (np.nan, np.nan),
        (np.inf, 0),
        (-0.5, 1.5),
        (1e30, -1e30),
        (0.9, 0.9),
        (0.1, 0.1),
        (0.0, 0.0),
        (1.2, -0.2),
    ],
)
def test_answers_that_are_no_probabilities_are_refused(photos, values):
    table = ImageTable.from_folder(photos)
    with pytest.raises(ModelError, match="which are no probabilities"):
        network(constant(values)).predict(table)
    good = network(constant((0.25, 0.75))).predict(table)
    assert good.labels == ["class 1"] * 3


def test_a_probe_that_overflows_is_refused(photos):
    looks = descriptor("moments")
    weights = np.full((looks.dim, 2), 3e38, np.float32)
    model = Model(descriptor=looks, classifier=probe(weights))
    with pytest.raises(ModelError, match="which are no probabilities"):
        model.predict_features([features(model, np.full((1, looks.dim), 1e30, np.float32))])


def reduced(axes, examples):
    """k-NN on a reduction, with these axes and examples."""
    base = descriptor("moments")
    learned = Components(
        base.spec, np.zeros(base.dim, np.float32), axes, np.ones(len(axes), np.float32)
    )
    whole = Reduction(base=base, method="pca", length=len(axes), components=learned)
    voter = KNNClassifier(1, metric="l2").fit(examples, ["a", "b"])
    return Model(descriptor=whole, classifier=voter, examples=("one.jpg", "two.jpg"))


def test_vectors_that_overflow_are_refused(photos, tmp_path):
    axes = np.full((2, descriptor("moments").dim), 3e38, np.float32)
    reduced(axes, np.eye(2, dtype=np.float32)).save(tmp_path / "m.tamis")
    with pytest.raises(ModelError, match="values that are not finite"):
        Model.open(tmp_path / "m.tamis").predict(photos)


def test_examples_that_overflow_are_refused(tmp_path):
    axes = np.ones((2, descriptor("moments").dim), np.float32)
    model = reduced(axes, np.eye(2, dtype=np.float32))
    model.classifier._vectors = np.full((2, 2), 3e38, np.float32)
    model.save(tmp_path / "m.tamis")
    with pytest.raises(ModelError, match="values of gallery are too large"):
        Model.open(tmp_path / "m.tamis")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_neighbors": 0}, "its n_neighbors must be an integer in"),
        ({"n_neighbors": 3}, "its n_neighbors must be an integer in"),
        ({"n_neighbors": 10**400}, "its n_neighbors must be an integer in"),
        ({"n_neighbors": True}, "its n_neighbors must be an integer in"),
        ({"metric": 7}, "its metric must be a name"),
        ({"metric": "no such"}, "unknown distance"),
        ({"metric": "sum(" * 500}, "distance"),
        ({"classes": ["b", "a"]}, "its classes must be sorted"),
        ({"classes": ["a"]}, "must each be of one of its classes"),
    ],
    ids=str,
)
def test_settings_of_neighbours_that_do_not_fit_are_refused(tmp_path, change, said):
    axes = np.ones((2, descriptor("moments").dim), np.float32)
    reduced(axes, np.eye(2, dtype=np.float32)).save(tmp_path / "m.tamis")
    rewritten(tmp_path / "m.tamis", lambda manifest, _: manifest["config"].update(change))
    with pytest.raises(ModelError, match=said):
        Model.open(tmp_path / "m.tamis")


def features(model, vectors):
    return FeatureTable(("a.jpg",), (None,), vectors, model.descriptor.spec)


def test_a_graph_that_never_ends_is_stopped(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["tamis.descriptors.neural.runtime"], "SECONDS", 0.5)
    assert len(endless()) < 1024
    network(endless()).save(tmp_path / "m.tamis")
    model = Model.open(tmp_path / "m.tamis")
    with pytest.raises(WeightsError, match=r"no answer within 0\.5 seconds"):
        model.predict(ImageTable.from_folder(photos))
    out = tmp_path / "sorted"
    done = tamis(
        "sort", "--model", tmp_path / "m.tamis", "--input", photos, "--out", out, check=False
    )
    assert done.returncode == 1
    assert "no answer within" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("place", ["/etc/passwd", "../x", "weights.bin"])
def test_a_graph_that_refers_to_files_is_refused(tmp_path, place):
    network(constant((0.5, 0.5), external=place)).save(tmp_path / "m.tamis")
    with pytest.raises(ModelError, match="refers to the file"):
        Model.open(tmp_path / "m.tamis")


def test_a_graph_that_refers_to_files_in_a_branch_is_refused(tmp_path):
    tensor = onnx.numpy_helper.from_array(np.zeros(2, np.float32), "t")
    tensor.ClearField("raw_data")
    tensor.data_location = TYPES.EXTERNAL
    tensor.external_data.add(key="location", value="/dev/zero")
    node = helper.make_node("Constant", [], ["out"], value=tensor)
    network(model_of([node], ["out"], [], 2)).save(tmp_path / "m.tamis")
    with pytest.raises(ModelError, match="refers to the file '/dev/zero'"):
        Model.open(tmp_path / "m.tamis")


def test_a_graph_of_other_inputs_or_outputs_is_one_line(photos):
    table = ImageTable.from_folder(photos)
    with pytest.raises(ModelError, match="answers with the shape"):
        network(constant((0.2, 0.2, 0.6)), 2).predict(table)
    two = onnx.load_from_string(constant((0.5, 0.5)))
    two.graph.input.append(helper.make_tensor_value_info("more", TYPES.FLOAT, [1]))
    with pytest.raises(WeightsError, match=r"must have one input, the pixels\. Got 2"):
        network(two.SerializeToString()).predict(table)


def rewritten(file, change):
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts.pop("model.json"))
    change(manifest, parts)
    manifest["parts"] = {n: hashlib.sha256(data).hexdigest() for n, data in parts.items()}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.json", json.dumps(manifest))
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    "spec",
    ["onnx:/dev/zero", "hf:someone/model", "vlad(codebook=/dev/zero)", "moments+onnx:/x.onnx"],
)
def test_a_spec_in_a_model_opens_nothing_without_trust(tmp_path, spec):
    looks = descriptor("moments")
    weights = np.zeros((looks.dim, 2), np.float32)
    Model(descriptor=looks, classifier=probe(weights)).save(tmp_path / "m.tamis")
    rewritten(tmp_path / "m.tamis", lambda manifest, _: manifest["descriptor"].update(spec=spec))
    with pytest.raises(ModelError, match="open the model with --trust"):
        Model.open(tmp_path / "m.tamis")
    done = tamis(
        *("sort", "--model", tmp_path / "m.tamis", "--input", tmp_path, "--out", tmp_path / "out"),
        check=False,
    )
    assert done.returncode == 1
    assert "open the model with --trust" in done.stderr


def test_a_bomb_is_refused(tmp_path):
    file = tmp_path / "m.tamis"
    network(constant((0.5, 0.5))).save(file)
    with zipfile.ZipFile(file) as archive:
        text = archive.read("model.json")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", text)
        archive.writestr("network.onnx", bytes(50_000_000))
    assert file.stat().st_size < 100_000
    with pytest.raises(ModelError, match="unfold to more than"):
        Model.open(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_only_regular_files_are_models(tmp_path):
    os.mkfifo(tmp_path / "pipe.tamis")
    for path in (tmp_path / "pipe.tamis", "/dev/zero"):
        with pytest.raises(ModelError, match="not a regular file"):
            Model.open(path)
