"""Plans of sorting: names, collisions, what is there already, what is refused."""

import filecmp
import os
from pathlib import Path

import pytest

from sorting_plans import carry_out, files, predictions_of
from tamis.errors import DestinationError, Failure, TableError
from tamis.files.csvfile import read_csv
from tamis.files.transfer import Mode
from tamis.sorting import (
    check_destination,
    check_folders,
    plan_sort,
    write_failures,
    write_predictions,
)
from tamis.sorting.earlier import read_earlier
from tamis.table.sidecars import find_sidecars


def test_every_class_has_a_folder_and_every_picture_a_place(tmp_path: Path) -> None:
    paths = files(tmp_path, "in/1.jpg", "in/2.jpg")
    plan = plan_sort(predictions_of(paths, [1, 1]), str(tmp_path / "out"))
    assert plan.folders == ("ant", "bee")
    assert plan.destinations == ("bee/1.jpg", "bee/2.jpg")
    assert [transfer.source for transfer in plan.transfers] == list(map(str, paths))
    assert not (tmp_path / "out").exists()


def test_names_that_collide_get_numbers(tmp_path: Path) -> None:
    paths = files(tmp_path, "in/a/x.jpg", "in/b/x.jpg", "in/c/X.JPG", "in/d/x.jpg")
    plan = plan_sort(predictions_of(paths, [0, 0, 0, 1]), str(tmp_path / "out"))
    assert plan.destinations == ("ant/x.jpg", "ant/x-2.jpg", "ant/X-3.JPG", "bee/x.jpg")
    assert len({place.casefold() for place in plan.destinations}) == 4


def test_nothing_on_disk_is_overwritten(tmp_path: Path) -> None:
    (path,) = files(tmp_path, "in/x.jpg")
    files(tmp_path, "out/ant/x.jpg")
    (tmp_path / "out/ant/x.jpg").write_bytes(b"was here first")
    plan = plan_sort(predictions_of([path], [0]), str(tmp_path / "out"))
    assert plan.destinations == ("ant/x-2.jpg",)


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.HARDLINK, Mode.SYMLINK])
def test_sorting_twice_is_harmless(tmp_path: Path, mode: Mode) -> None:
    paths = files(tmp_path, "in/a/x.jpg", "in/b/x.jpg", "in/y.jpg")
    out = tmp_path / "out"
    answers = predictions_of(paths, [0, 0, 1])
    carry_out(plan_sort(answers, str(out), mode=mode), out)
    before = sorted(map(str, out.rglob("*.jpg")))
    again = plan_sort(answers, str(out), mode=mode)
    assert again.transfers == ()
    assert again.present == tuple(map(str, paths))
    assert again.destinations == ("ant/x.jpg", "ant/x-2.jpg", "bee/y.jpg")
    assert sorted(map(str, out.rglob("*.jpg"))) == before


@pytest.mark.parametrize("label", ["", "a/b", "..", ".hidden", "a\\b", " blank", "x" * 300])
def test_a_class_that_cannot_be_a_folder_is_refused(tmp_path: Path, label: str) -> None:
    (path,) = files(tmp_path, "in/x.jpg")
    with pytest.raises(TableError, match="cannot become a folder"):
        plan_sort(predictions_of([path], [0], classes=(label,)), str(tmp_path / "out"))


def test_result_folders_that_feed_on_themselves_are_refused(tmp_path: Path) -> None:
    train, source = tmp_path / "train", tmp_path / "in"
    for out in (train, source, train / "sorted"):
        with pytest.raises(DestinationError, match="cannot sort into"):
            check_folders(str(out), train=str(train), source=str(source))
    for out in (source / "sorted", tmp_path / "out", tmp_path / "train2"):
        check_folders(str(out), train=str(train), source=str(source))


def test_a_picture_that_is_gone_is_a_failure_and_the_others_are_planned(tmp_path: Path) -> None:
    paths = files(tmp_path, "in/1.jpg", "in/2.jpg", "in/3.jpg")
    paths[1].unlink()
    plan = plan_sort(predictions_of(paths, [0, 0, 1]), str(tmp_path / "out"))
    assert plan.destinations == ("ant/1.jpg", "", "bee/3.jpg")
    assert [failure.path for failure in plan.failures] == [str(paths[1])]
    assert "is missing" in plan.failures[0].reason


