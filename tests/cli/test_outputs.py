"""Options that name a file to be written: nothing foreign is replaced, nothing is half made."""

import json
import os
import shutil
from pathlib import Path

import pytest

from command import tamis
from pictures import write_kinds


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs") / "photos"
    write_kinds(folder, 4)
    return folder


def pictures_of(photos: Path) -> list[Path]:
    return sorted(photos.rglob("*.*"))


def commands(photos: Path, work: Path) -> dict[str, list[object]]:
    """Every option that writes a file; the name of the file comes last."""
    query = pictures_of(photos)[0]
    moments = ["--by", "moments"]
    train = ["train", photos, *moments, "--out"]
    return {
        "search --json": ["search", photos, query, *moments, "--json"],
        "search --html": ["search", photos, query, *moments, "--html"],
        "evaluate --json": ["evaluate", photos, *moments, "--depth", 2, "--json"],
        "evaluate --report": [
            "evaluate", "--train", photos, "--test", photos, *moments, "--report",
        ],
        "compare --json": ["compare", photos, *moments, "--folds", 2, "--json"],
        "descriptors --json": ["descriptors", "color", "--json"],
        "train --json": [*train, work / "a.tamis", "--json"],
        "train --report": [*train, work / "b.tamis", "--report"],
        "train --out": train,
        "split --json": ["split", photos, work / "parts", "--json"],
        "sort --json": [
            "sort", "--train", photos, "--input", photos, "--out", work / "sorted", *moments,
            "--json",
        ],
        "undo --json": ["undo", work / "sorted", "--json"],
        "index --json": ["index", photos, "--into", work / "p.tamis", *moments, "--json"],
    }  # fmt: skip


NAMES = list(commands(Path(__file__).parent, Path()))


def state(*folders: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for top in folders for file in top.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_an_output_option_never_replaces_a_picture(photos: Path, tmp_path: Path, name: str) -> None:
    before = state(photos, tmp_path)
    target = pictures_of(photos)[1]
    done = tamis(*commands(photos, tmp_path)[name], target, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "left alone" in done.stderr
    assert str(target) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert state(photos, tmp_path) == before


@pytest.mark.parametrize("name", ["search --json", "search --html", "evaluate --report"])
def test_its_own_output_is_replaced(photos: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "result"
    for _ in range(2):
        tamis(*commands(photos, tmp_path)[name], target)
    assert os.listdir(tmp_path) == ["result"]


def test_json_names_its_generator_first(photos: Path, tmp_path: Path) -> None:
    tamis(*commands(photos, tmp_path)["search --json"], tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text())
    assert next(iter(data)) == "generator"
    assert data["generator"].startswith("tamis ")


def test_two_options_do_not_share_a_file(photos: Path, tmp_path: Path) -> None:
    words = [*commands(photos, tmp_path)["search --json"], tmp_path / "r", "--html", tmp_path / "r"]
    done = tamis(*words, check=False)
    assert done.returncode == 1
    assert "name the same file" in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_result_without_a_folder_is_refused_before_the_work(photos: Path, tmp_path: Path) -> None:
    words = commands(photos, tmp_path)["index --json"]
    done = tamis(*words, tmp_path / "no" / "r.json", check=False)
    assert done.returncode == 1
    assert "does not exist" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("force", [False, True])
def test_training_deletes_no_folder_that_it_did_not_make(
    photos: Path, tmp_path: Path, force: bool
) -> None:
    mine = tmp_path / "animals.training"
    shutil.copytree(photos, mine)
    before = state(tmp_path)
    words = ["train", mine, "--out", tmp_path / "animals", "--by", "moments"]
    done = tamis(*words, *["--force"] * force, check=False)
    assert done.returncode == 1
    assert "animals.training" in done.stderr
    assert "left alone" in done.stderr
    assert state(tmp_path) == before
