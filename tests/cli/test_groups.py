"""`--group-by` of the commands that learn."""

import pytest

from command import answer, tamis
from pictures import write_kinds

BY = ("--by", "moments", "--jobs", 1)


@pytest.fixture
def place(tmp_path):
    write_kinds(tmp_path / "examples", 12)
    write_kinds(tmp_path / "photos", 3, first=100, flat=True)
    return tmp_path


def test_sort_train_and_evaluate_take_groups(place):
    examples = place / "examples"
    told = tamis(
        "sort", "--train", examples, "--input", place / "photos", "--out", place / "out",
        "--group-by", "tenths", "--abstain", 0.2, *BY,
    )  # fmt: skip
    assert "12 of 36 examples are in 6 groups, not torn apart" in told.stderr
    told = answer("train", examples, "--out", place / "m.tamis", "--group-by", "tenths", *BY)
    assert told["signature"]["groups"] == 30
    told = tamis("evaluate", "--train", examples, "--test", examples, "--group-by", "tenths", *BY)
    assert "6 groups" in told.stderr


def test_a_list_and_what_does_not_go_with_it(place):
    (place / "groups.csv").write_text("path,group\nsky/none.jpg,1\n")
    examples = place / "examples"
    done = tamis(
        "train", examples, "--out", place / "m.tamis", "--group-by", place / "groups.csv", *BY,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "sky/none.jpg" in done.stderr
    assert not (place / "m.tamis").exists()
    done = tamis("evaluate", examples, "--group-by", "tenths", *BY, check=False)
    assert done.returncode == 2 and "--group-by" in done.stderr


def test_split_keeps_tenths_whole(place):
    tamis("split", place / "examples", place / "parts", "--group-by", "tenths")
    train = {file.name for file in (place / "parts/train/sky").iterdir()}
    names = sorted(file.name for file in (place / "examples/sky").iterdir())
    tenths = [{name for i, name in enumerate(names) if i * 10 // 12 == n} for n in range(10)]
    assert all(tenth <= train or not tenth & train for tenth in tenths)
