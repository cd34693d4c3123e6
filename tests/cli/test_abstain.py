"""`tamis sort --abstain`: pictures without a sure class, and what is promised of the rest."""

import cv2
import numpy as np
import pytest

from command import answer, tamis
from pictures import write_kinds


def photo(path, colour, seed):
    random = np.random.default_rng(seed)
    image = np.clip(np.array(colour) + random.normal(0, 25, (24, 24, 3)), 0, 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image.astype(np.uint8))


@pytest.fixture
def command(tmp_path):
    for name, colour in (("blue", (200, 40, 40)), ("red", (40, 40, 200))):
        for i in range(15):
            photo(tmp_path / "examples" / name / f"{i}.png", colour, i)
            photo(tmp_path / "photos" / f"{name}{i}.png", colour, 100 + i)
    return (
        "sort", "--train", tmp_path / "examples", "--input", tmp_path / "photos",
        "--out", tmp_path / "out", "--by", "moments", "--jobs", 1,
    )  # fmt: skip


def test_what_can_be_promised_is_placed(command, tmp_path):
    told = answer(*command, "--classifier", "auto", "--abstain", 0.2)
    assert told["promise"]["risk"] == 0.2
    assert told["promise"]["n_examples"] == 30
    assert told["promise"]["threshold"] <= 1
    assert sum(told["classes"].values()) > 0
    n_unsure = len(list((tmp_path / "out" / "_unsure").glob("*.png")))
    assert n_unsure + sum(told["classes"].values()) == 30


def test_too_few_examples_place_nothing_and_say_so(command, tmp_path):
    done = tamis(*command, "--classifier", "auto", "--abstain", 0.001)
    assert "30 examples cannot promise that at most 0.1 % of" in " ".join(done.stderr.split())
    assert len(list((tmp_path / "out" / "_unsure").glob("*.png"))) == 30
    assert "_unsure\t30" in done.stdout


@pytest.mark.parametrize("how", [("knn",), ("knn", "--vote", "inverse"), ("probe",)])
def test_every_classifier_of_vectors_can_promise(command, tmp_path, how):
    done = tamis(*command, "--classifier", *how, "--abstain", 0.5)
    assert "at most 50 % are wrong" in " ".join(done.stderr.split())
    assert "_unsure\t" in done.stdout


def test_examples_that_cannot_be_left_out_promise_nothing(tmp_path):
    write_kinds(tmp_path / "few", 1)
    write_kinds(tmp_path / "new", 1, first=50, flat=True)
    words = ("sort", "--train", tmp_path / "few", "--input", tmp_path / "new", "--by", "moments")
    done = tamis(*words, "--out", tmp_path / "out", "--abstain", 0.05, check=False)
    assert done.returncode == 2
    assert "single example leaves none to check by" in " ".join(done.stderr.split())


def test_pictures_unlike_any_example_are_set_aside_and_sets_are_listed(command, tmp_path):
    for i in range(3):
        photo(tmp_path / "photos" / f"odd{i}.png", (40, 220, 40), 200 + i)
    words = ("--classifier", "knn", "--unlike-any", 0.05, "--sets", 0.9)
    told = answer(*command, *words)
    apart = sorted(path.name for path in (tmp_path / "out" / "_unlike-any").iterdir())
    assert {"odd0.png", "odd1.png", "odd2.png"} <= set(apart)
    assert len(apart) <= 8
    assert sum(told["classes"].values()) == 33 - len(apart)
    assert all(set(row["set"]) <= {"blue", "red"} for row in told["predictions"])
    rows = (tmp_path / "out" / "predictions.csv").read_text().splitlines()
    assert rows[0].startswith("path,class,confidence,runner_up,runner_up_confidence,set,sorted_to")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "unlike all examples" in page
    assert "90 % of which are to hold the true class" in page


def test_evaluate_says_whether_the_promise_was_kept(command, tmp_path):
    for name, colour in (("blue", (200, 40, 40)), ("red", (40, 40, 200))):
        for i in range(8):
            photo(tmp_path / "test" / name / f"{i}.png", colour, 300 + i)
    words = ("evaluate", "--train", tmp_path / "examples", "--test", tmp_path / "test")
    words += ("--by", "moments", "--classifier", "knn", "--abstain", 0.3, "--sets", 0.9)
    words += ("--unlike-any", 0.05, "--report", tmp_path / "r.html")
    done = tamis(*words)
    said = " ".join(done.stdout.split())
    assert "calibration error" in said
    assert "the promise was kept" in said
    assert "By the truth 100.0% hold it" in said
    assert "the promise was kept" in (tmp_path / "r.html").read_text()
