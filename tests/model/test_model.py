"""Models: what was trained comes back from its file and answers the same."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest

from pictures import write_kinds
from tamis.classifiers.identity import IdentityClassifier
from tamis.classifiers.probe import ProbeClassifier, blocks_of
from tamis.descriptors import descriptor
from tamis.descriptors.base import PixelDescriptor
from tamis.errors import DestinationError, InvalidParameterError, ModelError
from tamis.features import extract
from tamis.model import Model, NetworkView, is_model
from tamis.model.serialize import from_parts, to_parts
from tamis.table import ImageTable


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    write_kinds(folder, 6)
    return ImageTable.from_folder(folder)


def trained(table, spec):
    looks = descriptor(spec)
    found = [extract(table, leaf).features for leaf in looks.leaves]
    looks = looks.fit(found)
    features = looks.combine(found)
    probe = ProbeClassifier(blocks=blocks_of(looks)).fit(features, np.array(table.labels))
    return Model(
        descriptor=looks,
        classifier=probe,
        signature={"seed": 0, "n_train": len(table)},
        history=probe.scores_,
    )


@pytest.fixture(scope="module")
def model(table):
    return trained(table, "moments")


@pytest.mark.parametrize("spec", ["moments", "moments+lbp", "moments+lbp>pca4", "lbp>gauss16"])
def test_what_is_read_answers_as_what_was_written(table, tmp_path, spec):
    written = trained(table, spec)
    digest = written.save(tmp_path / "m.tamis")
    read = Model.open(tmp_path / "m.tamis")
    assert read.digest == digest
    assert (read.net, read.classes) == ("probe", ("bars", "sky", "tiles"))
    assert read.signature == written.signature
    assert read.history == written.history
    one, two = written.predict(table), read.predict(table)
    assert (one.probabilities == two.probabilities).all()
    assert two.labels == list(table.labels)
    assert two.paths == table.paths
    assert not two.voted
    assert two.settings["model"] == f"probe {digest}"


def test_the_same_model_is_the_same_file(model, tmp_path):
    assert model.save(tmp_path / "a") == model.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_answers_do_not_depend_on_the_pieces(model, table):
    whole = model.predict(table, jobs=1)
    pieces = [extract(table.select([row]), model.descriptor) for row in range(len(table))]
    one_by_one = model.predict_features(pieces)
    assert (one_by_one.probabilities == whole.probabilities).all()
    with pytest.raises(InvalidParameterError, match="these are described by"):
        model.predict_features([extract(table, descriptor("lbp"))])


def test_a_broken_picture_is_named_and_shifts_no_other(model, tmp_path):
    truth = write_kinds(tmp_path, 2)
    broken = tmp_path / "bars" / "000-broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff no picture")
    found = model.predict(ImageTable.from_folder(tmp_path))
    assert [failure.path for failure in found.failures] == [str(broken)]
    assert dict(zip(found.paths, found.labels, strict=True)) == truth


def test_no_picture_at_all_has_no_answer(model, table):
    found = model.predict(table.select([]))
    assert found.probabilities.shape == (0, 3)


# Graphs that look at pictures


@dataclasses.dataclass(frozen=True, kw_only=True)
class Graphed(PixelDescriptor):
    """Stands for a backbone: what it gives depends on its graph."""

    name = "moments"  # whatever the registry knows
    dim = 3
    own: bytes

    @property
    def spec(self):
        return "moments"

    def graph(self):
        return self.own

    def using(self, graph):
        return dataclasses.replace(self, own=graph)

    def _fill(self, image, out):
        out[:] = len(self.own)


def test_the_graphs_of_backbones_travel_along(monkeypatch):
    onnx = pytest.importorskip("onnx", reason="needs onnxruntime and onnx")
    own = onnx.ModelProto(ir_version=9).SerializeToString()
    told, parts = to_parts(Graphed(own=own))
    assert parts == {"backbone-1.onnx": own}
    json.dumps(told)
    elsewhere = Graphed(own=b"")  # where the weights are not installed
    monkeypatch.setattr("tamis.model.serialize.descriptor", lambda spec, stored_in: elsewhere)
    assert from_parts(told, parts, 2).own == own
    with pytest.raises(ModelError, match="lacks what its descriptor needs"):
        from_parts(told, {}, 2)


@pytest.fixture(scope="module")
def graph():
    """A network that looks at the mean colour, as an ONNX graph: 3 classes."""
    onnx = pytest.importorskip("onnx", reason="needs onnxruntime and onnx")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime and onnx")
    helper, types = onnx.helper, onnx.TensorProto
    weights = np.array([[9, -3, -6], [-4, 8, -4], [-5, -5, 9]], np.float32) / 255
    nodes = [
        helper.make_node("Cast", ["pictures"], ["floats"], to=types.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    made = helper.make_graph(
        nodes,
        "mean colour",
        [helper.make_tensor_value_info("pictures", types.UINT8, ["n", 8, 8, 3])],
        [helper.make_tensor_value_info("probabilities", types.FLOAT, ["n", 3])],
        [
            onnx.numpy_helper.from_array(weights, "weights"),
            onnx.numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        ],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(made, opset_imports=opset, ir_version=9).SerializeToString()


def three_classes():
    return IdentityClassifier.from_arrays({"classes": ["a", "b", "c"]}, {})


def test_a_network_answers_itself(graph, table, tmp_path):
    view = NetworkView(net="tiny", graph=graph, size=8, n_classes=3)
    made = Model(descriptor=view, classifier=three_classes())
    made.save(tmp_path / "n.tamis")
    read = Model.open(tmp_path / "n.tamis")
    assert isinstance(read.descriptor, NetworkView)
    assert (read.descriptor.net, read.descriptor.size, read.descriptor.dim) == ("tiny", 8, 3)
    found = read.predict(table)
    assert np.allclose(found.probabilities.sum(axis=1), 1, atol=1e-6)
    assert (found.probabilities == made.predict(table).probabilities).all()
    sky = [label == "sky" for label in table.labels]
    assert {found.labels[i] for i in np.flatnonzero(sky)} == {"c"}


def test_a_network_of_other_classes_is_refused(graph, table):
    view = NetworkView(net="tiny", graph=graph, size=8, n_classes=2)
    with pytest.raises(ModelError, match="it is not the one that belongs to its classes"):
        view.describe([np.zeros((8, 8, 3), np.uint8)])
    with pytest.raises(ModelError, match=r"takes 3 values, and .* gives 2"):
        Model(descriptor=view, classifier=three_classes())


# Files that are not what they should be


@pytest.fixture
def file(model, tmp_path):
    model.save(tmp_path / "m.tamis")
    return tmp_path / "m.tamis"


def rewritten(file, change):
    """Write the file again with its manifest changed."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts["model.json"])
    change(manifest, parts)
    parts["model.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file


def test_a_model_is_known_by_its_content(file, tmp_path):
    assert is_model(file)
    other = tmp_path / "m2.tamis"
    other.write_bytes(b"PK")
    assert not is_model(other)
    assert not is_model(tmp_path)
    assert not is_model(tmp_path / "missing")


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_torn_file_is_refused(file, share):
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelError, match=r"no model of tamis, or a damaged one: .* Train it again"):
        Model.open(file)


