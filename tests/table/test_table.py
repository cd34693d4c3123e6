"""Tables: which files of a folder or a list are pictures, of which class, in which order."""

import os
import pickle
import random
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import odd_files
from odd_files import PHOTO, encode
from tamis.errors import Failure, ImageReadError, TableError
from tamis.images import read_image
from tamis.images.listing import sort_key
from tamis.table import ImageTable

PICTURE = encode(PHOTO, "PNG")


def grow(root, *paths):
    """Write a small picture at each path below `root`; a path that ends in / is a folder."""
    for path in paths:
        target = os.path.join(root, path)
        folder = target if path.endswith("/") else os.path.dirname(target)
        os.makedirs(folder, exist_ok=True)
        if not path.endswith("/"):
            with open(target, "wb") as file:
                file.write(PICTURE)
    return root


def named(table, paths):
    return [os.path.relpath(path, table.root) for path in paths]


# from_folder


def test_the_class_is_the_first_folder_at_any_depth(tmp_path):
    grow(tmp_path, "cat/a.jpg", "cat/2019/june/b.jpg", "dog/c.jpg")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/2019/june/b.jpg", "cat/a.jpg", "dog/c.jpg"]
    assert table.labels == ("cat", "cat", "dog")
    assert table.groups == (None, None, None)
    assert table.classes == ["cat", "dog"]
    assert table.root == str(tmp_path)
    assert table.paths[0] == str(tmp_path / "cat/2019/june/b.jpg")
    assert len(table) == 3


def test_pictures_directly_in_the_root_have_no_label(tmp_path):
    grow(tmp_path, "a.jpg", "cat/b.jpg", "z.jpg")
    table = ImageTable.from_folder(tmp_path)
    assert dict(zip(table.names, table.labels, strict=True)) == {
        "a.jpg": None,
        "cat/b.jpg": "cat",
        "z.jpg": None,
    }
    assert table.classes == ["cat"]


def test_litter_and_the_journals_of_tamis_are_passed_over_in_silence(tmp_path):
    litter = ["cat/.DS_Store", "cat/Thumbs.db", "cat/desktop.ini", "cat/Icon\r", ".tamis/a.jpg"]
    grow(tmp_path, "cat/a.jpg", *litter)
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/a.jpg"]
    assert table.ignored == ()


@pytest.mark.parametrize(
    "folder",
    [
        "@eaDir", ".@__thumb", "#recycle", "$RECYCLE.BIN", "$Recycle.Bin", ".Trashes",
        ".Trash-1000", "__MACOSX", "lost+found", "LOST.DIR", ".thumbnails", "@Recycle",
        "System Volume Information", ".AppleDouble", ".picasaoriginals", "#snapshot", ".snapshot",
        "~snapshot", "Family Previews.lrdata", ".git",
    ],
)  # fmt: skip
@pytest.mark.parametrize("above", ["", "cat/"])
def test_folders_of_systems_hold_no_pictures_of_the_user(tmp_path, above, folder):
    grow(tmp_path, "cat/a.jpg", f"{above}{folder}/deep/b.jpg")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/a.jpg"]
    assert named(table, table.ignored) == [f"{above}{folder}"]


def test_hidden_pictures_are_passed_over_and_named(tmp_path):
    grow(tmp_path, "cat/a.jpg", "cat/._a.jpg", "cat/.hidden.png")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/a.jpg"]
    assert named(table, table.ignored) == ["cat/._a.jpg", "cat/.hidden.png"]


def test_a_root_that_is_a_folder_of_a_system_is_entered(tmp_path):
    grow(tmp_path, "@eaDir/cat/a.jpg")
    assert len(ImageTable.from_folder(tmp_path / "@eaDir")) == 1


def test_a_hidden_root_is_entered(tmp_path):
    grow(tmp_path, ".photos/cat/a.jpg")
    assert len(ImageTable.from_folder(tmp_path / ".photos")) == 1


