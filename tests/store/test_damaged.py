"""Collections that somebody else made or a disk damaged: one line each, and no hang."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from command import tamis
from pictures import write_kinds
from tamis.descriptors import descriptor
from tamis.errors import CollectionError, FileFormatError
from tamis.store import Collection, is_collection, update
from tamis.table import ImageTable

lance = pytest.importorskip("lance", reason="needs the extra tamis[store]")
pa = pytest.importorskip("pyarrow")

COLOR, EDGE = descriptor("color(bins=4)"), descriptor("edge")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_kinds(folder / "photos", 3)
    update(folder / "p.tamis", ImageTable.from_folder(folder / "photos"), [COLOR, EDGE])
    return folder


@pytest.fixture
def path(made, tmp_path):
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made" / "p.tamis"


def rewritten(path, change=None, schema=None, root=None):
    """Write the dataset again, with changed columns, types or root."""
    dataset = lance.dataset(str(path / "images.lance"))
    table = dataset.to_table()
    fields = {field.name: field for field in table.schema}
    columns = {name: table[name].combine_chunks() for name in fields}
    if change:
        columns |= change(columns)
    metadata = dict(table.schema.metadata)
    if root is not None:
        metadata[b"tamis:root"] = root
    fields = [
        pa.field(name, column.type, metadata=fields[name].metadata if name in fields else None)
        for name, column in columns.items()
        if column is not None
    ]
    schema = schema or pa.schema(fields, metadata=metadata)
    shutil.rmtree(path / "images.lance")
    kept = [column for column in columns.values() if column is not None]
    lance.write_dataset(pa.Table.from_arrays(kept, schema=schema), str(path / "images.lance"))


def replaced(name, row, value, kind=None):
    """Change one value of a column."""

    def change(columns):
        values = columns[name].to_pylist()
        values[row] = value
        return {name: pa.array(values, kind or columns[name].type)}

    return change


def struct_changed(part, row, value):
    def change(columns):
        (name,) = [name for name, one in columns.items() if pa.types.is_struct(one.type)]
        kinds = [pa.field("at", pa.list_(pa.uint32())), pa.field("value", pa.list_(pa.float32()))]
        values = columns[name].to_pylist()
        values[row][part][0] = value
        return {name: pa.array(values, pa.struct(kinds))}

    return change


def vector_changed(value):
    def change(columns):
        name = next(n for n, one in columns.items() if pa.types.is_fixed_size_list(one.type))
        values = columns[name].to_pylist()
        values[1] = value(values[1])
        return {name: pa.array(values, columns[name].type)}

    return change


def without(name):
    return lambda columns: {name: None}


FACTS = {
    "a null path": replaced("path", 1, None),
    "a null id": replaced("id", 1, None),
    "an id twice": replaced("id", 1, 0),
    "a negative id": replaced("id", 1, -4),
    "the largest id": replaced("id", 1, 2**63 - 1),
    "a path twice": lambda columns: {"path": columns["path"].take(pa.array([0, 0, *range(2, 9)]))},
    **{f"a NUL in a {name}": replaced(name, 1, b"a\0b") for name in ("path", "label", "group")},
    "groups of text": lambda columns: {"group": columns["group"].cast(pa.string())},
    "a null size": replaced("size", 1, None),
    "a null time": replaced("mtime_ns", 1, None),
    "a NUL in a part": replaced("split", 1, "a\0b"),
    "no column path": without("path"),
    "no column failure": without("failure"),
    "a path of text": lambda columns: {"path": columns["path"].cast(pa.string())},
    "ids of floats": lambda columns: {"id": columns["id"].cast(pa.float64())},
}
ROOTS = [b"null", b"7", b'""', b'"photos"', b'"/a\\u0000b"', b"[[[", b"{}", b"[" * 100_000]
VECTORS = {
    "a null vector": vector_changed(lambda _: None),
    "NaN": vector_changed(lambda vector: [float("nan"), *vector[1:]]),
    "infinity": vector_changed(lambda vector: [*vector[1:], float("inf")]),
    "a null value": vector_changed(lambda vector: [None, *vector[1:]]),
    "a place out of range": struct_changed("at", 1, 4_000_000_000),
    "a place at the end": struct_changed("at", 1, COLOR.dim),
    "a sparse NaN": struct_changed("value", 1, float("nan")),
    "a sparse null": struct_changed("value", 1, None),
}


OUTSIDE = {
    "a path above": replaced("path", 1, b"../../id_rsa"),
    "a path above, inside": replaced("path", 1, b"bars/../../id_rsa"),
    "an absolute path": replaced("path", 1, b"/etc/passwd"),
    "an empty path": replaced("path", 1, b""),
    "a path to the root": replaced("path", 1, b"."),
}


@pytest.mark.parametrize("change", OUTSIDE.values(), ids=OUTSIDE)
def test_a_row_outside_of_the_root_is_a_failure_by_name(path, change):
    whole = Collection.open(path).table()
    rewritten(path, change)
    collection = Collection.open(path)
    table = collection.table()
    assert len(table) == len(collection) == len(whole) - 1
    assert set(table.paths) < set(whole.paths)
    (failure,) = table.failures
    assert "outside of" in failure.reason
    assert collection.failures() == [failure]
    assert collection.features(EDGE.spec).paths == table.paths


@pytest.mark.parametrize("change", FACTS.values(), ids=FACTS)
def test_facts_that_cannot_be_are_refused(path, change):
    rewritten(path, change)
    with pytest.raises(CollectionError, match=r"cannot be used: .*index them again"):
        Collection.open(path).table()


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root[:20].decode())
def test_a_root_that_is_no_path_is_refused(path, root):
    rewritten(path, root=root)
    with pytest.raises(CollectionError, match="its root is no absolute path"):
        Collection.open(path)


@pytest.mark.parametrize("change", VECTORS.values(), ids=VECTORS)
def test_vectors_that_cannot_be_are_refused(path, change):
    rewritten(path, change)
    collection = Collection.open(path)
    with pytest.raises(CollectionError, match="cannot be used"):
        for one in (COLOR, EDGE):
            collection.features(one.spec)


def test_a_vector_of_another_length_is_refused(path):
    def change(columns):
        name = next(n for n, one in columns.items() if pa.types.is_fixed_size_list(one.type))
        values = [vector[:-1] for vector in columns[name].to_pylist()]
        return {name: pa.array(values, pa.list_(pa.float32(), EDGE.dim - 1))}

    rewritten(path, change)
    with pytest.raises(CollectionError, match=f"must be {EDGE.dim} floats"):
        Collection.open(path).features(EDGE.spec)


def test_one_row_less_than_pictures_is_noticed(path):
    collection = Collection.open(path)
    ids = collection.rows.ids.copy()
    ids[0] = 4000
    collection.__dict__["rows"] = replace(collection.rows, ids=ids)
    with pytest.raises(CollectionError, match=r"holds 8 vectors .* of 9 pictures"):
        collection.features(EDGE.spec)


def test_lost_and_cut_files_are_one_line(path):
    """Of every file of the dataset in turn: gone, cut, empty, or full of zeros."""
    files = [file for file in sorted((path / "images.lance").rglob("*")) if file.is_file()]
    assert len(files) >= 6
    for file in files:
        whole = file.read_bytes()
        for damage in (None, whole[: len(whole) // 2], b"", bytes(len(whole))):
            if damage is None:
                file.unlink()
            else:
                file.write_bytes(damage)
            try:
                for one in (COLOR, EDGE):
                    Collection.open(path).features(one.spec)
            except CollectionError as error:
                assert "\n" not in str(error)
            file.write_bytes(whole)
    Collection.open(path).features(EDGE.spec)


@pytest.mark.parametrize("place", ["images.lance/data/x", "images.lance/_versions/x", "reductions"])
@pytest.mark.parametrize("kind", ["link", "folder link", "pipe"])
def test_only_regular_files_may_lie_in_a_collection(path, place, kind):
    file = path / place
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/etc/passwd" if kind == "link" else "/etc")
    with pytest.raises(CollectionError, match="not a regular file"):
        Collection.open(path)


def test_a_link_in_the_place_of_the_dataset_is_refused(path, tmp_path):
    (path / "images.lance").rename(tmp_path / "elsewhere")
    (path / "images.lance").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CollectionError, match="is a link, not a regular file"):
        Collection.open(path)
    (tmp_path / "link.tamis").symlink_to(path)
    (path / "images.lance").unlink()
    (tmp_path / "elsewhere").rename(path / "images.lance")
    assert len(Collection.open(tmp_path / "link.tamis")) == 9


def test_a_dataset_that_refers_to_other_folders_is_refused(path, tmp_path):
    here = lance.dataset(str(path / "images.lance"))
    here.shallow_clone(str(tmp_path / "clone.tamis" / "images.lance"), here.version)
    with pytest.raises(CollectionError, match="refers to files outside"):
        Collection.open(tmp_path / "clone.tamis")


@pytest.mark.parametrize(
    "left",
    [["images.lance"], ["images.lance/_versions"], ["images.lance/_versions", "adding.lance"]],
)
def test_what_a_killed_run_left_before_its_first_commit_is_taken_up(made, tmp_path, left):
    path = tmp_path / "p.tamis"
    for folder in left:
        (path / folder).mkdir(parents=True)
    assert is_collection(path)
    with pytest.raises(CollectionError, match="Finish it: tamis index"):
        Collection.open(path)
    done = tamis("search", path, next((made / "photos").rglob("*.jpg")), check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    tamis("index", made / "photos", "--into", path, "--by", "color")
    assert Collection.open(path).specs == [descriptor("color").spec]


@pytest.mark.parametrize("damage", ["empty", "no version", "cut", "lost", "NaN", "a file", "link"])
def test_vectors_kept_aside_that_cannot_be_used_are_computed_again(path, made, tmp_path, damage):
    aside, lbp = path / "adding.lance", descriptor("lbp(scales=1)")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "photo.jpg").write_bytes(b"a photo")
    if damage == "a file":
        aside.write_bytes(b"no folder")
    elif damage == "link":
        aside.symlink_to(elsewhere)
    else:
        stop_while_adding(path, made / "photos", lbp)
        data = next((aside / "data").iterdir())
        if damage == "empty":
            shutil.rmtree(aside)
            aside.mkdir()
        elif damage == "no version":
            for file in (aside / "_versions").iterdir():
                file.unlink()
        elif damage == "cut":
            data.write_bytes(data.read_bytes()[:100])
        elif damage == "lost":
            data.unlink()
        else:
            table = lance.dataset(str(aside)).to_table()
            nan = pa.array(np.full(table.num_rows * lbp.dim, np.nan, np.float32))
            column = pa.FixedSizeListArray.from_arrays(nan, lbp.dim)
            changed = pa.Table.from_arrays([table["id"], column], schema=table.schema)
            shutil.rmtree(aside)
            lance.write_dataset(changed, str(aside))
    if damage == "link":
        with pytest.raises(CollectionError, match="is a link"):
            update(path, ImageTable.from_folder(made / "photos"), [lbp])
        assert (elsewhere / "photo.jpg").exists()
        return
    changes = update(path, ImageTable.from_folder(made / "photos"), [lbp])
    assert changes.computed == {lbp.spec: 9}
    found = Collection.open(path).features(lbp.spec)
    assert np.isfinite(found.features).all()
    assert found.features.any(axis=1).all()
    assert not aside.exists()


def stop_while_adding(path, photos, one):
    """Leave vectors aside, as a run does that is killed before it adds the column."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tamis.store.adding.Adding.discard", lambda self: None)
        patch.setattr("lance.LanceDataset.add_columns", stopped)
        with pytest.raises(KeyboardInterrupt):
            update(path, ImageTable.from_folder(photos), [one])


