"""The split of a picture: from a list or a split folder into a collection, and searched by."""

import csv
import json
import os

import pytest

from command import tamis
from pictures import write_kinds
from tamis.descriptors import descriptor
from tamis.store import Approximate, Collection, build, update
from tamis.table import ImageTable

pytest.importorskip("lance", reason="needs the extra tamis[store]")

EDGE = descriptor("edge")
PARTS = ("train", "val", "it's")


@pytest.fixture
def listed(tmp_path):
    """A CSV file whose pictures go to three parts in turn, the last of them to none."""
    made = write_kinds(tmp_path / "photos", 8)
    rows = [
        {"path": path, "label": label, "group": "", "split": PARTS[i % 3]}
        for i, (path, label) in enumerate(made.items())
    ]
    rows[-1]["split"] = ""
    file = tmp_path / "list.csv"

    def write():
        with open(file, "w", newline="") as lines:
            writer = csv.DictWriter(lines, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return file

    return rows, write


def splits_of(path):
    table = Collection.open(path).table()
    return dict(zip(table.paths, table.splits, strict=True))


def test_a_collection_keeps_them_and_takes_new_ones_without_describing_again(tmp_path, listed):
    rows, write = listed
    path = str(tmp_path / "c.tamis")
    update(path, ImageTable.from_csv(write()), [EDGE])
    assert splits_of(path) == {row["path"]: row["split"] or None for row in rows}
    for row in rows:
        row["split"] = "test"
    changes = update(path, ImageTable.from_csv(write()))
    assert set(splits_of(path).values()) == {"test"}
    assert not any(changes.computed.values())
    assert changes.unchanged == len(rows)


def test_candidates_are_of_the_parts_asked_for(tmp_path, listed):
    rows, write = listed
    path = str(tmp_path / "c.tamis")
    update(path, ImageTable.from_csv(write()), [EDGE])
    build(path, EDGE)
    collection = Collection.open(path)
    index = Approximate.open(collection, EDGE)
    query = collection.features(EDGE.spec).select([0]).features
    for parts in ({"train"}, {"it's", "val"}):
        found = index._table(index.candidates(query, 50, splits=parts))
        assert set(found.paths) == {row["path"] for row in rows if row["split"] in parts}
        both = index._table(index.candidates(query, 50, splits=parts, labels={"sky"}))
        assert set(both.paths) == {
            row["path"] for row in rows if row["split"] in parts and row["label"] == "sky"
        }


@pytest.mark.parametrize("approximate", [False, True])
def test_search_finds_only_the_parts_asked_for(tmp_path, listed, approximate):
    rows, write = listed
    into = tmp_path / "c.tamis"
    more = ("--approximate",) if approximate else ()
    tamis("index", write(), "--into", into, "--by", "edge", *more)
    query = rows[0]["path"]
    words = ("search", into, query, "-k", "30", "--split", "val,it's", "--json", "-", *more)
    done = json.loads(tamis(*words).stdout)
    expected = {row["path"] for row in rows if row["split"] in ("val", "it's")}
    assert {one["path"] for one in done["results"]} == expected
    assert done["signature"]["splits"] == "val,it's"


def test_a_folder_that_was_split_is_indexed_with_its_parts(tmp_path):
    write_kinds(tmp_path / "photos", 6)
    tamis("split", tmp_path / "photos", tmp_path / "out", "--ratio", "0.5", "0", "0.5")
    tamis("index", tmp_path / "out", "--into", tmp_path / "c.tamis", "--by", "edge")
    for path, part in splits_of(tmp_path / "c.tamis").items():
        assert f"{os.sep}{part}{os.sep}" in path
    assert len(Collection.open(tmp_path / "c.tamis").table().classes) == 3
    done = tamis(
        "evaluate", tmp_path / "c.tamis", "--by", "edge", "--depth", "2", "--split", "test"
    )
    assert "9 pictures of 3 classes, each looked for among the 8 others" in done.stdout
