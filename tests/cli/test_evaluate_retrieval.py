"""`tamis evaluate` of retrieval, as a user types it, on small pictures."""

import json
import os
from pathlib import Path

import pytest

from command import tamis
from pictures import KINDS, write_kinds
from tamis.descriptors import descriptor
from tamis.evaluation.retrieval import evaluate_retrieval
from tamis.features import extract
from tamis.table import ImageTable

COLOR = ("--by", "color")


def answer(*words: object) -> dict:
    return json.loads(tamis("evaluate", *words, "--json", "-").stdout)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_kinds(tmp_path / "photos", 6)
    return tmp_path / "photos"


def test_leave_one_out_over_a_folder(photos: Path) -> None:
    found = answer(photos, *COLOR, "--depth", "3,8", "--depth", 5, "--seed", 4)
    assert [scores["depth"] for scores in found["depths"]] == [3, 5, 8]
    for scores in found["depths"]:
        assert scores["mmap"] == 1
        assert scores["error_rate"] == 0
        assert scores["map_per_class"] == dict.fromkeys(KINDS, 1)
    assert [scores["precision"] for scores in found["depths"]] == [1, 1, 5 / 8]
    assert [scores["recall"] for scores in found["depths"]] == pytest.approx([3 / 5, 1, 1])
    assert found["depths"][0]["mmap_all"] == pytest.approx(3 / 5)
    assert (found["n_images"], found["failures"], found["ignored"]) == (18, [], [])
    assert found["seconds"] > 0
    signature = found["signature"]
    assert signature["descriptor"] == descriptor("color").spec
    assert (signature["distance"], signature["depths"]) == ("l1", "3, 5, 8")
    assert signature["bootstrap"].endswith("seed 4")
    # The library says the same.
    features = extract(ImageTable.from_folder(photos), descriptor("color"))
    alone = evaluate_retrieval(features, depths=[3, 5, 8], seed=4).to_dict()
    assert {key: found[key] for key in alone} == alone


