"""The approximate index of a collection: right at once, and after every change."""

import json
import os
import shutil
import sys
from dataclasses import asdict

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
from tamis.store.ann.cells import InvertedFile, Quantiser
from tamis.store.ann.embedding import Embedding
from tamis.store.ann.folder import FOLDER, Manifest, folders
from tamis.store.ann.vectors import DenseVectors, SparseVectors
from tamis.table import ImageTable

pytest.importorskip("lance", reason="needs the extra tamis[store]")
pytest.importorskip("faiss", reason="needs the extra tamis[approximate]")

BUILD = "tamis.store.ann.build"

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


@pytest.fixture(params=[True, False], ids=["cells", "no cells"])
def cells(request, monkeypatch):
    """So few pictures get cells too, or none."""
    if request.param:
        monkeypatch.setattr(sys.modules[BUILD], "_FEW", 10)
    return request.param


def check_all(path, *, n, distance="l2", one=EDGE):
    """All that is found is right, and all is found where all pictures are candidates."""
    collection = Collection.open(path)
    leaves = [collection.features(leaf.spec) for leaf in one.leaves]
    exact = combine(one.fit([leaf.features for leaf in leaves], distance=distance), leaves)
    assert len(exact) == n
    index = Approximate.open(collection, one, distance=distance)
    assert index.spec == exact.spec
    everything = index._table(index.candidates(exact.features[:2], n + 10))
    assert everything.paths == exact.paths
    assert everything.labels == exact.labels
    assert (everything.features == exact.features).all()
    some = index.candidates(exact.features[:2], n - 1)
    assert (np.diff(some) > 0).all()
    present = {folder.manifest.spec: folder.manifest for folder in folders(path)}
    cells = any(present[leaf.spec].n_cells for leaf in one.leaves)
    missed, asked = 0, range(0, n, 7)
    for row in asked:
        query = exact.select([row])
        found = index.search(query, 5, distance=distance, exclude=query.paths)
        among = Index(exact, distance).search(query, n - 1, combine="average", exclude=query.paths)
        right = {hit.path: hit.distance for hit in among}
        assert len(found.indices[0]) == 5
        assert all(right[hit.path] == hit.distance for hit in found)
        missed += len(set(list(right)[:5]) - {hit.path for hit in found})
        if not cells:
            assert [hit.path for hit in found] == list(right)[:5]
    assert missed <= len(asked)  # of five each: so few pictures have cells of a few
    recall = index.recall(5, distance=distance, sample=10)
    assert recall == 1.0 or (cells and recall > 0.7)
    return index


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("distance", DISTANCES)
def test_ranked_exactly_by_any_distance(path, metric, distance):
    build(path, EDGE, metric=metric)
    assert check_all(path, n=60, distance=distance).metric == metric


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize("metric", METRICS)
def test_of_vectors_that_are_stored_sparsely(path, metric):
    build(path, COLOR, metric=metric)
    assert check_all(path, n=60, distance="l1", one=COLOR).metric == metric


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize("one", [EDGE, COLOR])
def test_made_anew_by_another_metric(path, one):
    version = Collection.open(path).dataset.version
    for metric in ("l2", "hellinger", "hellinger", "dot", "cosine"):
        build(path, one, metric=metric)
        assert check_all(path, n=60, one=one).metric == metric
        (folder,) = folders(path)
        assert folder.manifest.embedding == Embedding.of(one, metric)
        assert os.listdir(os.path.join(path, FOLDER)) == [folder.path.name]
    assert Collection.open(path).dataset.version == version


@pytest.mark.parametrize(("one", "metric"), [(EDGE, "l2"), (COLOR, "hellinger")])
def test_the_metric_is_chosen_by_how_vectors_are_stored(path, one, metric):
    build(path, one)
    assert Approximate.open(Collection.open(path), one).metric == metric


def test_a_run_that_was_stopped_leaves_the_index_that_was(path, monkeypatch):
    build(path, EDGE)
    (before,) = folders(path)

    def stopped(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[BUILD], "_fill", stopped)
        with pytest.raises(KeyboardInterrupt):
            build(path, EDGE)
    assert folders(path) == [before]
    os.makedirs(os.path.join(path, FOLDER, "killed"))  # by signal 9, before the manifest
    check_all(path, n=60)
    build(path, EDGE)
    (after,) = folders(path)
    assert os.listdir(os.path.join(path, FOLDER)) == [after.path.name] != [before.path.name]


