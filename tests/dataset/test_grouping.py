"""`grouped`: what belongs together, and that a fit leaves it out together."""

import shutil

import pytest

import tamis
from pictures import write_kinds
from tamis.errors import TableError


@pytest.fixture
def examples(tmp_path):
    write_kinds(tmp_path / "examples", 12)
    return tmp_path / "examples"


def test_tenths_follow_the_numbers_in_the_names(tmp_path):
    paths = [tmp_path / "a" / f"IMG_{i}.jpg" for i in range(1, 21)]
    images = tamis.grouped(tamis.open(paths), "tenths")
    group_of = dict(zip(images.table.names, images.table.groups, strict=True))
    by_number = [group_of[f"IMG_{i}.jpg"] for i in range(1, 21)]
    assert by_number[0::2] == by_number[1::2]
    assert len(set(by_number)) == 10


def test_tenths_of_each_folder_are_its_own(examples):
    images = tamis.grouped(examples, "tenths")
    assert len(set(images.table.groups)) == 30
    assert len(set(zip(images.table.groups, images.table.labels, strict=True))) == 30


def test_duplicates_are_found_or_given(examples):
    first = sorted((examples / "bars").iterdir())[0]
    shutil.copy(first, examples / "bars" / "copy.jpg")
    found = tamis.duplicates(examples, kinds=["copy"])
    (group,) = {name for name in tamis.grouped(examples, found).table.groups if name}
    images = tamis.grouped(examples, "duplicates")
    rows = [row for row, name in enumerate(images.table.names) if "copy.jpg" in name]
    assert images.table.groups[rows[0]] == group


def test_a_list_names_groups(examples, tmp_path):
    name = sorted((examples / "sky").iterdir())[0].name
    file = tmp_path / "groups.csv"
    file.write_text(f"path,group\nsky/{name},monday\n")
    images = tamis.grouped(examples, file)
    assert [group for group in images.table.groups if group] == ["monday"]
    file.write_text("path,group\nsky/nothing.jpg,monday\n")
    with pytest.raises(TableError, match="not there"):
        tamis.grouped(examples, file)


def test_a_model_says_by_how_many_groups_it_was_tried(examples):
    model = tamis.train(tamis.grouped(examples, "tenths"), by="moments", classifier="knn")
    assert model.signature["groups"] == 30
    assert "groups" not in tamis.train(examples, by="moments", classifier="knn").signature


def test_all_of_a_class_in_a_group_cannot_be_tried(examples, tmp_path):
    names = [f"{file.parent.name}/{file.name}" for file in examples.rglob("*.jpg")]
    file = tmp_path / "groups.csv"
    file.write_text("path,group\n" + "".join(f"{name},{name.split('/')[0]}\n" for name in names))
    model = tamis.train(tamis.grouped(examples, file), by="moments")
    assert model.metrics.get("cross_validation") is None
