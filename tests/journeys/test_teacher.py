"""A teacher of image analysis: the exercise of the report, from a split to curves."""

import csv
import json
from pathlib import Path

import pytest

from command import answer, tamis
from pictures import KINDS, write_kinds


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Twelve pictures of each kind."""
    write_kinds(tmp_path / "photos", 12)
    return tmp_path


def test_split_sort_score_and_compare(course: Path) -> None:
    parts, out = course / "parts", course / "out"
    words = ("--ratio", "0.5", "0.25", "0.25", "--seed", "1", "--blind")
    tamis("split", course / "photos", parts, *words)
    names = [file.name for file in (parts / "test").rglob("*.jpg")]
    assert len(names) == 9 and not any(kind in name for name in names for kind in KINDS)

    words = ("--by", "color", "--vote", "inverse", "-k", "5")
    tamis("sort", "--train", parts / "train", "--input", parts / "test", "--out", out, *words)
    assert sorted(path.name for path in out.iterdir() if path.is_dir() and path.name[0] != ".") == [
        *KINDS
    ]
    found = answer("evaluate", "--train", parts, "--test", parts, *words)
    assert found["n_images"] == 9 and found["accuracy"] == 1
    assert {"precision", "recall", "f1-score"} <= set(found["per_class"]["sky"])
    assert len(found["confusion_matrix"]) == 3

    page = course / "report.html"
    tamis("evaluate", "--train", parts, "--test", parts, *words, "--report", page)
    assert "onfusion matrix" in page.read_text()

    sweep = ("--by", "color", "-k", "1,3,5", "--vote", "kernel,inverse")
    done = tamis("evaluate", "--train", parts, "--test", parts, *sweep)
    assert done.stdout.count("inverse") >= 3

    tamis("compare", course / "photos", "--by", "color,edge,lbp", "--fuse", "2-2", "--report",
          course / "compare.html")  # fmt: skip
    assert "honest figure" in (course / "compare.html").read_text().lower()

    found = answer("evaluate", course / "photos", "--by", "color", "--depth", "5")
    assert "mmap" in json.dumps(found)


def test_the_choice_of_classes_and_the_labels_are_part_of_the_lesson(course: Path) -> None:
    found = answer(
        "study", course / "photos", "--by", "moments", "--classes", "sky,tiles", "--draws", 5
    )
    assert found["chosen"]["classes"] == ["sky", "tiles"]

    some = sorted((course / "photos" / "sky").iterdir())[0]
    some.rename(course / "photos" / "bars" / some.name)
    table = course / "doubtful.csv"
    tamis("check", course / "photos", "--by", "moments", "--csv", table)
    with open(table, encoding="utf-8", newline="") as file:
        assert [(row["label"], row["to"]) for row in csv.DictReader(file)] == [("bars", "sky")]
    tamis("check", course / "photos", "--apply", table)
    assert (course / "photos" / "sky" / some.name).exists()


@pytest.mark.torch
def test_a_network_is_trained_and_sorts(course: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    model = course / "net.tamis"
    words = (
        "--classifier",
        "small",
        "--epochs",
        "2",
        "--out",
        model,
        "--report",
        course / "t.html",
    )
    found = answer("train", course / "photos", *words)
    assert found["validation"]["n_images"] > 0
    assert "loss" in (course / "t.html").read_text().lower()
    tamis("sort", "--model", model, "--input", course / "photos", "--out", course / "by-net")
    assert (course / "by-net" / "predictions.csv").exists()
