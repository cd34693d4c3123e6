"""Pictures that are learned from and scored are told, and kept apart by a split."""

import json
import os
import shutil
from pathlib import Path

import pytest

from command import tamis
from pictures import write_kinds


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path]:
    """Examples; and a test of new pictures, with three that are examples too."""
    train, test = tmp_path / "train", tmp_path / "test"
    write_kinds(train, 5)
    write_kinds(test, 2, first=20)
    first, second, third = sorted(train.glob("*/*.jpg"))[:3]
    shutil.copy(first, test / "bars" / "copy.jpg")
    os.link(second, test / "bars" / "hard.jpg")
    os.symlink(third, test / "sky" / "soft.jpg")  # of another class: a wrong answer
    return train, test


@pytest.mark.parametrize("classifier", ["knn", "probe"])
def test_any_classifier_and_the_file_of_a_knn_are_compared(
    parts: tuple[Path, Path], tmp_path: Path, classifier: str
) -> None:
    train, test = parts
    said = "3 test pictures are among the examples too (0 by path, 3 by content"
    by = ("--by", "moments", "--classifier", classifier)
    assert said in tamis("evaluate", "--train", train, "--test", test, *by).stderr
    tamis("train", train, "--out", tmp_path / "m.tamis", "--validation", 0, *by)
    done = tamis("evaluate", "--model", tmp_path / "m.tamis", "--test", test)
    assert (said in done.stderr) == (classifier == "knn")  # others do not keep their examples
    again = tamis(
        "sort", "--train", train, "--input", train, "--out", tmp_path / "out", "--dry-run", *by,
        check=False,
    )  # fmt: skip
    assert again.returncode or "are among the examples" in again.stderr


def test_classification_without_the_examples(parts: tuple[Path, Path]) -> None:
    train, test = parts
    words = ("evaluate", "--train", train, "--test", test, "--by", "moments", "-k", 1)
    done = tamis(*words)
    assert "3 test pictures are among the examples too (0 by path, 3 by content" in done.stderr
    assert "are both" not in done.stderr
    lines = done.stdout.splitlines()
    assert "8 of 9 pictures right" in lines[0]
    assert lines[1].startswith("without the 3 among the examples: accuracy 100.0%")
    assert lines[1].endswith("6 of 6 pictures right")
    page = train.parent / "report.html"
    tamis(*words, "--report", page)
    assert "3 scored pictures are among the examples too" in page.read_text()
    assert "Without them the accuracy is <b>100.0" in page.read_text()
    found = json.loads(tamis(*words, "--json", "-").stdout)
    shared = found["overlap"]
    assert [shared[key] for key in ("n_images", "n_by_path", "n_by_content")] == [3, 0, 3]
    assert {Path(one["path"]).name for one in shared["images"]} == {
        "copy.jpg",
        "hard.jpg",
        "soft.jpg",
    }
    assert found["accuracy"] == pytest.approx(8 / 9)
    assert found["without_overlap"]["accuracy"] == 1
    assert found["without_overlap"]["n_images"] == 6


def test_classification_of_the_examples_themselves(parts: tuple[Path, Path]) -> None:
    train, _ = parts
    words = ("evaluate", "--train", train, "--test", f"{train}/", "--by", "moments")
    done = tamis(*words)
    assert f"--train and --test are both {train}" in done.stderr
    assert "15 test pictures are among the examples too (15 by path, 0 by content" in done.stderr
    assert "this is not the accuracy for new pictures" in done.stdout
    found = json.loads(tamis(*words, "--json", "-").stdout)
    assert (found["overlap"]["n_by_path"], found["without_overlap"]) == (15, None)


