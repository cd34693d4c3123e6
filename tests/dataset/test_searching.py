"""`search` finds in a folder what it finds in a collection, by paths as by pixels."""

import numpy as np
import pytest

from pictures import write_kinds
from tamis.dataset import Dataset
from tamis.dataset.searching import search
from tamis.descriptors import descriptor
from tamis.errors import CollectionError, ImageReadError, UnknownNameError
from tamis.images import read_image
from tamis.store import Approximate, build, update
from tamis.table import ImageTable


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search") / "photos"
    write_kinds(folder, 4)
    return folder


@pytest.fixture(scope="module")
def table(photos):
    return ImageTable.from_folder(photos)


def hits(found):
    return [(hit.path, hit.label, hit.distance) for hit in found]


def test_an_image_is_not_among_its_own_results(photos, table):
    found = search(photos, table.paths[0], 5, by="moments")
    assert found.n_gallery == len(table)
    assert len(list(found)) == 5
    assert table.paths[0] not in [hit.path for hit in found]
    distances = [hit.distance for hit in found]
    assert distances == sorted(distances)
    assert found.signature["search"] == "exact"
    assert repr(found) == "Matches(5 nearest of 1 query)"


def test_pixels_are_a_query_that_is_not_in_the_source(photos, table):
    found = search(photos, read_image(table.paths[0]), 3, by="moments")
    assert next(iter(found)).path == table.paths[0]
    assert next(iter(found)).distance == 0
    both = search(photos, [table.paths[0], read_image(table.paths[5])], 3, by="moments")
    paths = search(photos, [table.paths[0], table.paths[5]], 3, by="moments", combine="average")
    assert [hit.path for hit in both if hit.path != table.paths[5]][:2] == [
        hit.path for hit in paths
    ][:2]


def test_a_folder_and_its_collection_answer_alike(photos, table, tmp_path):
    pytest.importorskip("lance", reason="needs the extra store")
    update(tmp_path / "p.tamis", table, [descriptor("moments")])
    for choice in ({}, {"classes": ["sky", "bars"]}, {"combine": "best"}, {"distance": "canberra"}):
        queries = [table.paths[0], table.paths[7]]
        folder = search(photos, queries, 6, by="moments", **choice)
        stored = search(tmp_path / "p.tamis", queries, 6, **choice)  # what it holds
        assert hits(folder) == hits(stored)
    with pytest.raises(CollectionError, match="no approximate index"):
        search(tmp_path / "p.tamis", queries, approximate=True)
    with pytest.raises(CollectionError, match="not a collection"):
        search(photos, queries, approximate=True)


@pytest.mark.parametrize("approximate", [False, True])
def test_what_is_opened_once_is_read_once(photos, table, tmp_path, monkeypatch, approximate):
    pytest.importorskip("faiss", reason="needs the extra tamis[approximate]")
    path, by = tmp_path / "p.tamis", descriptor("edge+color(bins=4)")
    update(path, table, [by])
    for leaf in by.leaves:
        build(path, leaf)
    opened, reads = Dataset.open(path), []
    one = Approximate if approximate else Dataset
    name = "open" if approximate else "features_by"
    whole = getattr(one, name)
    monkeypatch.setattr(one, name, lambda *a, **k: reads.append(1) or whole(*a, **k))
    first = [search(opened, p, 3, by=by, approximate=approximate) for p in table.paths[:3]]
    assert len(reads) == 1
    for path_of_query, found in zip(table.paths, first, strict=False):
        again = search(path, path_of_query, 3, by=by)
        assert list(again) == list(found)
    search(opened, table.paths[0], 3, by=by, distance="l2", approximate=approximate)
    search(opened, table.paths[0], 3, by="edge", classes=["bars"], approximate=approximate)
    alone = search(opened, table.paths[0], 3, by="edge", parts=None, approximate=approximate)
    assert len(alone) == 1


def test_classes_choose_among_the_results(photos, table):
    found = search(photos, table.paths[0], 50, by="moments", classes=["sky"])
    assert {hit.label for hit in found} == {"sky"}
    assert found.n_gallery == len(table)


def test_a_dataset_is_searched_as_it_is(photos, table):
    opened = Dataset.open(photos).select(classes=["sky"])
    found = search(opened, table.paths[0], 50, by="moments")
    assert {hit.label for hit in found} == {"sky"}


def test_what_cannot_be_a_query(photos, tmp_path):
    (tmp_path / "odd.jpg").write_bytes(b"odd")
    with pytest.raises(ImageReadError, match=r"odd\.jpg"):
        search(photos, tmp_path / "odd.jpg", by="moments")
    with pytest.raises(UnknownNameError):
        search(photos, np.zeros((9, 9, 3), np.uint8), combine="worst")
