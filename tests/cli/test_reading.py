"""How pictures are read, from the command line: profiles, memory, decoders that die."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms

import odd_files
from command import QUICK, answer, tamis
from tamis.images import read_image


def swapped_profile():
    """Give a profile that calls red green: nothing looks the same by it."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132])
    entries = {bytes(data[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two classes to learn from, and pictures that belong to the other by their profile."""
    root = tmp_path_factory.mktemp("profiles")
    colours = {"green": (20, 150, 20), "red": (150, 20, 20)}
    rng = np.random.default_rng(0)
    for part, profile in (("train", None), ("in", swapped_profile())):
        for name, colour in colours.items():
            (root / part / name).mkdir(parents=True)
            for i in range(3):
                noise = rng.integers(-20, 20, (40, 60, 3))
                image = Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8))
                image.save(root / part / name / f"{i}.png", icc_profile=profile)
    return root


def counts(root, out, *words):
    found = answer("sort", "--input", root / "in", "--out", out, *words)
    return found["signature"]["icc"], {
        name: {os.path.dirname(os.path.relpath(p, root / "in")) for p in paths}
        for name, paths in by_class(out).items()
    }


def by_class(out):
    import csv

    found = {}
    with open(out / "predictions.csv", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["class"], []).append(row["path"])
    return found


def test_profiles_are_applied_unless_told_otherwise(folders, tmp_path):
    train = (*QUICK, "--train", folders / "train")
    icc, got = counts(folders, tmp_path / "a", *train)
    assert icc == "applied" and got == {"green": {"red"}, "red": {"green"}}
    icc, got = counts(folders, tmp_path / "b", *train, "--no-icc")
    assert icc == "ignored" and got == {"green": {"green"}, "red": {"red"}}
    assert (
        answer("sort", *train, "--input", folders / "in", "--out", tmp_path / "c")["signature"][
            "icc"
        ]
        == "applied"
    )  # what a command sets ends with it


def test_a_model_reads_pictures_as_those_it_was_trained_on(folders, tmp_path):
    model = tmp_path / "m.tamis"
    tamis("train", folders / "train", "--out", model, "--by", "moments", "--no-icc")
    icc, got = counts(folders, tmp_path / "a", "--model", model)
    assert icc == "ignored" and got == {"green": {"green"}, "red": {"red"}}


def test_a_collection_keeps_to_one_way_of_reading(folders, tmp_path):
    pytest.importorskip("lance")
    into = tmp_path / "c.tamis"
    tamis("index", folders / "in", "--into", into, "--by", "moments", "--no-icc")
    query = folders / "in" / "red" / "0.png"
    for words in (("index", folders / "in", "--into", into), ("search", into, query)):
        done = tamis(*words, check=False)
        assert done.returncode == 1
        assert "was made without colour profiles" in done.stderr
    assert tamis("search", into, query, "--by", "moments", "-k", 2, "--no-icc").returncode == 0


def test_a_picture_beyond_the_memory_is_a_failure(folders, tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (2000, 1000)).save(tmp_path / "in" / "large.webp")
    Image.new("RGB", (20, 10)).save(tmp_path / "in" / "small.webp")
    words = ("sort", *QUICK, "--train", folders / "train", "--input", tmp_path / "in")
    found = answer(*words, "--out", tmp_path / "out", "--max-memory", 20)
    (failure,) = found["failures"]
    assert os.path.basename(failure["path"]) == "large.webp"
    assert failure["reason"].endswith("(raise it: --max-memory 56)")


def test_libraries_print_nothing(folders, tmp_path):
    """A torn fax makes libtiff print a line per row, past Python's own streams."""
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(0)
    lines = Image.fromarray(rng.random((400, 800)) > 0.9)
    page = odd_files.encode(lines, "TIFF", compression="group3")
    half = len(page) // 2
    (tmp_path / "in" / "torn.tif").write_bytes(odd_files.corrupt(page, half, rng.bytes(3000)))
    (tmp_path / "in" / "a.png").write_bytes(odd_files.encode(odd_files.PHOTO, "PNG"))
    words = ("sort", *QUICK, "--train", folders / "train", "--input", tmp_path / "in")
    done = subprocess.run(
        [sys.executable, "-m", "tamis", *map(str, words), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0
    (line,) = [line for line in done.stderr.splitlines() if "torn.tif" in line or "Fax" in line]
    assert "is truncated or damaged (Fax3Decode1D" in line
    assert read_image(tmp_path / "in" / "a.png").shape == (96, 128, 3)
