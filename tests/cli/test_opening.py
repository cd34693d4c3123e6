"""How commands open their sources: where they lie, and what is said of them once."""

import shutil
from pathlib import Path

import pytest

from command import answer, tamis
from pictures import write_kinds

BY = ("--by", "moments")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_kinds(tmp_path / "photos", 4)
    return tmp_path / "photos"


@pytest.fixture
def moved(photos: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A collection by moments, and the folder of its pictures, which was moved since."""
    pytest.importorskip("lance", reason="needs the extra store")
    tamis("index", photos, "--into", tmp_path / "p.tamis", *BY)
    photos.rename(tmp_path / "elsewhere")
    return tmp_path / "p.tamis", tmp_path / "elsewhere"


def commands(source: object, folder: Path) -> dict[str, tuple[object, ...]]:
    """Every command that reads a source whose classes are known."""
    query = next(folder.rglob("*.jpg"))
    return {
        "search": ("search", source, query, "-k", "3"),
        "retrieval": ("evaluate", source),
        "gallery": ("evaluate", "--gallery", source, "--queries", folder),
        "classification": ("evaluate", "--train", folder, "--test", source),
        "examples": ("evaluate", "--train", source, "--test", folder),
        "compare": ("compare", source),
        "train": ("train", source, "--out", folder.parent / "m.tamis", "--force"),
        "sort": ("sort", "--train", source, "--input", folder, "--out", folder.parent / "out"),
    }


def test_the_root_of_a_list_in_every_command(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    csv = tmp_path / "lists" / "all.csv"
    lines = [f"{p.relative_to(tmp_path)},{p.parent.name}" for p in sorted(photos.rglob("*.jpg"))]
    csv.write_text("\n".join(["path,label", *lines]))
    for name, words in commands(csv, photos).items():
        result = answer(*words, *BY, "--root", tmp_path)
        assert not result.get("failures"), name
    done = tamis("evaluate", photos, *BY, "--root", tmp_path, check=False)
    assert done.returncode == 2
    assert "--root is for a CSV file or a collection" in done.stderr
    done = tamis("evaluate", csv, *BY, "--root", tmp_path / "nowhere", check=False)
    assert done.stderr.startswith(f"tamis: there is no folder {tmp_path}/nowhere. --root names")


def test_a_collection_whose_folder_was_moved_says_so_once(moved: tuple[Path, Path]) -> None:
    collection, folder = moved
    for name, words in commands(collection, folder).items():
        said = tamis(*words, *BY).stderr
        assert said.count("are not where it says") == 1, name
        assert f"tamis index DIR --into {collection}" in said
        assert "skipping" not in said, name
        result = tamis(*words, *BY, "--root", folder)
        assert "not where it says" not in result.stderr, name
    tamis("index", folder, "--into", collection)
    assert "not where it says" not in tamis("evaluate", collection, *BY).stderr


def test_what_a_moved_collection_does_not_hold_is_one_line(moved: tuple[Path, Path]) -> None:
    collection, folder = moved
    for words in commands(collection, folder).values():
        done = tamis(*words, "--by", "color(bins=2)", check=False)
        assert done.returncode == 1
        errors = [line for line in done.stderr.splitlines() if "holds no vectors by" in line]
        assert len(errors) == 1
        assert "--root DIR. It holds: moments(" in errors[0]
        assert "skipping" not in done.stderr
        assert tamis(*words, "--by", "color(bins=2)", "--root", folder).returncode == 0
    empty = folder.parent / "empty"
    empty.mkdir()
    done = tamis("search", collection, next(folder.rglob("*.jpg")), "--by", "color(bins=2)",
                 "--root", empty, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "none of the 12 pictures" in done.stderr
    assert "skipping" not in done.stderr


def test_the_same_picture_in_two_classes_is_said_once(photos: Path) -> None:
    sky, bars = (sorted((photos / kind).iterdir())[0] for kind in ("sky", "bars"))
    shutil.copy(sky, photos / "bars" / "copy.jpg")
    said = f"{photos}: the same picture is in two classes: bars/copy.jpg = sky/{sky.name}"
    words = commands(photos, photos)
    for name in ("retrieval", "compare", "train"):
        assert tamis(*words[name], *BY).stderr.count(said) == 1, name
    assert said in tamis("split", photos, photos.parent / "parts").stderr
    shutil.copy(bars, photos / "tiles" / "copy.jpg")
    assert "2 pictures are in several classes at once (" in tamis("evaluate", photos, *BY).stderr


def test_the_same_picture_twice_in_a_class_is_no_conflict(photos: Path) -> None:
    shutil.copy(next((photos / "sky").iterdir()), photos / "sky" / "copy.jpg")
    assert "the same picture" not in tamis("evaluate", photos, *BY).stderr


def test_a_collection_knows_its_conflicts_without_its_pictures(moved: tuple[Path, Path]) -> None:
    collection, folder = moved
    shutil.copy(next((folder / "sky").iterdir()), folder / "bars" / "copy.jpg")
    tamis("index", folder, "--into", collection)
    shutil.rmtree(folder)
    assert "the same picture is in two classes" in tamis("evaluate", collection, *BY).stderr


def test_a_folder_named_like_another_class_is_said(photos: Path) -> None:
    (photos / "bars" / "2020" / "sky").mkdir(parents=True)
    for number, picture in enumerate(sorted((photos / "bars").glob("*.jpg"))[:2]):
        picture.rename(photos / "bars" / "2020" / "sky" / f"{number}.jpg")
    said = tamis("evaluate", photos, *BY).stderr
    assert (
        f"{photos}: the 2 pictures in bars/2020/sky are of the class bars, and sky is another class"
    ) in said


def test_one_picture_is_sorted(photos: Path, tmp_path: Path) -> None:
    picture = next((photos / "sky").iterdir())
    result = answer("sort", "--train", photos, "--input", picture, "--out", tmp_path / "out", *BY)
    assert (result["n_sorted"], result["predictions"][0]["class"]) == (1, "sky")


def test_messages_that_name_what_was_meant(photos: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    done = tamis("sort", "--train", photos, "--input", f"{photos}/", *out, *BY, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"tamis: --train and --input are both {photos}. The ")
    assert not (tmp_path / "out").exists()
    done = tamis("index", photos, "--into", photos, check=False)
    assert done.returncode == 2
    assert "DIR and --into are both" in done.stderr
    assert "such as photos.tamis" in done.stderr
    done = tamis("search", photos, "a red fox", *BY, check=False)
    assert done.stderr.startswith("tamis: a red fox: there is no such file. A query is an image,")
    name = next((photos / "sky").iterdir()).name
    done = tamis("search", photos, f"sky/{name}", *BY, check=False)
    assert f"Did you mean {photos}/sky/{name}?" in done.stderr
