"""Classes in every command: odd names, odd accents, too few of them."""

import os
import shutil
import unicodedata

import pytest

from command import answer, tamis
from pictures import KINDS, write_kinds

BY = ("--by", "moments")
AVERAGES = ("accuracy", "macro avg", "weighted avg")
COMPOSED, APART = (unicodedata.normalize(form, "Pok\u00e9mon") for form in ("NFC", "NFD"))


def photos(folder, names, n=4, first=0):
    """Class folders with names of one's own, pictures of one kind in each."""
    write_kinds(folder, n, first=first)
    for kind, name in zip(KINDS, names, strict=True):
        os.rename(folder / kind, folder / name)
    return folder


@pytest.fixture
def accents(tmp_path):
    """Skip where a file system takes both spellings for one name."""
    (tmp_path / COMPOSED).mkdir()
    if (tmp_path / APART).exists():
        pytest.skip("this file system compares accents its own way")


def test_a_class_named_like_an_average_is_a_class(tmp_path):
    train = photos(tmp_path / "train", AVERAGES)
    test = photos(tmp_path / "test", AVERAGES, n=2, first=20)
    words = ("evaluate", "--train", train, "--test", test, *BY)
    report = tmp_path / "r.html"
    said = tamis(*words, "--report", report).stdout
    rows = [line.split("  ")[0] for line in said.splitlines() if line.endswith(" 2")]
    assert rows == ["accuracy", "macro avg (class)", "weighted avg (class)"]
    assert sum(line.startswith("macro avg  ") for line in said.splitlines()) == 1
    found = answer(*words)
    assert found["classes"] == list(AVERAGES)
    assert [found["per_class"][name]["support"] for name in AVERAGES] == [2, 2, 2]
    assert found["report"]["accuracy"] == found["accuracy"] == 1
    assert found["report"]["macro avg"]["support"] == 6
    page = report.read_text()
    assert all(f">{name}</" in page for name in AVERAGES)


@pytest.mark.parametrize("name", ["micro avg", "samples avg"])
def test_averages_that_are_not_computed_take_no_name(tmp_path, name):
    train = photos(tmp_path / "train", (name, "a", "b"))
    found = answer("evaluate", "--train", train, "--test", train, *BY)
    assert found["report"][name] == found["per_class"][name]


def test_accents_are_compared_however_they_are_stored(accents, tmp_path):
    train = photos(tmp_path / "train", (COMPOSED, "a", "b"))
    test = photos(tmp_path / "test", (APART, "a", "b"), n=2, first=20)
    found = answer("evaluate", "--train", train, "--test", test, *BY)
    assert (found["classes"], found["accuracy"]) == (sorted([COMPOSED, "a", "b"]), 1)
    report = tmp_path / "r.html"
    tamis("evaluate", "--train", train, "--test", test, *BY, "--report", report)
    assert "Wrong answers</dt><dd><b>0<" in report.read_text()
    found = answer("evaluate", "--gallery", train, "--queries", test, *BY, "--depth", "2")
    assert found["n_images"] == 6
    model = tmp_path / "m.tamis"
    tamis("train", train, "--out", model, *BY)
    assert answer("evaluate", "--model", model, "--test", test)["accuracy"] == 1
    assert answer("split", train, tmp_path / "s", "--classes", APART)["classes"] == [COMPOSED]
    query = next((test / APART).iterdir())
    done = tamis("search", train, query, *BY, "--label", APART)
    assert len(done.stdout.splitlines()) == 4


def test_two_spellings_in_one_folder_are_one_class(accents, tmp_path):
    found = answer("split", photos(tmp_path / "one", (COMPOSED, APART, "b")), tmp_path / "parts")
    assert found["n_images"] == 12
    assert sorted(unicodedata.normalize("NFC", name) for name in found["classes"]) == sorted(
        [COMPOSED, "b"]
    )


def test_a_result_folder_with_the_other_spelling_is_used(accents, tmp_path):
    train = photos(tmp_path / "train", (COMPOSED, "a", "b"))
    out = tmp_path / "out"
    (out / APART).mkdir(parents=True)
    tamis("sort", "--train", train, "--input", train / COMPOSED, "--out", out, *BY)
    assert COMPOSED not in os.listdir(out)
    assert len(os.listdir(out / APART)) == 4


