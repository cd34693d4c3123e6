"""Folders that tamis split wrote are recognised by its journal, and by nothing else."""

import shutil

import pytest

from command import tamis
from pictures import write_kinds
from tamis.parts import part_folders, with_parts
from tamis.table import ImageTable


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts") / "photos"
    write_kinds(folder, 8)
    return folder


def listed(root):
    table = with_parts(ImageTable.from_folder(root), part_folders(root))
    return table, dict(zip(table.names, zip(table.splits, table.labels, strict=True), strict=True))


def test_the_parts_are_splits_and_the_folders_in_them_classes(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out, "--ratio", "0.5", "0.25", "0.25")
    assert part_folders(out) == ("train", "val", "test")
    table, found = listed(out)
    assert len(found) == 24
    assert table.classes == sorted({folder.name for folder in photos.iterdir()})
    for name, (part, label) in found.items():
        assert name.startswith(f"{part}/{label}/")


def test_what_was_added_to_a_part_since_belongs_to_it(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out)
    kind = sorted(photos.iterdir())[0]
    picture = sorted(kind.iterdir())[0]
    shutil.copy(picture, out / "train" / kind.name / f"new{picture.suffix}")
    shutil.copy(picture, out / f"stray{picture.suffix}")
    (out / "extra").mkdir()
    shutil.copy(picture, out / "extra" / picture.name)
    _, found = listed(out)
    assert found[f"train/{kind.name}/new{picture.suffix}"] == ("train", kind.name)
    assert found[f"stray{picture.suffix}"] == (None, None)
    assert found[f"extra/{picture.name}"] == (None, "extra")


def test_a_blind_test_stays_blind(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out, "--blind")
    assert part_folders(out) == ("train", "test")
    _, found = listed(out)
    assert {label for part, label in found.values() if part == "test"} == {None}
    assert None not in {label for part, label in found.values() if part == "train"}


def test_folds_are_parts_of_two_folders(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out, "--folds", "2")
    assert part_folders(out) == ("fold-1/train", "fold-1/test", "fold-2/train", "fold-2/test")
    table, _ = listed(out)
    assert len(table) == 48
    assert len(table.classes) == 3


def test_names_alone_make_no_split(photos, tmp_path):
    for part in ("train", "test"):
        shutil.copytree(photos, tmp_path / part)
    assert part_folders(tmp_path) == ()
    assert ImageTable.from_folder(tmp_path).classes == ["test", "train"]


def test_a_split_that_was_undone_is_none(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out)
    tamis("undo", out)
    assert part_folders(out) == ()


def test_what_was_sorted_is_no_split(photos, tmp_path):
    out = tmp_path / "out"
    write_kinds(tmp_path / "new", 2, first=20, flat=True)
    tamis("sort", "--train", photos, "--input", tmp_path / "new", "--out", out, "--by", "edge")
    assert part_folders(out) == ()


def test_commands_take_the_parts(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out, "--ratio", "0.5", "0", "0.5")
    done = tamis("evaluate", out, "--by", "edge", "--depth", "3")
    assert "24 pictures of 3 classes" in done.stdout
    assert "train, test are its parts" in done.stderr
    query = sorted((out / "test").rglob("*.*"))[0]
    found = tamis("search", out, query, "--by", "edge", "--split", "train", "-k", "50")
    paths = [line.split("\t")[0] for line in found.stdout.splitlines()]
    assert len(paths) == 12
    assert all("/train/" in path for path in paths)
    wrong = tamis("search", out, query, "--by", "edge", "--split", "val", check=False)
    assert wrong.returncode == 1
    assert "has no split val. It has: test, train" in wrong.stderr