def test_a_changed_part_is_noticed(file):
    def change(manifest, parts):
        parts["classifier.npz"] = parts["classifier.npz"][:-1] + b"\1"

    with pytest.raises(ModelError, match=r"classifier\.npz has changed"):
        Model.open(rewritten(file, change))


def test_every_flipped_byte_of_a_part_is_noticed(file):
    data = bytearray(file.read_bytes())
    at = data.index(b"weights.npy") + 400
    data[at] ^= 255
    file.write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        Model.open(file)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("version", 4, "has format 4; this tamis reads format 3. Install a newer one"),
        ("version", 1, "has format 1, of an earlier tamis"),
        ("version", "x", "no version that can be read"),
        ("format", "other", "is no model of tamis"),
        ("config", {"classes": ["a"]}, "1 classes and 3 answers"),
        ("descriptor", {}, "lacks what its descriptor needs"),
        ("descriptor", {"spec": "never-heard-of", "graphs": {}}, "unknown descriptor"),
        ("descriptor", {"spec": "lbp", "graphs": {}}, "the probe takes"),
        ("config", {"classes": None}, "its classes must be a list"),
        ("config", {"classes": []}, "it has no classes"),
        ("config", {"classes": ["a", 7, "c"]}, "a class that is no name: 7"),
        ("config", {"classes": ["a", "b\0", "c"]}, "a class that is no name"),
        ("config", {"classes": ["a", "", "c"]}, "a class that is no name"),
        ("config", {"classes": ["a", "\ud800", "c"]}, "a class that is no name"),
        ("config", {"classes": ["a", "e\u0301", "\u00e9"]}, "the class \u00e9 twice"),
        ("classifier", 7, "its classifier must be a str"),
        ("descriptor", {"network": "a\x1b[31m", "size": 8}, "its network has the name"),
        ("signature", {"seed": [1]}, "its signature must hold plain values"),
        ("history", [7], "its history must be a list of epochs"),
        ("metrics", [], "its metrics must be a dict"),
        ("descriptor", {"spec": 7, "graphs": {}}, "names its descriptor by int"),
        ("descriptor", {"spec": "moments", "graphs": [1]}, "lacks what its descriptor needs"),
        ("descriptor", {"network": "x", "size": 96}, "lacks what its descriptor needs"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(file, key, value, said):
    with pytest.raises(ModelError, match=said):
        Model.open(rewritten(file, lambda manifest, _: manifest.update({key: value})))


def test_what_is_missing_is_named(file, tmp_path):
    with pytest.raises(ModelError, match="there is no model"):
        Model.open(tmp_path / "missing.tamis")
    with pytest.raises(ModelError, match="is a folder, and a model is a file"):
        Model.open(tmp_path)

    def forget(manifest, parts):
        del parts["classifier.npz"]

    with pytest.raises(ModelError, match="damaged"):
        Model.open(rewritten(file, forget))


def test_a_model_that_cannot_be_written_leaves_what_was_there(model, tmp_path):
    with pytest.raises(DestinationError, match="cannot write"):
        model.save(tmp_path / "no" / "m.tamis")
    (tmp_path / "m.tamis").mkdir()
    with pytest.raises(DestinationError, match="cannot write"):
        model.save(tmp_path / "m.tamis")
    assert [path.name for path in tmp_path.iterdir()] == ["m.tamis"]
