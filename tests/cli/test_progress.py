"""Progress where nobody looks at a terminal: a line now and then, or none."""

import json
import sys

import pytest

from pictures import write_kinds
from tamis.cli import main, progress

BY = ("--by", "color(bins=4)")


@pytest.fixture
def clock(monkeypatch):
    """A clock that each look moves by 10 seconds."""
    seconds = iter(range(0, 10**6, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))


def test_a_line_has_count_rate_and_time_left(clock, capsys):
    with progress.progress("pictures", 100) as advance:
        for _ in range(6):
            advance(5)
    # Looks at 10, 20, ... 60 s: the third and the sixth are due.
    assert capsys.readouterr().err.splitlines() == [
        "pictures: 15 of 100, 0.5/s, 2 min 50 s left",
        "pictures: 30 of 100, 0.5/s, 2 min 20 s left",
    ]


def test_short_work_prints_nothing(capsys):
    with progress.progress("pictures", 3) as advance:
        advance(3)
    assert not capsys.readouterr().err


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["tamis", *map(str, words)])
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code


def test_quiet_shows_no_progress_and_the_next_command_does(tmp_path, monkeypatch, capsys):
    write_kinds(tmp_path, 4)
    monkeypatch.setattr(progress, "EVERY", 0)
    words = ("evaluate", tmp_path, *BY, "--depth", 2, "--json", "-")
    run(monkeypatch, *words, "--quiet")
    silent = capsys.readouterr()
    run(monkeypatch, *words)
    told = capsys.readouterr()
    assert "pictures: 12 of 12" in told.err and "queries: 12 of 12" in told.err
    assert not silent.err
    assert json.loads(silent.out)["depths"] == json.loads(told.out)["depths"]


def test_verbose_tells_each_stage_and_where_an_error_arose(tmp_path, monkeypatch, capsys):
    write_kinds(tmp_path, 4)
    run(monkeypatch, "evaluate", tmp_path, *BY, "--depth", 2, "--verbose", "--quiet")
    told = capsys.readouterr().err
    assert "pictures: 12 to do" in told
    assert "pictures: 12 done in " in told
    monkeypatch.setattr(sys, "argv", ["tamis", "evaluate", str(tmp_path / "no"), "--verbose"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().err
    assert "Traceback" in told and told.splitlines()[-1].startswith("tamis: ")
    run(monkeypatch, "evaluate", tmp_path, *BY, "--depth", 2)
    assert "to do" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (7500, "2 h 05 min")]
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text
