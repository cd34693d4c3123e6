"""Collections: made, kept up to date, interrupted, damaged."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tamis.store.sync as update_module
from command import tamis
from pictures import KINDS, write_kinds
from tamis.descriptors import descriptor
from tamis.errors import CollectionError, DestinationError, MissingExtraError
from tamis.features import extract
from tamis.files.lock import locked
from tamis.store import Collection, is_collection, update
from tamis.table import ImageTable

pytest.importorskip("lance", reason="needs the extra tamis[store]")

COLOR, EDGE, LBP = (descriptor(s) for s in ("color(bins=4)", "edge", "lbp(scales=1)"))


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
    collection = Collection.open(path)
    table = table_of(photos)
    assert collection.table().paths == table.paths
    assert collection.table().labels == table.labels
    for one in descriptors:
        found, fresh = collection.features(one.spec), extract(table, one)
        assert found.paths == fresh.paths
        assert found.labels == fresh.labels
        assert (found.features == fresh.features).all()
        assert found.failures == fresh.failures
    return collection


def counts(changes):
    return changes.new, changes.changed, changes.renamed, changes.removed, changes.unchanged


def test_made_and_then_unchanged(photos, path):
    assert not is_collection(path)
    told = []
    changes = update(path, table_of(photos), [COLOR, EDGE], progress=told.append)
    assert counts(changes) == (24, 0, 0, 0, 0)
    assert changes.computed == {COLOR.spec: 24, EDGE.spec: 24}
    assert sum(told) == 24
    collection = check(path, photos, COLOR, EDGE)
    assert collection.specs == [COLOR.spec, EDGE.spec]
    assert collection.root == str(photos)
    version = collection.dataset.version
    changes = update(path, table_of(photos), [COLOR])
    assert counts(changes) == (0, 0, 0, 0, 24)
    assert not changes.computed
    assert str(changes) == "0 new, 0 changed, 0 renamed, 0 removed, 24 unchanged"
    assert Collection.open(path).dataset.version == version


def test_only_what_is_new_or_changed_is_computed(photos, path):
    update(path, table_of(photos), [COLOR, EDGE])
    write_kinds(photos, 2, first=100)
    a, b, c, d = sorted(photos.rglob("*.jpg"))[:4]
    b.write_bytes(a.read_bytes() + b"changed")
    c.rename(photos / "sky" / "moved.jpg")
    d.unlink()
    changes = update(path, table_of(photos))
    assert counts(changes) == (6, 1, 1, 1, 21)
    assert changes.computed == {COLOR.spec: 7, EDGE.spec: 7}
    assert "color computed for 7; edge computed for 7" in str(changes)
    check(path, photos, COLOR, EDGE)
    assert counts(update(path, table_of(photos))) == (0, 0, 0, 0, 29)


def test_a_new_time_is_no_change(photos, path):
    update(path, table_of(photos), [COLOR])
    for file in photos.rglob("*.jpg"):
        os.utime(file, ns=(1, 1_600_000_000_000_000_000))
    changes = update(path, table_of(photos))
    assert counts(changes) == (0, 0, 0, 0, 24)
    assert not changes.computed
    times = Collection.open(path).rows.times
    assert set(times.tolist()) == {1_600_000_000_000_000_000}


def test_a_folder_renamed_keeps_its_vectors(photos, path):
    update(path, table_of(photos), [COLOR])
    (photos / "sky").rename(photos / "heaven")
    changes = update(path, table_of(photos))
    assert counts(changes) == (0, 0, 8, 0, 16)
    assert not changes.computed
    check(path, photos, COLOR)


def test_a_moved_root_is_followed_but_another_is_refused(photos, path, tmp_path):
    update(path, table_of(photos), [COLOR])
    other = tmp_path / "other"
    write_kinds(other, 1)
    with pytest.raises(CollectionError, match="is the collection of"):
        update(path, table_of(other))
    photos.rename(tmp_path / "moved\udce9")
    changes = update(path, table_of(tmp_path / "moved\udce9"))
    assert counts(changes) == (0, 0, 0, 0, 24)
    check(path, tmp_path / "moved\udce9", COLOR)


def test_a_descriptor_is_added_without_touching_the_others(photos, path):
    update(path, table_of(photos), [COLOR])
    before = set(Path(path, "images.lance/data").iterdir())
    changes = update(path, table_of(photos), [LBP, EDGE])
    assert changes.computed == {LBP.spec: 24, EDGE.spec: 24}
    assert before <= set(Path(path, "images.lance/data").iterdir())
    check(path, photos, COLOR, LBP, EDGE)


def test_a_descriptor_is_added_while_pictures_come_and_go(photos, path):
    update(path, table_of(photos), [COLOR])
    write_kinds(photos, 2, first=100)
    a, b, c = sorted(photos.rglob("*.jpg"))[:3]
    b.write_bytes(a.read_bytes() + b"changed")
    c.unlink()
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    changes = update(path, table_of(photos), [EDGE])
    assert counts(changes) == (7, 1, 0, 1, 22)
    check(path, photos, COLOR, EDGE)


def test_what_cannot_be_read_is_named_each_time_and_tried_again(photos, path):
    bad = photos / "sky" / "bad.jpg"
    bad.write_bytes(b"")
    changes = update(path, table_of(photos), [COLOR])
    assert [failure.path for failure in changes.failures] == [str(bad)]
    changes = update(path, table_of(photos), [EDGE])
    assert [failure.reason for failure in changes.failures] == ["is empty (0 bytes)"]
    assert changes.computed == {EDGE.spec: 24}
    check(path, photos, COLOR, EDGE)
    shutil.copy(next((photos / "bars").iterdir()), bad)
    changes = update(path, table_of(photos))
    assert changes.failures == ()
    assert counts(changes) == (0, 1, 0, 0, 24)
    check(path, photos, COLOR, EDGE)


def test_names_of_any_bytes(photos, path):
    strange = photos / "class \udcff" / "a\n\udce9 é.jpg"
    strange.parent.mkdir()
    shutil.copy(next((photos / "bars").iterdir()), strange)
    update(path, table_of(photos), [COLOR])
    assert str(strange) in check(path, photos, COLOR).table().paths


def test_an_empty_table_empties_the_collection(photos, path):
    update(path, table_of(photos), [COLOR])
    shutil.rmtree(photos / "sky")
    shutil.rmtree(photos / "bars")
    shutil.rmtree(photos / "tiles")
    assert counts(update(path, table_of(photos), prune=True)) == (0, 0, 0, 24, 0)
    assert len(Collection.open(path)) == 0
    assert Collection.open(path).features(COLOR.spec).features.shape == (0, COLOR.dim)


@pytest.mark.parametrize("first", [[COLOR], [COLOR, EDGE]])
@pytest.mark.parametrize("seen", [1, 33, 65, 95])
def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path, path, monkeypatch, first, seen):
    """Stopped while describing new pictures, and while adding a descriptor."""
    photos = tmp_path / "photos"
    write_kinds(photos, 40)
    monkeypatch.setattr(update_module, "_GROUP", 32)
    monkeypatch.setattr("tamis.store.adding._GROUP", 32)

    def run(descriptors):
        told = []

        def stop(n):
            told.append(n)
            if sum(told) >= seen:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            update(path, table_of(photos), descriptors, jobs=2, progress=stop)
        told.clear()
        update(path, table_of(photos), descriptors, progress=told.append)
        assert sum(told) <= 120 - (seen - 1) // 32 * 32
        check(path, photos, *descriptors)

    run(first)
    run([*first, LBP])
    assert not Path(path, "adding.lance").exists()


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.6, 0.9])
def test_killed_at_any_moment_it_is_whole(tmp_path, path, delay):
    photos = tmp_path / "photos"
    write_kinds(photos, 150)
    command = [sys.executable, "-m", "tamis", "index", str(photos), "--into", path]
    for by in ("color(bins=4)", "edge"):
        process = subprocess.Popen(
            [*command, "--by", by], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(0.5 + delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if is_collection(path):
            Collection.open(path).table()
    update(path, table_of(photos), [COLOR, EDGE])
    check(path, photos, COLOR, EDGE)


def test_a_changed_picture_is_replaced_in_one_commit(photos, path, monkeypatch):
    update(path, table_of(photos), [COLOR])
    a, b = sorted(photos.rglob("*.jpg"))[:2]
    b.write_bytes(a.read_bytes() + b"changed")
    ids = Collection.open(path).rows.ids
    with monkeypatch.context() as patch:
        patch.setattr(update_module._Update, "_write", lambda self, chunks: None)
        update(path, table_of(photos))
    assert (Collection.open(path).rows.ids == ids).all()  # stopped before it: as it was
    version = Collection.open(path).dataset.version
    assert counts(update(path, table_of(photos))) == (0, 1, 0, 0, 23)
    collection = check(path, photos, COLOR)
    assert collection.dataset.version == version + 1
    assert collection.dataset.count_rows() == 24
    assert (collection.rows.ids != ids).sum() == 1  # an id is not used twice
    assert counts(update(path, table_of(photos))) == (0, 0, 0, 0, 24)


def test_one_writer_at_a_time(photos, path):
    with locked(path), pytest.raises(DestinationError, match="another tamis"):
        update(path, table_of(photos), [COLOR])


def test_many_small_commits_are_joined(photos, path, monkeypatch):
    monkeypatch.setattr(update_module, "_GROUP", 1)
    monkeypatch.setattr("tamis.features.extraction._CHUNK", 1)
    monkeypatch.setattr(update_module, "_FRAGMENTS", 8)
    update(path, table_of(photos), [COLOR, EDGE])
    collection = check(path, photos, COLOR, EDGE)
    assert len(collection.dataset.get_fragments()) < 24


def test_what_is_no_collection_says_so(photos, path, tmp_path):
    with pytest.raises(CollectionError, match="tamis index DIR --into"):
        Collection.open(path)
    with pytest.raises(DestinationError, match="is not a collection"):
        update(photos, table_of(photos), [COLOR])
    update(path, table_of(photos), [COLOR])
    with pytest.raises(CollectionError, match="holds no vectors by edge"):
        Collection.open(path).features(EDGE.spec)


def test_a_newer_format_says_so(photos, path):
    update(path, table_of(photos), [COLOR])
    Collection.open(path).dataset.update_schema_metadata({"tamis:format": "4"})
    with pytest.raises(CollectionError, match="newer tamis"):
        Collection.open(path)


def test_a_damaged_collection_says_what_to_do(photos, path):
    update(path, table_of(photos), [COLOR])
    for file in Path(path, "images.lance/_versions").iterdir():
        file.write_bytes(b"damaged")
    with pytest.raises(CollectionError, match="index them again"):
        Collection.open(path)


def test_a_collection_serves_every_command(photos, path, tmp_path):
    new = tmp_path / "new"
    write_kinds(new, 3, first=50)

    tests = tmp_path / "new.tamis"
    assert "24 new" in tamis("index", photos, "--into", path, "--by", "color(bins=4),edge").stdout
    assert "24 unchanged" in tamis("index", photos, "--into", path).stdout
    tamis("index", new, "--into", tests, "--by", "edge")
    for train, test in ((path, new), (photos, tests), (path, tests)):
        done = tamis("evaluate", "--train", train, "--test", test, "--by", "edge")
        assert "9 of 9 pictures right" in done.stdout
    tamis("evaluate", "--train", path, "--test", tests, "--by", "hog")  # not stored: computed
    out = tmp_path / "sorted"
    tamis("sort", "--train", path, "--input", tests, "--out", out, "--by", "edge")
    assert {kind: len(os.listdir(out / kind)) for kind in KINDS} == dict.fromkeys(KINDS, 3)
    tamis("split", path, tmp_path / "parts")
    assert len(list((tmp_path / "parts").rglob("*.jpg"))) == 24


def test_vectors_are_read_in_the_order_of_the_table(photos, path):
    """Whatever the order in which they were written."""
    later = sorted(photos.rglob("*.jpg"))[:5]
    for file in later:
        file.rename(file.with_name("." + file.name))
    update(path, table_of(photos), [COLOR])
    for file in later:
        file.with_name("." + file.name).rename(file)
    update(path, table_of(photos))
    check(path, photos, COLOR)
    ids = Collection.open(path).rows.ids
    assert (np.diff(ids) < 0).any()


def test_without_lance_it_says_what_to_install(tmp_path, monkeypatch):
    for name in ("lance", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r'pip install "tamis\[store\]"'):
        update(tmp_path / "c.tamis", ImageTable((), (), (), root=str(tmp_path)))
    assert not os.listdir(tmp_path)


# What cannot be looked at


def test_pictures_whose_folder_cannot_be_looked_at_stay(photos, path, tmp_path):
    bars = photos / "bars"
    update(path, ImageTable.from_folder(photos), [EDGE])
    n = len(Collection.open(path))
    away = tmp_path / "away"
    os.rename(bars, away)
    bars.mkdir()  # the mount point of a disk that is not there
    changes = update(path, ImageTable.from_folder(photos))
    assert (changes.removed, len(changes.unseen)) == (0, len(os.listdir(away)))
    assert len(Collection.open(path)) == n
    with pytest.raises(CollectionError, match=r"cannot be computed for .* --prune"):
        update(path, ImageTable.from_folder(photos), [LBP])
    bars.rmdir()
    os.rename(away, bars)
    changes = update(path, ImageTable.from_folder(photos))
    assert (changes.unchanged, changes.unseen) == (n, ())
    os.rename(bars, away)
    bars.mkdir()
    changes = update(path, ImageTable.from_folder(photos), prune=True)
    assert changes.removed == len(os.listdir(away))


def test_a_new_collection_that_fails_leaves_nothing(photos, tmp_path, monkeypatch):
    from tamis.store import sync as updating

    def fail(*_args):
        raise DestinationError("the disk is full")

    monkeypatch.setattr(updating._Update, "describe", fail)
    path = tmp_path / "new.tamis"
    with pytest.raises(DestinationError, match="full"):
        update(path, ImageTable.from_folder(photos), [descriptor("moments")])
    assert not path.exists()
    monkeypatch.undo()
    update(path, ImageTable.from_folder(photos), [descriptor("moments")])
    monkeypatch.setattr(updating._Update, "describe", fail)
    with pytest.raises(DestinationError, match="full"):
        update(path, ImageTable.from_folder(photos), [descriptor("color")])
    assert len(Collection.open(path)) > 0


def test_lines_of_a_list_that_lead_out_of_its_folder_are_failures(tmp_path):
    write_kinds(tmp_path / "photos", 2)
    pictures = sorted((tmp_path / "photos").rglob("*.jpg"))
    (tmp_path / "lists").mkdir()
    lines = "".join(f"{os.path.relpath(p, tmp_path / 'lists')}\n" for p in pictures[:2])
    (tmp_path / "lists" / "l.csv").write_text(f"path\n{lines}")
    table = ImageTable.from_csv(tmp_path / "lists" / "l.csv")
    changes = update(tmp_path / "p.tamis", table, [descriptor("edge")])
    assert [failure.path for failure in changes.failures] == list(table.paths)
    assert all("--root" in failure.reason for failure in changes.failures)
    (tmp_path / "lists" / "l.csv").write_text("path\n" + "".join(f"{p}\n" for p in pictures))
    table = ImageTable.from_csv(tmp_path / "lists" / "l.csv", root=tmp_path)
    assert not update(tmp_path / "q.tamis", table, [descriptor("edge")]).failures
    assert len(Collection.open(tmp_path / "q.tamis").table()) == len(pictures)