def test_an_index_is_mapped_once(path):
    build(path, EDGE)
    collection = Collection.open(path)
    first = Approximate.open(collection, EDGE)._indexes[0]
    assert Approximate.open(collection, EDGE)._indexes[0] is first
    build(path, EDGE, metric="cosine")
    assert Approximate.open(collection, EDGE)._indexes[0] is not first


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize("indexed_at_once", [False, True])
@pytest.mark.parametrize("metric", ["l2", "hellinger"])
@pytest.mark.parametrize("one", [EDGE, COLOR, FUSION])
def test_it_follows_every_change(path, photos, monkeypatch, indexed_at_once, metric, one):
    if indexed_at_once:
        monkeypatch.setattr(sys.modules[BUILD], "_NEWER", -1)
    for leaf in one.leaves:
        build(path, leaf, metric=metric)

    def check(n, n_newer, *, one=one):
        index = check_all(path, n=n, one=one)
        assert index.n_newer == (0 if indexed_at_once else n_newer)
        return index

    check(60, 0)
    write_kinds(photos, 10, first=100)
    update(path, ImageTable.from_folder(photos))
    check(90, 30)
    bars = sorted(os.scandir(photos / "bars"), key=lambda entry: entry.name)
    for entry in bars[:5]:
        os.unlink(entry.path)
    os.rename(bars[6].path, photos / "tiles" / "renamed.jpg")
    shutil.copy(bars[7].path, bars[8].path)  # changed: other bytes under a known name
    shutil.copy(bars[7].path, photos / "sky/broken.jpg")
    update(path, ImageTable.from_folder(photos), [LBP])
    check(86, 32)
    Collection.open(path).dataset.optimize.compact_files()
    index = check(86, 32)
    renamed = index.stored([str(photos / "tiles/renamed.jpg")])
    assert renamed.labels == ("tiles",)
    build(path, LBP)
    check(86, 0, one=LBP)
    check(86, 32)


@pytest.mark.usefixtures("cells")
def test_an_index_that_lost_half_of_its_pictures_is_made_anew(path, photos):
    build(path, EDGE)
    (before,) = folders(path)
    for kind in ("bars", "sky"):
        shutil.rmtree(photos / kind)
        update(path, ImageTable.from_folder(photos), prune=True)
    (after,) = folders(path)
    assert (after.manifest.n, after.path != before.path) == (20, True)
    check_all(path, n=20)


def test_cells_are_learned_anew_from_many_more(path, photos, monkeypatch):
    monkeypatch.setattr(sys.modules[BUILD], "_FEW", 10)
    monkeypatch.setattr(sys.modules[BUILD], "_NEWER", 10)
    monkeypatch.setattr(sys.modules[BUILD], "_GROWN", 2)
    build(path, EDGE)
    seen = []
    for first in (100, 200):
        write_kinds(photos, 15, first=first)
        update(path, ImageTable.from_folder(photos))
        (folder,) = folders(path)
        seen.append((folder.manifest.n, folder.manifest.n_learned, folder.manifest.n_cells))
        check_all(path, n=folder.manifest.n)
    assert seen == [(105, 60, 8), (150, 150, 12)]


@pytest.mark.parametrize("few", [False, True])
def test_rows_written_later_are_added_once_they_are_many(path, photos, monkeypatch, few):
    monkeypatch.setattr(sys.modules[BUILD], "_NEWER", 100 if few else 2)
    build(path, EDGE)
    write_kinds(photos, 10, first=100)
    update(path, ImageTable.from_folder(photos))
    (folder,) = folders(path)
    assert folder.manifest.n == (60 if few else 90)
    assert Approximate.open(Collection.open(path), EDGE).n_newer == (30 if few else 0)


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
        return found[::2]

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
    assert not folders(path)


@pytest.mark.parametrize("metric", METRICS)
def test_projected_vectors_are_about_as_far_apart(metric):
    features = np.random.default_rng(0).random((40, 2000), np.float32) ** 4
    embedding = Embedding(metric, 2000, 256)
    short = embedding.embed(features)
    alone = np.concatenate([embedding.embed(one[np.newaxis]) for one in features])
    np.testing.assert_array_equal(short, alone)
    whole = np.sqrt(features) if metric == "hellinger" else features
    if metric == "cosine":
        whole = whole / np.linalg.norm(whole, axis=1, keepdims=True)
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


