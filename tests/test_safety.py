"""Nothing that is not ours is deleted, overwritten or reached, whatever lies around."""

import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import tamis
from tamis.errors import DestinationError, JournalError
from tamis.files.entry import Entry
from tamis.files.journal import Journal, journals
from tamis.files.lock import locked
from tamis.files.names import TakenNames
from tamis.files.placing import Occupied, Refused, put, take_back
from tamis.files.signing import Signer
from tamis.files.transfer import Mode, Transfer

PART = ".tamis-0-0.part"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "out" / "a").mkdir(parents=True)
    return tmp_path / "out"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "in" / "x.jpg"
    file.parent.mkdir()
    file.write_bytes(b"whiskers")
    return file


def apart(one: Entry, other: Entry) -> bool:
    return len({os.path.basename(os.path.dirname(e.path)) == "in" for e in (one, other)}) == 2


@pytest.fixture
def two_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the folders in and out be on two disks: no link or rename goes across."""

    def across(name: str) -> None:
        real = getattr(Entry, name)

        def call(self: Entry, new: Entry) -> None:
            if apart(self, new):
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            real(self, new)

        monkeypatch.setattr(Entry, name, call)

    across("link_to")
    across("rename_to")


def no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Entry, new: Entry) -> None:
        if apart(self, new):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Entry, "link_to", refuse)


def run_of(tmp_path: Path, mode: Mode, *names: str, **more: object) -> Journal:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    for name in names:
        if not os.path.lexists(folder / name):
            (folder / name).write_bytes(name.encode())
    return Journal.create(
        str(tmp_path / "out"),
        command="sort",
        mode=mode,
        folders=["a"],
        transfers=[Transfer.of(str(folder / name), f"a/{name}").with_digest() for name in names],
        **more,
    )


def listing(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


# The only copy


@pytest.mark.parametrize("mode", list(Mode))
def test_undo_keeps_a_picture_to_which_only_links_lead(tmp_path: Path, mode: Mode) -> None:
    run_of(tmp_path, mode, "x.jpg").carry_out()
    moved = tmp_path / "out/a/x.jpg"
    if mode is Mode.SYMLINK:
        moved.unlink()
        moved.write_bytes(b"x.jpg")
    (tmp_path / "in/x.jpg").unlink(missing_ok=True)
    (tmp_path / "in/x.jpg").symlink_to(moved)
    (run,) = journals(str(tmp_path / "out"))
    assert len(run.undo().failures) == 1
    assert moved.read_bytes() == b"x.jpg"


@pytest.mark.parametrize("mode", list(Mode))
def test_undo_keeps_pictures_where_the_input_is_a_link_to_the_result(
    tmp_path: Path, mode: Mode
) -> None:
    run_of(tmp_path, mode, "x.jpg").carry_out()
    moved = tmp_path / "out/a/x.jpg"
    if mode is Mode.SYMLINK:
        moved.unlink()
        moved.write_bytes(b"x.jpg")
    shutil.rmtree(tmp_path / "in")
    (tmp_path / "in").symlink_to(tmp_path / "out/a")
    (run,) = journals(str(tmp_path / "out"))
    assert len(run.undo().failures) == 1
    assert moved.read_bytes() == b"x.jpg"


def test_resuming_keeps_pictures_where_the_input_is_a_link_to_the_result(tmp_path: Path) -> None:
    run = run_of(tmp_path, Mode.MOVE, "x.jpg")
    (tmp_path / "out/a").mkdir()
    os.rename(tmp_path / "in/x.jpg", tmp_path / "out/a/x.jpg")
    (tmp_path / "in").rmdir()
    (tmp_path / "in").symlink_to(tmp_path / "out/a")
    run.carry_out()
    assert (tmp_path / "out/a/x.jpg").read_bytes() == b"x.jpg"


def test_an_unlink_across_two_names_of_one_folder_is_refused(tmp_path: Path) -> None:
    """A hard link elsewhere does not make one entry two."""
    run_of(tmp_path, Mode.HARDLINK, "x.jpg").carry_out()
    os.rename(tmp_path / "in/x.jpg", tmp_path / "elsewhere.jpg")
    (tmp_path / "in").rmdir()
    (tmp_path / "in").symlink_to(tmp_path / "out/a")
    (run,) = journals(str(tmp_path / "out"))
    assert len(run.undo().failures) == 1
    assert (tmp_path / "out/a/x.jpg").exists()


def test_a_move_out_of_a_folder_that_may_not_be_written_leaves_one_name(
    source: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Entry.unlink

    def unlink(self: Entry) -> None:
        if self.path == str(source):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        real(self)

    monkeypatch.setattr(Entry, "unlink", unlink)
    with pytest.raises(PermissionError):
        put(Transfer.of(str(source), "a/x.jpg"), str(root), Mode.MOVE, PART)
    assert os.listdir(root / "a") == []
    assert source.stat().st_nlink == 1


@pytest.mark.usefixtures("two_disks")
def test_a_move_across_disks_that_cannot_end_leaves_one_name(
    source: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_a_move_out_of_a_folder_that_may_not_be_written_leaves_one_name(source, root, monkeypatch)


# Moves across disks


@pytest.mark.usefixtures("two_disks")
def test_a_file_edited_while_it_is_copied_stays(
    source: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tamis.files.copying as copying

    real = copying._pour

    def pour(read: int, write: int) -> None:
        real(read, write)
        source.write_bytes(b"the edit!")

    monkeypatch.setattr(copying, "_pour", pour)
    with pytest.raises(Refused, match="changed"):
        put(Transfer.of(str(source), "a/x.jpg"), str(root), Mode.MOVE, PART)
    assert source.read_bytes() == b"the edit!"
    assert os.listdir(root / "a") == []


@pytest.mark.usefixtures("two_disks")
def test_files_of_the_user_that_look_like_scratch_stay(source: Path, root: Path) -> None:
    mine = root / "a/x.jpg.part"
    mine.write_bytes(b"mine")
    other = source.with_name("x.jpg.part")
    other.write_bytes(b"mine too")
    transfer = Transfer.of(str(source), "a/x.jpg")
    put(transfer, str(root), Mode.MOVE, PART)
    assert not source.exists()
    take_back(transfer, str(root), Mode.MOVE, PART)
    assert source.read_bytes() == b"whiskers"
    assert (mine.read_bytes(), other.read_bytes()) == (b"mine", b"mine too")


@pytest.mark.usefixtures("two_disks")
def test_a_part_that_is_all_that_is_left_is_used(source: Path, root: Path) -> None:
    transfer = Transfer.of(str(source), "a/x.jpg").with_digest()
    os.rename(source, root / "a" / PART)
    put(transfer, str(root), Mode.MOVE, PART)
    assert (root / "a/x.jpg").read_bytes() == b"whiskers"
    os.rename(root / "a/x.jpg", root / "a" / PART)
    assert take_back(transfer, str(root), Mode.MOVE, PART)
    assert source.read_bytes() == b"whiskers"
    assert os.listdir(root / "a") == []


@pytest.mark.parametrize("links", [True, False], ids=["links", "no hard links"])
@pytest.mark.parametrize("finish", [True, False], ids=["finish", "undo"])
@pytest.mark.usefixtures("two_disks")
def test_a_move_across_disks_can_be_cut_at_any_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool, finish: bool
) -> None:
    if not links:
        no_hard_links(monkeypatch)
    calls = ("link_to", "unlink", "rename_to", "symlink", "sync", "opened")
    for cut in range(60):
        base = tmp_path / str(cut)
        base.mkdir()
        run = run_of(base, Mode.MOVE, "x.jpg", "y.jpg")
        before = {"x.jpg": b"x.jpg", "y.jpg": b"y.jpg"}
        done = strike(monkeypatch, calls, cut, run.carry_out)
        assert set(before.values()) <= set(listing(base).values())
        (run,) = journals(str(base / "out"))
        if finish and not run.finished:
            assert run.carry_out().failures == ()
        strike(monkeypatch, calls, cut // 2, run.undo)
        for run in journals(str(base / "out")):
            assert run.undo().failures == ()
        assert listing(base / "in") == before
        assert listing(base) == {f"in/{name}": content for name, content in before.items()}
        if done:
            break
    assert done


class _Killed(BaseException):
    pass


def strike(
    monkeypatch: pytest.MonkeyPatch, calls: tuple[str, ...], after: int, work: object
) -> bool:
    """Do something, until so many calls were made; tell whether it came to its end."""
    left = after

    def counted(real):
        def call(*args):
            nonlocal left
            if left <= 0:
                left = -1
                raise _Killed
            left -= 1
            return real(*args)

        return call

    with monkeypatch.context() as patch, contextlib.suppress(_Killed):
        for name in calls:
            patch.setattr(Entry, name, counted(getattr(Entry, name)))
        work()
        return True
    return False


def test_times_and_permissions_that_a_disk_refuses_fail_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    run = run_of(tmp_path, Mode.COPY, "x.jpg", "y.jpg")
    for name in ("utime", "fchmod", "chmod", "setxattr"):
        monkeypatch.setattr(os, name, refuse)
    outcome = run.carry_out()
    assert (outcome.done, outcome.failures, outcome.incomplete) == (2, (), 2)
    assert journals(str(tmp_path / "out"))[0].undo().failures == ()


@pytest.mark.usefixtures("two_disks")
def test_times_of_two_seconds_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.utime

    def coarse(path: object, *, ns: tuple[int, int]) -> None:
        real(path, ns=(ns[0], ns[1] // 2_000_000_000 * 2_000_000_000))

    monkeypatch.setattr(os, "utime", coarse)
    run_of(tmp_path, Mode.MOVE, "x.jpg").carry_out()
    (run,) = journals(str(tmp_path / "out"))
    assert run.undo().failures == ()
    assert listing(tmp_path) == {"in/x.jpg": b"x.jpg"}


def test_content_counts_and_times_do_not(tmp_path: Path) -> None:
    run_of(tmp_path, Mode.MOVE, "x.jpg", "y.jpg").carry_out()
    os.utime(tmp_path / "out/a/x.jpg", (1, 1))
    (tmp_path / "out/a/y.jpg").write_bytes(b"edit!")
    (run,) = journals(str(tmp_path / "out"))
    outcome = run.undo()
    assert [failure.path for failure in outcome.failures] == [str(tmp_path / "out/a/y.jpg")]
    assert listing(tmp_path / "in") == {"x.jpg": b"x.jpg"}
    assert run.undo(forget=True).failures
    assert listing(tmp_path) == {"in/x.jpg": b"x.jpg", "out/a/y.jpg": b"edit!"}


def test_a_moved_link_leads_to_the_moved_picture_and_comes_back(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/b.jpg").symlink_to("x.jpg")
    (tmp_path / "in/a.jpg").symlink_to("b.jpg")
    (tmp_path / "elsewhere.jpg").write_bytes(b"other")
    (tmp_path / "in/c.jpg").symlink_to("../elsewhere.jpg")
    names = ("a.jpg", "b.jpg", "c.jpg", "x.jpg")
    run_of(tmp_path, Mode.MOVE, *names).carry_out()
    assert os.listdir(tmp_path / "in") == []
    for name in ("a.jpg", "b.jpg", "x.jpg"):
        assert (tmp_path / "out/a" / name).read_bytes() == b"x.jpg"
    assert (tmp_path / "out/a/c.jpg").read_bytes() == b"other"
    assert journals(str(tmp_path / "out"))[0].undo().failures == ()
    assert os.readlink(tmp_path / "in/a.jpg") == "b.jpg"
    assert os.readlink(tmp_path / "in/c.jpg") == "../elsewhere.jpg"
    assert sorted(os.listdir(tmp_path)) == ["elsewhere.jpg", "in"]


# Folders that are links


def test_a_class_folder_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DestinationError, match="is a link"):
        run_of(tmp_path, Mode.COPY, "x.jpg")
    (tmp_path / "out/a").unlink()
    run = run_of(tmp_path, Mode.COPY, "x.jpg")
    (tmp_path / "out/a").symlink_to(tmp_path / "elsewhere")
    assert len(run.carry_out().failures) == 1
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize(
    "name", ["../x.jpg", "/x.jpg", "a/../../x.jpg", ".tamis/x.jpg", "a//x.jpg"]
)
def test_a_plan_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.jpg").write_bytes(b"x")
    transfer = Transfer.of(str(tmp_path / "x.jpg"), name)
    with pytest.raises(DestinationError, match="cannot place"):
        Journal.create(
            str(tmp_path / "out"), command="sort", mode=Mode.COPY, folders=[], transfers=[transfer]
        )
    assert os.listdir(tmp_path) == ["x.jpg"]


def test_a_hidden_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.tamis").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DestinationError, match="cannot write"):
        run_of(tmp_path, Mode.COPY, "x.jpg")
    with (
        pytest.raises(DestinationError, match="cannot write"),
        locked(str(tmp_path / "out"), inside=True),
    ):
        pass
    assert os.listdir(tmp_path / "elsewhere") == []


# Journals of others


def edited(tmp_path: Path, change: object, *, signed: bool = False) -> Path:
    """Carry out a run, then change the records of its journal."""
    run_of(tmp_path, Mode.COPY, "x.jpg").carry_out()
    file = tmp_path / "out/.tamis/run-0001.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    change(records)
    if signed:
        from tamis.files.signing import user_key

        signer = Signer(user_key())
        for record in records:
            record.pop("mac", None)
        file.write_bytes(b"".join(signer.signed(record) for record in records))
    else:
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


WRONG = {
    "above": ("destination", "../v/x"),
    "absolute": ("destination", "/v/x"),
    "hidden": ("destination", ".tamis/run-0001.jsonl"),
    "a zero byte": ("destination", "a/\0"),
    "no text": ("destination", ["a"]),
    "too long a name": ("destination", "x" * 256),
    "half a character": ("destination", "\ud800"),
    "a relative source": ("source", "in/x.jpg"),
    "a source with dots": ("source", "/in/../x.jpg"),
    "a negative size": ("size", -1),
    "a size that is true": ("size", True),
    "a time without end": ("mtime_ns", 2**63),
    "a link that is a number": ("link", 3),
    "a digest that is none": ("digest", "abc"),
    "a draft elsewhere": ("made", "../../x"),
    "something else": ("colour", "red"),
}


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize(("key", "value"), WRONG.values(), ids=WRONG)
def test_a_journal_is_checked_when_it_is_read(
    tmp_path: Path, key: str, value: object, signed: bool
) -> None:
    edited(tmp_path, lambda records: records[1].update({key: value}), signed=signed)
    before = listing(tmp_path)
    with pytest.raises(JournalError, match="cannot read the journal"):
        journals(str(tmp_path / "out"))
    done = tamis("undo", tmp_path / "out", "--yes", check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("settings", {"--by": [["deep"]]}),
        ("settings", "--by"),
        ("created", "\x1b[31mnow"),
        ("folders", ["../a"]),
        ("mode", "burn"),
        ("command", "train"),
        ("token", "../../../x"),
        ("place", [1, 2, 3]),
    ],
)
def test_the_first_line_of_a_journal_is_checked_too(
    tmp_path: Path, key: str, value: object
) -> None:
    edited(tmp_path, lambda records: records[0].update({key: value}), signed=True)
    with pytest.raises(JournalError, match="cannot read the journal") as caught:
        journals(str(tmp_path / "out"))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda records: records[0].update(created="2020-01-01T00:00:00+00:00"),
        lambda records: records[1].update(size=5, mtime_ns=0),
        lambda records: records.pop(),
        lambda records: [record.pop("mac") for record in records],
        lambda records: records.insert(-1, {"undoing": "x", "mac": "0" * 64}),
    ],
    ids=["date", "time", "nothing", "no signature", "a line more"],
)
def test_a_journal_that_was_changed_asks_first(
    tmp_path: Path, change: object, request: pytest.FixtureRequest
) -> None:
    edited(tmp_path, change)
    (run,) = journals(str(tmp_path / "out"))
    if "nothing" in request.node.name:  # a line that a crash may have taken
        assert not run.foreign
        return
    assert "not signed by you" in run.foreign
    for act in (run.undo, run.carry_out):
        with pytest.raises(JournalError, match="not signed by you"):
            act()
    done = tamis("undo", tmp_path / "out", check=False)
    assert done.returncode == 1
    copy, original = tmp_path / "out/a/x.jpg", tmp_path / "in/x.jpg"
    assert done.stdout.splitlines() == [f"remove {copy}, a copy of {original}"]
    assert "--yes" in done.stderr
    assert copy.exists()
    tamis("undo", tmp_path / "out", "--yes")
    assert listing(tmp_path) == {"in/x.jpg": b"x.jpg"}


def test_the_journal_of_another_user_asks_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of(tmp_path, Mode.MOVE, "x.jpg").carry_out()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    (run,) = journals(str(tmp_path / "out"))
    assert run.foreign
    assert (tmp_path / "other/tamis/journal.key").stat().st_mode & 0o777 == 0o600


def test_a_result_may_be_renamed_and_not_be_copied(tmp_path: Path) -> None:
    run_of(tmp_path, Mode.COPY, "x.jpg").carry_out()
    os.rename(tmp_path / "out", tmp_path / "renamed")
    assert not journals(str(tmp_path / "renamed"))[0].foreign
    shutil.copytree(tmp_path / "renamed", tmp_path / "copied")
    assert "another folder" in journals(str(tmp_path / "copied"))[0].foreign


def test_a_journal_of_another_puts_no_file_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of(tmp_path, Mode.MOVE, "x.jpg").carry_out()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    (tmp_path / "in").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "in").symlink_to(tmp_path / "elsewhere")
    (run,) = journals(str(tmp_path / "out"))
    (failure,) = run.undo(confirmed=True).failures
    assert "through a link" in failure.reason
    assert os.listdir(tmp_path / "elsewhere") == []


def test_without_a_place_for_a_key_all_works_and_undo_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    run_of(tmp_path, Mode.COPY, "x.jpg").carry_out()
    (run,) = journals(str(tmp_path / "out"))
    assert run.foreign
    assert run.undo(confirmed=True).failures == ()


def test_a_fifo_as_a_journal_hangs_nothing(tmp_path: Path) -> None:
    run_of(tmp_path, Mode.COPY, "x.jpg").carry_out()
    file = tmp_path / "out/.tamis/run-0001.jsonl"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(JournalError, match="not a regular file"):
        journals(str(tmp_path / "out"))


# Each run its own


def write(text: str):
    return {"report.html": lambda file: Path(file).write_text(text)}


@pytest.mark.parametrize("texts", [("1", "2", "3"), ("same", "same", "same")])
def test_outputs_are_those_of_the_last_run_and_undone_with_it(
    tmp_path: Path, texts: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    for number, text in enumerate(texts):
        run = run_of(tmp_path, Mode.MOVE, f"{number}.jpg", made=write(text))
        assert run.carry_out().failures == ()
    assert [(out / f"report{end}.html").read_text() for end in ("", "-2", "-3")] == [
        texts[2], texts[0], texts[1],
    ]  # fmt: skip
    for left in (2, 1, 0):
        assert journals(str(out))[-1].undo().failures == ()
        assert len(journals(str(out))) == left
    assert listing(tmp_path) == {f"in/{n}.jpg": f"{n}.jpg".encode() for n in range(3)}
    assert not out.exists()


def test_an_output_that_was_edited_is_renamed_as_it_is_and_comes_back(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_of(tmp_path, Mode.COPY, "x.jpg", made=write("1")).carry_out()
    (out / "report.html").write_text("edited")
    run_of(tmp_path, Mode.COPY, "y.jpg", made=write("2")).carry_out()
    assert (out / "report.html").read_text() == "2"
    assert (out / "report-2.html").read_text() == "edited"
    assert journals(str(out))[-1].undo().failures == ()
    assert len(journals(str(out))[-1].undo().failures) == 1
    assert listing(out) | {"report.html": b"edited"} == listing(out)
    assert listing(out / "a") == {}


def test_another_file_with_the_same_bytes_is_not_taken_for_ours(source: Path, root: Path) -> None:
    (root / "a/x.jpg").write_bytes(b"whiskers")
    os.utime(root / "a/x.jpg", (1, 1))
    with pytest.raises(Occupied):
        put(Transfer.of(str(source), "a/x.jpg"), str(root), Mode.MOVE, PART)
    assert source.exists()


@pytest.mark.parametrize("cut", range(14))
def test_a_run_that_sets_outputs_aside_can_be_cut_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    out = tmp_path / "out"
    run_of(tmp_path, Mode.COPY, "x.jpg", made=write("1")).carry_out()
    run = run_of(tmp_path, Mode.COPY, "y.jpg", made=write("2"))
    strike(monkeypatch, ("link_to", "unlink", "rename_to", "symlink"), cut, run.carry_out)
    run = journals(str(out))[-1]
    if cut % 2:
        assert run.carry_out().failures == ()
        assert (out / "report.html").read_text() == "2"
        assert (out / "report-2.html").read_text() == "1"
    assert run.undo().failures == ()
    assert (out / "report.html").read_text() == "1"
    assert journals(str(out))[-1].undo().failures == ()
    assert not out.exists()


def test_a_plan_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    def full(file: str) -> None:
        Path(file).write_text("some")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DestinationError, match="the disk is full"):
        run_of(tmp_path, Mode.COPY, "x.jpg", made={"report.html": full})
    assert listing(tmp_path) == {"in/x.jpg": b"x.jpg"}
    assert not (tmp_path / "out").exists()


def test_a_run_that_cannot_say_that_it_is_finished_can_be_finished_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(file: str) -> None:
        Path(file).write_text("a report")

    run = run_of(tmp_path, Mode.MOVE, "x.jpg", made={"report.html": write})
    with monkeypatch.context() as patch:

        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr("tamis.files.journal.put", full)
        patch.setattr("tamis.files.journal_file.JournalFile.append", full)
        with pytest.raises(OSError, match="No space left"):
            run.carry_out()
    (again,) = journals(str(tmp_path / "out"))
    assert not again.finished
    assert again.carry_out().failures == ()
    assert (tmp_path / "out/report.html").read_text() == "a report"
    assert (tmp_path / "out/a/x.jpg").exists()


_ONE_RUN = """
import os, sys
from tamis.files.journal import Journal
from tamis.files.transfer import Mode, Transfer
base, number = sys.argv[1:]
source = os.path.join(base, number + ".jpg")
with open(source, "x") as file:
    file.write(number)
