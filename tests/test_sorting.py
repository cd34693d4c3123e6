"""Plans of sorting: names, collisions, what is there already, what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest

from tamis.classify import Predictions
from tamis.errors import DestinationError, Failure, TableError
from tamis.index import Matches
from tamis.journal import Journal
from tamis.sorting import check_folders, plan_sort, write_failures, write_predictions
from tamis.table import read_csv
from tamis.transfer import Mode


def predictions_of(paths: list[Path], columns: list[int], classes=("ant", "bee")) -> Predictions:
    shares = np.zeros((len(paths), len(classes)))
    shares[np.arange(len(paths)), columns] = 1
    return Predictions(
        paths=tuple(map(str, paths)),
        classes=tuple(classes),
        probabilities=shares,
        neighbours=Matches(np.zeros((len(paths), 2), np.intp), np.full((len(paths), 2), 0.25)),
        train_paths=("train/ant/1.jpg",),
        train_labels=("ant",),
        failures=(),
        settings={},
    )


def files(folder: Path, *names: str) -> list[Path]:
    made = []
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.fsencode(name))
        made.append(file)
    return made


def carry_out(plan, out: Path) -> None:
    journal = Journal.create(
        str(out),
        command="sort",
        mode=plan.mode,
        folders=plan.folders,
        transfers=plan.transfers,
    )
    assert journal.carry_out().failures == ()


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
