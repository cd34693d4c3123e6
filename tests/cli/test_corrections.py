"""Sorting again after better examples, and after corrections by hand, by the command."""

import shutil
from pathlib import Path

import pytest

from command import answer, tamis
from pictures import KINDS, write_kinds
from tamis.files.csvfile import read_csv

WAY = ("--by", "color", "--classifier", "knn")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Examples of two kinds, pictures of three, and the folder for the result."""
    write_kinds(tmp_path / "train", 4)
    shutil.move(tmp_path / "train/tiles", tmp_path / "later")
    write_kinds(tmp_path / "photos", 3, first=50, flat=True)
    return tmp_path / "train", tmp_path / "photos", tmp_path / "out"


def words(folders: tuple[Path, Path, Path]) -> tuple[object, ...]:
    train, photos, out = folders
    return ("sort", "--train", train, "--input", photos, "--out", out, *WAY)


def pictures(out: Path) -> list[str]:
    return sorted(str(path.relative_to(out)) for path in out.rglob("*.jpg"))


@pytest.mark.parametrize("mode", ["copy", "hardlink", "symlink", "move"])
def test_a_class_that_is_added_gets_its_pictures_and_no_picture_stands_twice(folders, mode):
    train, photos, out = folders
    first = answer(*words(folders), "--mode", mode)
    before = pictures(out)
    assert len(before) == 9
    shutil.move(train.parent / "later", train / "tiles")
    second = answer(*words(folders), "--mode", mode)
    assert len(pictures(out)) == 9
    held = {kind: len(list((out / kind).iterdir())) for kind in KINDS}
    assert second["classes"] == held == dict.fromkeys(KINDS, 3)
    assert second["n_resorted"] == 3
    assert (second["n_sorted"], second["n_present"], first["n_sorted"]) == (0, 6, 9)
    places = {row["sorted_to"] for row in read_csv(out / "predictions.csv", required=["path"])}
    assert places == set(pictures(out))
    tamis("undo", out)
    assert pictures(out) == before
    tamis("undo", out)
    assert not out.exists()
    assert len(list(photos.iterdir())) == 9


def test_what_went_where_is_said(folders):
    train, _, out = folders
    tamis(*words(folders))
    shutil.move(train.parent / "later", train / "tiles")
    dry = tamis(*words(folders), "--dry-run")
    assert f"{out}/" in dry.stdout
    done = tamis(*words(folders))
    assert "3 of earlier runs went to other folders; 6 were in place already" in done.stderr
    assert "what the run before wrote is now predictions-2.csv, report-2.html" in done.stderr


def test_a_picture_moved_by_hand_stays_is_counted_and_is_listed(folders):
    _, _, out = folders
    tamis(*words(folders))
    moved = sorted((out / "bars").iterdir())[0]
    moved.rename(out / "sky" / moved.name)
    before = pictures(out)
    for run in (2, 3):
        done = tamis(*words(folders))
        assert pictures(out) == before
        assert "1 picture was moved by hand" in done.stderr
        assert "--learn-from-corrections takes them as examples" in done.stderr
        (row,) = read_csv(out / "corrections.csv", required=["path", "class"])
        assert (row["class"], row["was"], row["answer"]) == ("sky", "bars", "bars")
        assert row["sorted_to"] == f"sky/{moved.name}"
        assert (out / f"corrections-{run}.csv").exists() == (run == 3)
        assert f"sky\t{len(list((out / 'sky').iterdir()))}" in done.stdout
    found = answer(*words(folders))
    assert [(one["label"], one["was"]) for one in found["corrections"]] == [("sky", "bars")]


def test_corrections_are_examples_where_that_is_asked_for(folders):
    _, _, out = folders
    tamis(*words(folders))
    tiles = [
        row["sorted_to"]
        for row in read_csv(out / "predictions.csv", required=["path"])
        if int(Path(row["path"]).stem.split("-")[1]) % 9 >= 6
    ]
    assert len(tiles) == 3
    (out / "tiles").mkdir()
    kept = tiles.pop()
    for one in tiles:
        (out / one).rename(out / "tiles" / Path(one).name)
    done = answer(*words(folders), "-k", 1, "--learn-from-corrections")
    assert done["classes"]["tiles"] == 3
    assert (out / "tiles" / Path(kept).name).exists()
    assert len(pictures(out)) == 9
    (out / "tiles" / Path(kept).name).unlink()
    done = tamis(*words(folders), "--learn-from-corrections")
    assert "2 corrections are examples of this run" in done.stderr
    assert "1 picture was removed" in done.stderr
    assert len(pictures(out)) == 8


def test_the_list_of_corrections_is_a_source_of_examples(folders):
    _, photos, out = folders
    tamis(*words(folders))
    bars, sky = ((out / kind).glob("*.jpg") for kind in ("bars", "sky"))
    for place, kind in ((next(bars), "sky"), (next(sky), "bars")):
        place.rename(out / kind / place.name)
    tamis(*words(folders))
    other = out.parent / "other"
    done = answer(
        "sort", "--train", out / "corrections.csv", "--input", photos, "--out", other, *WAY
    )
    assert sorted(done["classes"]) == ["bars", "sky"]
    assert sum(done["classes"].values()) == 9


def test_a_model_learns_from_no_correction(folders, tmp_path):
    done = tamis(
        "sort", "--model", tmp_path / "m", "--input", tmp_path, "--out", tmp_path / "o",
        "--learn-from-corrections", check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--learn-from-corrections goes with --train" in done.stderr
