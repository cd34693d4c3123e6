"""Defaults that suit a usual collection give way where there are fewer pictures."""

from pathlib import Path

import pytest

from command import answer, tamis
from pictures import write_kinds


@pytest.fixture
def few(tmp_path: Path) -> Path:
    write_kinds(tmp_path / "few", 1)
    return tmp_path / "few"


def test_all_examples_vote_where_there_are_fewer_than_the_default(few: Path, tmp_path: Path):
    new = tmp_path / "new"
    made = write_kinds(new, 1, first=50, flat=True)
    words = ("--train", few, "--input", new, "--by", "color", "--vote", "inverse")
    result = answer("sort", *words, "--out", tmp_path / "out")
    assert result["signature"]["k"] == 3
    assert {row["path"]: row["class"] for row in result["predictions"]} == made
    done = tamis("sort", *words, "--out", tmp_path / "again")
    assert "only 3 examples: all of them vote (k = 3 instead of 5)" in done.stderr
    write_kinds(tmp_path / "test", 1, first=50)
    scored = answer(
        "evaluate", "--train", few, "--test", tmp_path / "test", "--by", "color", "-k", 9
    )
    assert scored["signature"]["k"] == 3


def test_a_k_beyond_the_examples_is_brought_down_and_said(few: Path, tmp_path: Path):
    new = tmp_path / "new"
    write_kinds(new, 1, first=50, flat=True)
    words = ("sort", "--train", few, "--input", new, "--out", tmp_path / "out", "--by", "color")
    done = tamis(*words, "-k", 4)
    assert "only 3 examples: all of them vote (k = 3 instead of 4)" in done.stderr
    told = tamis("train", few, "--out", tmp_path / "m.tamis", "--by", "color", "-k", 4,
                 "--classifier", "knn")  # fmt: skip
    assert "(k = 3 instead of 4)" in told.stderr


def test_the_default_depth_of_retrieval_is_what_there_is(tmp_path: Path):
    photos = tmp_path / "photos"
    write_kinds(photos, 2)
    result = answer("evaluate", photos)
    assert [scores["depth"] for scores in result["depths"]] == [5]
    compared = tamis("compare", photos, "--by", "color,moments", "--folds", 2)
    for done in (tamis("evaluate", photos), compared):
        assert "only 5 pictures to choose from: depth 5 instead of 10" in done.stderr
    assert "--depth 5" in compared.stdout
    assert tamis("evaluate", photos, "--depth", 6, check=False).returncode == 2