def stopped(self, reader):
    raise KeyboardInterrupt


def test_a_moved_collection_is_opened_with_its_root(path, made, tmp_path):
    assert Collection.open(path).root == str(made / "photos")
    moved = Collection.open(path, root=tmp_path / "made" / "photos")
    assert moved.table().paths[0].startswith(str(tmp_path))
    assert all(map(os.path.exists, moved.table().paths))


@pytest.mark.parametrize(
    "spec",
    [
        "onnx:/dev/zero",
        "hf:someone/model",
        "vlad(codebook=/dev/zero)",
        "edge>pca4(file=/dev/zero)",
        "edge+vlad(codebook=/dev/zero)",
        "edge+vlad(codebook=/dev/zero)@sum>gauss8",
        '2*onnx:"/dev/zero"+1*edge',
    ],
)
def test_a_spec_from_a_file_opens_nothing(path, made, spec):
    with pytest.raises(FileFormatError, match="a file or an address outside"):
        descriptor(spec, stored_in="stranger.tamis")
    table = lance.dataset(str(path / "images.lance")).to_table()
    fields = [
        field.with_metadata({b"tamis:spec": spec.encode()})
        if field.metadata and b"tamis:spec" in field.metadata and "struct" not in str(field.type)
        else field
        for field in table.schema
    ]
    rewritten(path, schema=pa.schema(fields, metadata=table.schema.metadata))
    new = made / "photos" / "bars" / "new.jpg"
    shutil.copy(next((made / "photos" / "bars").glob("*.jpg")), new)
    try:
        with pytest.raises(FileFormatError, match="a file or an address outside"):
            update(path, ImageTable.from_folder(made / "photos"))
    finally:
        new.unlink()


