"""`tamis train`, and the commands that take what it makes."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from command import answer, tamis
from pictures import KINDS, write_kinds
from tamis.model import Model

BY = ("--by", "moments", "--classifier", "probe")
ASIDE = ("--validation", 0.2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Class folders, pictures to sort, and a model that a probe learned from the former."""
    folder = tmp_path_factory.mktemp("train")
    write_kinds(folder / "examples", 10)
    write_kinds(folder / "known", 4, first=20)
    write_kinds(folder / "flat", 4, first=20, flat=True)
    tamis("train", folder / "examples", "--out", folder / "m.tamis", *BY)
    return folder


def test_it_says_what_the_model_is_worth_and_what_to_do_next(photos, tmp_path):
    out = tmp_path / "m.tamis"
    said = tamis("train", photos / "examples", "--out", out, *BY, *ASIDE).stdout
    assert "validation accuracy 100.0% (95 % interval 61.0% to 100.0%): 6 of 6" in said
    assert "set aside from each class" in said
    assert f"wrote {out}" in said
    assert "probe by moments, 3 classes, 24 training pictures" in said
    assert f"tamis sort --model {out}" in said
    assert f"tamis evaluate --model {out}" in said
    assert os.listdir(tmp_path) == ["m.tamis"]


def test_its_json_names_what_was_set_aside(photos, tmp_path):
    found = answer("train", photos / "examples", "--out", tmp_path / "m.tamis", *BY, *ASIDE)
    assert found["net"] == "probe"
    assert found["classes"] == list(KINDS)
    assert found["per_class"] == dict.fromkeys(KINDS, 8)
    assert found["n_images"] == 24
    assert len(found["set_aside"]) == 6
    assert all(os.path.exists(path) for path in found["set_aside"])
    assert found["validation"]["accuracy"] == 1
    assert found["signature"]["seed"] == 0
    assert {"strength", "loss", "accuracy"} == set(found["history"][0])
    model = Model.open(tmp_path / "m.tamis")
    assert model.digest == found["digest"]
    assert model.metrics["validation"]["n_images"] == 6


def test_test_is_never_looked_at(photos, tmp_path):
    tamis("split", photos / "examples", tmp_path / "parts", "--ratio", 0.5, 0.2, 0.3)
    for folder, _, files in os.walk(tmp_path / "parts" / "test"):
        for name in files:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"\xff\xd8\xff broken")
    found = answer("train", tmp_path / "parts", "--out", tmp_path / "m.tamis", *BY)
    assert found["failures"] == []
    assert found["set_aside"] == []
    assert (found["n_images"], found["validation"]["n_images"]) == (15, 6)
    said = tamis("train", tmp_path / "parts", "--out", tmp_path / "m2.tamis", *BY).stdout
    assert f"--test {tmp_path / 'parts' / 'test'}" in said


def test_the_report_shows_how_it_was_trained(photos, tmp_path):
    page = tmp_path / "r.html"
    tamis("train", photos / "examples", "--out", tmp_path / "m", *BY, "--report", page)
    html = page.read_text()
    assert html.count('class="chart"') == 2
    assert "chosen by cross-validation on the training pictures alone" in html
    assert "what the model takes for the probability" in html
    assert "votes" not in html
    assert "nearest example" not in html.lower()


def test_evaluate_scores_a_model(photos, tmp_path):
    said = answer(
        "evaluate", "--model", photos / "m.tamis", "--test", photos / "known",
        "--report", tmp_path / "r.html",
    )  # fmt: skip
    assert said["accuracy"] == 1
    assert said["n_images"] == 12
    assert set(said["report"]) >= set(KINDS)
    assert said["signature"]["model"].startswith("probe ")
    assert said["signature"]["n_train"] == 30
    assert "<svg" in (tmp_path / "r.html").read_text()


def test_a_class_that_the_model_does_not_know_counts_as_wrong(photos, tmp_path):
    write_kinds(tmp_path / "known", 2, first=40)
    os.rename(tmp_path / "known" / "sky", tmp_path / "known" / "zebra")
    found = answer("evaluate", "--model", photos / "m.tamis", "--test", tmp_path / "known")
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert "zebra" in found["classes"]
    assert found["report"]["zebra"]["recall"] == 0


