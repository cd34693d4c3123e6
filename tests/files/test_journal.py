"""Runs that are carried out, interrupted anywhere, resumed and undone."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.errors import DestinationError, JournalError
from tamis.files import journal as journal_module
from tamis.files.journal import Journal, journals
from tamis.files.lock import locked
from tamis.files.transfer import Mode, Transfer

MODES = list(Mode)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def make_run(tmp_path: Path, mode: Mode, n: int = 12) -> tuple[Path, Path, Journal]:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    transfers = []
    for i in range(n):
        file = source / f"{i:02}\udcff.jpg"
        file.write_bytes(f"picture {i}".encode())
        transfers.append(Transfer.of(str(file), f"{'ab'[i % 2]}/{file.name}"))
    journal = Journal.create(
        str(out),
        command="sort",
        mode=mode,
        folders=["a", "b", "empty"],
        transfers=transfers,
        made={"notes.csv": lambda file: Path(file).write_text("x,y\n")},
    )
    return source, out, journal


@pytest.mark.parametrize("mode", MODES)
def test_carry_out_and_undo(tmp_path: Path, mode: Mode) -> None:
    source, out, journal = make_run(tmp_path, mode)
    before = snapshot(source)
    outcome = journal.carry_out()
    assert (outcome.done, outcome.failures) == (13, ())
    assert sorted(os.listdir(out)) == [".tamis", "a", "b", "empty", "notes.csv"]
    assert len(os.listdir(out / "a")) == 6
    assert bool(snapshot(source)) == (mode is not Mode.MOVE)
    assert sorted(os.listdir(out / ".tamis")) == ["folder-made-by-tamis", "run-0001.jsonl"]

    (run,) = journals(str(out))
    assert run.finished
    assert run.transfers == journal.transfers
    outcome = run.undo()
    assert (outcome.done, outcome.failures) == (13, ())
    assert not out.exists()
    assert snapshot(source) == before


@pytest.mark.parametrize("finish", ["resume", "undo", "undo twice interrupted"])
@pytest.mark.parametrize("mode", MODES)
@given(data=st.data())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_interrupted_anywhere(
    tmp_path_factory: pytest.TempPathFactory, mode: Mode, finish: str, data: st.DataObject
) -> None:
    """Every system call that changes something may be the last one that happens."""
    tmp_path = tmp_path_factory.mktemp("run")
    source, out, journal = make_run(tmp_path, mode, n=4)
    before = snapshot(source)
    calls = ("link", "unlink", "symlink", "rename", "makedirs", "rmdir", "mkdir")

    def cut(after: int, work: object) -> None:
        left = after

        class Killed(BaseException):
            pass

        def counted(real):
            def call(*args, **kwargs):
                nonlocal left
                if left == 0:
                    raise Killed
                left -= 1
                return real(*args, **kwargs)

            return call

        with pytest.MonkeyPatch.context() as patch:
            for name in calls:
                patch.setattr(os, name, counted(getattr(os, name)))
            with contextlib.suppress(Killed):
                work()

    cut(data.draw(st.integers(0, 25), label="killed after"), journal.carry_out)
    (run,) = journals(str(out))
    if finish == "resume":
        outcome = run.carry_out()
        assert outcome.failures == ()
        placed = [path for name in "ab" for path in (out / name).iterdir()]
        assert sorted(path.read_bytes() for path in placed) == sorted(b for b, _ in before.values())
        assert (out / "notes.csv").exists()
        if mode is Mode.MOVE:
            assert snapshot(source) == {}
    else:
        if finish == "undo twice interrupted":
            for _ in range(2):
                if runs := journals(str(out)):
                    cut(data.draw(st.integers(0, 12), label="undo killed after"), runs[-1].undo)
        if runs := journals(str(out)):
            assert runs[-1].undo().failures == ()
        assert snapshot(source) == before
        assert not list(out.rglob("*.jpg")) if out.exists() else True


def test_an_undo_that_kept_something_can_be_tried_again(tmp_path: Path) -> None:
    source, out, journal = make_run(tmp_path, Mode.MOVE)
    before = snapshot(source)
    journal.carry_out()
    moved = sorted((out / "a").iterdir())[0]
    original = moved.read_bytes()
    stamp = moved.stat().st_mtime_ns
    moved.write_bytes(b"retouched")
    outcome = journals(str(out))[-1].undo()
    assert [failure.path for failure in outcome.failures] == [str(moved)]
    assert outcome.done == 12
    assert moved.read_bytes() == b"retouched"
    moved.write_bytes(original)
    os.utime(moved, ns=(stamp, stamp))
    assert journals(str(out))[-1].undo().failures == ()
    assert snapshot(source) == before
    assert not out.exists()


def test_undo_leaves_what_others_put_there(tmp_path: Path) -> None:
    _, out, journal = make_run(tmp_path, Mode.COPY)
    journal.carry_out()
    (out / "a" / "mine.txt").write_text("mine")
    assert journals(str(out))[-1].undo().failures == ()
    assert [str(p.relative_to(out)) for p in sorted(out.rglob("*"))] == ["a", "a/mine.txt"]


def test_a_name_taken_meanwhile_gets_a_number(tmp_path: Path) -> None:
    source, out, journal = make_run(tmp_path, Mode.COPY)
    taken = journal.transfers[0].destination
    (out / "a").mkdir()
    (out / taken).write_bytes(b"came first")
    assert journal.carry_out().failures == ()
    assert (out / taken).read_bytes() == b"came first"
    (run,) = journals(str(out))
    assert run.transfers[0].destination == taken.replace(".jpg", "-2.jpg")
    assert (out / run.transfers[0].destination).read_bytes() == b"picture 0"
    assert run.undo().failures == ()
    assert (out / taken).read_bytes() == b"came first"
    assert len(snapshot(source)) == 12


def test_a_file_that_cannot_be_placed_does_not_stop_the_others(tmp_path: Path) -> None:
    source, _, journal = make_run(tmp_path, Mode.MOVE)
    os.unlink(journal.transfers[3].source)
    outcome = journal.carry_out()
    assert [failure.path for failure in outcome.failures] == [journal.transfers[3].source]
    assert outcome.done == 12
    assert snapshot(source) == {}


def test_a_line_cut_short_is_passed_over_and_ended(tmp_path: Path) -> None:
    _, out, journal = make_run(tmp_path, Mode.COPY)
    path = out / ".tamis/run-0001.jsonl"
    with open(path, "a") as file:
        file.write('{"renamed": 1, "desti')
    (run,) = journals(str(out))
    assert run.transfers == journal.transfers
    run.carry_out()
    assert journals(str(out))[0].finished
    assert [json.loads(line) for line in path.read_text().splitlines()][-1]["failures"] == 0


@pytest.mark.parametrize("content", ["", "not JSON\n", '{"tamis journal": 1}\n', "[]\n"])
def test_a_damaged_journal_is_an_error_and_touches_nothing(tmp_path: Path, content: str) -> None:
    _, out, _ = make_run(tmp_path, Mode.COPY)
    (out / ".tamis/run-0001.jsonl").write_text(content)
    with pytest.raises(JournalError, match="cannot read the journal"):
        journals(str(out))


def test_a_newer_format_says_so(tmp_path: Path) -> None:
    _, out, _ = make_run(tmp_path, Mode.COPY)
    path = out / ".tamis/run-0001.jsonl"
    path.write_text(path.read_text().replace('"tamis journal": 3', '"tamis journal": 4', 1))
    with pytest.raises(JournalError, match="newer tamis"):
        journals(str(out))


def test_runs_into_one_folder_are_numbered_and_undone_last_first(tmp_path: Path) -> None:
    source, out, journal = make_run(tmp_path, Mode.COPY)
    journal.carry_out()
    extra = source / "extra.jpg"
    extra.write_bytes(b"extra")
    second = Journal.create(
        str(out),
        command="sort",
        mode=Mode.COPY,
        folders=["a"],
        transfers=[Transfer.of(str(extra), "a/extra.jpg")],
        made={"notes.csv": lambda file: Path(file).write_text("second\n")},
    )
    second.carry_out()
    assert (out / "notes.csv").read_text() == "second\n"
    assert (out / "notes-2.csv").read_text() == "x,y\n"
    assert [run.number for run in journals(str(out))] == [1, 2]
    assert journals(str(out))[-1].undo().failures == ()
    assert [run.number for run in journals(str(out))] == [1]
    assert (out / "notes.csv").read_text() == "x,y\n"
    assert not (out / "notes-2.csv").exists()
    assert not (out / "a/extra.jpg").exists()
    journals(str(out))[-1].undo()
    assert not out.exists()


@pytest.mark.parametrize("inside", [True, False])
def test_two_processes_do_not_write_into_one_folder(tmp_path: Path, inside: bool) -> None:
    with (
        locked(str(tmp_path / "out"), inside=inside),
        pytest.raises(DestinationError, match=rf"another tamis .*: process {os.getpid()} of "),
        locked(str(tmp_path / "." / "out"), inside=inside),
    ):
        pass
    with locked(str(tmp_path / "out"), inside=inside):
        pass
    assert os.listdir(tmp_path) == []


def test_the_plan_is_on_disk_before_any_file_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out, journal = make_run(tmp_path, Mode.MOVE)
    seen = []

    def look(*_: object, **__: object) -> bool:
        seen.append(len(journals(str(out))[0].transfers))
        return True

    monkeypatch.setattr(journal_module, "put", look)
    journal.carry_out()
    assert set(seen) == {13}
    assert len(snapshot(source)) == 12
