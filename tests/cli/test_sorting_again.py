"""The outputs of a folder that is sorted into several times are those of the last run."""

import os
from pathlib import Path

import pytest

from command import QUICK, answer, tamis
from pictures import write_kinds
from tamis.files.csvfile import read_csv


@pytest.fixture
def words(tmp_path: Path) -> tuple[object, ...]:
    write_kinds(tmp_path / "train", 3)
    write_kinds(tmp_path / "new", 1, first=50, flat=True)
    return ("sort", *QUICK, "--train", tmp_path / "train", "--input", tmp_path / "new", "--out")


def outputs(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if path.is_file())


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in outputs(out)}


@pytest.mark.parametrize("mode", ["copy", "move", "hardlink", "symlink"])
def test_three_runs_and_back(words: tuple[object, ...], tmp_path: Path, mode: str) -> None:
    out, new = tmp_path / "out", tmp_path / "new"
    before = []
    for run in range(3):
        write_kinds(new / str(run), 1, first=60 + run, flat=True)
        if run == 1:
            (new / "broken.jpg").write_bytes(b"")
        if run == 2:
            (new / "broken.jpg").unlink()
        result = answer(*words, out, "--mode", mode)
        assert result["n_sorted"] == (6 if run == 0 else 3)
        listed = read_csv(out / "predictions.csv", required=["path"])
        assert {row["path"] for row in listed} == {row["path"] for row in result["predictions"]}
        assert (out / "failures.csv").exists() == (run == 1)
        before.append(contents(out))
    assert outputs(out) == [
        "failures-3.csv", "predictions-2.csv", "predictions-3.csv", "predictions.csv",
        "report-2.html", "report-3.html", "report.html",
    ]  # fmt: skip
    assert before[2]["predictions-3.csv"] == before[1]["predictions.csv"]
    assert before[2]["predictions-2.csv"] == before[0]["predictions.csv"]
    assert before[2]["failures-3.csv"] == before[1]["failures.csv"]
    for earlier in (before[1], before[0]):
        tamis("undo", out)
        assert contents(out) == earlier
    tamis("undo", out)
    assert not out.exists()
    assert len(list(new.rglob("*.jpg"))) == 12


def test_what_became_of_the_earlier_ones_is_said(words: tuple[object, ...], tmp_path: Path) -> None:
    tamis(*words, tmp_path / "out")
    done = tamis(*words, tmp_path / "out")
    assert "what the run before wrote is now predictions-2.csv, report-2.html" in done.stderr
    assert f"see {tmp_path}/out/predictions.csv" in done.stderr


def test_an_edited_output_is_renamed_as_it_is_and_comes_back(
    words: tuple[object, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    tamis(*words, out)
    (out / "predictions.csv").write_text("path,class\nmine,mine\n")
    edited = contents(out)
    tamis(*words, out)
    assert (out / "predictions-2.csv").read_text() == "path,class\nmine,mine\n"
    assert len(read_csv(out / "predictions.csv", required=["confidence"])) == 3
    tamis("undo", out)
    assert contents(out) == edited
    done = tamis("undo", out, check=False)
    assert done.returncode == 1
    assert "keeping" in done.stderr
    assert outputs(out) == ["predictions.csv"]


def test_a_file_that_tamis_never_wrote_keeps_its_name(
    words: tuple[object, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "predictions.csv").write_text("mine")
    (out / "report-2.html").write_text("mine")
    for _ in range(3):
        tamis(*words, out)
    assert (out / "predictions.csv").read_text() == "mine"
    assert (out / "report-2.html").read_text() == "mine"
    assert outputs(out) == [
        "predictions-2.csv", "predictions-3.csv", "predictions-4.csv", "predictions.csv",
        "report-2.html", "report-3.html", "report-4.html", "report.html",
    ]  # fmt: skip
    for _ in range(3):
        tamis("undo", out)
    assert set(os.listdir(out)) == {"predictions.csv", "report-2.html"}
