"""kill -9 at random moments of `tamis sort --mode move` of 900 photos.

Each time: the photos of the six classes, flat, are moved into class folders by a
process that is killed at a random moment: about half of the moments anywhere in
the run, the others when a random number of photos has moved. Then, in turn, the run
is resumed by the same command or undone. Every original byte must be accounted
for: all names and contents are compared.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from machine import SIX, coreldb, describe
from tamis.files.journal import journals


def contents(folder: Path) -> dict[str, str]:
    """Name to hash of every photo below a folder."""
    return {p.name: sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.jpg")}


def command(folder: Path) -> list[str]:
    """Say the run that is killed, as a user types it."""
    words = [sys.executable, "-m", "tamis", "sort", "--mode", "move", "--by", "edge"]
    where = {"--train": folder / "train", "--input": folder / "in", "--out": folder / "out"}
    return [*words, *(str(word) for pair in where.items() for word in pair)]


def trial(folder: Path, moment: random.Random, duration: float, resume: bool) -> str:
    """Kill one run and settle it; say where it was hit."""
    before = contents(folder / "in")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command(folder), **quiet)
    if moment.random() < 0.5:
        time.sleep(moment.uniform(0, duration))
    else:
        left = moment.randint(0, len(before))
        while process.poll() is None and len(os.listdir(folder / "in")) > left:
            pass
    process.send_signal(signal.SIGKILL)
    process.wait()

    runs = journals(str(folder / "out"))
    left = len(contents(folder / "in"))
    hit = "before the journal" if not runs else "moving" if left else "after the last move"
    everything = contents(folder / "in") | contents(folder / "out")
    if everything != before:
        sys.exit(f"lost by the kill itself: {set(before) - set(everything)}")
    if resume:
        if not runs or not runs[-1].finished:
            subprocess.run(command(folder), check=True, **quiet)
        if contents(folder / "out") != before or contents(folder / "in"):
            sys.exit(f"resuming after a kill {hit} did not bring every photo to its class")
    if journals(str(folder / "out")):
        undo = [sys.executable, "-m", "tamis", "undo", str(folder / "out")]
        subprocess.run(undo, check=True, **quiet)
    if contents(folder / "in") != before or contents(folder / "out"):
        sys.exit(f"undoing after a kill {hit} did not bring every photo back")
    shutil.rmtree(folder / "out", ignore_errors=True)  # the scratch of a run without a journal
    return hit


def main() -> None:
    """Count the trials by where they were hit; stop at the first byte lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=50)
    options = parser.parse_args()
    moment = random.Random(0)
    hits: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        for label in SIX:
            (folder / "train" / label).mkdir(parents=True)
            for i, photo in enumerate(sorted((coreldb() / label).iterdir())):
                shutil.copy2(photo, folder / "in" / f"{label}-{photo.name}")
                if i < 5:
                    shutil.copy2(photo, folder / "train" / label)
        n = len(contents(folder / "in"))
        start = time.perf_counter()
        subprocess.run([*command(folder), "--dry-run"], check=True, capture_output=True)
        duration = time.perf_counter() - start
        for i in range(options.trials):
            hit = trial(folder, moment, duration, resume=i % 2 == 0)
            hits[hit] = hits.get(hit, 0) + 1
    print(describe())
    print(f"{options.trials} kills of a move of {n} photos, no byte lost; killed:")
    for hit, number in sorted(hits.items()):
        print(f"- {hit}: {number}")


if __name__ == "__main__":
    main()