def test_sort_by_a_model_and_undo(photos, tmp_path):
    out = tmp_path / "sorted"
    tamis("sort", "--model", photos / "m.tamis", "--input", photos / "flat", "--out", out)
    assert sorted(p.name for p in out.iterdir() if p.is_dir() and p.name[0] != ".") == list(KINDS)
    assert all(len(os.listdir(out / kind)) == 4 for kind in KINDS)
    with open(out / "predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "path", "class", "confidence", "runner_up", "runner_up_confidence", "sorted_to",
    ]  # fmt: skip
    assert all(0.3 < float(row["confidence"]) <= 1 for row in rows)
    assert "votes" not in (out / "report.html").read_text()
    tamis("undo", out)
    assert not any((out / kind).exists() for kind in KINDS)


def test_a_folder_that_holds_the_model_is_sorted_too(photos, tmp_path):
    done = tamis(
        "sort", "--model", photos / "m.tamis", "--input", photos / "flat", "--out",
        tmp_path / "out", "--dry-run",
    )  # fmt: skip
    assert "would sort 12 of 12 pictures" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["sort", "evaluate"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--train", "x", "--model", "y"), "Got both"),
        (("--model", "y", "--by", "color"), "--by goes with --train"),
        (("--model", "y", "-k", "3"), "-k goes with --train"),
        (("--model", "y", "--distance", "l2"), "--distance goes with --train"),
    ],
)
def test_what_does_not_go_together_is_refused(photos, tmp_path, command, options, said):
    rest = {
        "sort": ("--input", photos / "flat", "--out", tmp_path / "o"),
        "evaluate": ("--test", photos / "known"),
    }[command]
    done = tamis(command, *options, *rest, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_sort_wants_one_that_answers(photos, tmp_path):
    done = tamis("sort", "--input", photos / "flat", "--out", tmp_path / "o", check=False)
    assert done.returncode == 2
    assert "say what answers: --train DIR" in done.stderr
    assert "Got neither" in done.stderr


def test_a_file_that_is_no_model_is_refused(photos, tmp_path):
    (tmp_path / "m.tamis").write_text("no model")
    given = ("--model", tmp_path / "m.tamis", "--test", photos / "known")
    done = tamis("evaluate", *given, check=False)
    assert done.returncode == 1
    assert "no model of tamis" in done.stderr


def test_what_is_there_is_not_overwritten(photos, tmp_path):
    out = tmp_path / "mine.txt"
    out.write_text("precious")
    for extra in ((), ("--force",)):
        done = tamis("train", photos / "examples", "--out", out, *BY, *extra, check=False)
        assert done.returncode == 1
        assert "is not a model of tamis: it is left alone" in done.stderr
    assert out.read_text() == "precious"
    out = tmp_path / "m.tamis"
    tamis("train", photos / "examples", "--out", out, *BY)
    before = out.read_bytes()
    done = tamis("train", photos / "examples", "--out", out, *BY, "--seed", 1, check=False)
    assert done.returncode == 1
    assert "replace it: --force" in done.stderr
    assert out.read_bytes() == before
    tamis("train", photos / "examples", "--out", out, *BY, "--seed", 1, "--force")
    assert out.read_bytes() != before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--net", "smal"), "Did you mean small"),
        (("--net", "small", "--by", "color"), "--by does not belong to --classifier small"),
        (("--net", "probe", "--batch-size", "4"), "--batch-size is for networks"),
        (
            ("--net", "report", "--max-pixels", "4"),
            "--max-pixels does not belong to --classifier report",
        ),
        (("--validation", "1"), "share must be in"),
    ],
)
def test_wrong_options_are_refused(photos, tmp_path, options, said):
    done = tamis("train", photos / "examples", "--out", tmp_path / "m", *options, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_named_before_anything_is_learned(photos, tmp_path):
    out = tmp_path / "no" / "m.tamis"
    done = tamis("train", photos / "examples", "--out", out, *BY, check=False)
    assert done.returncode == 1
    assert "does not exist" in done.stderr


def test_broken_pictures_are_named_and_passed_over(photos, tmp_path):
    write_kinds(tmp_path / "examples", 5)
    (tmp_path / "examples" / "sky" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    command = ("train", tmp_path / "examples", "--out", tmp_path / "m.tamis", *BY)
    done = tamis(*command)
    assert "skipping" in done.stderr
    assert "broken.jpg" in done.stderr
    assert tamis(*command, "--force", "--strict", check=False).returncode == 1


def test_without_torch_a_network_says_what_to_install(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("tamis.model.training.find_spec", lambda name: None)
    command = ("train", photos / "examples", "--net", "small", "--out", tmp_path / "m")
    done = tamis(*command, check=False)
    assert done.returncode == 1
    assert 'pip install "tamis[train]"' in done.stderr


def test_a_collection_is_learned_from_as_it_is(photos, tmp_path):
    pytest.importorskip("lance", reason="needs the extra store")
    tamis("index", photos / "examples", "--into", tmp_path / "c.tamis", "--by", "moments")
    tamis("train", tmp_path / "c.tamis", "--out", tmp_path / "m.tamis", *BY)
    one, two = Model.open(tmp_path / "m.tamis"), Model.open(photos / "m.tamis")
    assert one.signature == two.signature
    assert one.digest == two.digest
    tamis("index", photos / "known", "--into", tmp_path / "k.tamis", "--by", "moments")
    found = answer("evaluate", "--model", photos / "m.tamis", "--test", tmp_path / "k.tamis")
    assert found["accuracy"] == 1


# Networks


@pytest.fixture(scope="module")
def network(photos):
    pytest.importorskip("torch", reason="needs the extra train")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime and onnx")
    out = photos / "n.tamis"
    given = ("--net", "small", "--size", 32, "--epochs", 3, "--report", photos / "n.html")
    return answer("train", photos / "examples", "--out", out, *given), out


@pytest.mark.torch
def test_a_network_is_trained_and_answers_from_its_file(network, photos):
    told, out = network
    assert told["net"] == "small"
    assert [row["epoch"] for row in told["history"]] == [1, 2, 3]
    assert told["signature"]["size"] == 32
    assert told["validation"]["n_images"] == 6
    assert not os.path.exists(f"{out}.training")
    html = (photos / "n.html").read_text()
    assert html.count('class="curve validation"') == html.count('class="curve training"') == 2
    found = answer("evaluate", "--model", out, "--test", photos / "known")
    assert found["n_images"] == 12
    assert found["classes"] == list(KINDS)


@pytest.mark.torch
def test_a_model_answers_without_torch_and_as_torch_does(network, photos, tmp_path):
    import numpy as np

    from tamis.classifiers.network.classifier import NetworkClassifier
    from tamis.table import ImageTable

    # The same training again, in torch: deterministic, so it is the same network.
    table = ImageTable.from_folder(photos / "examples")
    aside = set(network[0]["set_aside"])
    parts = {
        kept: table.select(i for i, p in enumerate(table.paths) if (p in aside) is kept)
        for kept in (False, True)
    }
    pairs = {kept: (part.paths, np.array(part.labels)) for kept, part in parts.items()}
    classifier = NetworkClassifier("small", size=32, epochs=3, seed=0)
    classifier.fit(*pairs[False], validation=pairs[True])
    known = ImageTable.from_folder(photos / "known")
    expected = classifier.predict_proba(known.paths)
    code = (
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] == 'torch': raise ImportError(name)\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "from tamis.model import Model; from tamis.table import ImageTable\n"
        f"found = Model.open({os.fspath(network[1])!r}).predict("
        f"ImageTable.from_folder({os.fspath(photos / 'known')!r}))\n"
        "import json; print(json.dumps(found.probabilities.tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert np.abs(np.array(json.loads(done.stdout)) - expected).max() < 1e-4


@pytest.mark.torch
@pytest.mark.slow
def test_a_training_that_was_killed_goes_on(photos, tmp_path):
    given = ("--net", "small", "--size", 32, "--epochs", 40)
    whole = answer("train", photos / "examples", "--out", tmp_path / "whole.tamis", *given)
    out = tmp_path / "n.tamis"
    command = ("train", photos / "examples", "--out", out, *given)
    run = subprocess.Popen([sys.executable, "-m", "tamis", *map(str, command)])
    kept = tmp_path / "n.tamis.training" / "history.csv"
    while not kept.exists() or len(kept.read_text().splitlines()) < 4:
        assert run.poll() is None, "it was over before it could be killed"
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not out.exists()
    again = answer(*command)
    assert [r["val_loss"] for r in again["history"]] == [r["val_loss"] for r in whole["history"]]
    assert not os.path.exists(f"{out}.training")
