"""What an open collection holds: rows read once, groups, formats, and how it shows itself."""

import os
from dataclasses import replace

import numpy as np
import pytest

from pictures import write_kinds
from tamis.descriptors import descriptor
from tamis.errors import CollectionError
from tamis.features import extract
from tamis.store import Approximate, Collection, build, update
from tamis.store.rows import Rows
from tamis.table import ImageTable

lance = pytest.importorskip("lance", reason="needs the extra tamis[store]")
pa = pytest.importorskip("pyarrow")

COLOR, EDGE = (descriptor(spec) for spec in ("color(bins=4)", "edge"))


@pytest.fixture
def photos(tmp_path):
    write_kinds(tmp_path / "photos", 8)
    return tmp_path / "photos"


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "photos.tamis")


def table_of(photos):
    return ImageTable.from_folder(photos)


def check(path, photos, *descriptors):
    """A collection holds what a fresh extraction of its folder gives."""
    collection, table = Collection.open(path), table_of(photos)
    assert collection.table().paths == table.paths
    assert collection.table().labels == table.labels
    for one in descriptors:
        assert (collection.features(one.spec).features == extract(table, one).features).all()
    return collection


def test_rows_are_read_once_and_a_write_gives_another_version(photos, path, monkeypatch):
    update(path, table_of(photos), [COLOR, EDGE])
    reads = []
    read = Rows.read
    monkeypatch.setattr(Rows, "read", lambda *args: reads.append(args) or read(*args))
    collection = Collection.open(path)
    assert not reads
    for _ in range(2):
        collection.features(COLOR.spec)
        collection.failures()
        assert collection.table() is collection.table()
    assert len(reads) == 1
    with pytest.raises(ValueError, match="read-only"):
        collection.rows.ids[0] = 7
    reads.clear()
    changes = update(path, table_of(photos))
    assert len(changes.collection) == 24
    assert len(reads) == 1
    next(photos.rglob("*.jpg")).unlink()
    changes = update(path, table_of(photos))
    assert len(changes.collection) == 23
    assert len(collection) == len(collection.features(EDGE.spec)) == 24


def test_groups_survive(photos, path):
    table = table_of(photos)
    groups = tuple(f"burst {i // 5}" if i % 7 else None for i in range(len(table)))
    update(path, replace(table, groups=groups), [EDGE])
    assert Collection.open(path).table().groups == groups
    groups = ("caf\udce9", *groups[1:])
    changes = update(path, replace(table, groups=groups))
    assert not changes.computed
    stored = check(path, photos, EDGE).table()
    assert (stored.groups, stored.labels) == (groups, table.labels)


@pytest.mark.parametrize("old", [1, 2])
def test_a_collection_of_an_earlier_format_opens_and_is_upgraded(photos, path, old):
    update(path, table_of(photos), [EDGE, COLOR])
    dataset = lance.dataset(os.path.join(path, "images.lance"))
    key = "tamis:companion" if old == 1 else "tamis:embedding"
    field = pa.field("embedding_0", pa.list_(pa.float32(), 4), metadata={key: "{}"})
    values = np.random.default_rng(0).random((dataset.count_rows(), 4), np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 4)
    made = pa.table([column], schema=pa.schema([field]))
    dataset.add_columns(made.to_reader())
    dataset.create_index(
        "embedding_0", "IVF_HNSW_SQ", name="approximate_l2_embedding_0", num_partitions=1
    )
    if old == 1:
        dataset.drop_columns(["group"])
    dataset.update_schema_metadata({"tamis:format": str(old)})
    collection = check(path, photos, EDGE, COLOR)
    assert (collection.format, set(collection.table().groups)) == (old, {None})
    with pytest.raises(CollectionError, match=r"no approximate index.*--approximate"):
        Approximate.open(collection, COLOR)
    write_kinds(photos, 1, first=100)
    update(path, table_of(photos))
    collection = check(path, photos, EDGE, COLOR)
    assert collection.format == 3
    assert not any("embedding" in name for name in collection.dataset.schema.names)
    assert not collection.dataset.describe_indices()
    build(path, COLOR)
    assert Approximate.open(Collection.open(path), COLOR).recall(5) == 1.0


def test_what_a_collection_says_of_itself(photos, path):
    (photos / "sky" / "odd\udce9.jpg").write_bytes(b"")
    collection = update(path, table_of(photos), [COLOR, EDGE]).collection
    assert repr(collection) == f"Collection({path}: 25 images by color, edge)"
    assert "25 images" in collection._repr_html_()
    table = collection.to_arrow()
    assert table["path"].to_pylist()[0] == collection.table().paths[0]
    assert table["failure"].drop_null().to_pylist() == ["is empty (0 bytes)"]
    assert any("odd" in name for name in table["path"].to_pylist())
