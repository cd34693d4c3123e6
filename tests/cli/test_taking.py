"""Which files `tamis sort` and `tamis split` take from where they are."""

import os
import shutil
from pathlib import Path

import pytest

from command import QUICK, answer, tamis
from pictures import write_kinds
from tamis.files.journal import journals


@pytest.fixture
def train(tmp_path: Path) -> Path:
    write_kinds(tmp_path / "train", 3)
    return tmp_path / "train"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder in a folder of other pictures, and of a secret."""
    write_kinds(tmp_path / "others", 1, first=70, flat=True)
    (tmp_path / "others/id_rsa").write_text("-----BEGIN PRIVATE KEY-----")
    write_kinds(tmp_path / "photos", 1, first=50)
    return tmp_path / "photos"


def names_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def reasons_of(result: dict) -> dict[str, str]:
    return {os.path.basename(one["path"]): one["reason"] for one in result["failures"]}


@pytest.fixture
def csv(photos: Path) -> Path:
    """A list that names pictures of the folder, and by several ways what is elsewhere."""
    others = sorted(path.name for path in (photos.parent / "others").glob("*.jpg"))
    (photos / "link.jpg").symlink_to(f"../others/{others[1]}")
    lines = [f"{path.relative_to(photos)},{path.parent.name}" for path in photos.rglob("*/*.jpg")]
    lines += [
        f"../others/{others[0]},sky",
        "link.jpg,sky",
        f"{photos.parent}/others/{others[2]},sky",
    ]
    lines += ["../others/id_rsa,sky", "sky/gone.jpg,sky"]
    file = photos / "list.csv"
    file.write_text("path,label\n" + "\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_lines_of_a_list_that_lead_elsewhere(
    train: Path, photos: Path, csv: Path, tmp_path: Path, mode: str
) -> None:
    others = names_of(tmp_path / "others")
    words = (*QUICK, "--train", train, "--input", csv, "--out", tmp_path / "out", "--mode", mode)
    result = answer("sort", *words)
    assert result["n_sorted"] == 3
    reasons = reasons_of(result)
    assert len(reasons) == 5
    assert sum("lies outside" in reason for reason in reasons.values()) == 4
    assert "is missing" in reasons["gone.jpg"]
    assert names_of(tmp_path / "others") == others
    tamis("undo", tmp_path / "out")
    told = tamis("sort", *words).stderr
    assert f"leaving out 4 pictures that lie outside of {photos}" in told
    assert "--follow-links" in told
    assert "--root" in told


def test_what_lies_elsewhere_can_be_asked_for(train: Path, csv: Path, tmp_path: Path) -> None:
    result = answer(
        "sort",
        *QUICK,
        "--train",
        train,
        "--input",
        csv,
        "--out",
        tmp_path / "out",
        "--follow-links",
    )
    assert result["n_sorted"] == 6
    reasons = reasons_of(result)
    assert reasons["id_rsa"].startswith("is not a picture")
    assert not [name for name in names_of(tmp_path / "out") if "id_rsa" in name]


def test_a_split_of_a_list(csv: Path, tmp_path: Path) -> None:
    done = tamis("split", csv, tmp_path / "parts", "--mode", "move", check=False)
    assert done.returncode == 1
    assert f"skipping {csv.parent}/sky/gone.jpg: is missing" in done.stderr
    assert len(list((tmp_path / "parts").rglob("*.jpg"))) == 3
    assert len(list((tmp_path / "others").rglob("*.jpg"))) == 3


def test_the_root_of_a_list(train: Path, photos: Path, tmp_path: Path) -> None:
    names = [f"photos/{path.relative_to(photos)}" for path in photos.rglob("*.jpg")]
    (tmp_path / "lists").mkdir()
    csv = tmp_path / "lists/all.csv"
    csv.write_text("path\n" + "\n".join(names) + "\n")
    words = ("sort", *QUICK, "--train", train, "--input", csv, "--out", tmp_path / "out")
    done = tamis(*words, check=False)
    assert done.returncode == 1
    assert "none of the 3 pictures" in done.stderr
    assert answer(*words, "--root", tmp_path)["n_sorted"] == 3
    done = tamis("sort", *QUICK, "--train", train, "--input", photos, "--out", tmp_path / "o",
                 "--root", tmp_path, check=False)  # fmt: skip
    assert done.returncode == 2
    assert "are neither" in done.stderr


@pytest.fixture
def collection(photos: Path, tmp_path: Path) -> Path:
    pytest.importorskip("lance")
    tamis("index", photos, "--into", tmp_path / "p.tamis", "--by", "color")
    return tmp_path / "p.tamis"


def test_pictures_that_are_gone_or_changed_since_they_were_indexed(
    train: Path, photos: Path, collection: Path, tmp_path: Path
) -> None:
    gone, changed, touched = sorted(photos.rglob("*.jpg"))
    gone.unlink()
    shutil.copy(next((tmp_path / "others").glob("*.jpg")), changed)
    os.utime(touched)
    result = answer(
        "sort", *QUICK, "--train", train, "--input", collection, "--out", tmp_path / "out"
    )
    assert [row["path"] for row in result["predictions"]] == [str(touched)]
    reasons = reasons_of(result)
    assert "is missing" in reasons[gone.name]
    assert "was changed since it was indexed" in reasons[changed.name]
    done = tamis("split", collection, tmp_path / "parts", check=False)
    assert done.returncode == 1
    assert f"skipping {gone}: is missing" in done.stderr
    assert len(list((tmp_path / "parts").rglob("*.jpg"))) == 1


def test_where_the_pictures_of_a_collection_lie(
    train: Path, photos: Path, collection: Path, tmp_path: Path
) -> None:
    words = ("sort", *QUICK, "--train", train, "--input", collection, "--out", tmp_path / "out")
    assert f"names pictures below {photos}" in tamis(*words, "--dry-run").stderr
    photos.rename(tmp_path / "elsewhere")
    done = tamis(*words, check=False)
    assert done.returncode == 1
    assert "--root DIR" in done.stderr
    result = answer(*words, "--root", tmp_path / "elsewhere")
    assert result["n_sorted"] == 3
    assert all(row["path"].startswith(f"{tmp_path}/elsewhere/") for row in result["predictions"])


@pytest.mark.parametrize("mode", ["copy", "move", "symlink", "hardlink"])
def test_links_in_a_folder(train: Path, photos: Path, tmp_path: Path, mode: str) -> None:
    others = names_of(tmp_path / "others")
    outside = next((tmp_path / "others").glob("*.jpg"))
    (photos / "link.jpg").symlink_to(outside)
    (photos / "album").symlink_to("../others")
    words = (*QUICK, "--train", train, "--input", photos, "--out", tmp_path / "out", "--mode", mode)
    result = answer("sort", *words)
    assert result["n_sorted"] == 3
    assert list(reasons_of(result)) == ["link.jpg"]
    assert names_of(tmp_path / "others") == others
    tamis("undo", tmp_path / "out")
    result = answer("sort", *words, "--follow")
    assert result["n_sorted"] == 7
    tamis("undo", tmp_path / "out")
    assert names_of(tmp_path / "others") == others


def test_keywords_are_written_counted_and_taken_back(train: Path, tmp_path: Path) -> None:
    new, out = tmp_path / "new", tmp_path / "out"
    write_kinds(new, 1, first=50, flat=True)
    words = ("sort", *QUICK, "--train", train, "--input", new, "--out", out, "--keywords")
    told = tamis(*words, "--dry-run").stdout
    assert told.count("keyword ") == 3 and not out.exists()
    done = tamis(*words)
    assert "3 XMP files with a keyword" in done.stderr and done.stderr.count("see ") == 2
    for file in out.glob("*/*.xmp"):
        assert f"<rdf:li>{file.parent.name}</rdf:li>" in file.read_text()
    result = answer(*words)
    assert (result["n_sorted"], result["n_sidecars"], result["n_keywords"]) == (0, 0, 0)
    tamis("undo", out)
    tamis("undo", out)
    assert not list(tmp_path.rglob("*.xmp"))


def test_sidecars_stay_unless_they_are_asked_for(train: Path, tmp_path: Path) -> None:
    new, out = tmp_path / "new", tmp_path / "out"
    write_kinds(new, 1, first=50, flat=True)
    picture = sorted(new.iterdir())[0]
    for suffix in (".jpg.xmp", ".MOV"):
        picture.with_suffix(suffix).write_text(suffix)
    before = names_of(new)
    words = ("sort", *QUICK, "--train", train, "--input", new, "--out", out, "--mode", "move")
    done = tamis(*words)
    assert (
        "2 files that go with pictures stay where they are (.mov, .xmp); --sidecars" in done.stderr
    )
    assert names_of(new) == [f"{picture.stem}.MOV", f"{picture.name}.xmp"]
    tamis("undo", out)
    result = answer(*words, "--sidecars")
    assert (result["n_sorted"], result["n_sidecars"]) == (3, 2)
    assert names_of(new) == []
    (run,) = journals(str(out))
    assert (
        len({os.path.dirname(t.destination) for t in run.transfers if picture.stem in t.source})
        == 1
    )
    tamis("undo", out)
    assert names_of(new) == before


@pytest.mark.parametrize("command", ["sort", "dry run", "model"])
def test_a_folder_that_cannot_be_is_found_before_any_picture_is_read(
    train: Path, photos: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "sky").write_text("a file")
    what = [*QUICK, "--train", train]
    if command == "model":
        tamis("train", train, *QUICK, "--out", tmp_path / "m.tamis")
        what = ["--model", tmp_path / "m.tamis"]

    def read(*_: object, **__: object) -> None:
        raise AssertionError("a picture was read")

    monkeypatch.setattr("tamis.features.describe_chunks", read)
    words = ["sort", *what, "--input", photos, "--out", out]
    done = tamis(*words, *(["--dry-run"] if command == "dry run" else []), check=False)
    assert done.returncode == 1
    assert f"{out}/sky: it is a file, not a folder" in done.stderr
    assert os.listdir(out) == ["sky"]


def test_a_folder_to_sort_within_the_examples_is_said(train: Path, tmp_path: Path) -> None:
    write_kinds(train / "unsorted", 1, first=50, flat=True)
    words = (
        "sort",
        *QUICK,
        "--train",
        train,
        "--input",
        train / "unsorted",
        "--out",
        tmp_path / "out",
    )
    assert "3 of the 3 pictures are among the examples" in tamis(*words).stderr


def test_csv_files_for_spreadsheets(
    train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("=in").mkdir()
    shutil.copy(next(train.rglob("*.jpg")), "=in/=HYPERLINK(1).jpg")
    for option, mark in ((), ""), (("--csv-for-spreadsheets",), "'"):
        out = f"out{len(option)}"
        tamis("sort", *QUICK, "--train", train, "--input", "=in", "--out", out, *option)
        row = Path(out, "predictions.csv").read_text().splitlines()[1]
        assert row.startswith(f"{mark}=in/=HYPERLINK(1).jpg,")
