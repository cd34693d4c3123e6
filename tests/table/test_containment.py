"""What a source names is taken only if it lies below its folder."""

import os
from pathlib import Path

import pytest

from tamis.table import ImageTable
from tamis.table.containment import only_inside, only_pictures


def table_of(root: Path, *names: str) -> ImageTable:
    n = len(names)
    return ImageTable(
        tuple(os.path.join(root, name) for name in names), (None,) * n, (None,) * n, str(root)
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("root/in.jpg", "root/deep/in.jpg", "out/out.jpg", "rootless/out.jpg"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\xff\xd8\xff" + bytes(20))
    root = tmp_path / "root"
    (root / "link-in.jpg").symlink_to("deep/in.jpg")
    (root / "link-out.jpg").symlink_to("../out/out.jpg")
    (root / "folder").symlink_to("../out")
    (root / "chain.jpg").symlink_to("link-out.jpg")
    return root


def test_only_what_really_lies_below(root: Path) -> None:
    good = ["in.jpg", "deep/in.jpg", "link-in.jpg", "deep/../in.jpg", "gone.jpg"]
    bad = ["link-out.jpg", "folder/out.jpg", "chain.jpg", "../out/out.jpg", "folder/../in.jpg",
           "../rootless/out.jpg", str(root.parent / "out/out.jpg"), ".."]  # fmt: skip
    table = only_inside(table_of(root, *good, *bad))
    assert list(table.paths) == [os.path.join(root, name) for name in good]
    assert [failure.path for failure in table.failures] == [os.path.join(root, n) for n in bad]
    assert f"lies outside of {root}, at {root.parent}/out/out.jpg" in table.failures[0].reason


def test_a_root_that_is_itself_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "album").symlink_to("root")
    assert len(only_inside(table_of(tmp_path / "album", "in.jpg", "deep/in.jpg"))) == 2


def test_only_what_is_there_and_calls_itself_a_picture(root: Path) -> None:
    (root / "key").write_text("-----BEGIN PRIVATE KEY-----")
    (root / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    os.mkfifo(root / "pipe.jpg")
    names = ["in.jpg", "picture", "key", "pipe.jpg", "gone.jpg", "deep", "zero\0.jpg"]
    table = only_pictures(table_of(root, *names))
    assert [os.path.basename(path) for path in table.paths] == ["in.jpg", "picture"]
    reasons = [failure.reason for failure in table.failures]
    assert "is not a picture" in reasons[0]
    assert reasons[1] == reasons[3] == "is no file"
    assert "is missing" in reasons[2]
