"""`tamis compare` as a user types it."""

import json

import pytest

from command import tamis
from pictures import write_kinds


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "photos"
    write_kinds(folder, 8)
    return folder


def test_it_names_the_best_and_what_to_type(photos):
    done = tamis("compare", photos, "--by", "color(bins=4),edge,colorlayout", "--fuse", "2-3")
    assert "honest figure" in done.stdout
    assert "to use it: tamis sort" in done.stdout
    assert "color+edge" in done.stdout
    found = json.loads(
        tamis("compare", photos, "--by", "color(bins=4),edge", "--fuse", "2", "--json", "-").stdout
    )
    assert len(found["candidates"]) == 3
    assert {"mmap", "mmap_all", "precision", "depth", "by"} <= set(found["candidates"][0])
    assert found["n_images"] == 24
    assert found["signature"]["distance"] == "l1"
    assert 0 <= found["nested_mmap"] <= 1


def test_a_collection_and_a_draw(photos, tmp_path):
    pytest.importorskip("lance", reason="needs the extra tamis[store]")
    into = tmp_path / "c.tamis"
    tamis("index", photos, "--into", into, "--by", "edge")
    words = ("compare", into, "--by", "edge,colorlayout", "--most", "15", "--json", "-")
    done = tamis(*words)
    assert "comparing on 15 of 24 pictures" in done.stderr
    assert json.loads(done.stdout)["n_images"] == 15


def test_bad_ranges_say_so(photos):
    done = tamis("compare", photos, "--by", "edge", "--fuse", "2-x", check=False)
    assert done.returncode == 2
    assert "fuse must be a range" in done.stderr