def test_sidecar_files_are_ignored_and_named(tmp_path):
    grow(tmp_path, "cat/a.jpg")
    for name in ("a.xmp", "notes.txt", "film.mp4", "no_suffix_text"):
        (tmp_path / "cat" / name).write_bytes(b"\0\0\0\x18ftypisom and so on and on")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/a.jpg"]
    assert named(table, table.ignored) == [
        "cat/a.xmp",
        "cat/film.mp4",
        "cat/no_suffix_text",
        "cat/notes.txt",
    ]


def test_a_picture_without_suffix_is_known_by_its_first_bytes(tmp_path):
    grow(tmp_path, "cat/IMG_0001", "cat/strange.suffix", "cat/LOUD.JPEG")
    assert len(ImageTable.from_folder(tmp_path)) == 3


def test_every_odd_file_is_listed(tmp_path):
    written = {path: file for file, path in odd_files.write_all(tmp_path)}
    table = ImageTable.from_folder(tmp_path)
    assert set(table.paths) == set(written)
    assert table.ignored == ()
    read = 0
    for path in table.paths:
        try:
            read_image(path)
            read += 1
        except ImageReadError:
            assert written[path].reason is not None
    assert read == sum(file.reason is None for file in written.values())


@given(st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_creation(tmp_path_factory, chance):
    paths = [
        "b/1.jpg",
        "b/10.jpg",
        "b/2.jpg",
        "B/1.jpg",
        "a b/1.jpg",
        "a/x/1.jpg",
        "é/1.jpg",
        "z.jpg",
    ]
    shuffled = chance.sample(paths, len(paths))
    table = ImageTable.from_folder(grow(tmp_path_factory.mktemp("order"), *shuffled))
    assert table.names == [
        *("B/1.jpg", "a/x/1.jpg", "a b/1.jpg", "b/1.jpg", "b/10.jpg", "b/2.jpg", "z.jpg"),
        "é/1.jpg",
    ]


def test_the_order_does_not_depend_on_how_accents_are_stored():
    names = ["éa", "eb", "zz", "éc", "ea"]
    random.Random(0).shuffle(names)
    composed = sorted(names, key=sort_key)
    apart = sorted((unicodedata.normalize("NFD", name) for name in names), key=sort_key)
    assert [unicodedata.normalize("NFC", name) for name in apart] == composed
    assert composed == ["ea", "eb", "zz", "éa", "éc"]


def test_classes_takes_only_these(tmp_path):
    grow(tmp_path, "cat/a.jpg", "dog/b.jpg", "owl/c.jpg", "d.jpg")
    table = ImageTable.from_folder(tmp_path, classes=["owl", "cat"])
    assert table.names == ["cat/a.jpg", "owl/c.jpg"]
    assert table.labels == ("cat", "owl")


def test_a_class_that_is_not_there_is_named_with_those_that_are(tmp_path):
    grow(tmp_path, "cat/a.jpg", os.fsdecode(b"h\xe9ron/b.jpg"), "cow/")
    with pytest.raises(TableError, match=r"the class cow, dog in .* It has: cat, h\\xe9ron\."):
        ImageTable.from_folder(tmp_path, classes=["dog", "cat", "cow"])


def test_a_class_of_a_folder_without_classes(tmp_path):
    grow(tmp_path, "a.jpg")
    with pytest.raises(TableError, match="It has: none"):
        ImageTable.from_folder(tmp_path, classes=["dog"])


def test_excluded_folders_are_passed_over(tmp_path):
    grow(tmp_path, "cat/a.jpg", "sorted/cat/a.jpg", "cat/old/b.jpg", "out.jpg/c.jpg")
    table = ImageTable.from_folder(
        tmp_path,
        exclude=[tmp_path / "sorted", str(tmp_path / "cat" / "old"), tmp_path / "out.jpg", "no"],
    )
    assert table.names == ["cat/a.jpg"]
    assert table.ignored == ()


def test_an_excluded_folder_is_known_by_what_it_is_not_by_its_name(tmp_path, monkeypatch):
    grow(tmp_path, "cat/a.jpg", "sorted/b.jpg")
    os.symlink(tmp_path / "sorted", tmp_path / "link")
    monkeypatch.chdir(tmp_path)
    assert ImageTable.from_folder(tmp_path, exclude=["cat/../link"]).names == ["cat/a.jpg"]


@pytest.mark.parametrize("root", ["nowhere", "file.jpg"])
def test_a_root_that_is_no_folder_is_refused(tmp_path, root):
    grow(tmp_path, "file.jpg")
    what = "does not exist" if root == "nowhere" else "is not a folder"
    with pytest.raises(TableError, match=what):
        ImageTable.from_folder(tmp_path / root)


def test_an_empty_folder_is_an_empty_table(tmp_path):
    table = ImageTable.from_folder(tmp_path)
    assert len(table) == 0
    assert table.classes == []


def test_a_folder_named_like_a_picture_counts_for_what_is_in_it(tmp_path):
    grow(tmp_path, "cat/full.jpg/a.png", "cat/empty.jpg/", "cat/other/")
    (tmp_path / "cat" / "notes.png").mkdir()
    (tmp_path / "cat" / "notes.png" / "readme.txt").write_text("no picture")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/empty.jpg", "cat/full.jpg/a.png", "cat/notes.png"]
    assert named(table, table.ignored) == ["cat/notes.png/readme.txt"]
    with pytest.raises(ImageReadError, match="is a folder"):
        read_image(table.paths[0])


def test_a_root_named_like_a_picture_is_only_a_root(tmp_path):
    grow(tmp_path, "empty.jpg/")
    assert len(ImageTable.from_folder(tmp_path / "empty.jpg")) == 0


def test_links_that_lead_round_end(tmp_path):
    grow(tmp_path, "cat/a.jpg")
    os.symlink(tmp_path, tmp_path / "cat" / "up")
    os.symlink(".", tmp_path / "cat" / "here.jpg")
    os.symlink("self.jpg", tmp_path / "cat" / "self.jpg")
    os.symlink("self", tmp_path / "cat" / "self")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/a.jpg", "cat/self.jpg"]
    assert named(table, table.ignored) == ["cat/here.jpg", "cat/self", "cat/up"]


def test_a_link_to_a_class_does_not_take_its_pictures(tmp_path):
    grow(tmp_path, "ant/a.jpg", "ant/deep/b.jpg", "bee/c.jpg")
    os.symlink(tmp_path / "bee", tmp_path / "ant" / "deep" / "link")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["ant/a.jpg", "ant/deep/b.jpg", "bee/c.jpg"]
    assert table.labels == ("ant", "ant", "bee")
    assert named(table, table.ignored) == ["ant/deep/link"]


def test_a_linked_folder_that_leads_outside_is_entered_on_request_only(tmp_path):
    grow(tmp_path, "store/x/a.jpg", "store/b.jpg", "root/", "root-2/c.jpg")
    os.symlink(tmp_path / "store" / "x", tmp_path / "root" / "cat")
    os.symlink("../root-2", tmp_path / "root" / "dog")
    os.symlink(tmp_path / "store" / "b.jpg", tmp_path / "root" / "b.jpg")
    table = ImageTable.from_folder(tmp_path / "root")
    assert table.names == ["b.jpg"]
    assert named(table, table.outside) == ["cat", "dog"]
    table = ImageTable.from_folder(tmp_path / "root", follow_links=True)
    assert table.names == ["b.jpg", "cat/a.jpg", "dog/c.jpg"]
    assert table.labels == (None, "cat", "dog")
    assert table.outside == ()


def test_a_linked_root_is_entered_and_its_links_inside_too(tmp_path):
    grow(tmp_path, "store/.x/a.jpg")
    os.symlink("store", tmp_path / "root")
    os.symlink(".x", tmp_path / "store" / "cat")
    table = ImageTable.from_folder(tmp_path / "root")
    assert (table.names, table.outside) == (["cat/a.jpg"], ())


def test_a_named_pipe_without_suffix_does_not_hang(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe")
    table = ImageTable.from_folder(tmp_path)
    assert named(table, table.ignored) == ["pipe"]


def test_a_folder_that_cannot_be_entered_is_a_failure_by_name(tmp_path, monkeypatch):
    grow(tmp_path, "cat/a.jpg", "secret/b.jpg")
    scandir = os.scandir

    def refusing(path):
        if os.path.basename(path) == "secret":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/a.jpg"]
    assert table.failures == (
        Failure(str(tmp_path / "secret"), "this folder cannot be entered: Permission denied"),
    )
    assert table.empty == ()


def test_a_folder_that_vanishes_stops_nothing(tmp_path, monkeypatch):
    grow(tmp_path, "cat/a.jpg", "gone/b.jpg")
    stat = os.stat

    def refusing(path, **rest):
        if os.path.basename(path) == "gone":
            raise FileNotFoundError(2, "No such file or directory", path)
        return stat(path, **rest)

    monkeypatch.setattr(os, "stat", refusing)
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/a.jpg"]
    assert [failure.path for failure in table.failures] == [str(tmp_path / "gone")]


def nested(root, names):
    """Make folders in one another, however long the path becomes; a picture in the last."""
    here = os.open(root, os.O_RDONLY)
    for name in names:
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    picture = os.open("a.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=here)
    os.write(picture, PICTURE)
    os.close(picture)
    os.close(here)


def test_a_thousand_folders_in_one_another(tmp_path):
    nested(tmp_path, ["d"] * 1000)
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["d/" * 1000 + "a.jpg"]
    assert table.labels == ("d",)
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)


def test_a_folder_whose_path_is_too_long_is_a_failure_by_name(tmp_path):
    nested(tmp_path, ["x" * 250] * 20)
    grow(tmp_path, "cat/b.jpg")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == ["cat/b.jpg"]
    (failure,) = table.failures
    assert "path of this folder is too long" in failure.reason
    subprocess.run(["rm", "-rf", tmp_path / ("x" * 250)], check=True)


def test_folders_without_pictures_are_named(tmp_path):
    grow(tmp_path, "cat/a.jpg", "cow/", "dog/deep/deeper/deepest/", "cat/old/")
    (tmp_path / "cow" / "notes.txt").write_text("none yet")
    table = ImageTable.from_folder(tmp_path)
    assert table.empty == ("cat/old", "cow", "dog", "dog/deep", "dog/deep/deeper")


def test_names_that_are_not_utf_8_survive(tmp_path):
    name = os.fsdecode(b"h\xe9ron/\xff\xfe.jpg")
    try:
        grow(tmp_path, name)
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    table = ImageTable.from_folder(tmp_path)
    assert table.names == [name]
    assert table.classes == [os.fsdecode(b"h\xe9ron")]
    assert read_image(table.paths[0], size=None).shape == PHOTO.shape


def test_a_root_may_be_relative_or_end_in_a_slash(tmp_path, monkeypatch):
    grow(tmp_path, "photos/cat/a.jpg")
    monkeypatch.chdir(tmp_path)
    for root in ("photos", "photos/", "./photos", "."):
        table = ImageTable.from_folder(root)
        assert table.names == ["photos/cat/a.jpg" if root == "." else "cat/a.jpg"]
        assert os.path.isfile(table.paths[0])


# The table itself


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(TableError, match="Got 2, 1, 2 and 2"):
        ImageTable(("a", "b"), ("x",), (None, None))


def test_select_takes_rows_in_the_order_given(tmp_path):
    table = ImageTable(
        ("a", "b", "c"),
        ("x", None, "y"),
        (None, "g", None),
        "r",
        ("i",),
        ("train", None, "test"),
    )
    some = table.select(iter([2, 0, 2]))
    assert some.paths == ("c", "a", "c")
    assert some.labels == ("y", "x", "y")
    assert some.groups == (None, None, None)
    assert some.splits == ("test", "train", "test")
    assert some.root == "r"
    assert some.ignored == ("i",)
    assert len(table.select([])) == 0
    assert table.select(range(3)) == table


def test_a_table_is_a_value():
    table = ImageTable(("a",), ("x",), (None,))
    assert table == pickle.loads(pickle.dumps(table))
    with pytest.raises(AttributeError):
        table.paths = ()
