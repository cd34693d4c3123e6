"""A source is opened once, whatever names its images."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pictures import write_kinds
from tamis.dataset import Dataset, split
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError, TableError
from tamis.store import Collection, update
from tamis.table import ImageTable


@pytest.fixture
def photos(tmp_path):
    write_kinds(tmp_path / "photos", 3)
    return tmp_path / "photos"


def names(dataset):
    return dataset.table.names


def test_a_folder(photos):
    (photos / "notes.txt").write_text("x")
    opened = Dataset.open(photos)
    assert opened.classes == sorted(path.name for path in photos.iterdir() if path.is_dir())
    assert opened.remarks == (f"ignoring 1 file in {photos} that is not a picture (.txt)",)
    assert (
        repr(opened)
        == f"Dataset({len(opened)} images of {len(opened.classes)} classes, from {photos})"
    )
    assert Dataset.open(opened) is opened


def test_the_same_images_by_paths_a_pattern_a_list_and_a_table(photos):
    folder = Dataset.open(photos)
    pattern = Dataset.open(f"{photos}/**/*.[pj][np]g")
    assert (names(pattern), pattern.table.labels) == (names(folder), folder.table.labels)
    paths = Dataset.open(folder.table.paths)
    assert paths.table.paths == folder.table.paths
    assert paths.classes == []
    assert Dataset.open(folder.table).table == folder.table
    one = Dataset.open(folder.table.paths[0])
    assert (one.table.paths, one.classes) == (folder.table.paths[:1], [])


def test_a_parquet_file_is_read_as_a_csv_file(photos, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra store")
    import pyarrow as pa

    table = ImageTable.from_folder(photos)
    columns = {"path": table.names, "class": table.labels, "split": ["train"] * len(table)}
    parquet.write_table(pa.table(columns | {"size": [1] * len(table)}), photos / "list.parquet")
    lines = [f"{n},{c},train" for n, c in zip(table.names, table.labels, strict=True)]
    (photos / "list.csv").write_text("\n".join(["path,label,split", *lines]))
    opened = [Dataset.open(photos / f"list.{kind}", role="examples") for kind in ("csv", "parquet")]
    assert opened[0].table == opened[1].table
    assert opened[1].part("train").table.paths == table.paths
    (tmp_path / "odd.parquet").write_bytes(b"PAR1")
    with pytest.raises(TableError, match="as Parquet"):
        Dataset.open(tmp_path / "odd.parquet")
    parquet.write_table(pa.table({"file": ["x"]}), tmp_path / "odd.parquet")
    with pytest.raises(TableError, match="lacks the column path"):
        Dataset.open(tmp_path / "odd.parquet")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_imagefolder_layout_of_hugging_face(photos, kind):
    table = ImageTable.from_folder(photos)
    rows = [{"file_name": name, "label": f"is {i % 2}"} for i, name in enumerate(table.names[:4])]
    if kind == "csv":
        text = "\n".join(["file_name,label", *(",".join(row.values()) for row in rows)])
    else:
        text = "\n".join(map(json.dumps, rows))
    (photos / f"metadata.{kind}").write_text(text)
    opened = Dataset.open(photos)
    assert opened.table.labels == ("is 0", "is 1", "is 0", "is 1", *[None] * (len(table) - 4))
    assert len(opened.labelled()) == 4
    (photos / f"metadata.{kind}").write_text("caption\nx" if kind == "csv" else '{"caption": 1}')
    with pytest.raises(TableError, match="file_name"):
        Dataset.open(photos)


def test_a_pattern_that_matches_nothing(tmp_path):
    with pytest.raises(TableError, match="no image matches"):
        Dataset.open(f"{tmp_path}/*/*.jpg")


def test_a_path_named_twice(photos):
    path = ImageTable.from_folder(photos).paths[0]
    with pytest.raises(TableError, match="named twice"):
        Dataset.open([path, path])


def test_parts_classes_and_what_has_no_class(photos, tmp_path):
    parts = tmp_path / "parts"
    for part in ("train", "valid"):
        write_kinds(parts / part, 2)
    (parts / "train" / "loose.png").write_bytes((photos / "bars").glob("*").__next__().read_bytes())
    opened = Dataset.open(parts, role="scored")
    assert f"{parts} is a split: train, val (valid) are its parts" in opened.remarks[-1]
    train = opened.part("train")
    assert train.remarks[-1] == f"taking the part train of {parts}, {len(train)} pictures"
    labelled = train.labelled()
    assert labelled.n_unlabelled == 1
    assert labelled.remarks[-1].startswith("leaving out 1 picture that is in no class")
    assert {*opened.select(parts="val").table.splits} == {"val"}
    assert opened.select(classes="bars, sky").classes == ["bars", "sky"]
    with pytest.raises(TableError, match="has no split dev2"):
        opened.select(parts="train,dev2")


def test_a_collection_is_opened_once_and_its_vectors_are_read(photos, tmp_path, monkeypatch):
    pytest.importorskip("lance", reason="needs the extra store")
    stored, other = descriptor("moments"), descriptor("color(bins=2)")
    update(tmp_path / "p.tamis", ImageTable.from_folder(photos), [stored])
    opened = Dataset.open(tmp_path / "p.tamis", role="examples")
    monkeypatch.setattr(Collection, "open", None)
    read, computed = opened.features_by([stored, other])
    fresh = Dataset.open(photos).features_by([stored, other])
    for own, wanted in zip((read, computed), fresh, strict=True):
        assert np.array_equal(own.features, wanted.features)
        assert own.labels == wanted.labels
    some = opened.select(classes=["sky"])
    assert set(some.features(stored).labels) == {"sky"}
    (piece,) = some.pieces(stored)
    assert np.array_equal(piece.features, some.features(stored).features)
    fusion, vectors = opened.fit(descriptor("moments+color(bins=2)"), distance="l1")
    assert fusion.fitted
    assert vectors.spec == fusion.spec
    assert len(opened.to_take()) == len(opened)


def test_root_is_for_lists_and_collections(photos):
    with pytest.raises(InvalidParameterError, match="--root is for"):
        Dataset.open(photos, root="/elsewhere")


def test_an_empty_source_says_why(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="holds no picture"):
        Dataset.open(tmp_path / "empty")
    assert len(Dataset.open(tmp_path / "empty", may_be_empty=True)) == 0


def test_failures_of_the_listing_come_first(photos):
    from tamis.errors import Failure

    table = ImageTable.from_folder(photos)
    table = replace(table, failures=(Failure("usb", "cannot be entered"),))
    assert Dataset.open(table).features(descriptor("moments")).failures == table.failures


def test_leaves_that_a_collection_holds_are_read_and_the_others_computed(photos, tmp_path):
    pytest.importorskip("lance", reason="needs the extra store")
    update(tmp_path / "p.tamis", ImageTable.from_folder(photos), [descriptor("moments")])
    opened = Dataset.open(tmp_path / "p.tamis")
    fusion, _ = opened.fit(descriptor("moments+color(bins=2)"))
    wanted = Dataset.open(photos).features(fusion)
    assert np.array_equal(opened.features(fusion).features, wanted.features)
    # A picture that is gone since, and an order that is not the collection's.
    (photos / opened.table.names[1]).unlink()
    turned = opened.having(opened.table.select(range(len(opened) - 1, -1, -1)))
    left = turned.features(fusion)
    rows = [row for row in range(len(wanted) - 1, -1, -1) if row != 1]
    assert left.paths == tuple(opened.table.paths[row] for row in rows)
    assert np.array_equal(left.features, wanted.features[rows])
    assert [failure.path for failure in left.failures] == [opened.table.paths[1]]
    (piece,) = turned.pieces(fusion)
    assert np.array_equal(piece.features, left.features)


def test_a_split_takes_nothing_from_outside_of_its_source(tmp_path):
    write_kinds(tmp_path / "mine", 2)
    write_kinds(tmp_path / "others", 2)
    folders = [tmp_path / "mine" / kind for kind in ("sky", "bars")]
    names = [f"{folder.name}/{file.name}" for folder in folders for file in folder.iterdir()]
    lines = ["path,label", *(f"{name},{name.partition('/')[0]}" for name in names)]
    outside = next((tmp_path / "others" / "sky").iterdir())
    lines.append(f"../others/sky/{outside.name},sky")
    (tmp_path / "mine" / "list.csv").write_text("\n".join(lines))
    plan = split(tmp_path / "mine" / "list.csv", tmp_path / "parts", mode="move")
    assert "leaving out 1 picture that lies outside" in plan.images.remarks[-1]
    plan.apply()
    assert outside.exists()
    assert sum(counts.total() for counts in plan.counts.values()) == 4