def grown(n, dim=30, seed=0):
    """Draw vectors in 20 clusters, each with one of 1,000 pictures that are no copies."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((20, dim))
    values = centres[random.integers(20, size=n)] + 0.4 * random.standard_normal((n, dim))
    return values.astype(np.float32)


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("dim", [3, 16, 30])
def test_cells_find_nearly_all_with_a_few_bits(inner, dim):
    vectors = grown(4000, dim)
    quantiser = Quantiser.learn(vectors[:2000], 40, inner=inner, jobs=2)
    cells, codes = quantiser.encoder(2).encode(vectors)
    assert codes.shape == (4000, quantiser.code_length)
    file = InvertedFile(quantiser, cells, codes)
    score = -vectors[:20] @ vectors.T
    if not inner:
        score += (vectors**2).sum(axis=1) / 2
    right = np.argsort(score, axis=1)[:, :10]
    hits = [
        np.isin(true, file.candidates(vector, 200 if dim > 3 else 2000, 40)).mean()
        for vector, true in zip(vectors, right, strict=False)
    ]
    assert np.mean(hits) > 0.9
    assert len(set(file.candidates(vectors[0], 300, 40).tolist())) == 300


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("manifest.json", b"{}", "manifest"),
        ("manifest.json", b"[" * 100_000, "recursion"),
        ("ids.i64", b"\0" * 8, "1 of 60 rows"),
        ("ids.i64", b"\0" * 480, "an id twice"),
        ("vectors.f32", b"", "0 of 60 rows"),
        ("vectors.f32", b"\xff" * 60 * 80 * 4, "not finite"),
        ("centres.f32", b"", "0 of 8 rows"),
        ("words.f32", b"\xff" * 80 * 64, "not finite"),
        ("cells.i32", b"\x01" * 240, "a cell that there is not"),
        ("codes.u8", b"\x01", "0 of 60 rows"),
    ],
)
def test_a_damaged_index_is_told(path, photos, monkeypatch, file, content, message):
    monkeypatch.setattr(sys.modules[BUILD], "_FEW", 10)
    build(path, EDGE)
    (folder,) = folders(path)
    (folder.path / file).write_bytes(content)
    collection = Collection.open(path)
    query = collection.features(EDGE.spec).select([0])
    with pytest.raises(CollectionError, match=rf"approximate index.*{message}.*--approximate"):
        Approximate.open(collection, EDGE).search(query, 1)
    write_kinds(photos, 1, first=100)
    update(path, ImageTable.from_folder(photos))
    assert len(Collection.open(path)) == 64


@pytest.mark.parametrize("name", ["n", "dim", "probes", "metric", "format", "sparse", "n_cells"])
@pytest.mark.parametrize("value", [-1, 10**30, True, "x", None, []])
def test_a_manifest_that_cannot_be(name, value):
    good = asdict(Manifest("edge", "l2", 80, 80, False, 60, 60, 8, 2))
    assert Manifest.parse(json.dumps(good).encode()) == Manifest(**good)
    if value is True and name == "sparse":
        return
    with pytest.raises(ValueError, match=r"manifest|format"):
        Manifest.parse(json.dumps(good | {name: value}).encode())


@pytest.mark.parametrize("kind", [DenseVectors, SparseVectors])
def test_vectors_in_files_that_grow(tmp_path, kind):
    random = np.random.default_rng(0)
    vectors = random.random((50, 7), np.float32) * (random.random((50, 7)) < 0.4)
    file = kind(tmp_path, 7)
    file.append(0, vectors[:20])
    first = file.open(20)
    file.append(20, np.ones((9, 7), np.float32))  # of a run that was killed
    file.append(20, vectors[20:])
    file.sync()
    some = np.array([3, 0, 49, 3])
    np.testing.assert_array_equal(file.open(50).take(some), vectors[some])
    np.testing.assert_array_equal(first.take(np.arange(20)), vectors[:20])
    assert file.open(50).take(np.empty(0, int)).shape == (0, 7)
    with pytest.raises(ValueError, match="50 of 51 rows"):
        file.open(51)
    assert file.open(0).take(np.empty(0, int)).shape == (0, 7)
