"""Single transfers: done, found done, refused, and taken back."""

import os
from pathlib import Path

import pytest

from tamis.errors import DestinationError
from tamis.files.placing import Occupied, Refused, put, take_back
from tamis.files.transfer import Mode, Transfer, check_can_link

MODES = list(Mode)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "in" / "cat.jpg"
    file.parent.mkdir()
    file.write_bytes(b"whiskers")
    os.utime(file, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "out" / "cat").mkdir(parents=True)
    return tmp_path / "out"


def transfer_of(source: Path) -> Transfer:
    return Transfer.of(str(source), "cat/cat.jpg")


def do(transfer: Transfer, root: Path, mode: Mode) -> None:
    put(transfer, str(root), mode, ".tamis-0-0.part")


def undo(transfer: Transfer, root: Path, mode: Mode) -> bool:
    return take_back(transfer, str(root), mode, ".tamis-0-0.part")


@pytest.mark.parametrize("mode", MODES)
def test_put_and_take_back_restore_everything(source: Path, root: Path, mode: Mode) -> None:
    before = source.stat()
    transfer = transfer_of(source)
    do(transfer, root, mode)
    target = root / "cat/cat.jpg"
    assert target.read_bytes() == b"whiskers"
    assert target.stat().st_mtime_ns == before.st_mtime_ns
    assert source.exists() == (mode is not Mode.MOVE)
    assert target.is_symlink() == (mode is Mode.SYMLINK)
    if mode is Mode.HARDLINK:
        assert target.samefile(source)
    if mode is Mode.COPY:
        assert not target.samefile(source)
    assert undo(transfer, root, mode)
    assert not os.path.lexists(target)
    assert source.read_bytes() == b"whiskers"
    assert source.stat().st_mtime_ns == before.st_mtime_ns
    assert sorted(path.name for path in root.rglob("*")) == ["cat"]


@pytest.mark.parametrize("mode", MODES)
def test_both_directions_are_idempotent(source: Path, root: Path, mode: Mode) -> None:
    transfer = transfer_of(source)
    do(transfer, root, mode)
    do(transfer, root, mode)
    assert undo(transfer, root, mode)
    assert not undo(transfer, root, mode)
    assert source.read_bytes() == b"whiskers"


@pytest.mark.parametrize("mode", MODES)
def test_another_file_is_never_replaced(source: Path, root: Path, mode: Mode) -> None:
    transfer = transfer_of(source)
    (root / "cat/cat.jpg").write_bytes(b"another")
    with pytest.raises(Occupied):
        do(transfer, root, mode)
    assert (root / "cat/cat.jpg").read_bytes() == b"another"
    assert source.read_bytes() == b"whiskers"


def test_a_move_cut_between_its_halves_is_completed(source: Path, root: Path) -> None:
    transfer = transfer_of(source)
    os.link(source, root / "cat/cat.jpg")
    do(transfer, root, Mode.MOVE)
    assert not source.exists()
    assert (root / "cat/cat.jpg").read_bytes() == b"whiskers"


def test_an_undo_cut_between_its_halves_is_completed(source: Path, root: Path) -> None:
    transfer = transfer_of(source)
    do(transfer, root, Mode.MOVE)
    os.link(root / "cat/cat.jpg", source)
    assert undo(transfer, root, Mode.MOVE)
    assert source.read_bytes() == b"whiskers"
    assert not (root / "cat/cat.jpg").exists()


@pytest.mark.parametrize("mode", MODES)
def test_a_source_changed_since_the_plan_stays(source: Path, root: Path, mode: Mode) -> None:
    transfer = transfer_of(source)
    source.write_bytes(b"edited meanwhile")
    with pytest.raises(Refused, match="changed"):
        do(transfer, root, mode)
    assert source.read_bytes() == b"edited meanwhile"
    assert not os.path.lexists(root / "cat/cat.jpg")


@pytest.mark.parametrize("mode", MODES)
def test_a_source_that_is_gone_is_said_to_be(source: Path, root: Path, mode: Mode) -> None:
    transfer = transfer_of(source)
    source.unlink()
    with pytest.raises(Refused, match="gone"):
        do(transfer, root, mode)


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
def test_undo_keeps_a_file_changed_since(source: Path, root: Path, mode: Mode) -> None:
    transfer = transfer_of(source)
    do(transfer, root, mode)
    (root / "cat/cat.jpg").write_bytes(b"retouched")
    with pytest.raises(Refused, match="changed"):
        undo(transfer, root, mode)
    assert (root / "cat/cat.jpg").read_bytes() == b"retouched"


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.HARDLINK])
def test_undo_keeps_the_only_one_left(source: Path, root: Path, mode: Mode) -> None:
    transfer = transfer_of(source)
    do(transfer, root, mode)
    source.unlink()
    with pytest.raises(Refused, match="only one left"):
        undo(transfer, root, mode)
    assert (root / "cat/cat.jpg").read_bytes() == b"whiskers"


