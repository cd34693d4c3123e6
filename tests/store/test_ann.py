"""The approximate index of a collection: right at once, and after every change."""

import os
import shutil
import sys

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from pictures import write_kinds
from tamis.descriptors import descriptor
from tamis.distances import DISTANCES
from tamis.errors import CollectionError, InvalidParameterError, UnknownNameError
from tamis.features import combine
from tamis.features.index import Index
from tamis.store import METRICS, Approximate, Collection, build, update
from tamis.store.ann.embedding import IndexedEmbedding
from tamis.table import ImageTable

pytest.importorskip("lance", reason="needs the extra tamis[store]")

EDGE, LBP, COLOR, FUSION = (
    descriptor(s) for s in ("edge", "lbp(scales=1)", "color(bins=4)", "edge+color(bins=4)")
)


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


def check_all(path, *, n, distance="l2", one=EDGE):
    """With as many candidates as pictures, the answers are those of an exact search."""
    collection = Collection.open(path)
    leaves = [collection.features(leaf.spec) for leaf in one.leaves]
    exact = combine(one.fit([leaf.features for leaf in leaves], distance=distance), leaves)
    assert len(exact) == n
    index = Approximate.open(collection, one, distance=distance)
    assert index.spec == exact.spec
    everything = index.candidates(exact.features[:2], n + 10)
    assert everything.paths == exact.paths
    assert everything.labels == exact.labels
    assert (everything.features == exact.features).all()
    for row in range(0, n, 7):
        query = exact.select([row])
        found = index.search(query, 5, distance=distance, exclude=query.paths)
        expected = Index(exact, distance).search(query, 5, combine="average", exclude=query.paths)
        assert [hit.path for hit in found] == [hit.path for hit in expected]
        assert (found.distances == expected.distances).all()
    assert index.recall(5, distance=distance, sample=10) == 1.0
    return index


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("distance", DISTANCES)
def test_ranked_exactly_by_any_distance(path, metric, distance):
    build(path, EDGE, metric=metric)
    assert check_all(path, n=60, distance=distance).metric == metric


@pytest.mark.parametrize("metric", METRICS)
def test_of_vectors_that_are_stored_sparsely(path, metric):
    build(path, COLOR, metric=metric)
    assert check_all(path, n=60, distance="l1", one=COLOR).metric == metric


@pytest.mark.parametrize("one", [EDGE, COLOR])
def test_made_anew_by_another_metric(path, one):
    specs = Collection.open(path).specs
    for metric in ("l2", "hellinger", "hellinger", "dot", "cosine"):
        build(path, one, metric=metric)
        assert check_all(path, n=60, one=one).metric == metric
        collection = Collection.open(path)
        assert len(collection.dataset.describe_indices()) == 1
        assert collection.specs == specs
        embedding = IndexedEmbedding.for_metric(one, metric)
        found = [IndexedEmbedding.of_column(field) for field in collection.dataset.schema]
        assert [each for each in found if each] == [embedding] * (embedding is not None)


@pytest.mark.parametrize(("one", "metric"), [(EDGE, "l2"), (COLOR, "hellinger")])
def test_the_metric_is_chosen_by_how_vectors_are_stored(path, one, metric):
    build(path, one)
    assert Approximate.open(Collection.open(path), one).metric == metric


def test_a_run_that_was_stopped_leaves_a_embedding_that_is_replaced(path, monkeypatch):
    build(path, COLOR)
    dataset = Collection.open(path).dataset
    (index,) = dataset.describe_indices()
    dataset.drop_index(index.name)  # as if stopped before the index was made
    with pytest.raises(CollectionError, match="no approximate index"):
        Approximate.open(Collection.open(path), COLOR)
    build(path, COLOR, metric="l2")
    check_all(path, n=60, one=COLOR)
    names = [field.name for field in Collection.open(path).dataset.schema]
    assert sum(name.startswith("embedding") for name in names) == 1


@pytest.mark.parametrize("indexed_at_once", [False, True])
@pytest.mark.parametrize("metric", ["l2", "hellinger"])
@pytest.mark.parametrize("one", [EDGE, COLOR, FUSION])
def test_it_follows_every_change(path, photos, monkeypatch, indexed_at_once, metric, one):
    if indexed_at_once:
        monkeypatch.setattr(sys.modules["tamis.store.ann.build"], "_UNINDEXED", -1)
    for leaf in one.leaves:
        build(path, leaf, metric=metric)

    def check(path, *, n, one=one):
        check_all(path, n=n, one=one)
        complete(path)
        return Approximate.open(Collection.open(path), one)

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


