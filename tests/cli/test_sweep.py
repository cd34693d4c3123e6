"""`tamis evaluate` for several k and votes at once."""

import json

import numpy as np
import pytest
from PIL import Image

from command import answer, tamis
from pictures import write_kinds


@pytest.fixture
def words(tmp_path):
    write_kinds(tmp_path / "photos", 8)
    tamis("split", tmp_path / "photos", tmp_path / "parts")
    parts = tmp_path / "parts"
    return ("evaluate", "--train", parts, "--test", parts, "--by", "moments")


def test_each_k_and_vote_has_the_figures_that_it_has_alone(words):
    found = answer(*words, "--k", "1,3,5", "--vote", "inverse,kernel")
    rows = found["sweep"]
    assert [(row["vote"], row["k"]) for row in rows] == [
        ("inverse", 1), ("inverse", 3), ("inverse", 5), ("kernel", 1), ("kernel", 3), ("kernel", 5),
    ]  # fmt: skip
    for row in (rows[1], rows[5]):
        alone = answer(*words, "-k", row["k"], "--vote", row["vote"])
        for key in ("accuracy", "accuracy_ci", "confusion_matrix", "report", "n_images"):
            assert row[key] == alone[key], key
    assert found["overlap"]["n_images"] == 0


def test_groups_are_heeded_as_by_one_k(tmp_path):
    random = np.random.default_rng(0)
    for row in range(80):  # bursts of four, which say nothing of their class
        if row % 4 == 0:
            burst = random.integers(1, 254, (8, 8, 3))
        file = tmp_path / f"photos/{'ab'[row // 40]}/{row:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((burst + random.integers(-1, 2, (8, 8, 3))).astype(np.uint8)).save(file)
    words = ("evaluate", "--train", tmp_path / "photos", "--test", tmp_path / "photos")
    words = (*words, "--by", "moments", "--jobs", 1)
    done = tamis(*words, "-k", "3,5", "--group-by", "tenths", "--json", "-")
    assert "20 groups, not torn apart" in done.stderr
    found = json.loads(done.stdout)["sweep"][0]["calibration"]
    assert found == answer(*words, "-k", 3, "--group-by", "tenths")["calibration"]
    assert found != answer(*words, "-k", 3)["calibration"]  # groups tell


def test_a_line_for_each_and_a_word_of_caution(words):
    done = tamis(*words, "-k", "1,3,5,10")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[1] for line in lines if line[0] == "kernel"] == ["1", "3", "5", "10"]
    assert "The best of several flatters: choose on a part val" in done.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("-k", "1,99"), "k must be from 1 to the number of examples, 18"),
        (("-k", "1,no"), "-k takes numbers of at least 1"),
        (("-k", "1,3", "--classifier", "probe"), "several k or votes are for k-NN"),
        (("-k", "1,3", "--vote", "loudly"), "vote must be"),
        (("-k", "1,3", "--report", "r.html"), "--report is of one classification"),
    ],
)
def test_what_cannot_be_is_refused(words, more, message):
    done = tamis(*words, *more, check=False)
    assert done.returncode == 2
    assert message in done.stderr
