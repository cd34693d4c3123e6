"""Files that are there twice."""

import os
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pictures import write_kinds
from tamis.deduplication import content
from tamis.deduplication.content import copies, overlap, with_copies_together
from tamis.splits.assign import assign_folds, assign_parts
from tamis.table import ImageTable


@pytest.fixture
def files(tmp_path):
    """Return a function that writes files of these contents and gives their paths."""

    def make(**contents):
        for name, data in contents.items():
            (tmp_path / name).write_bytes(data)
        return [os.fspath(tmp_path / name) for name in contents]

    return make


def test_copies_are_told_by_content(files):
    paths = files(a=b"one", b=b"two", c=b"one", d=b"longer", e=b"two", f=b"one")
    assert copies(paths) == [[0, 2, 5], [1, 4]]
    assert copies(paths[:2]) == copies([]) == []


def test_links_are_copies_and_are_not_read(files, tmp_path, monkeypatch):
    (path,) = files(a=b"one")
    os.link(path, tmp_path / "hard")
    os.symlink(path, tmp_path / "soft")
    monkeypatch.setattr(content, "digest_of", None)
    assert copies([path, str(tmp_path / "hard"), str(tmp_path / "soft")]) == [[0, 1, 2]]


def test_only_files_of_one_size_that_look_alike_are_read(files, monkeypatch):
    paths = files(a=b"one", b=b"other", c=b"xne", d=b"two")
    read = []
    digest = content.digest_of
    monkeypatch.setattr(content, "digest_of", lambda path: read.append(path) or digest(path))
    assert copies(paths) == []
    assert read == [paths[0], paths[2]]


def test_what_cannot_be_read_has_no_copy(files, tmp_path):
    (path,) = files(a=b"one")
    gone = str(tmp_path / "gone")
    assert copies([gone, gone, path, path]) == [[2, 3]]
    assert overlap([gone], [path]).to_dict()["n_images"] == 0
    assert dict(overlap([gone], [gone]).by_path) == {gone: gone}


def test_overlap_by_path_and_by_content(files, monkeypatch):
    a, b, c, d, e = files(a=b"one", b=b"two", c=b"one", d=b"six", e=b"four")
    found = overlap([a, b, c, e], [d, b, a])
    assert dict(found.by_path) == {a: a, b: b}
    assert dict(found.by_content) == {c: a}
    assert len(found) == 3
    assert [path in found for path in (a, b, c, e)] == [True, True, True, False]
    assert found.to_dict() == {
        "n_images": 3,
        "n_by_path": 2,
        "n_by_content": 1,
        "images": [
            {"path": a, "same_as": a},
            {"path": b, "same_as": b},
            {"path": c, "same_as": a},
        ],
    }
    assert len(overlap([], [a])) == len(overlap([a], [])) == len(overlap([e], [a])) == 0
    # The same file, otherwise written.
    monkeypatch.chdir(os.path.dirname(a))
    assert dict(overlap(["./a"], [a]).by_path) == {"./a": a}


def doubled(folder, n):
    """Pictures of which each has a copy, of another name or in another class."""
    write_kinds(folder, n)
    for kind in ("bars", "sky"):
        for file in sorted((folder / kind).iterdir())[::2]:
            shutil.copy(file, file.with_name(f"copy-{file.name}"))
    for file in sorted((folder / "tiles").iterdir())[::3]:
        os.link(file, folder / "bars" / file.name)
    return ImageTable.from_folder(folder)


def test_a_split_keeps_copies_together(tmp_path):
    table, found = with_copies_together(doubled(tmp_path, 9))
    assert len(found) == 5 + 5 + 3
    for parts in (assign_parts(table, ratio=(0.6, 0.2, 0.2)), assign_folds(table, 3)):
        part_of = {row: part for part, rows in parts.items() for row in rows if "train" not in part}
        for rows in found:
            assert len({part_of.get(row) for row in rows}) == 1
    sizes = {part: len(rows) for part, rows in assign_parts(table).items()}
    assert sizes == {"train": 28, "test": 12}


def test_nothing_twice_is_the_same_table(tmp_path):
    write_kinds(tmp_path, 3)
    table = ImageTable.from_folder(tmp_path)
    assert with_copies_together(table) == (table, [])


@given(st.data())
def test_groups_that_share_a_copy_become_one(data):
    n = data.draw(st.integers(1, 12))
    contents = data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    groups = data.draw(
        st.lists(st.sampled_from([None, "g", "h", "i", "j"]), min_size=n, max_size=n)
    )
    table = ImageTable(
        paths=tuple(f"/r/{i}.png" for i in range(n)),
        labels=("a",) * n,
        root="/r",
        groups=tuple(groups),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "_contents", lambda _: np.array(contents))
        joined, _ = with_copies_together(table)

    def linked(one, two):
        return contents[one] == contents[two] or (
            groups[one] is not None and groups[one] == groups[two]
        )

    # Reachable from each other over common contents and groups: in one group, and no others.
    for start in range(n):
        reached, waiting = {start}, [start]
        while waiting:
            here = waiting.pop()
            new = {row for row in range(n) if row not in reached and linked(here, row)}
            reached |= new
            waiting += new
        same = {row for row in range(n) if joined.groups[row] == joined.groups[start]}
        assert joined.groups[start] is None or same == reached
        assert joined.groups[start] is not None or reached == {start}
