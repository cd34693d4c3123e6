"""`tamis compare` as a user types it."""

import json
import os
import shlex
import shutil
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


def test_a_page_shows_all_candidates_and_how_sure_the_best_is(photos, tmp_path):
    words = ("--by", "color(bins=4),edge,colorlayout", "--fuse", "2-2")
    tamis("compare", photos, *words, "--report", tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text()
    assert page.count('<th scope="row">') == 6 + 5
    assert "tamis sort --train DIR" in page and "McNemar" in page
    assert "Every picture could be read." in page


@pytest.fixture(scope="module")
def muddle(tmp_path_factory):
    """Classes that look alike, so that every change of a ranking changes its figure."""
    folder = tmp_path_factory.mktemp("compare") / "muddle"
    for number, file in enumerate(sorted(write_kinds(folder / "all", 10))):
        (folder / f"class-{number % 3}").mkdir(exist_ok=True)
        os.rename(file, folder / f"class-{number % 3}" / f"{number}.jpg")
    shutil.rmtree(folder / "all")
    return folder


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--method", "rrf"),
        ("--method", "rrf", "--scale", "learned"),
        ("--distance", "l2"),
        ("--distance", "cosine"),
        ("--method", "sum", "--distance", "l2", "--scale", "deviation"),
        ("--unit", "l2", "--scale", "learned"),
        ("--unit", "l1", "--scale", "none"),
    ],
    ids=" ".join,
)
def test_what_it_says_to_type_gives_its_figure_again(muddle, options, monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["tamis", *map(str, words)])
        with pytest.raises(SystemExit) as done:
            main()
        assert not done.value.code
        return capsys.readouterr().out

    by = "color(bins=4),colorlayout,hsv(hues=4)"
    words = ("compare", muddle, "--by", by, "--fuse", "2-2", "--depth", "5", *options)
    result = json.loads(run(*words, "--json", "-"))
    line = next(line for line in run(*words).splitlines() if "tamis evaluate" in line)
    command = shlex.split(line)[1:]
    assert command[:4] == ["evaluate", str(muddle), "--by", result["winner"]]
    for one in result["candidates"]:
        command[3] = one["spec"]
        figures = json.loads(run(*command, "--json", "-"))["depths"][0]
        assert one["mmap"] < 0.9
        for name in ("mmap", "mmap_all", "precision"):
            # Distances that are equal in float32 may swap two of the 150 results.
            assert figures[name] == pytest.approx(one[name], abs=0.014), name


def test_a_lead_that_may_be_luck_is_not_called_one(muddle):
    words = ("compare", muddle, "--by", "color(bins=4),colorlayout,hsv(hues=4)")
    found = json.loads(tamis(*words, "--json", "-").stdout)
    lines = [line for line in tamis(*words).stdout.splitlines() if "95 % interval" in line]
    for lead, line in zip(found["leads"], lines, strict=True):
        assert lead["shown"] == (lead["interval"][0] > 0)
        assert ("is ahead of" in line) == lead["shown"]
        assert f"(p {lead['first_result']['p_value']:.2g})" in line
    assert not all(lead["shown"] for lead in found["leads"])


def test_reductions_and_fusions_are_compared_as_they_are(photos):
    by = "edge,edge>pca4,edge>gauss8,edge+colorlayout,edge+colorlayout@rrf"
    found = json.loads(tamis("compare", photos, "--by", by, "--json", "-").stdout)
    assert {one["spec"].partition("(")[0] for one in found["candidates"]} >= {"edge"}
    assert len(found["candidates"]) == 5
    fused = tamis("compare", photos, "--by", by, "--fuse", "2", check=False)
    assert fused.returncode == 2
    assert "cannot be fused" in fused.stderr
    learned = tamis("compare", photos, "--by", "edge,edge+gist@learned", check=False)
    assert "--scale learned" in learned.stderr


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