def complete(path):
    """Embeddings hold what they are made of, in every row."""
    dataset = Collection.open(path).dataset
    for field in dataset.schema:
        if embedding := IndexedEmbedding.of_column(field):
            features = Collection.open(path).features(embedding.of)
            found = dataset.to_table(columns=["path", field.name], filter="failure IS NULL")
            rows = {os.fsdecode(name): at for at, name in enumerate(found["path"].to_pylist())}
            names = [os.path.relpath(one, Collection.open(path).root) for one in features.paths]
            stored = np.array(found[field.name].to_pylist(), np.float32)
            np.testing.assert_array_equal(
                stored[[rows[name] for name in names]], embedding.embed(features.features)
            )


@pytest.mark.parametrize("few", [False, True])
def test_rows_written_later_are_added_once_they_are_many(path, photos, monkeypatch, few):
    monkeypatch.setattr(sys.modules["tamis.store.ann.build"], "_UNINDEXED", 100 if few else 2)
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
    for how in ("average", "best"):
        found = index.search(queries, 8, combine=how, classes={"sky", "tiles"})
        expected = Index(exact.select(keep), "l2").search(queries, 8, combine=how)
        assert (found.distances == expected.distances).all()
        assert {hit.label for hit in found} <= {"sky", "tiles"}
    assert not len(index.candidates(queries.features, 5, labels=set("x")))


@pytest.mark.parametrize(
    ("one", "distance", "n"),
    [(EDGE, "l2", 100), (EDGE, "l1", 400), (EDGE, "canberra", 1000), (COLOR, "hellinger", 1000)],
)
def test_more_candidates_where_they_are_ranked_otherwise(path, monkeypatch, one, distance, n):
    build(path, one)
    index = Approximate.open(Collection.open(path), one)
    query = index.stored([index.collection.table().paths[0]])
    asked, whole = [], index.candidates

    def candidates(queries, n, **choice):
        asked.append(n)
        return whole(queries, n, **choice)

    monkeypatch.setattr(index, "candidates", candidates)
    index.search(query, 20, distance=distance)
    index.search(query, 1, distance="l2")
    assert asked == [n, 50]


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


def test_roots_of_negative_values_are_refused(tmp_path, photos):
    path, vlad = str(tmp_path / "vlad.tamis"), descriptor("vlad")
    update(path, ImageTable.from_folder(photos), [vlad])
    with pytest.raises(InvalidParameterError, match=r"not negative\. Got -0\.\d+.*vlad.*l2 or cos"):
        build(path, vlad, metric="hellinger")
    assert not Collection.open(path).dataset.describe_indices()


@pytest.mark.parametrize("roots", [False, True])
def test_projected_vectors_are_about_as_far_apart(roots):
    features = np.random.default_rng(0).random((40, 2000), np.float32) ** 4
    embedding = IndexedEmbedding("x", roots, 2000, 256)
    short = embedding.embed(features)
    alone = np.concatenate([embedding.embed(one[np.newaxis]) for one in features])
    np.testing.assert_array_equal(short, alone)
    whole = np.sqrt(features) if roots else features
    ratios = pdist(short) / pdist(whole)
    assert abs(ratios.mean() - 1) < 0.04
    assert ratios.std() < 0.08  # about 1 / sqrt(2 * 256)


def test_what_cannot_be_is_refused(path):
    with pytest.raises(InvalidParameterError, match="several parts"):
        build(path, FUSION)
    with pytest.raises(InvalidParameterError, match="made of others"):
        Approximate.open(Collection.open(path), descriptor("edge>pca8"))
    with pytest.raises(CollectionError, match="holds no vectors by lbp"):
        build(path, LBP)
    with pytest.raises(CollectionError, match=r"no approximate index.*--approximate"):
        Approximate.open(Collection.open(path), EDGE)
    with pytest.raises(UnknownNameError, match="cosine, dot, hellinger, l2"):
        build(path, EDGE, metric="l3")
    build(path, EDGE)
    with pytest.raises(CollectionError, match="holds no vectors by lbp"):
        Approximate.open(Collection.open(path), descriptor("edge+lbp(scales=1)"))
    with pytest.raises(CollectionError, match=r"no approximate index by color"):
        Approximate.open(Collection.open(path), FUSION)
    index = Approximate.open(Collection.open(path), EDGE)
    with pytest.raises(InvalidParameterError, match="at least 1"):
        index.search(index.stored([index.collection.table().paths[0]]), 0)