def test_a_search_in_a_strangers_collection_names_what_lies_outside(path, made):
    rewritten(path, OUTSIDE["a path above"])
    query = next(Path(made, "photos").rglob("*.jpg"))
    done = tamis("search", path, query, "--by", EDGE.spec)
    assert len(done.stdout.splitlines()) == 7
    (said,) = [line for line in done.stderr.splitlines() if "outside of" in line]
    assert "id_rsa" in said


def test_index_heals_a_strangers_collection(path, made):
    rewritten(path, OUTSIDE["a path above"])
    done = tamis("index", Path(made, "photos"), "--into", path)
    assert "outside" not in done.stderr
    assert len(Collection.open(path)) == 9
    assert not Collection.open(path).table().failures


@pytest.mark.parametrize("half", [False, True])
def test_what_was_kept_aside_is_removed_once_the_column_is_there(path, made, half):
    lbp, table = descriptor("lbp(scales=1)"), ImageTable.from_folder(made / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tamis.store.adding.Adding.discard", lambda self: None)
        update(path, table, [lbp])
    aside = path / "adding.lance"
    assert aside.exists()
    if half:  # killed while it was being removed
        shutil.rmtree(aside / "_versions")
    update(path, table, [lbp])
    assert not aside.exists()


def test_what_was_kept_aside_for_another_descriptor_stays(path, made):
    stop_while_adding(path, made / "photos", descriptor("lbp(scales=1)"))
    update(path, ImageTable.from_folder(made / "photos"), [EDGE])
    assert (path / "adding.lance").exists()
