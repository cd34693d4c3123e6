"""The public face: every name can be got, is typed, and works as a user would use it."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import tamis
from pictures import write_kinds

ERRORS = [name for name in tamis.__all__ if name.endswith(("Error", "Failure"))]


def test_all_names_can_be_got():
    assert sorted(tamis.__all__) == sorted(set(tamis.__all__))
    for name in tamis.__all__:
        assert getattr(tamis, name) is not None
    assert set(tamis.__all__) <= {*dir(tamis), "__version__"}
    with pytest.raises(AttributeError):
        tamis.nothing  # noqa: B018


def test_the_stub_lists_the_same_names():
    text = Path(tamis.__file__).with_suffix(".pyi").read_text()
    listed = text[text.index("__all__ = [") :]
    assert all(f'"{name}"' in listed for name in tamis.__all__)
    assert listed.count('"') == 2 * len(tamis.__all__)


def test_every_error_of_the_tree_is_public():
    from tamis import errors

    tree = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.TamisError)
    }
    assert tree <= set(tamis.__all__)


# `serve` waits for a person.
EXAMPLES = [n for n in tamis.__all__ if n not in ("__version__", "serve", *ERRORS)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_name_has_an_example_that_runs(name):
    # It is run by `pytest --doctest-modules src/tamis`, beside the pictures of conftest.py.
    examples = doctest.DocTestParser().get_examples(getattr(tamis, name).__doc__)
    assert any(example.want for example in examples)
    assert not any(example.options.get(doctest.SKIP) for example in examples)


# What the documents tell a user of Python: train, sort, search, score, split, index.
USE = """
import numpy as np

import tamis

photos = tamis.open("photos")
model = tamis.train("examples", by="moments", classifier="knn")
answers: tamis.Predictions = model.predict(photos)
for answer in answers:
    assert answer.label in model.classes and 0 < answer.confidence <= 1
plan = tamis.sort(answers, "sorted", mode="copy")
plan.apply()
tamis.undo("sorted")
answers.to_csv("predictions.csv")
model.save("animals.tamis")
opened = tamis.Model.open("animals.tamis")
score: tamis.Evaluation = opened.score("examples")
low, high = score.accuracy_ci
vectors: tamis.FeatureTable = tamis.describe(photos, "moments")
made = tamis.descriptor("moments")
assert "color" in tamis.list_descriptors() and made.dim == vectors.features.shape[1]
for hit in tamis.search("examples", photos.table.paths[0], k=3, by="moments"):
    print(hit.path, hit.distance)
near: tamis.Matches = tamis.Index(vectors).search(vectors, 2)
ranked: tamis.RetrievalEvaluation = tamis.evaluate_retrieval(tamis.describe("examples", "moments"))
found = tamis.evaluate_gallery("examples", by="moments", depths=[3])
best: tamis.Comparison = tamis.compare("examples", by="moments,lbp", folds=2, depth=3)
assert best.candidates and found.n_images == score.n_images
choice: tamis.ClassChoice = tamis.study_classes(
    tamis.describe("examples", "moments"), tamis.describe("examples", "moments"), size=2
)
assert len(choice.draws) == 3
tamis.split("examples", "parts", ratio=(0.5, 0, 0.5)).apply()
tamis.undo("parts")
voter = tamis.KNNClassifier(3).fit(vectors.features, np.array(["a", "b"] * (len(vectors) // 2)))
same: tamis.Overlap = tamis.overlap(photos.table.paths, photos.table.paths)
twice = tamis.copies(photos.table.paths)
again: tamis.Duplicates = tamis.duplicates("examples")
for group in again:
    assert isinstance(group, tamis.DuplicateGroup) and group.best not in group.others
moving: tamis.KeepPlan = tamis.keep_best(again)
tamis.split("examples", "apart", groups=again)
pixels = tamis.read_image(photos.table.paths[0])
row = tamis.DescriptorTransformer(by="moments").fit_transform([pixels])
try:
    tamis.open("nowhere")
except tamis.TamisError as error:
    assert isinstance(error, tamis.TableError)
"""


def test_a_user_script_runs_and_is_typed(tmp_path, monkeypatch):
    write_kinds(tmp_path / "examples", 3)
    write_kinds(tmp_path / "photos", 2, first=50, flat=True)
    monkeypatch.chdir(tmp_path)
    exec(compile(USE, "use.py", "exec"), {})
    (tmp_path / "use.py").write_text(USE)
    source = Path(tamis.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "use.py"],
        capture_output=True, text=True, env={"MYPYPATH": str(source), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_collection_by_index(tmp_path):
    pytest.importorskip("lance", reason="needs the extra store")
    write_kinds(tmp_path / "photos", 2)
    collection = tamis.index(tmp_path / "photos", tmp_path / "photos.tamis", by="moments")
    assert isinstance(collection, tamis.Collection)
    assert len(collection) == 6
    found = tamis.search(tmp_path / "photos.tamis", collection.table().paths[0], k=2)
    assert len(list(found)) == 2


def test_importing_is_light():
    code = "import sys, tamis; print(sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "scipy", "sklearn", "cv2", "numba", "typer"):
        assert f"'{heavy}'" not in done.stdout
