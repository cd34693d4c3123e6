"""`tamis compare` as a user types it."""

import json
import shlex
import sys

import pytest

from command import tamis
from pictures import write_kinds
from tamis.cli import main


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "photos"
    write_kinds(folder, 8)
    return folder


def test_it_names_the_best_and_what_to_type(photos):
    done = tamis("compare", photos, "--by", "color(bins=4),edge,colorlayout", "--fuse", "2-3")
    assert "honest figure" in done.stdout
    assert "  tamis sort --train DIR" in done.stdout
    assert "color+edge" in done.stdout
    found = json.loads(
        tamis("compare", photos, "--by", "color(bins=4),edge", "--fuse", "2", "--json", "-").stdout
    )
    assert len(found["candidates"]) == 3
    assert {"mmap", "mmap_all", "precision", "depth", "by"} <= set(found["candidates"][0])
    assert found["n_images"] == 24
    assert found["signature"]["distance"] == "l1"
    assert 0 <= found["nested_mmap"] <= 1


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--method", "rrf"),
        ("--method", "rrf", "--scale", "learned"),
        ("--distance", "l2"),
        ("--distance", "cosine"),
        ("--method", "sum", "--distance", "chi2", "--scale", "deviation"),
        ("--unit", "l2", "--scale", "learned"),
        ("--unit", "l1", "--scale", "none"),
    ],
    ids=" ".join,
)
def test_what_it_says_to_type_gives_its_figure_again(photos, options, monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["tamis", *map(str, words)])
        main()
        return capsys.readouterr().out

    by = "color(bins=4),colorlayout,hsv(hues=4)"
    words = ("compare", photos, "--by", by, "--fuse", "2-2", "--depth", "5", *options)
    result = json.loads(run(*words, "--json", "-"))
    line = next(line for line in run(*words).splitlines() if "tamis evaluate" in line)
    command = shlex.split(line)[1:]
    assert command[:4] == ["evaluate", str(photos), "--by", result["winner"]]
    for one in result["candidates"]:
        command[3] = one["spec"]
        figures = json.loads(run(*command, "--json", "-"))["depths"][0]
        for name in ("mmap", "mmap_all", "precision"):
            assert figures[name] == pytest.approx(one[name], abs=0.004), name


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
