"""`tamis duplicates`, and the split that it serves."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from command import tamis


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve pictures of noise; one saved anew, one copied."""
    root = tmp_path / "photos"
    for label in ("x", "y"):
        (root / label).mkdir(parents=True)
        for i in range(6):
            chance = np.random.default_rng(i + 10 * (label == "y"))
            image = cv2.resize(chance.integers(0, 255, (12, 16, 3)).astype(np.uint8), (160, 120))
            cv2.imwrite(str(root / label / f"{i}.jpg"), image)
    image = cv2.imread(str(root / "x" / "0.jpg"))
    cv2.imwrite(str(root / "x" / "small.jpg"), cv2.resize(image, (80, 60)))
    shutil.copy(root / "y" / "1.jpg", root / "y" / "again.jpg")
    return root


def test_groups_are_printed_written_and_shown(photos: Path, tmp_path: Path) -> None:
    done = tamis(
        "duplicates", photos, "--csv", tmp_path / "g.csv", "--report", tmp_path / "g.html",
        "--json", tmp_path / "g.json",
    )  # fmt: skip
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(line[0], line[1], Path(line[3]).name) for line in lines] == [
        ("1", "best", "1.jpg"), ("1", "copy", "again.jpg"),
        ("2", "best", "0.jpg"), ("2", "same", "small.jpg"),
    ]  # fmt: skip
    assert "2 groups among 14 pictures (1 copy, 1 same, 0 burst); 2 pictures" in done.stderr
    assert (tmp_path / "g.csv").read_text().count("\n") == 5
    page = (tmp_path / "g.html").read_text()
    assert page.count("data:image/jpeg") == 4 and "The same picture" in page
    found = json.loads((tmp_path / "g.json").read_text())
    assert found["n_groups"] == {"copy": 1, "same": 1, "mirrored": 0, "turned": 0, "burst": 0}
    assert found["groups"][1]["images"][1]["pair"] == "same"


def test_the_others_are_moved_and_brought_back(photos: Path) -> None:
    before = sorted(photos.rglob("*.jpg"))
    done = tamis("duplicates", photos, "--keep", "best", "--dry-run")
    assert "would move 2 pictures" in done.stderr
    assert sorted(photos.rglob("*.jpg")) == before
    done = tamis("duplicates", photos, "--keep", "best", "--json", "-")
    assert json.loads(done.stdout)["moved"]["n_moved"] == 2
    assert (photos / "_duplicates" / "y" / "again.jpg").exists()
    tamis("undo", photos / "_duplicates")
    assert sorted(photos.rglob("*.jpg")) == before


def test_a_decision_stays(photos: Path) -> None:
    tamis("duplicates", photos, "--apart", "x/0.jpg::x/small.jpg")
    assert (photos.parent / "photos-duplicates.csv").exists()
    done = tamis("duplicates", photos)
    assert "small.jpg" not in done.stdout and "1 pair kept apart" in done.stderr
    done = tamis("duplicates", photos, "--apart", "x/0.jpg", check=False)
    assert done.returncode == 2 and "::" in done.stderr
    done = tamis("duplicates", photos, "--keep", "worst", check=False)
    assert done.returncode == 2 and "best" in done.stderr


def test_a_split_by_duplicates(photos: Path, tmp_path: Path) -> None:
    done = tamis("split", photos, tmp_path / "parts", "--group-by", "duplicates", "--json", "-")
    assert "4 pictures look like others: each of 2 groups stays in one part" in done.stderr
    assert "2 pictures have the same content as others" in done.stderr
    assert json.loads(done.stdout)["duplicates"]["n_groups"]["same"] == 1
    parts = {path.name: path.parts[-3] for path in (tmp_path / "parts").rglob("x/*.jpg")}
    assert parts["0.jpg"] == parts["small.jpg"]
