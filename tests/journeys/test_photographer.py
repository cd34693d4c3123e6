"""A photographer: a collection, look-alikes, duplicates, sheets that lead to the originals."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from command import answer, tamis
from pictures import write_kinds


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    """Fifteen photos, of which one was saved again smaller, and one is there twice."""
    photos = tmp_path / "photos"
    write_kinds(photos, 5)
    bars = sorted((photos / "bars").iterdir())
    shutil.copy(bars[0], photos / "copy of bars.jpg")
    return tmp_path


def test_look_alikes_are_found_shown_and_copied(shoot: Path) -> None:
    pytest.importorskip("lance", reason="needs the extra store")
    photos, collection = shoot / "photos", shoot / "photos.tamis"
    query = sorted((photos / "tiles").iterdir())[0]
    tamis("index", photos, "--into", collection, "--by", "color")
    sheet = shoot / "found.html"
    done = tamis(
        "search", collection, query, "-k", 4, "--report", sheet, "--copy-to", shoot / "album"
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and all("/tiles/" in line for line in lines)
    assert "href=" in sheet.read_text()
    assert len(list((shoot / "album").rglob("*.jpg"))) == 4
    tamis("undo", shoot / "album")
    assert not list(shoot.glob("album/**/*.jpg"))

    # New photos, and a second run that describes them alone.
    image = cv2.imread(str(query))
    cv2.imwrite(str(photos / "new.png"), image)
    found = answer("index", photos, "--into", collection)
    assert found["new"] == 1 and found["unchanged"] == 16
    found = answer("search", collection, query, "-k", 3)
    assert json.dumps(found).count("new.png") >= 1
    sky = sorted((photos / "sky").iterdir())[0]
    words = ("--like", query, "--unlike", sky, "-k", "2", "-0")
    several = subprocess.run(
        [sys.executable, "-m", "tamis", "search", collection, *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert several.stdout.count("\0") == 2


def test_duplicates_go_aside_and_come_back(shoot: Path) -> None:
    photos = shoot / "photos"
    before = sorted(path.relative_to(photos) for path in photos.rglob("*.jpg"))
    tamis("duplicates", photos, "--kinds", "copy", "--report", shoot / "groups.html")
    assert "The same file" in (shoot / "groups.html").read_text()
    found = answer("duplicates", photos, "--kinds", "copy", "--keep", "best")
    assert found["moved"]["n_moved"] == 1
    assert len(list((photos / "_duplicates").rglob("*.jpg"))) == 1
    found = answer("duplicates", photos, "--kinds", "copy")
    assert found["n_groups"]["copy"] == 0
    tamis("undo", photos / "_duplicates")
    assert sorted(path.relative_to(photos) for path in photos.rglob("*.jpg")) == before
