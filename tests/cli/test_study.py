"""`tamis study`: choices of classes, from a folder, a split or a collection."""

import re

import pytest

import tamis as library
from command import answer, tamis
from pictures import KINDS, write_kinds

BY = ("--by", "moments")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "photos"
    write_kinds(folder, 8)
    return folder


def test_the_chosen_classes_have_a_place(photos, tmp_path):
    page, file = tmp_path / "s.html", tmp_path / "s.json"
    words = ("--classes", ",".join(KINDS[:2]), "--report", page, "--json", file)
    done = tamis("study", photos, *BY, *words)
    assert "3 choices of 2 classes" in done.stdout
    assert re.search(r"bars, sky: accuracy \d.*, at the percentile [\d.]+: \d of 3", done.stdout)
    assert "twice as many" in done.stdout or "more are not likely to help" in done.stdout
    text = page.read_text(encoding="utf-8")
    assert "tamis study" in text and text.count("<svg") >= 3 and text.count("data:image") >= 2


def test_json(photos):
    found = answer("study", photos, *BY, "-k", 3, "--size", 2)
    assert found["signature"]["classifier"] == "knn" and found["signature"]["k"] == 3
    assert found["n_draws"] == 3 and found["chosen"] is None and found["n_images"] == 24
    assert found["by_examples"][-1]["accuracy"] >= found["by_examples"][0]["accuracy"]


def test_the_parts_of_a_split_are_taken(photos, tmp_path):
    tamis("split", photos, tmp_path / "parts", "--ratio", 0.5, 0, 0.5)
    found = answer("study", tmp_path / "parts", *BY, "--size", 2)
    assert (found["n_examples"], found["n_test"]) == (12, 12)
    assert found["signature"]["parts"] == "those of the split"


def test_a_collection_gives_the_same(photos, tmp_path):
    pytest.importorskip("lance", reason="needs the extra store")
    tamis("index", photos, "--into", tmp_path / "c.tamis", "--by", "moments")
    words = ("--size", 2, "--classifier", "class-means")
    found, again = (answer("study", at, *BY, *words) for at in (photos, tmp_path / "c.tamis"))
    assert found["draws"] == again["draws"]


def test_the_same_in_python(photos):
    found = library.study(photos, by="moments", chosen=["tiles", "sky"], k=3)
    assert found.chosen.classes == ("sky", "tiles")
    assert set(found.shown) == set(KINDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--classes", "skye,bars"), "Did you mean sky?"),
        (("--classes", "sky"), "at least two classes"),
        (("--classes", "sky,bars", "--size", 3), "--size is the number of --classes, 2"),
        (("--size", 4), "must be 2 to 3"),
        (("--classifier", "small"), "is a network"),
        (("--classifier", "probe", "-k", 3), "Leave them out"),
        (("--classifier", "nn"), "unknown classifier"),
    ],
)
def test_what_cannot_be_is_said(photos, words, said):
    done = tamis("study", photos, *BY, *words, check=False)
    assert done.returncode and said in done.stderr


def test_a_network_has_no_subset_of_its_own_to_learn(photos):
    with pytest.raises(library.InvalidParameterError, match="draws must be at least 1"):
        library.study(photos, by="moments", draws=0)
