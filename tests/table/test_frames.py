"""Results as tables: the same rows in pandas, Arrow, CSV and HTML."""

import csv
import sys

import numpy as np
import pytest

from tamis.classifiers.predictions import Predictions
from tamis.errors import DestinationError, Failure, MissingExtraError
from tamis.evaluation.classification import evaluate
from tamis.features import FeatureTable
from tamis.features.index import Matches
from tamis.table import ImageTable

pandas = pytest.importorskip("pandas", reason="needs the extra frames")
pyarrow = pytest.importorskip("pyarrow", reason="needs the extra store")

PATHS = ("a.jpg", "b <i>.jpg", "\udce9.jpg")


def predictions():
    return Predictions(
        paths=PATHS,
        classes=("cat", "dog"),
        probabilities=np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]]),
        neighbours=Matches(np.array([[0], [1], [1]]), np.array([[0.5], [1.0], [2.0]])),
        train_paths=("x.jpg", "y.jpg"),
        train_labels=("cat", "dog"),
        failures=(Failure("z.jpg", "is damaged"),),
        settings={},
    )


RESULTS = {
    "predictions": predictions(),
    "features": FeatureTable(PATHS, ("a", None, "b"), np.eye(3, 2, dtype=np.float32), "moments"),
    "matches": Matches(np.array([[1, 0, 2]]), np.array([[0.1, 0.2, 0.3]]), PATHS, ("a", None, "b")),
    "evaluation": evaluate(predictions(), dict(zip(PATHS, ("cat", "dog", "dog"), strict=True))),
    "table": ImageTable(PATHS, ("a", None, "b"), (None,) * 3),
}


@pytest.mark.parametrize("name", RESULTS)
def test_all_forms_hold_the_same(name, tmp_path):
    result = RESULTS[name]
    frame, table = result.to_pandas(), result.to_arrow()
    assert list(frame.columns) == table.column_names == list(result.columns())
    assert len(frame) == table.num_rows
    result.to_csv(tmp_path / "r.csv")
    with open(tmp_path / "r.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == list(frame.columns)
    assert len(rows) == len(frame)
    result.to_csv(tmp_path / "r.csv")  # its own may be replaced
    assert len(repr(result)) < 300
    page = result._repr_html_()
    assert "<i>" not in page
    assert "<table>" in page


def test_another_file_is_left_alone(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text("path,label\nmine.jpg,a\n")
    for result in RESULTS.values():
        with pytest.raises(DestinationError):
            result.to_csv(file)
    assert file.read_text() == "path,label\nmine.jpg,a\n"


def test_predictions_iterate(tmp_path):
    assert [(p.path, p.label, p.confidence) for p in predictions()][:2] == [
        ("a.jpg", "cat", 0.75),
        ("b <i>.jpg", "cat", 0.5),
    ]
    columns = predictions().columns()
    assert columns["neighbour_1"] == ["x.jpg", "y.jpg", "y.jpg"]


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"tamis\[frames\]"):
        RESULTS["table"].to_pandas()


def test_a_table_of_many_images_is_said_in_a_line():
    n = 900
    table = ImageTable(tuple(f"{i}.jpg" for i in range(n)), ("a",) * n, (None,) * n, root="/r")
    assert repr(table) == "ImageTable(900 images, 1 class, below /r)"
    assert "890 more rows" in table._repr_html_()
