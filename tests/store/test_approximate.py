"""The approximate index of a collection: right at once, and after every change."""

import os
import shutil

import numpy as np
import pytest

import tamis.store.approximate as approximate
from pictures import write_kinds
from tamis.descriptors import descriptor
from tamis.distances import DISTANCES
from tamis.errors import CollectionError, InvalidParameterError, UnknownNameError
from tamis.index import Index
from tamis.store import METRICS, Approximate, Collection, build, update
from tamis.table import ImageTable

pytest.importorskip("lance", reason="needs the extra tamis[store]")

EDGE, LBP, COLOR = (descriptor(s) for s in ("edge", "lbp(scales=1)", "color(bins=4)"))


@pytest.fixture
def photos(tmp_path):
    write_kinds(tmp_path / "photos", 20)
    (tmp_path / "photos/sky/broken.jpg").write_bytes(b"")
    return tmp_path / "photos"


@pytest.fixture
def path(tmp_path, photos):
    path = str(tmp_path / "photos.tamis")
    update(path, ImageTable.from_folder(photos), [EDGE, COLOR])
    return path


def check(path, *, n, distance="l2", one=EDGE):
    """With as many candidates as pictures, the answers are those of an exact search."""
    collection = Collection.open(path)
    exact = collection.features(one.spec)
    assert len(exact) == n
    index = Approximate.open(collection, one)
    everything = index.candidates(exact.features[:2], n + 10)
    assert everything.paths == exact.paths
    assert everything.labels == exact.labels
    assert (everything.features == exact.features).all()
    for row in range(0, n, 7):
        query = exact.select([row])
        candidates, found = index.search(query, 5, distance=distance, without=query.paths)
        expected = Index(exact, distance).search_together(query, 5, without=[row])
        assert [candidates.paths[i] for i in found.indices[0]] == [
            exact.paths[i] for i in expected.indices[0]
        ]
        assert (found.distances == expected.distances).all()
    assert index.recall(5, distance=distance, sample=10) == 1.0
    return index


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("distance", DISTANCES)
def test_ranked_exactly_by_any_distance(path, metric, distance):
    build(path, EDGE, metric=metric)
    assert check(path, n=60, distance=distance).metric == metric


def test_made_anew_by_another_metric(path):
    for metric in ("l2", "cosine", "cosine"):
        build(path, EDGE, metric=metric)
        assert check(path, n=60).metric == metric
        assert len(Collection.open(path).dataset.describe_indices()) == 1


@pytest.mark.parametrize("indexed_at_once", [False, True])
def test_it_follows_every_change(path, photos, monkeypatch, indexed_at_once):
    if indexed_at_once:
        monkeypatch.setattr(approximate, "_UNINDEXED", -1)
    build(path, EDGE)
    check(path, n=60)
    write_kinds(photos, 10, first=100)
    update(path, ImageTable.from_folder(photos))
    check(path, n=90)
    bars = sorted(os.scandir(photos / "bars"), key=lambda entry: entry.name)
    for entry in bars[:5]:
        os.unlink(entry.path)
    os.rename(bars[6].path, photos / "tiles" / "renamed.jpg")
    shutil.copy(bars[7].path, bars[8].path)  # changed: other bytes under a known name
    shutil.copy(bars[7].path, photos / "sky/broken.jpg")
    update(path, ImageTable.from_folder(photos), [LBP])
    check(path, n=86)
    Collection.open(path).dataset.optimize.compact_files()
    index = check(path, n=86)
    renamed = index.stored([str(photos / "tiles/renamed.jpg")])
    assert renamed.labels == ("tiles",)
    build(path, LBP)
    check(path, n=86, one=LBP)
    check(path, n=86)


@pytest.mark.parametrize("few", [False, True])
def test_rows_written_later_are_added_once_they_are_many(path, photos, monkeypatch, few):
    monkeypatch.setattr(approximate, "_UNINDEXED", 100 if few else 2)
    build(path, EDGE)
    write_kinds(photos, 10, first=100)
    update(path, ImageTable.from_folder(photos))
    (found,) = Collection.open(path).dataset.describe_indices()
    assert found.num_rows_indexed == (61 if few else 91)  # the broken one counts


def test_several_queries_and_labels(path):
    build(path, EDGE)
    collection = Collection.open(path)
    exact, index = collection.features(EDGE.spec), Approximate.open(collection, EDGE)
    queries = exact.select([0, 59])
    keep = [i for i, label in enumerate(exact.labels) if label in ("sky", "tiles")]
    for combine in ("average", "best"):
        candidates, found = index.search(queries, 8, combine=combine, labels={"sky", "tiles"})
        expected = Index(exact.select(keep), "l2").search_together(queries, 8, combine=combine)
        assert (found.distances == expected.distances).all()
        assert {candidates.labels[i] for i in found.indices[0]} <= {"sky", "tiles"}
    assert not len(index.candidates(queries.features, 5, labels=set("x")))


def test_recall_sees_what_is_missed(path, monkeypatch):
    build(path, EDGE)
    index = Approximate.open(Collection.open(path), EDGE)
    whole = index.candidates

    def half(queries, n, **choice):
        found = whole(queries, n, **choice)
        return found.select(np.arange(0, len(found), 2))

    monkeypatch.setattr(index, "candidates", half)
    assert 0.3 < index.recall(10) < 0.7


def test_a_collection_without_vectors(tmp_path):
    folder, path = tmp_path / "none", str(tmp_path / "none.tamis")
    write_kinds(folder, 1)
    update(path, ImageTable.from_folder(folder), [EDGE])
    build(path, EDGE)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "broken.jpg").write_bytes(b"")
    update(path, ImageTable.from_folder(folder))
    index = Approximate.open(Collection.open(path), EDGE)
    assert not len(index.candidates(np.zeros((1, EDGE.dim), np.float32), 5))
    assert index.recall(5) == 1.0
    with pytest.raises(CollectionError, match="no picture that could be read"):
        build(path, EDGE)


def test_what_cannot_be_is_refused(path):
    with pytest.raises(InvalidParameterError, match="stored sparsely"):
        build(path, COLOR)
    with pytest.raises(InvalidParameterError, match="several parts"):
        Approximate.open(Collection.open(path), descriptor("edge+lbp"))
    with pytest.raises(CollectionError, match="holds no vectors by lbp"):
        build(path, LBP)
    with pytest.raises(CollectionError, match=r"no approximate index.*--approximate"):
        Approximate.open(Collection.open(path), EDGE)
    with pytest.raises(UnknownNameError, match="cosine, l2"):
        build(path, EDGE, metric="l3")
    build(path, EDGE)
    index = Approximate.open(Collection.open(path), EDGE)
    with pytest.raises(InvalidParameterError, match="at least 1"):
        index.search(index.stored([index.collection.table().paths[0]]), 0)
