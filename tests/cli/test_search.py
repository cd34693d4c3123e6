"""`tamis search`, as a user types it."""

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from pictures import write_kinds
from tamis.cli import main
from tamis.descriptors import descriptor
from tamis.features import extract
from tamis.table import ImageTable

COLOR = ("--by", "color")


@pytest.fixture
def photos(tmp_path):
    write_kinds(tmp_path / "photos", 6)
    return tmp_path / "photos"


@pytest.fixture
def tamis(monkeypatch, capsys):
    """Run a command; gives exit code, output and notes."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["tamis", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as done:
            code = done.code or 0
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def found(tamis):
    """Run a search; gives paths and distances as printed."""

    def run(*words):
        code, out, err = tamis("search", *words, *(() if "--by" in words else COLOR))
        assert code == 0, err
        pairs = [line.split("\t") for line in out.splitlines()]
        return [path for path, _ in pairs], [float(distance) for _, distance in pairs]

    return run


def brute_force(photos, query, k, *, without=()):
    gallery = extract(ImageTable.from_folder(photos), descriptor("color"))
    asked = extract(ImageTable((str(query),), (None,), (None,)), descriptor("color"))
    distances = np.abs(gallery.features - asked.features).sum(axis=1)
    order = [i for i in np.argsort(distances, kind="stable") if gallery.paths[i] not in without]
    return [gallery.paths[i] for i in order[:k]], distances[order[:k]]


def pictures_of(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))


def test_a_picture_from_elsewhere(found, photos, tmp_path):
    query = next(iter(write_kinds(tmp_path / "other", 1, first=50)))
    paths, distances = found(photos, query, "-k", 5)
    expected, exact = brute_force(photos, query, 5)
    assert paths == expected
    assert distances == pytest.approx(exact, rel=1e-5)
    assert {os.path.basename(os.path.dirname(path)) for path in paths} == {"bars"}


@pytest.mark.parametrize("way", ["as listed", "relative", "through a link"])
def test_a_picture_inside_is_not_found(found, photos, tmp_path, monkeypatch, way):
    query = pictures_of(photos / "sky")[2]
    named = query
    if way == "relative":
        monkeypatch.chdir(photos)
        named = os.path.relpath(query, photos)
    elif way == "through a link":
        (tmp_path / "link").symlink_to(photos)
        named = query.replace(str(photos), str(tmp_path / "link"))
    paths, distances = found(photos, named, "-k", 17)
    assert len(paths) == 17
    assert query not in paths
    assert paths[:5] == brute_force(photos, query, 5, without=[query])[0]
    assert distances == sorted(distances)


def test_a_copy_elsewhere_is_at_distance_0(found, photos, tmp_path):
    query = pictures_of(photos / "sky")[0]
    (tmp_path / "copy.jpg").write_bytes(Path(query).read_bytes())
    paths, distances = found(photos, tmp_path / "copy.jpg", "-k", 1)
    assert (paths, distances) == ([query], [0])


def test_several_queries(found, photos):
    one, other = pictures_of(photos / "sky")[0], pictures_of(photos / "tiles")[0]
    paths, distances = found(photos, one, other, "-k", 16, "--combine", "best")
    assert len(paths) == 16
    assert not {one, other} & set(paths)
    singly = [dict(zip(*found(photos, query, "-k", 17), strict=True)) for query in (one, other)]
    for path, distance in zip(paths, distances, strict=True):
        assert distance == min(found_by[path] for found_by in singly)
    average, _ = found(photos, one, other, "-k", 16)
    assert sorted(average) == sorted(paths)


def test_like_these_and_unlike_those(tamis, found, photos):
    sky, tiles = pictures_of(photos / "sky"), pictures_of(photos / "tiles")
    paths, _ = found(photos, "--like", sky[0], "--like", tiles[0], "-k", 15, "--combine", "best")
    assert {os.path.basename(os.path.dirname(path)) for path in paths[:8]} == {"sky", "tiles"}
    paths, scores = found(photos, sky[0], "--like", tiles[0], "--unlike", tiles[1], "-k", 15,
                          "--combine", "best")  # fmt: skip
    assert {os.path.basename(os.path.dirname(path)) for path in paths[:5]} == {"sky"}
    assert not {sky[0], tiles[0], tiles[1]} & set(paths) and scores == sorted(scores)
    near = dict(zip(*found(photos, sky[0], "-k", 17), strict=True))
    far = dict(zip(*found(photos, tiles[1], "-k", 17), strict=True))
    paths, scores = found(photos, sky[0], "--unlike", tiles[1], "-k", 16)
    expected = [near[path] - far[path] / 2 for path in paths]
    assert scores == pytest.approx(expected, abs=1e-4)
    code, _, err = tamis("search", photos, sky[0], "--unlike", tiles[1], "--by", "color+lbp@rrf")
    assert code == 2 and "ranks have no contrast" in err


def test_paths_for_xargs(capfdbinary, photos, monkeypatch):
    odd = photos / "sky" / "a b\nc.jpg"
    os.rename(pictures_of(photos / "sky")[1], odd)
    query = pictures_of(photos / "sky")[0]
    monkeypatch.setattr(
        sys, "argv", ["tamis", "search", str(photos), query, "-k", "5", "-0", *COLOR]
    )
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    paths = capfdbinary.readouterr().out.split(b"\0")
    assert paths.pop() == b"" and len(paths) == 5 and os.fsencode(odd) in paths


def test_only_some_classes(found, photos):
    query = pictures_of(photos / "sky")[0]
    paths, _ = found(photos, query, "--label", "bars,tiles")
    assert {os.path.basename(os.path.dirname(path)) for path in paths} <= {"bars", "tiles"}
    assert len(paths) == 10


def test_fewer_than_asked_for(tamis, photos):
    code, out, err = tamis("search", photos, pictures_of(photos / "sky")[0], "-k", 99, *COLOR)
    assert code == 0
    assert len(out.splitlines()) == 17
    assert "only 17 pictures" in err


def test_a_fusion_is_fitted_on_the_gallery(found, photos):
    query = pictures_of(photos / "sky")[0]
    paths, _ = found(photos, query, "--by", "color+edge", "-k", 5)
    assert {os.path.basename(os.path.dirname(path)) for path in paths} == {"sky"}


def test_json(tamis, photos):
    query = pictures_of(photos / "sky")[0]
    (photos / "sky/broken.jpg").write_bytes(b"")
    code, out, err = tamis("search", photos, query, "-k", 2, "--json", "-", *COLOR)
    assert code == 0
    result = json.loads(out)
    assert result["query"] == [query]
    assert [row["label"] for row in result["results"]] == ["sky", "sky"]
    assert result["signature"]["descriptor"].startswith("color(")
    assert result["signature"]["search"] == "exact"
    assert result["failures"] == [
        {"path": str(photos / "sky/broken.jpg"), "reason": "is empty (0 bytes)"}
    ]
    assert "skipping" in err
    assert tamis("search", photos, query, "--strict", *COLOR)[0] == 1


def test_html(tamis, photos, tmp_path):
    (photos / "<b>").mkdir()
    name = photos / "<b>" / "a&b.jpg"
    os.rename(pictures_of(photos / "sky")[1], name)
    query = pictures_of(photos / "sky")[0]
    code, out, _ = tamis("search", photos, query, *COLOR, "-k", 8, "--html", tmp_path / "s.html")
    assert code == 0
    assert len(out.splitlines()) == 8
    page = (tmp_path / "s.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 9
    assert "a&amp;b.jpg" in page
    assert "<bdi>&lt;b&gt;</bdi>" in page
    assert "<b>/" not in page
    assert not re.search(r"<script|https?://", page)
    assert page.count('<a class="well" href="photos/') == 9
    assert 'href="photos/%3Cb%3E/a%26b.jpg"' in page
    code, _, err = tamis("search", photos, query, *COLOR, "--html", tmp_path / "nowhere/sheet.html")
    assert code == 1
    assert "cannot write" in err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["{}", "nowhere.jpg"], 1, "nowhere.jpg"),
        (["{}", "broken.jpg"], 1, "broken.jpg: is empty"),
        (["{}", "good.jpg", "broken.jpg"], 1, "broken.jpg: is empty"),
        (["{}/inside", "{}/inside/broken.jpg"], 1, "broken.jpg: is empty"),
        (["nowhere", "good.jpg"], 1, "does not exist"),
        (["{}", "good.jpg", "--label", "dogs"], 1, "of the class dogs"),
        (["{}", "good.jpg", "--distance", "l3"], 2, "l1"),
        (["{}", "good.jpg", "--by", "colour"], 2, "color"),
        (["{}", "good.jpg", "--combine", "worst"], 2, "average"),
        (["{}", "good.jpg", "-k", "0"], 2, "1"),
        (["{}"], 2, "QUERY"),
    ],
)
def test_errors_say_what_is_wrong(tamis, photos, tmp_path, monkeypatch, words, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"")
    (photos / "inside").mkdir()
    (photos / "inside/broken.jpg").write_bytes(b"")
    good = Path(pictures_of(photos / "sky")[0]).read_bytes()
    (tmp_path / "good.jpg").write_bytes(good)
    (photos / "inside/good.jpg").write_bytes(good)
    words = [*words, *(() if "--by" in words else COLOR)]
    found, out, err = tamis("search", *(word.format(photos) for word in words))
    assert (found, out) == (code, "")
    assert message in err


def test_a_collection_answers_as_its_folder(tamis, found, photos, tmp_path):
    pytest.importorskip("lance", reason="needs the extra tamis[store]")
    path = tmp_path / "photos.tamis"
    assert tamis("index", photos, "--into", path, "--by", "edge,color")[0] == 0
    query = pictures_of(photos / "sky")[0]
    for words in (["--by", "edge"], ["--by", "color+edge"]):
        assert found(path, query, *words) == found(photos, query, *words)


def test_a_collection_without_the_default_is_searched_by_what_it_holds(
    tamis, found, photos, tmp_path
):
    pytest.importorskip("lance", reason="needs the extra tamis[store]")
    path = tmp_path / "photos.tamis"
    assert tamis("index", photos, "--into", path, "--by", "edge,color")[0] == 0
    query = pictures_of(photos / "sky")[0]
    code, out, err = tamis("search", path, query)
    assert code == 0
    assert f"photos.tamis holds no vectors by auto: taking {descriptor('edge').spec}" in err
    assert [line.split("\t")[0] for line in out.splitlines()] == found(
        photos, query, "--by", "edge"
    )[0]


def test_approximate(tamis, found, photos, tmp_path):
    pytest.importorskip("lance", reason="needs the extra tamis[store]")
    path = tmp_path / "photos.tamis"
    words = ("index", photos, "--into", path)
    code, out, _ = tamis(*words, "--by", "edge,color", "--approximate", "--json", "-")
    assert code == 0
    assert list(json.loads(out)["recall_at_10"].values()) == [1.0, 1.0]
    query = pictures_of(photos / "sky")[0]
    tamis(*words)
    for by in ("color", "edge+color"):
        more = ["--by", by, "-k", 6]
        assert found(path, query, *more, "--approximate") == found(path, query, *more)
    for more in ([], ["--distance", "l2"], ["--label", "bars"], ["--combine", "best"]):
        more = ["--by", "edge", *more]
        assert found(path, query, *more, "--approximate") == found(path, query, *more)
    by = ["--by", "edge"]
    _, out, err = tamis("search", path, query, *by, "--approximate", "-k", 4, "--json", "-")
    assert "recall@4 1.000 on 20 stored pictures" in err
    signature = json.loads(out)["signature"]
    assert signature["search"] == "approximate, candidates by l2"
    assert (signature["recall"], signature["recall_sample"]) == (1.0, 20)
    assert "recall" not in tamis("search", path, query, *by, "--approximate", "--sample", 0)[2]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["{}", "--by", "edge"], 1, "is not a collection"),
        (["{}.tamis", "--by", "color"], 1, "has no approximate index"),
        (["{}.tamis", "--by", "edge>pca8"], 2, "made of others"),
        (["{}.tamis", "--by", "edge"], 1, "has no approximate index"),
        (["{}.tamis", "--by", "lbp"], 1, "holds no vectors by lbp"),
    ],
)
def test_no_approximate_search(tamis, photos, words, code, message):
    pytest.importorskip("lance", reason="needs the extra tamis[store]")
    assert tamis("index", photos, "--into", f"{photos}.tamis", "--by", "edge,color")[0] == 0
    words = [word.format(photos) for word in words]
    done = tamis("search", words[0], pictures_of(photos / "sky")[0], *words[1:], "--approximate")
    assert done[:2] == (code, "")
    assert message in done[2]


def test_a_query_that_the_folder_holds_as_a_link_is_left_out(tmp_path, found):
    write_kinds(tmp_path / "photos", 3)
    for file in sorted((tmp_path / "photos").rglob("*.jpg")):
        link = tmp_path / "links" / file.parent.name / file.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    query = next((tmp_path / "photos/sky").iterdir())
    paths, _ = found(tmp_path / "links", query, "-k", "3")
    assert len(paths) == 3
    assert query.name not in {Path(path).name for path in paths}


def test_the_pictures_found_are_copied_and_undo_takes_them_back(tamis, photos, tmp_path):
    query, best = pictures_of(photos / "sky")[0], tmp_path / "best"
    os.rename(pictures_of(photos / "tiles")[0], photos / "tiles" / "same.jpg")
    os.rename(pictures_of(photos / "sky")[1], photos / "sky" / "same.jpg")
    code, _, err = tamis("search", photos, query, *COLOR, "-k", 17, "--copy-to", best)
    assert code == 0
    assert f"copied 17 pictures to {best}; to take it back: tamis undo {best}" in err
    assert len(list(best.glob("*.jpg"))) == 17
    assert (best / "same-2.jpg").exists()
    code, _, err = tamis("search", photos, query, *COLOR, "-k", 17, "--copy-to", best)
    assert "copied 0 pictures" in err and "17 were there already" in err
    code, _, err = tamis("undo", best)
    assert not best.exists()
    assert len(list(photos.rglob("*.jpg"))) == 18


def test_what_a_collection_names_elsewhere_is_not_copied(tamis, photos, tmp_path):
    elsewhere = tmp_path / "elsewhere.jpg"
    os.rename(pictures_of(photos / "sky")[1], elsewhere)
    os.symlink(elsewhere, photos / "sky" / "link.jpg")
    query = pictures_of(photos / "sky")[0]
    code, _, err = tamis("search", photos, query, *COLOR, "-k", 17, "--copy-to", tmp_path / "best")
    assert code == 1
    assert "not copying" in err and "lies outside" in err
    assert not (tmp_path / "best" / "link.jpg").exists()
