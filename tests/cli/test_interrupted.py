"""An interrupted run is finished by its own command, and by no other."""

import json
import os
import shlex
from pathlib import Path
from unittest import mock

import pytest

from command import QUICK, answer, tamis
from pictures import write_kinds
from tamis.files.journal import Journal


def interrupted(*words: object) -> None:
    """Run a command that is stopped when its plan is written and no file is placed yet."""
    with mock.patch.object(Journal, "carry_out", side_effect=KeyboardInterrupt):
        assert tamis(*words, check=False).returncode == 130


@pytest.fixture
def sort(tmp_path: Path) -> list[object]:
    """A command whose first run was interrupted."""
    write_kinds(tmp_path / "train", 5)
    write_kinds(tmp_path / "other", 5)
    write_kinds(tmp_path / "new", 2, first=50, flat=True)
    out, new, train = (tmp_path / name for name in ("my out", "new", "train"))
    words: list[object] = ["sort", *QUICK, "--train", train, "--input", new, "--out", out]
    words += ["--mode", "move"]
    interrupted(*words)
    return words


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "change",
    [
        {"--mode": "copy"},
        {"--train": "{}/other"},
        {"--input": "{}/other"},
        {"--by": "moments"},
        {"--distance": "l2"},
        {"-k": "3"},
    ],
)
def test_other_options_are_refused_with_the_choice(
    sort: list[object], tmp_path: Path, change: dict[str, str]
) -> None:
    before = listed(tmp_path)
    words = list(map(str, sort))
    for name, value in change.items():
        value = value.format(tmp_path)
        if name in words:
            words[words.index(name) + 1] = value
        else:
            words += [name, value]
    done = tamis(*words, check=False)
    assert done.returncode == 1
    assert "was interrupted" in done.stderr
    assert f"tamis undo '{tmp_path / 'my out'}'" in done.stderr
    assert listed(tmp_path) == before
    # What it says to type finishes the run.
    command = done.stderr.split("by its own command: tamis ")[1]
    tamis(*shlex.split(command))
    assert os.listdir(tmp_path / "new") == []
    assert len(list((tmp_path / "my out/sky").iterdir())) == 2


def test_another_command_is_refused(sort: list[object], tmp_path: Path) -> None:
    out = tmp_path / "my out"
    before = listed(tmp_path)
    for force in ([], ["--force"]):
        done = tamis("split", tmp_path / "other", out, *force, check=False)
        assert done.returncode == 1
        assert "tamis sort" in done.stderr
        assert listed(tmp_path) == before


def test_its_own_command_finishes_it_from_anywhere_and_writes_all(
    sort: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [os.path.relpath(one) if isinstance(one, Path) else one for one in sort]
    result = answer(*words, "--jobs", 1)
    assert (result["resumed"], result["done"], result["failures"]) == ("sort", 8, [])
    assert os.listdir("new") == []
    assert {"predictions.csv", "report.html"} <= set(os.listdir("my out"))


def test_a_run_finished_with_failures_exits_with_1(sort: list[object], tmp_path: Path) -> None:
    gone = next((tmp_path / "new").iterdir())
    gone.unlink()
    done = tamis(*sort, "--json", tmp_path / "result.json", check=False)
    assert done.returncode == 1
    assert f"could not place {gone}: is gone" in done.stderr
    assert "7 files are in place" in done.stdout
    assert [f["path"] for f in json.loads((tmp_path / "result.json").read_text())["failures"]] == [
        str(gone)
    ]


def test_a_dry_run_says_that_there_is_one(sort: list[object], tmp_path: Path) -> None:
    before = listed(tmp_path)
    done = tamis(*sort, "--dry-run")
    assert "was interrupted; finish it first: tamis sort" in done.stderr
    assert listed(tmp_path) == before


def test_a_split_is_told_apart_too(tmp_path: Path) -> None:
    write_kinds(tmp_path / "photos", 4)
    parts = tmp_path / "parts"
    words = ("split", tmp_path / "photos", parts, "--ratio", 0.5, 0, 0.5)
    interrupted(*words, "--seed", 1)
    done = tamis(*words, "--seed", 2, check=False)
    assert done.returncode == 1
    assert "--ratio 0.5 0.0 0.5 --seed 1 --mode copy" in done.stderr
    assert "test" not in os.listdir(parts)
    tamis(*words, "--seed", 1)
    assert len(list(parts.rglob("*.jpg"))) == 12
    tamis("undo", parts)
    interrupted(*words, "--seed", 1)
    tamis(*words, "--seed", 2, "--force")  # which undoes what is there
    assert len(list(parts.rglob("*.jpg"))) == 12
    assert len(list((parts / ".tamis").glob("run-*.jsonl"))) == 1
