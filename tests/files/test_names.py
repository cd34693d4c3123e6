"""Names that can be written, and that do not collide."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import TableError
from tamis.files.names import TakenNames, folder_name, numbered

# Any name that a file may have on Linux: 1 to 255 bytes, neither slash nor zero.
FILE_NAMES = (
    st.binary(min_size=1, max_size=255)
    .map(lambda raw: os.fsdecode(raw.replace(b"/", b"_").replace(b"\0", b"_")))
    .filter(lambda name: name not in (".", ".."))
)


# Folders


@pytest.mark.parametrize(
    "label", ["cat", "sc_", "two words", "été", "日本", "-rf", "a.b", "0.0", "x" * 255, "\udce9"]
)
def test_a_label_that_can_be_a_folder_stays_as_it_is(label):
    assert folder_name(label) == label


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("", "empty"),
        (" ", "blank"),
        (" cat", "blank"),
        ("cat\n", "blank"),
        (".", "dot"),
        ("..", "dot"),
        (".hidden", "dot"),
        ("a/b", "slash"),
        ("/etc", "slash"),
        ("a\\b", "backslash"),
        ("a\0b", "zero byte"),
        ("x" * 256, "longer than 255 bytes"),
        ("é" * 128, "longer than 255 bytes"),
    ],
)
def test_a_label_that_cannot_be_a_folder_is_refused(label, reason):
    with pytest.raises(TableError, match=f"cannot become a folder: it .*{reason}"):
        folder_name(label)


# Numbers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat.jpg", "cat-2.jpg"),
        ("cat", "cat-2"),
        ("cat.tar.gz", "cat.tar-2.gz"),
        (".jpg", ".jpg-2"),
        ("-.jpg", "--2.jpg"),
        ("日本.jpg", "日本-2.jpg"),
        ("\udce9.jpg", "\udce9-2.jpg"),
        ("x" * 251 + ".jpg", "x" * 249 + "-2.jpg"),
        ("é" * 125 + ".jpg", "é" * 124 + "-2.jpg"),  # whole characters go
        ("x." + "y" * 251, "x-2." + "y" * 251),
        ("x." + "y" * 252, "x." + "y" * 251 + "-2"),
        ("x." + "y" * 253, "x." + "y" * 251 + "-2"),  # no room for a stem before that suffix
    ],
)
def test_a_number_goes_before_the_suffix(name, expected):
    assert numbered(name, 2) == expected


@given(name=FILE_NAMES, number=st.integers(2, 10**6))
def test_a_numbered_name_can_be_written_and_is_another(name, number):
    result = numbered(name, number)
    assert 0 < len(os.fsencode(result)) <= 255
    assert result != numbered(name, number + 1)
    assert f"-{number}" in result


# Taken names


def test_a_name_is_taken_once_in_each_folder(tmp_path):
    taken = TakenNames(str(tmp_path))
    assert taken.take("a", "x.jpg")
    assert not taken.take("a", "x.jpg")
    assert taken.take("b", "x.jpg")
    assert taken.take("a", "y.jpg")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x.jpg", "X.JPG"),
        (unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")),
        (unicodedata.normalize("NFC", "É.jpg"), unicodedata.normalize("NFD", "é.JPG")),
        ("straße.jpg", "STRASSE.jpg"),
    ],
)
def test_names_that_are_one_on_some_systems_are_one(tmp_path, one, other):
    taken = TakenNames(str(tmp_path))
    assert taken.take("", one)
    assert not taken.take("", other)


def test_names_on_disk_are_taken(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "X.jpg").write_bytes(b"")
    (tmp_path / "a" / "inner").mkdir()
    taken = TakenNames(str(tmp_path))
    assert not taken.take("a", "x.jpg")
    assert not taken.take("a", "inner")
    assert taken.take("a", "y.jpg")


def test_a_free_name_gets_the_first_free_number(tmp_path):
    (tmp_path / "x-3.jpg").write_bytes(b"")
    taken = TakenNames(str(tmp_path))
    names = [taken.take_free("", "x.jpg") for _ in range(3)]
    assert names == ["x.jpg", "x-2.jpg", "x-4.jpg"]


def test_long_names_get_numbers_too(tmp_path):
    taken = TakenNames(str(tmp_path))
    names = [taken.take_free("", "x" * 251 + ".jpg") for _ in range(12)]
    assert len(set(names)) == 12
    for name in names:
        (tmp_path / name).write_bytes(b"")


@given(names=st.lists(FILE_NAMES, max_size=12))
def test_free_names_never_collide(names):
    taken = TakenNames("/nowhere")
    given_out = [taken.take_free("", name) for name in names * 2]
    keys = {unicodedata.normalize("NFC", name).casefold() for name in given_out}
    assert len(keys) == len(given_out)
