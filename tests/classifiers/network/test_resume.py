"""A run that is killed and resumed gives the curve of one that never stopped."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pictures import KINDS, picture
from tamis.classifiers.network.checkpoint import MARKER, check_folder, remove_run
from tamis.classifiers.network.classifier import NetworkClassifier
from tamis.errors import DestinationError, TrainingError

torch = pytest.importorskip("torch", reason="needs the extra train")
pytestmark = pytest.mark.torch

X = np.stack([picture(kind, seed) for kind in KINDS for seed in range(10)])
Y = np.repeat(KINDS, 10)
EPOCHS = 8

# The report's network has dropout, small has a running average and a cosine; both at once
# are what there is to be resumed.
CODE = """
import sys, time
sys.path[:0] = {tests!r}
from test_resume import network, X, Y
network({net!r}, {folder!r}, progress=lambda _: time.sleep(0.01)).fit(X, Y, validation=(X, Y))
"""


def network(net, folder=None, **options):
    size = {"report": 76, "small": 32}[net]
    how = {"epochs": EPOCHS, "size": size, "batch_size": 8, "n_jobs": 1, "seed": 5} | options
    return NetworkClassifier(net, checkpoint_dir=folder, augment="strong", **how)


def curve(fitted):
    return [{**row, "seconds": 0} for row in fitted.history_]


@pytest.mark.parametrize(("net", "kills"), [("report", (2,)), ("small", (1, 3))])
def test_kill_nine_changes_nothing(net, kills, tmp_path):
    folder = tmp_path / "run"
    whole = network(net).fit(X, Y, validation=(X, Y))
    code = CODE.format(
        tests=[os.path.dirname(__file__), os.path.abspath(f"{__file__}/../../..")],
        net=net,
        folder=str(folder),
    )
    for epochs in kills:
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        deadline = time.monotonic() + 400
        while process.poll() is None and time.monotonic() < deadline:
            history = folder / "history.csv"
            if history.exists() and len(history.read_text().splitlines()) > epochs:
                break
            time.sleep(0.002)
        assert process.poll() is None, process.stderr.read().decode()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    done = len((folder / "history.csv").read_text().splitlines()) - 1
    assert kills[-1] <= done < EPOCHS
    seen = []
    resumed = network(net, str(folder), progress=seen.append).fit(X, Y, validation=(X, Y))
    assert seen[0].epoch > kills[-1]  # nothing was done twice
    assert curve(resumed) == curve(whole)
    assert resumed.best_epoch_ == whole.best_epoch_
    assert np.array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    assert sorted(p.name for p in folder.iterdir() if "tensorboard" not in p.name) == [
        MARKER,
        "checkpoint.pt",
        "history.csv",
    ]


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = network("small", str(tmp_path), epochs=2).fit(X, Y)
    seen = []
    again = network("small", str(tmp_path), epochs=2, progress=seen.append).fit(X, Y)
    assert seen == []
    assert again.history_ == first.history_
    assert np.array_equal(again.predict_proba(X), first.predict_proba(X))


@pytest.mark.parametrize("change", ["lr", "pictures", "classes", "augment"])
def test_another_run_is_refused(change, tmp_path):
    network("small", str(tmp_path), epochs=1).fit(X, Y)
    options = {"lr": {"lr": 0.1}, "augment": {"size": 40}}.get(change, {})
    pictures = X[::-1] if change == "pictures" else X
    classes = Y[::-1] if change == "classes" else Y
    with pytest.raises(TrainingError, match="another folder"):
        network("small", str(tmp_path), epochs=1, **options).fit(pictures, classes)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 torn", b"x" * 5000])
def test_a_damaged_checkpoint_is_named(damage, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(damage)
    (tmp_path / MARKER).touch()
    with pytest.raises(TrainingError, match=r"checkpoint\.pt cannot be read"):
        network("small", str(tmp_path), epochs=1).fit(X, Y)


@pytest.mark.parametrize("name", ["holiday.jpg", "history.csv", "checkpoint.pt"])
def test_a_folder_of_something_else_is_left_alone(name, tmp_path):
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(DestinationError, match="left alone"):
        network("small", str(tmp_path), epochs=1).fit(X, Y)
    remove_run(tmp_path)
    assert (tmp_path / name).read_bytes() == b"precious"
    assert os.listdir(tmp_path) == [name]


def test_only_what_a_run_wrote_is_removed(tmp_path):
    run = tmp_path / "run"
    (run / "tensorboard").mkdir(parents=True)
    for name in (MARKER, "checkpoint.pt", "history.csv", "tensorboard/events.out.tfevents.1"):
        (run / name).touch()
    (run / "mine.txt").write_text("precious")
    check_folder(run)
    remove_run(run)
    assert sorted(os.listdir(run)) == [MARKER, "mine.txt"]
    (run / "mine.txt").unlink()
    remove_run(run)
    assert os.listdir(tmp_path) == []
    remove_run(run)


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "run").write_text("x")
    with pytest.raises(DestinationError, match="a file is where a folder should be"):
        check_folder(tmp_path / "run")