def test_gallery_and_queries_the_latter_blind(photos: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    tamis("split", photos, parts, "--ratio", 0.7, 0, 0.3, "--blind")
    words = ("--gallery", parts / "train", "--queries", parts / "test", *COLOR)
    words += ("--distance", "cosine")
    found = answer(*words, "--depth", 4)
    scores = found["depths"][0]
    # The truth came from the manifest beside the flat folder.
    assert (scores["mmap"], scores["precision"], scores["recall"]) == (1, 1, 1)
    assert found["n_images"] == 6
    assert found["signature"]["n_gallery"] == 12
    assert found["signature"]["distance"] == "cosine"
    assert found["signature"]["self-match"] == "not excluded, 0 pictures are in both"
    with_truth = answer(*words, "--depth", 4, "--truth", parts / "test-truth.csv")
    assert with_truth["depths"] == found["depths"]


def test_queries_that_are_in_the_gallery_are_told(photos: Path) -> None:
    done = tamis("evaluate", "--gallery", photos, "--queries", photos, "--depth", 2, *COLOR)
    assert "18 queries are in the gallery too, where each finds itself" in done.stderr


def test_only_some_classes(photos: Path) -> None:
    found = answer(photos, *COLOR, "--depth", 5, "--classes", "bars,sky")
    assert found["classes"] == ["bars", "sky"]
    assert found["n_images"] == 12
    done = tamis("evaluate", photos, "--classes", "bars,skye", check=False)
    assert done.returncode == 1
    assert "no pictures of the class skye in" in done.stderr
    assert "It has: bars, sky, tiles." in done.stderr


def test_a_collection_gives_the_same(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("lance")
    (photos / "sky" / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    (photos / "bars" / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    tamis("index", photos, "--into", tmp_path / "photos.tamis", "--by", "color,lbp")
    for options in ([], ["--classes", "bars,tiles"]):
        words = ("--by", "lbp", "--depth", "4,2", *options)
        folder, stored = answer(photos, *words), answer(tmp_path / "photos.tamis", *words)
        assert len(folder["failures"]) == (1 if options else 2)
        for key in folder.keys() - {"seconds"}:
            assert stored[key] == folder[key], key


def test_what_is_left_out_is_counted(photos: Path) -> None:
    write_kinds(photos, 2, first=80, flat=True)  # in no class folder
    (photos / "lonely").mkdir()
    next(photos.glob("*.jpg")).rename(photos / "lonely" / "one.jpg")
    (photos / "sky" / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    done = tamis("evaluate", photos, *COLOR, "--depth", 3)
    assert "leaving out 5 pictures" in done.stderr
    assert f"skipping {photos / 'sky' / 'torn.jpg'}: " in done.stderr
    first = done.stdout.splitlines()[0]
    assert first == (
        "18 pictures of 3 classes, each looked for among the 18 others; "
        "1 without another picture of their class left out; 5 without a class left out; "
        "1 that could not be read left out"
    )
    found = answer(photos, *COLOR, "--depth", 3)
    assert (found["n_images"], found["n_unlabelled"], found["n_without_relevant"]) == (18, 5, 1)
    assert [failure["path"] for failure in found["failures"]] == [str(photos / "sky" / "torn.jpg")]
    assert "lonely" not in found["depths"][0]["map_per_class"]
    assert tamis("evaluate", photos, *COLOR, "--depth", 3, "--strict", check=False).returncode == 1


def test_the_text_names_both_definitions_and_every_depth(photos: Path) -> None:
    text = tamis("evaluate", photos, *COLOR, "--depth", "1,3,5,7,9,11").stdout
    lines = [line.split() for line in text.splitlines()]
    head = next(words for words in lines if words[:2] == ["95", "%"])
    assert head[3:] == [word for depth in (1, 3, 5, 7, 9, 11) for word in ("depth", str(depth))]
    assert "MMAP, AP over hits found    1.000 (1.000 to 1.000)" in text
    assert "MMAP, AP over all relevant  0.200 (0.200 to 0.200)" in text
    for figure in ("precision", "recall", "nDCG", "first", "error"):
        row = next(words for words in lines if words[:1] == [figure])
        assert " ".join(row).count(" to ") == 6
    assert "MAP, AP over hits found" in text
    for kind in KINDS:
        assert any(words == [kind, *["1.000"] * 6, "6"] for words in lines)
    assert "descriptor: color(bins=12,regions=3,size=128) | " in text
    assert "self-match: excluded, by row" in text


def test_of_many_classes_the_worst_and_the_best_are_shown(tmp_path: Path) -> None:
    made = write_kinds(tmp_path / "photos", 8)
    for number, path in enumerate(made):
        place = tmp_path / "many" / f"class-{number // 2:02}"
        place.mkdir(parents=True, exist_ok=True)
        os.link(path, place / f"{number}.jpg")
    words = (tmp_path / "many", *COLOR, "--depth", 2)
    rows = [
        line.split() for line in tamis("evaluate", *words).stdout.splitlines() if "class-" in line
    ]
    assert len(rows) == 8
    values = [float(row[1]) for row in rows]
    assert values == sorted(values)
    assert "... 4 more, all with --json ..." in tamis("evaluate", *words).stdout
    assert len(answer(*words)["depths"][0]["map_per_class"]) == 12


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "say what to score, in one of three ways"),
        (["{}", "--train", "{}", "--test", "{}"], 2, "Got DIR and --train DIR --test DIR (or"),
        (["{}", "--queries", "{}"], 2, "one of three ways"),
        (["--gallery", "{}"], 2, "give both --gallery and --queries."),
        (["--test", "{}"], 2, "give both --train and --test, or both --model and --test."),
        (["{}", "-k", 3], 2, "-k is for the scoring of classification."),
        (["{}", "--report", "r.html"], 2, "--report is for the scoring of classification."),
        (["--train", "{}", "--test", "{}", "--depth", 3], 2, "--depth is for the scoring of"),
        (["{}", "--depth", 18], 2, "pictures to choose from, 17. Got 18."),
        (["{}", "--depth", 0], 2, "--depth takes numbers of at least 1, such as 10,50. Got '0'."),
        (["{}", "--depth", "5,x"], 2, "Got 'x'."),
        (["{}", "--depth", "5,"], 2, "Got ''."),
        (["{}", "--distance", "l3"], 2, "unknown distance 'l3'."),
        (["{}", "--by", "colour"], 2, "Did you mean color"),
        (["{}", "--classes", "sky", "--depth", 2], 1, "at least two classes"),
        (["{}/sky"], 1, "has no class folders"),
        (["nowhere"], 1, "does not exist"),
    ],
)
def test_wrong_calls_say_what_is_wrong(
    words: list[object], code: int, message: str, photos: Path
) -> None:
    done = tamis("evaluate", *(str(word).format(photos) for word in words), check=False)
    assert message in done.stderr
    assert done.returncode == code
    assert done.stdout == ""