def test_hundreds_of_files_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is compared with few of the others, whose names and sizes are its own."""
    paths = files(tmp_path, *(f"in/{i}/x.jpg" for i in range(300)))
    answers, out = predictions_of(paths, [0] * 300), tmp_path / "out"
    numbers = [
        int(place[len("ant/x-") : -len(".jpg")] or 1)
        for place in (
            place.replace("x.jpg", "x-1.jpg") for place in plan_sort(answers, str(out)).destinations
        )
    ]
    assert numbers == list(range(1, 301))
    carry_out(plan_sort(answers, str(out)), out)
    removed = Path(read_earlier(str(out)).find(str(paths[6])).place)
    (out / removed).unlink()  # a gap: the others are known again nevertheless
    compared = []
    monkeypatch.setattr(
        "tamis.sorting.names.same_file",
        lambda *both: compared.append(both) or filecmp.cmp(*both, False),
    )
    again = plan_sort(answers, str(out))
    assert again.transfers == ()
    assert again.removed == (str(paths[6]),)
    assert len(again.present) == 299
    assert len(compared) < 1000


def placed(paths: list[Path], columns: list[int], out: Path, mode: Mode = Mode.COPY):
    plan = plan_sort(
        predictions_of(paths, columns), str(out), mode=mode,
        sidecars=find_sidecars(map(str, paths)),
    )  # fmt: skip
    return plan, [transfer.destination for transfer in plan.transfers]


def test_sidecars_go_with_their_picture_and_have_its_number(tmp_path: Path) -> None:
    paths = files(tmp_path, "in/a/cat.jpg", "in/b/cat.jpg")
    files(tmp_path, "in/a/cat.jpg.xmp", "in/b/cat.jpg.xmp", "in/b/cat.MOV", "in/b/catfish.mov")
    out = tmp_path / "out"
    plan, places = placed(paths, [0, 0], out)
    assert places == [
        "ant/cat.jpg", "ant/cat.jpg.xmp",
        "ant/cat-2.jpg", "ant/cat-2.MOV", "ant/cat-2.jpg.xmp",
    ]  # fmt: skip
    assert len(plan.sidecars) == 3
    carry_out(plan, out)
    assert (out / "ant/cat-2.MOV").read_bytes() == b"in/b/cat.MOV"
    assert placed(paths, [0, 0], out)[1] == []  # all in place


def test_a_number_is_free_for_the_picture_and_all_its_sidecars(tmp_path: Path) -> None:
    paths = files(tmp_path, "in/a/cat.jpg", "in/b/cat.png")
    files(tmp_path, "in/a/cat.xmp", "in/b/cat.xmp")
    assert placed(paths, [0, 0], tmp_path / "out")[1] == [
        "ant/cat.jpg", "ant/cat.xmp", "ant/cat-2.png", "ant/cat-2.xmp",
    ]  # fmt: skip


def test_a_sidecar_of_a_picture_in_place_follows_it(tmp_path: Path) -> None:
    paths = files(tmp_path, "in/a/cat.jpg", "in/b/cat.jpg")
    out = tmp_path / "out"
    carry_out(placed(paths, [0, 0], out)[0], out)
    files(tmp_path, "in/b/cat.xmp", "out/ant/cat.aae", "in/a/cat.aae")
    plan, places = placed(paths, [0, 0], out)
    assert places == ["ant/cat-2.xmp"]
    (failure,) = plan.failures
    assert failure.path == str(tmp_path / "in/a/cat.aae")
    assert "another cat.aae is in place" in failure.reason


@pytest.mark.parametrize("mode", list(Mode))
def test_sidecars_come_as_their_pictures_do(tmp_path: Path, mode: Mode) -> None:
    (path,) = files(tmp_path, "in/cat.jpg")
    files(tmp_path, "in/cat.jpg.xmp")
    out = tmp_path / "out"
    carry_out(placed([path], [0], out, mode)[0], out)
    sidecar, origin = out / "ant/cat.jpg.xmp", tmp_path / "in/cat.jpg.xmp"
    assert sidecar.read_bytes() == b"in/cat.jpg.xmp"
    assert sidecar.is_symlink() == (mode is Mode.SYMLINK)
    assert origin.exists() == (mode is not Mode.MOVE)


def test_a_destination_that_cannot_be_is_refused_before_the_work(tmp_path: Path) -> None:
    out = tmp_path / "out"
    check_destination(str(out / "deep" / "er"), ["ant"])
    files(tmp_path, "out/ant/1.jpg", "out/bee", "file")
    with pytest.raises(DestinationError, match="bee: it is a file, not a folder"):
        check_destination(str(out), ["ant", "bee"])
    with pytest.raises(DestinationError, match="file is a file, not a folder"):
        check_destination(str(tmp_path / "file" / "out"), [])
    with pytest.raises(TableError, match="cannot become a folder"):
        check_destination(str(out), [".hidden"])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    files(tmp_path, "out/ant/1.jpg")
    (out / "ant").chmod(0o555)
    with pytest.raises(DestinationError, match="ant: it may not be written to"):
        check_destination(str(out), ["ant"])


def test_a_result_within_a_collection_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.tamis/images.lance/_versions").mkdir(parents=True)
    for out in (tmp_path / "p.tamis", tmp_path / "p.tamis/sorted"):
        with pytest.raises(DestinationError, match="is a collection"):
            check_folders(str(out), train=None, source=str(tmp_path))


def test_predictions_csv_says_all(tmp_path: Path) -> None:
    paths = files(tmp_path, "in/a,b\n\udce9.jpg")
    answers = predictions_of(paths, [1])
    plan = plan_sort(answers, str(tmp_path / "out"))
    write_predictions(str(tmp_path / "p.csv"), answers, plan)
    (row,) = read_csv(tmp_path / "p.csv", required=["path"])
    assert row == {
        "path": str(paths[0]),
        "class": "bee",
        "confidence": "1.0000",
        "runner_up": "ant",
        "runner_up_confidence": "0.0000",
        "sorted_to": "bee/a,b\n\udce9.jpg",
        "neighbour_1": "train/ant/1.jpg",
        "neighbour_1_class": "ant",
        "neighbour_1_distance": "0.25",
        "neighbour_2": "train/ant/1.jpg",
        "neighbour_2_class": "ant",
        "neighbour_2_distance": "0.25",
    }
    write_failures(str(tmp_path / "f.csv"), [Failure("x", "is empty")])
    assert read_csv(tmp_path / "f.csv", required=["path", "reason"]) == [
        {"path": "x", "reason": "is empty"}
    ]
