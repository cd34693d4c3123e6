"""What commands say of folders: what is passed over, and what cannot be entered."""

import os
import shutil

import pytest

from command import answer, tamis
from pictures import write_kinds

BY = ("--by", "moments")


@pytest.fixture
def photos(tmp_path):
    write_kinds(tmp_path / "photos", 4)
    return tmp_path / "photos"


@pytest.fixture
def closed(photos, monkeypatch):
    """A class folder that may not be entered, for root as for anybody."""
    scandir = os.scandir

    def refusing(path="."):
        if os.path.basename(str(path)) == "tiles":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return photos / "tiles"


def test_folders_of_systems_are_counted_and_named(photos, tmp_path):
    for name in ("bars", "sky"):
        (photos / name / "@eaDir").mkdir()
        shutil.copy(next((photos / name).glob("*.jpg")), photos / name / "@eaDir" / "t.jpg")
    shutil.copytree(photos / "sky", photos / "#recycle")
    done = tamis("split", photos, tmp_path / "parts")
    assert "ignoring 3 hidden or system entries" in done.stderr
    assert "(#recycle, @eaDir 2 times)" in done.stderr
    found = answer("split", photos, tmp_path / "parts-2")
    assert (found["n_images"], found["classes"]) == (12, ["bars", "sky", "tiles"])
    assert [os.path.relpath(path, photos) for path in found["ignored"]] == [
        "#recycle",
        "bars/@eaDir",
        "sky/@eaDir",
    ]


def test_links_that_lead_outside_are_named_and_entered_on_request(photos, tmp_path):
    os.rename(photos / "sky", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", photos / "sky")
    done = tamis("evaluate", photos, *BY, "--depth", "2")
    assert "8 pictures of 2 classes" in done.stdout
    assert f"not entering 1 linked folder that leads out of {photos} (sky)" in done.stderr
    done = tamis("evaluate", photos, *BY, "--depth", "2", "--follow-links")
    assert "12 pictures of 3 classes" in done.stdout


def test_a_folder_that_cannot_be_entered_fails_split_and_train(closed, tmp_path):
    said = f"skipping {closed}: this folder cannot be entered: Permission denied"
    done = tamis("split", closed.parent, tmp_path / "parts", check=False)
    assert (done.returncode, done.stderr.count(said)) == (1, 1)
    assert sorted(os.listdir(tmp_path / "parts" / "train")) == ["bars", "sky"]
    done = tamis("train", closed.parent, "--out", tmp_path / "m.tamis", *BY, check=False)
    assert (done.returncode, done.stderr.count(said)) == (1, 1)


def test_a_folder_that_cannot_be_entered_is_a_failure_of_every_command(closed, tmp_path):
    expected = [{"path": str(closed), "reason": "this folder cannot be entered: Permission denied"}]
    photos = closed.parent
    query = next((photos / "sky").glob("*.jpg"))
    for kind in ("bars", "sky"):
        shutil.copytree(photos / kind, tmp_path / "more" / kind)
    to_sort = ("--input", photos / "sky", "--out", tmp_path / "out")
    for words in (
        ("evaluate", photos, *BY, "--depth", "2"),
        ("evaluate", "--train", tmp_path / "more", "--test", photos, *BY),
        ("evaluate", "--train", photos, "--test", tmp_path / "more", *BY),
        ("compare", photos, "--by", "moments", "--depth", "2", "--folds", "2"),
        ("search", photos, query, *BY),
        ("index", photos, "--into", tmp_path / "p.tamis", *BY),
        ("sort", "--train", photos, *to_sort, *BY),
    ):
        assert expected[0] in answer(*words)["failures"], words


def test_index_keeps_what_it_cannot_look_at(photos, tmp_path, monkeypatch):
    path = tmp_path / "p.tamis"
    tamis("index", photos, "--into", path, *BY)
    (photos / "sky").rename(tmp_path / "away")
    (photos / "sky").mkdir()
    done = tamis("index", photos, "--into", path)
    assert f"4 pictures of {path} cannot be looked at and stay in it" in done.stderr
    assert "--prune removes them" in done.stderr
    assert "12 pictures" not in done.stderr
    found = answer("index", photos, "--into", path)
    assert (found["removed"], len(found["unseen"]), found["n_images"]) == (0, 4, 12)
    assert answer("index", photos, "--into", path, "--prune")["removed"] == 4


def test_an_empty_mount_point_asks_for_prune(photos, tmp_path):
    path = tmp_path / "p.tamis"
    tamis("index", photos, "--into", path, *BY)
    photos.rename(tmp_path / "away")
    photos.mkdir()
    done = tamis("index", photos, "--into", path, check=False)
    assert done.returncode == 1
    assert "is its disk mounted? The pictures of" in done.stderr
    assert "--prune removes them" in done.stderr
    assert answer("index", photos, "--into", path, "--prune")["n_images"] == 0
    (tmp_path / "away").rename(tmp_path / "again")
    done = tamis("index", photos, "--into", tmp_path / "new.tamis", check=False)
    assert done.returncode == 1


def test_index_keeps_a_folder_that_may_not_be_entered(photos, tmp_path, monkeypatch):
    path = tmp_path / "p.tamis"
    tamis("index", photos, "--into", path, *BY)
    scandir = os.scandir

    def refusing(folder="."):
        if os.path.basename(str(folder)) == "tiles":
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    found = answer("index", photos, "--into", path)
    assert (found["removed"], len(found["unseen"])) == (0, 4)
    assert [one["path"] for one in found["failures"]] == [str(photos / "tiles")]
