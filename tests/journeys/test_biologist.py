"""A biologist: camera traps by site and date, odd files, corrections, several runs, tables."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from command import QUICK, tamis
from odd_files import HEIC
from pictures import KINDS, picture, write_kinds


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """Ten examples of each kind; pictures by site and date that count anew in each folder."""
    write_kinds(tmp_path / "examples", 10)
    for site in ("ridge", "river"):
        for day in ("2026-05-01", "2026-05-02"):
            place = tmp_path / "photos" / site / day
            place.mkdir(parents=True)
            for number, kind in enumerate(KINDS):
                image = picture(kind, 100 + number + 10 * (site == "river"))
                file = place / f"IMG_{number:04}.JPG"
                file.write_bytes(simplejpeg.encode_jpeg(image, quality=92))
    odd = tmp_path / "photos" / "river" / "odd"
    odd.mkdir()
    (odd / "torn.jpg").write_bytes((place / "IMG_0000.JPG").read_bytes()[:400])
    Image.fromarray(picture("sky", 300)).save(odd / "scan.tiff")
    deep = picture("tiles", 301)[:, :, 1].astype(np.uint16) * 257
    Image.fromarray(deep).save(odd / "deep.png")
    pytest.importorskip("pi_heif", reason="needs the extra heif")
    (odd / "phone.heic").write_bytes(HEIC)
    return tmp_path


def sort(traps: Path, *more: object) -> dict:
    words = ("--train", traps / "examples", "--input", traps / "photos", "--out", traps / "sorted")
    done = tamis("sort", *words, *QUICK, "--keep-folders", *more, "--json", traps / "s.json")
    assert done.returncode == 0
    return json.loads((traps / "s.json").read_text())


def placed(traps: Path) -> dict[str, str]:
    """Tell for each picture of the result its class; each must be there once."""
    found: dict[str, str] = {}
    for label in KINDS:
        for file in (traps / "sorted" / label).rglob("*.*"):
            name = file.relative_to(traps / "sorted" / label).as_posix()
            assert name not in found
            found[name] = label
    return found


def test_from_nested_folders_to_a_corrected_result_and_back(traps: Path) -> None:
    first = sort(traps)
    assert [Path(one["path"]).name for one in first["failures"]] == ["torn.jpg"]
    known = placed(traps)
    assert len(known) == 15
    for site in ("ridge", "river"):
        for number, kind in enumerate(KINDS):
            assert known[f"{site}/2026-05-01/IMG_{number:04}.JPG"] == kind

    with open(traps / "sorted" / "predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["folder_1"] for row in rows} == {"ridge", "river"}
    assert {row["class"] for row in rows} <= set(KINDS)
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)
    pandas = pytest.importorskip("pandas", reason="needs the extra frames")
    frame = pandas.read_csv(traps / "sorted" / "predictions.csv")
    assert len(frame) == len(rows) and list(frame["class"]) == [row["class"] for row in rows]

    # A picture is moved by hand, and one is removed: both stay so, run after run.
    wrong = traps / "sorted" / "bars" / "ridge" / "2026-05-01" / "IMG_0000.JPG"
    right = traps / "sorted" / "tiles" / "IMG_0000.JPG"
    shutil.move(wrong, right)
    (traps / "sorted" / "sky" / "ridge" / "2026-05-01" / "IMG_0001.JPG").unlink()
    sort(traps)
    again = placed(traps)
    assert right.exists() and not wrong.exists()
    assert "ridge/2026-05-01/IMG_0001.JPG" not in again
    with open(traps / "sorted" / "corrections.csv", encoding="utf-8", newline="") as file:
        corrections = list(csv.DictReader(file))
    assert len(corrections) == 1

    # Better examples, and the corrections are learned from: no picture is in two classes.
    write_kinds(traps / "examples", 3, first=40)
    sort(traps, "--learn-from-corrections")
    assert len(placed(traps)) == 14

    # Run by run, it can all be taken back; the originals were never touched.
    while (traps / "sorted").exists() and any((traps / "sorted").rglob("*.JPG")):
        if tamis("undo", traps / "sorted", check=False).returncode:
            break
    assert len(list((traps / "photos").rglob("*.*"))) == 16


def test_what_is_not_sure_is_left_for_a_person(traps: Path) -> None:
    found = sort(traps, "--abstain", "0.05")
    assert found["promise"]["risk"] == 0.05
    there = {file.name for file in (traps / "sorted").rglob("*.JPG")}
    assert len(list((traps / "sorted").rglob("*.JPG"))) == 12 and there