def test_undo_of_a_move_does_not_replace_what_took_its_place(source: Path, root: Path) -> None:
    transfer = transfer_of(source)
    do(transfer, root, Mode.MOVE)
    source.write_bytes(b"a new one")
    with pytest.raises(Refused, match="taken"):
        undo(transfer, root, Mode.MOVE)
    assert source.read_bytes() == b"a new one"
    assert (root / "cat/cat.jpg").read_bytes() == b"whiskers"


def test_undo_makes_the_old_folder_again(source: Path, root: Path) -> None:
    transfer = transfer_of(source)
    do(transfer, root, Mode.MOVE)
    source.parent.rmdir()
    assert undo(transfer, root, Mode.MOVE)
    assert source.read_bytes() == b"whiskers"


def test_a_relative_link_is_moved_and_comes_back_as_it_was(source: Path, root: Path) -> None:
    link = source.parent / "link.jpg"
    link.symlink_to("cat.jpg")
    transfer = Transfer.of(str(link), "cat/link.jpg")
    do(transfer, root, Mode.MOVE)
    assert (root / "cat/link.jpg").read_bytes() == b"whiskers"
    assert not link.is_symlink()
    assert source.exists()
    assert undo(transfer, root, Mode.MOVE)
    assert os.readlink(link) == "cat.jpg"


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.HARDLINK])
def test_a_copy_of_a_link_is_the_picture_itself(source: Path, root: Path, mode: Mode) -> None:
    link = source.parent / "link.jpg"
    link.symlink_to("cat.jpg")
    transfer = Transfer.of(str(link), "cat/link.jpg")
    do(transfer, root, mode)
    target = root / "cat/link.jpg"
    assert not target.is_symlink()
    assert target.read_bytes() == b"whiskers"
    assert undo(transfer, root, mode)
    assert link.is_symlink()


def test_without_hard_links_a_move_still_never_replaces(
    source: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "not on this file system")

    monkeypatch.setattr(os, "link", refuse)
    transfer = transfer_of(source)
    do(transfer, root, Mode.MOVE)
    assert (root / "cat/cat.jpg").read_bytes() == b"whiskers"
    assert undo(transfer, root, Mode.MOVE)
    (root / "cat/cat.jpg").write_bytes(b"another")
    with pytest.raises(Occupied):
        do(transfer, root, Mode.MOVE)


def test_a_move_to_another_disk_copies_first(source: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == source.stat().st_dev:
        pytest.skip("needs a second file system; /dev/shm is none")
    root = other / f"tamis-test-{os.getpid()}"
    (root / "cat").mkdir(parents=True)
    try:
        before = source.stat().st_mtime_ns
        transfer = transfer_of(source)
        do(transfer, root, Mode.MOVE)
        assert not source.exists()
        assert (root / "cat/cat.jpg").stat().st_mtime_ns == before
        assert undo(transfer, root, Mode.MOVE)
        assert source.read_bytes() == b"whiskers"
        assert source.stat().st_mtime_ns == before
        assert [path.name for path in source.parent.iterdir()] == ["cat.jpg"]
        # Killed between the copy and the removal of the original.
        do(transfer, root, Mode.COPY)
        do(transfer, root, Mode.MOVE)
        assert not source.exists()
        with pytest.raises(DestinationError, match="different disks"):
            check_can_link(str(source.parent), str(root))
    finally:
        for path in sorted(root.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        root.rmdir()


def test_what_tamis_made_is_deleted_only_unchanged(source: Path, root: Path) -> None:
    transfer = Transfer.of(str(source), "cat/notes.csv", made=True)
    do(transfer, root, Mode.COPY)
    assert not source.exists()
    (root / "cat/notes.csv").write_bytes(b"annotated by a person")
    with pytest.raises(Refused, match="changed"):
        undo(transfer, root, Mode.COPY)
    assert (root / "cat/notes.csv").exists()