sys.stdin.read()  # until all are ready
Journal.create(
    os.path.join(base, "out"),
    command="sort",
    mode=Mode.COPY,
    folders=["a"],
    transfers=[Transfer.of(source, "a/" + number + ".jpg").with_digest()],
).carry_out()
"""


def test_runs_that_no_lock_keeps_apart_lose_no_journal(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", _ONE_RUN, str(tmp_path), str(number)], stdin=subprocess.PIPE
        )
        for number in range(6)
    ]
    for number, run in enumerate(runs):
        while run.poll() is None and not (tmp_path / f"{number}.jpg").exists():
            time.sleep(0.01)
    for run in runs:
        run.stdin.close()
    assert [run.wait(60) for run in runs] == [0] * 6
    assert [run.number for run in journals(str(tmp_path / "out"))] == [1, 2, 3, 4, 5, 6]


# Locks


@pytest.mark.parametrize("inside", [True, False])
def test_a_lock_leaves_nothing_and_makes_what_it_needs(tmp_path: Path, inside: bool) -> None:
    with locked(str(tmp_path / "new/out"), inside=inside):
        assert len(list(tmp_path.rglob("*lock"))) == 1
    assert os.listdir(tmp_path) == []


def test_a_lock_of_another_machine_is_respected(tmp_path: Path) -> None:
    folder = tmp_path / "out/.tamis"
    folder.mkdir(parents=True)
    holder = {"pid": 7, "host": "elsewhere\x1b[31m", "user": "eve", "since": "now", "boot": "x"}
    (folder / "lock").write_text(json.dumps(holder))
    with (
        pytest.raises(DestinationError, match=r"process 7 of eve on elsewhere.*remove") as caught,
        locked(str(tmp_path / "out"), inside=True),
    ):
        pass
    assert "\x1b" not in str(caught.value)
    holder["host"] = socket.gethostname()  # killed, or the machine was started anew
    (folder / "lock").write_text(json.dumps(holder))
    with locked(str(tmp_path / "out"), inside=True):
        pass
    assert not folder.exists()


def test_a_user_without_a_name_can_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr("getpass.getuser", nobody)
    with locked(str(tmp_path / "x.tamis")):
        assert json.loads((tmp_path / ".x.tamis.lock").read_text())["user"] == str(os.getuid())


def test_a_lock_sweeps_what_killed_runs_left(tmp_path: Path) -> None:
    drafts = tmp_path / "out/.tamis/run-0003"
    drafts.mkdir(parents=True)
    (drafts / "made-0").write_text("half")
    (tmp_path / "out/mine.txt").write_text("mine")
    with locked(str(tmp_path / "out"), inside=True):
        pass
    assert listing(tmp_path) == {"out/mine.txt": b"mine"}


# Names


def test_thousands_of_files_of_one_name_are_numbered_in_one_pass(tmp_path: Path) -> None:
    taken = TakenNames(str(tmp_path))
    tries = 0
    real = taken.take

    def take(folder: str, name: str) -> bool:
        nonlocal tries
        tries += 1
        return real(folder, name)

    taken.take = take
    names = [taken.take_free("a", "x.jpg") for _ in range(4000)]
    assert names[-1] == "x-4000.jpg"
    assert tries < 3 * len(names)
