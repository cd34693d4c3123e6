"""A result that lies inside a source is no part of it; a split stands for its parts."""

import os
from pathlib import Path

import pytest

from command import answer, tamis
from pictures import KINDS, write_kinds

WAY = ("--by", "color", "--classifier", "knn")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_kinds(tmp_path / "photos", 6)
    return tmp_path / "photos"


def test_no_command_takes_a_result_inside_its_source_for_a_class(photos: Path, tmp_path: Path):
    tamis("split", photos, photos / "out")
    done = tamis("split", photos, tmp_path / "parts")
    assert f"leaving out 1 folder that holds a result of tamis in {photos} (out)" in done.stderr
    assert sorted(os.listdir(tmp_path / "parts/train")) == sorted(KINDS)
    train = photos / "out/train"
    tamis("sort", "--train", train, "--input", photos / "sky", "--out", photos / "sky/in", *WAY)
    for words in (
        ("evaluate", photos, "--by", "color"),
        ("evaluate", "--train", photos, "--test", photos / "out", *WAY),
        ("index", photos, "--into", tmp_path / "p.tamis"),
        ("compare", photos, "--by", "color,lbp"),
        ("train", photos, "--out", tmp_path / "m.tamis", *WAY),
        ("search", photos, photos / "sky" / os.listdir(photos / "sky")[0], "-k", 30),
    ):
        done = tamis(*words)
        assert "2 folders that hold results of tamis" in done.stderr, words
    assert answer("evaluate", photos, "--by", "color")["n_images"] == 18
    tamis("undo", photos / "sky/in")
    tamis("undo", photos / "out")
    done = tamis("evaluate", photos, "--by", "color")
    assert "result" not in done.stderr


def test_a_result_that_is_named_itself_is_a_source(photos: Path, tmp_path: Path):
    write_kinds(tmp_path / "new", 2, first=50, flat=True)
    words = ("--train", photos, "--input", tmp_path / "new", "--out", tmp_path / "out")
    tamis("sort", *words, *WAY)
    assert answer("evaluate", tmp_path / "out", "--by", "color")["n_images"] == 6


def test_a_split_stands_for_its_train_part_and_its_test_part(photos: Path, tmp_path: Path):
    parts = tmp_path / "parts"
    tamis("split", photos, parts)
    by_parts = answer("evaluate", "--train", parts, "--test", parts, *WAY)
    named = answer("evaluate", "--train", parts / "train", "--test", parts / "test", *WAY)
    assert by_parts["n_images"] == named["n_images"] == 6
    assert by_parts["accuracy"] == named["accuracy"]
    assert by_parts["overlap"]["n_images"] == 0
    done = tamis(
        "sort", "--train", parts, "--input", parts / "test", "--out", tmp_path / "out", *WAY
    )
    assert f"taking the part train of {parts}, 12 pictures" in done.stderr
    assert "among the examples" not in done.stderr
    model = tmp_path / "m.tamis"
    tamis("train", parts, "--out", model, *WAY)
    scored = answer("evaluate", "--model", model, "--test", parts)
    assert (scored["n_images"], scored["overlap"]["n_images"]) == (6, 0)


def test_keep_folders_keeps_site_and_date_and_the_table_names_them(photos: Path, tmp_path: Path):
    trap, out = tmp_path / "trap", tmp_path / "out"
    for number, place in enumerate(("north/may", "north/june", "south", "")):
        folder = trap / place
        folder.mkdir(parents=True, exist_ok=True)
        source = sorted((photos / "sky").iterdir())[number]
        (folder / "IMG_1.JPG").write_bytes(source.read_bytes())
    words = ("sort", "--train", photos, "--input", trap, "--out", out, *WAY)
    flat = answer(*words)
    assert sorted(one["sorted_to"] for one in flat["predictions"]) == [
        "sky/IMG_1-2.JPG", "sky/IMG_1-3.JPG", "sky/IMG_1-4.JPG", "sky/IMG_1.JPG",
    ]  # fmt: skip
    kept = answer(*words, "--keep-folders")
    assert kept["n_resorted"] == 3
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.JPG"))[1:] == [
        "sky/north/june/IMG_1.JPG", "sky/north/may/IMG_1.JPG", "sky/south/IMG_1.JPG",
    ]  # fmt: skip
    pandas = pytest.importorskip("pandas")
    rows = pandas.read_csv(out / "predictions.csv").set_index("sorted_to")
    assert list(rows.loc["sky/north/may/IMG_1.JPG", ["folder_1", "folder_2"]]) == ["north", "may"]
    assert rows.loc["sky/south/IMG_1.JPG", "folder_1"] == "south"
    assert "folder_3" not in rows
    tamis("undo", out)
    tamis("undo", out)
    assert not out.exists()


def test_the_demo_takes_only_a_folder_of_its_own(tmp_path: Path):
    mine = tmp_path / "mine"
    (mine / "photos/fox").mkdir(parents=True)
    (mine / "report.html").write_text("mine")
    done = tamis("demo", mine, check=False)
    assert done.returncode == 1
    assert f"{mine} is there already, and holds fox, which is not of a demo" in done.stderr
    assert sorted(os.listdir(mine)) == ["photos", "report.html"]
