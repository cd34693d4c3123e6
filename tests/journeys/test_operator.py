"""An operator: no terminal, JSON, exit codes, folders that cannot be written, runs that stop."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import QUICK
from pictures import write_kinds

TAMIS = (sys.executable, "-m", "tamis")


def run(*words: object, **more: object) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process of its own, as cron does."""
    line = [*TAMIS, *map(str, words)]
    return subprocess.run(
        line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, **more
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Examples, and pictures to be sorted."""
    write_kinds(tmp_path / "examples", 4)
    write_kinds(tmp_path / "input", 40, first=100, flat=True)
    return tmp_path


def words(place: Path, out: str) -> tuple[object, ...]:
    return (
        "sort",
        "--train",
        place / "examples",
        "--input",
        place / "input",
        "--out",
        place / out,
        *QUICK,
    )


def test_json_alone_on_stdout_and_exit_codes(place: Path) -> None:
    done = run(*words(place, "out"), "--quiet", "--json", "-")
    assert done.returncode == 0 and len(json.loads(done.stdout)["predictions"]) == 120
    (place / "input" / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    done = run(*words(place, "out2"), "--strict", "--json", "-")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failures"][0]["path"].endswith("bad.jpg")
    done = run(
        "sort", "--train", place / "nothing", "--input", place / "input", "--out", place / "o"
    )
    assert done.returncode == 1 and "nothing" in done.stderr and "Traceback" not in done.stderr
    assert not (place / "o").exists()


def test_repeated_runs_change_nothing(place: Path) -> None:
    assert run(*words(place, "out")).returncode == 0
    first = {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*.jpg")}
    assert run(*words(place, "out")).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*.jpg")} == first


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupted_run_is_finished_by_the_same_command_and_undone(place: Path) -> None:
    process = subprocess.Popen(
        [*TAMIS, *map(str, words(place, "out"))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if any((place / "out").rglob("*.jpg")):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    process.wait()
    assert run(*words(place, "out")).returncode == 0
    if process.returncode:  # finished what was begun; once more for outputs of its own
        assert run(*words(place, "out")).returncode == 0
    assert len(list((place / "out").rglob("*.jpg"))) == 120
    while (place / "out").exists() and list((place / "out").rglob("*.jpg")):
        assert run("undo", place / "out").returncode == 0
    assert len(list((place / "input").iterdir())) == 120


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_that_cannot_be_written_is_said_before_work_is_done(place: Path) -> None:
    (place / "locked").mkdir(mode=0o500)
    done = run(*words(place, "locked/out"))
    assert done.returncode == 1 and "cannot" in done.stderr


def test_other_locales_give_the_same_answers(place: Path) -> None:
    first = run(*words(place, "a"), "--json", "-").stdout
    other = run(
        *words(place, "b"),
        "--json",
        "-",
        env={**os.environ, "LC_ALL": "C", "LANG": "C", "TZ": "Asia/Tokyo"},
    ).stdout
    answers = [
        [(one["path"], one["class"], one["confidence"]) for one in json.loads(text)["predictions"]]
        for text in (first, other)
    ]
    assert answers[0] == answers[1]
