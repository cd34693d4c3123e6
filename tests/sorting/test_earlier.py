"""Sorting again: what an earlier run placed, and what a person did to it."""

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from sorting_plans import carry_out, files, predictions_of
from tamis.files.journal import Journal, journals
from tamis.files.transfer import Mode
from tamis.sorting import plan_sort
from tamis.sorting.earlier import Earlier, State, read_earlier
from tamis.table.sidecars import find_sidecars


def run(paths: list[Path], columns: list[int], out: Path, mode: Mode = Mode.COPY, beside=None):
    plan = plan_sort(predictions_of(paths, columns), str(out), mode=mode, sidecars=beside)
    carry_out(plan, out)
    return plan


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".tamis" not in path.parts
    }


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.HARDLINK, Mode.SYMLINK])
def test_another_answer_moves_what_nobody_touched_and_undo_goes_back_run_by_run(
    tmp_path: Path, mode: Mode
) -> None:
    paths, out = files(tmp_path, "in/a/x.jpg", "in/b/x.jpg", "in/y.jpg"), tmp_path / "out"
    run(paths, [0, 0, 1], out, mode)
    first = tree(out)
    plan = run(paths, [1, 0, 1], out, mode)
    assert plan.resorted == (str(paths[0]),)
    assert plan.destinations == ("bee/x.jpg", "ant/x-2.jpg", "bee/y.jpg")
    assert set(tree(out)) == set(plan.destinations)
    assert tree(out)["bee/x.jpg"] == b"in/a/x.jpg"
    assert (out / "bee/x.jpg").is_symlink() == (mode is Mode.SYMLINK)
    third = run(paths, [0, 1, 0], out, mode)
    assert len(third.resorted) == 3
    assert sorted(tree(out).values()) == sorted(first.values())
    for expected in (set(plan.destinations), set(first)):
        assert journals(str(out))[-1].undo().failures == ()
        assert set(tree(out)) == expected
    assert journals(str(out))[-1].undo().failures == ()
    assert not out.exists()
    assert all(path.exists() for path in paths)


def test_pictures_that_were_moved_are_sorted_again_where_they_lie(tmp_path: Path) -> None:
    paths, out = files(tmp_path, "in/x.jpg", "in/y.jpg"), tmp_path / "out"
    run(paths, [0, 1], out, Mode.MOVE)
    earlier = Earlier.read(str(out))
    assert earlier.moved_from(str(tmp_path / "in")) == [f"{out}/ant/x.jpg", f"{out}/bee/y.jpg"]
    assert earlier.moved_from(str(tmp_path / "other")) == []
    there = [Path(one) for one in earlier.moved_from(str(tmp_path / "in"))]
    plan = run(there, [1, 1], out, Mode.MOVE)
    assert (len(plan.resorted), len(plan.present)) == (1, 1)
    assert set(tree(out)) == {"bee/x.jpg", "bee/y.jpg"}
    for _ in range(2):
        assert journals(str(out))[-1].undo().failures == ()
    assert all(path.exists() for path in paths)


def test_a_new_picture_under_the_name_of_a_moved_one_is_another(tmp_path: Path) -> None:
    paths, out = files(tmp_path, "in/x.jpg"), tmp_path / "out"
    run(paths, [0], out, Mode.MOVE)
    paths[0].write_bytes(b"the camera counts from one again")
    plan = run(paths, [0], out, Mode.MOVE)
    assert plan.destinations == ("ant/x-2.jpg",)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_picture_moved_by_hand_stays_where_a_person_put_it(tmp_path: Path, mode: Mode) -> None:
    paths, out = files(tmp_path, "in/x.jpg", "in/y.jpg", "in/z.jpg"), tmp_path / "out"
    run(paths, [0, 0, 1], out, mode)
    (out / "ant/x.jpg").rename(out / "bee/x.jpg")
    (out / "mine/best").mkdir(parents=True)
    (out / "bee/z.jpg").rename(out / "mine/best/renamed.jpg")
    before = tree(out)
    for _ in range(2):
        again = [Path(p) for p in Earlier.read(str(out)).moved_from(str(tmp_path / "in"))]
        plan = run(again if mode is Mode.MOVE else paths, [0] * (1 if again else 3), out, mode)
        assert tree(out) == before
        if mode is not Mode.MOVE:
            assert [(one.path, one.label, one.was) for one in plan.corrections] == [
                (str(paths[0]), "bee", "ant"), (str(paths[2]), "mine", "bee"),
            ]  # fmt: skip
            assert plan.destinations == ("bee/x.jpg", "ant/y.jpg", "mine/best/renamed.jpg")
    found = Earlier.read(str(out)).corrections()
    assert [(one.label, one.place) for one in found] == [
        ("bee", "bee/x.jpg"), ("mine", "mine/best/renamed.jpg"),
    ]  # fmt: skip


def test_what_was_removed_by_hand_stays_removed_and_what_was_edited_stays(tmp_path: Path) -> None:
    paths, out = files(tmp_path, "in/x.jpg", "in/y.jpg"), tmp_path / "out"
    run(paths, [0, 0], out)
    (out / "ant/x.jpg").unlink()
    (out / "ant/y.jpg").write_bytes(b"turned to the right")
    plan = run(paths, [1, 1], out)
    assert (plan.removed, plan.edited) == ((str(paths[0]),), (str(paths[1]),))
    assert tree(out) == {"ant/y.jpg": b"turned to the right"}