def test_classes_whose_names_hold_commas(tmp_path):
    folder = photos(tmp_path / "c", ("red, big", "red", "big"))
    chosen = answer("split", folder, tmp_path / "s", "--classes", "red, big")["classes"]
    assert chosen == ["red, big"]
    words = ("split", folder, tmp_path / "t", "--classes", "red, big", "--classes", "big")
    assert answer(*words)["classes"] == ["big", "red, big"]
    words = ("split", folder, tmp_path / "u", "--classes", "red,big")
    assert answer(*words)["classes"] == ["big", "red"]
    query = next((folder / "big").iterdir())
    lines = tamis("search", folder, query, *BY, "--label", "red, big").stdout.splitlines()
    assert len(lines) == 4
    assert all("/red, big/" in line for line in lines)
    words = ("evaluate", folder, *BY, "--depth", "2", "--classes", "red, big", "--classes", "red")
    assert answer(*words)["n_images"] == 8
    words = ("compare", folder, "--by", "moments", "--folds", "2", "--classes", "big , red")
    assert answer(*words)["n_images"] == 8
    done = tamis("split", folder, tmp_path / "v", "--classes", "blue,red", check=False)
    assert "no pictures of the class blue" in done.stderr
    assert "It has: big, red, red, big" in done.stderr


def test_one_class_asks_whether_the_folder_in_it_was_meant(tmp_path):
    inner = photos(tmp_path / "arch" / "animals", ("fox", "owl", "cat"))
    above = inner.parent
    meant = f"of one class only, animals: did you mean {inner}?"
    to = ("--input", inner / "fox", "--out", tmp_path / "o")
    for words in (
        ("sort", "--train", above, *to, *BY),
        ("train", above, "--out", tmp_path / "m.tamis", *BY),
        ("evaluate", above, *BY),
        ("evaluate", "--train", above, "--test", inner, *BY),
        ("compare", above, "--by", "moments"),
    ):
        done = tamis(*words, check=False)
        assert (done.returncode, done.stderr.count(meant)) == (1, 1), (words, done.stderr)
    done = tamis("split", above, tmp_path / "s")
    assert done.stderr.count(meant) == 1
    done = tamis("split", inner, tmp_path / "t", "--classes", "fox")
    assert "one class only" not in done.stderr


def test_one_class_of_pictures_asks_nothing(tmp_path):
    folder = photos(tmp_path / "p", KINDS)
    for kind in KINDS[1:]:
        shutil.rmtree(folder / kind)
    done = tamis("train", folder, "--out", tmp_path / "m.tamis", *BY, check=False)
    assert f"of one class only, {KINDS[0]}." in done.stderr


def test_empty_classes_and_classes_of_one_picture_are_said_once(tmp_path):
    folder = photos(tmp_path / "p", ("fox", "owl", "cat"))
    (folder / "cow").mkdir()
    for picture in sorted((folder / "cat").iterdir())[1:]:
        picture.unlink()
    to = ("--input", folder / "fox", "--out", tmp_path / "o")
    for words in (
        ("split", folder, tmp_path / "s"),
        ("sort", "--train", folder, *to, *BY),
        ("train", folder, "--out", tmp_path / "m.tamis", *BY),
        ("evaluate", "--train", folder, "--test", tmp_path / "s" / "train", *BY),
    ):
        done = tamis(*words, check=False)
        assert done.stderr.count(f"{folder}: cow holds no picture") == 1, words
        assert done.stderr.count(f"{folder}: there is only one picture of cat") == 1, words


def test_an_empty_class_in_a_part_is_said(tmp_path):
    for part in ("train", "test"):
        photos(tmp_path / "data" / part, ("fox", "owl", "cat"))
    (tmp_path / "data" / "train" / "cow").mkdir()
    done = tamis("train", tmp_path / "data", "--out", tmp_path / "m.tamis", *BY)
    assert "train/cow holds no picture" in done.stderr