def test_nothing_is_said_without_an_overlap(parts: tuple[Path, Path]) -> None:
    train, test = parts
    for name in ("bars/copy.jpg", "bars/hard.jpg", "sky/soft.jpg"):
        (test / name).unlink()
    for words in (("--train", train, "--test", test), ("--gallery", train, "--queries", test)):
        done = tamis("evaluate", *words, "--by", "moments")
        assert "too" not in done.stderr and "without the" not in done.stdout
        found = json.loads(tamis("evaluate", *words, "--by", "moments", "--json", "-").stdout)
        assert (found["overlap"]["n_images"], found["without_overlap"]) == (0, None)


def test_retrieval_without_what_is_in_the_gallery(parts: tuple[Path, Path]) -> None:
    train, test = parts
    words = ("evaluate", "--gallery", train, "--queries", test, "--by", "moments", "--depth", 2)
    done = tamis(*words)
    assert "3 queries are in the gallery too, where each finds itself (0 by path, 3" in done.stderr
    assert "without the 3 that are in the gallery too, of 6 pictures:" in done.stdout
    found = json.loads(tamis(*words, "--json", "-").stdout)
    assert found["overlap"]["n_by_content"] == 3
    rest = found["without_overlap"]
    assert (found["n_images"], rest["n_images"]) == (9, 6)
    assert rest["depths"][0]["error_rate"] == 0 < found["depths"][0]["error_rate"]
    both = tamis("evaluate", "--gallery", train, "--queries", train, "--depth", 2)
    assert "--gallery and --queries are both" in both.stderr
    assert "these are not the figures for new pictures" in both.stdout


def test_training_says_what_it_is_checked_with(tmp_path: Path) -> None:
    for part, first in (("train", 0), ("val", 10), ("test", 20)):
        write_kinds(tmp_path / "d" / part, 4, first=first)
    some = sorted((tmp_path / "d" / "train" / "bars").iterdir())
    shutil.copy(some[0], tmp_path / "d" / "val" / "bars" / "again.jpg")
    shutil.copy(some[1], tmp_path / "d" / "test" / "bars" / "again.jpg")
    words = ("train", tmp_path / "d", "--by", "moments", "--out")
    done = tamis(*words, tmp_path / "m.tamis")
    assert "1 validation picture is among the training pictures too (0 by path" in done.stderr
    assert "1 test picture is among those of the training too (0 by path, 1" in done.stderr
    assert "without the 1 among the examples: accuracy" in done.stdout
    found = json.loads(tamis(*words, tmp_path / "n.tamis", "--json", "-").stdout)
    assert found["test_overlap"]["n_by_content"] == 1
    assert found["validation"]["overlap"]["n_by_content"] == 1
    assert found["validation"]["without_overlap"]["n_images"] == 12


def test_what_training_sets_aside_holds_no_copy(tmp_path: Path) -> None:
    write_kinds(tmp_path / "d", 6)
    for file in list((tmp_path / "d").glob("*/*.jpg")):
        os.link(file, file.with_name(f"z{file.name}"))
    words = ("train", tmp_path / "d", "--by", "moments", "--out", tmp_path / "m.tamis")
    words += ("--classifier", "probe", "--validation", "0.2")
    found = json.loads(tamis(*words, "--json", "-").stdout)
    assert found["validation"]["overlap"]["n_images"] == 0
    assert found["validation"]["n_images"] >= 6


def test_a_split_keeps_copies_on_one_side(tmp_path: Path) -> None:
    write_kinds(tmp_path / "d", 6)
    for file in list((tmp_path / "d").glob("*/*.jpg")):
        os.link(file, file.with_name(f"z{file.name}"))
    done = tamis("split", tmp_path / "d", tmp_path / "s", "--json", "-")
    assert "36 pictures have the same content as others" in done.stderr
    assert "(groups: 18)" in done.stderr
    found = json.loads(done.stdout)
    assert (found["n_copies"], len(found["copies"]), len(found["copies"][0])) == (36, 18, 2)
    contents = [
        {file.read_bytes() for file in (tmp_path / "s" / part).glob("*/*.jpg")}
        for part in ("train", "test")
    ]
    assert not contents[0] & contents[1]
    assert min(map(len, contents)) >= 4