def test_a_result_that_was_cleared_by_hand_is_begun_anew(tmp_path: Path) -> None:
    paths, out = files(tmp_path, "in/x.jpg", "in/y.jpg"), tmp_path / "out"
    run(paths, [0, 1], out)
    for name in ("ant", "bee"):
        shutil.rmtree(out / name)
    assert run(paths, [1, 1], out).destinations == ("bee/x.jpg", "bee/y.jpg")


def test_an_original_that_was_changed_is_a_new_picture(tmp_path: Path) -> None:
    paths, out = files(tmp_path, "in/x.jpg"), tmp_path / "out"
    run(paths, [0], out)
    paths[0].write_bytes(b"edited since")
    assert run(paths, [0], out).destinations == ("ant/x-2.jpg",)
    (out / "ant/x-2.jpg").unlink()
    paths[0].write_bytes(b"edited once more")
    assert run(paths, [0], out).destinations == ("ant/x-2.jpg",)


def test_the_same_folder_under_another_name_is_known_again(tmp_path: Path) -> None:
    paths, out = files(tmp_path, "in/a/x.jpg", "in/b/x.jpg"), tmp_path / "out"
    run(paths, [0, 0], out)
    (tmp_path / "in").rename(tmp_path / "photos")
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    for folder in ("photos", "link"):
        renamed = [tmp_path / folder / path.relative_to(tmp_path / "in") for path in paths]
        plan = run(renamed, [1, 0], out)
        assert plan.transfers == () or plan.resorted == (str(renamed[0]),)
        assert set(tree(out)) == {"bee/x.jpg", "ant/x-2.jpg"}


def test_sidecars_follow_a_picture_to_another_folder(tmp_path: Path) -> None:
    paths, out = files(tmp_path, "in/cat.jpg", "in/cat.v2.jpg"), tmp_path / "out"
    files(tmp_path, "in/cat.xmp", "in/cat.v2.jpg.xmp")
    run(paths, [0, 0], out, beside=find_sidecars(map(str, paths)))
    files(tmp_path, "in/cat.mov")
    run(paths, [1, 1], out, beside=None)
    assert set(tree(out)) == {"bee/cat.jpg", "bee/cat.xmp", "bee/cat.v2.jpg", "bee/cat.v2.jpg.xmp"}
    run(paths, [0, 1], out, beside=find_sidecars(map(str, paths)))
    assert set(tree(out)) == {
        "ant/cat.jpg", "ant/cat.xmp", "ant/cat.mov", "bee/cat.v2.jpg", "bee/cat.v2.jpg.xmp",
    }  # fmt: skip


def test_what_could_not_be_placed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, out = files(tmp_path, "in/x.jpg", "in/y.jpg"), tmp_path / "out"
    plan = plan_sort(predictions_of(paths, [0, 0]), str(out))
    journal = Journal.create(
        str(out), command="sort", mode=plan.mode, folders=plan.folders, transfers=plan.transfers
    )
    paths[1].write_bytes(b"changed meanwhile")
    assert len(journal.carry_out().failures) == 1
    assert journals(str(out))[0].failed == {1}
    assert run(paths, [0, 0], out).destinations == ("ant/x.jpg", "ant/y.jpg")
    assert set(tree(out)) == {"ant/x.jpg", "ant/y.jpg"}


@pytest.mark.parametrize("cut", range(0, 8))
def test_moving_to_another_folder_can_be_cut_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    paths, out = files(tmp_path, "in/x.jpg", "in/y.jpg"), tmp_path / "out"
    mode = Mode.SYMLINK if cut % 3 == 2 else Mode.COPY
    run(paths, [0, 1], out, mode)
    before = set(tree(out))
    plan = plan_sort(predictions_of(paths, [1, 0]), str(out), mode=mode)
    journal = Journal.create(
        str(out), command="sort", mode=mode, folders=plan.folders, transfers=plan.transfers
    )
    with monkeypatch.context() as patch:
        from tamis.files.entry import Entry

        left = [cut]
        for name in ("link_to", "unlink", "symlink"):
            real = getattr(Entry, name)

            def dying(*args, real=real, **named):
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
                return real(*args, **named)

            patch.setattr(Entry, name, dying)
        with contextlib.suppress(KeyboardInterrupt):
            journal.carry_out()
    (_, second) = journals(str(out))
    if cut % 2:
        assert second.carry_out().failures == ()
        assert set(tree(out)) == {"bee/x.jpg", "ant/y.jpg"}
    assert second.undo().failures == ()
    assert set(tree(out)) == before


def test_a_class_folder_that_is_a_link_now_is_left_alone(tmp_path: Path) -> None:
    paths, out = files(tmp_path, "in/x.jpg"), tmp_path / "out"
    run(paths, [0], out)
    (out / "ant").rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", out / "ant")
    earlier = read_earlier(str(out))
    (placed,) = earlier
    assert earlier.state(placed)[0] is State.EDITED
    with pytest.raises(Exception, match="is a link or a file"):
        run(paths, [1], out)
    assert (tmp_path / "elsewhere/x.jpg").exists()
