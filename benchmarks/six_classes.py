"""Accuracy on six classes of CorelDB, as a user would measure it.

For each seed: tamis split --ratio 0.7 0 0.3 --blind, tamis sort, tamis evaluate,
as commands. Prints the mean accuracy over the seeds, the spread, and whether
every class folder was there.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import SIX, coreldb, describe


def tamis(*words: object) -> dict[str, object]:
    """Run a command and return its JSON."""
    command = [sys.executable, "-m", "tamis", *map(str, words), "--json", "-"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def one_seed(seed: int, specs: list[str], folder: Path) -> dict[str, float]:
    """Split, sort and score once."""
    parts = folder / "parts"
    how = ("--ratio", 0.7, 0, 0.3, "--seed", seed, "--blind", "--mode", "symlink")
    tamis("split", coreldb(), parts, *how, "--classes", ",".join(SIX))
    accuracies = {}
    for spec in specs:
        out = folder / f"sorted-{spec}"
        learn = ("--train", parts / "train", "--by", spec)
        tamis("sort", *learn, "--input", parts / "test", "--out", out)
        found = {path.name for path in out.iterdir() if path.is_dir() and path.name[0] != "."}
        if found != set(SIX):
            sys.exit(f"seed {seed}, {spec}: class folders {sorted(found)}")
        accuracies[spec] = tamis("evaluate", *learn, "--test", parts / "test")["accuracy"]
    return accuracies


def main() -> None:
    """Print one row per descriptor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--by", default="color,edge")
    options = parser.parse_args()
    specs = options.by.split(",")
    rows = []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(one_seed(seed, specs, Path(folder)))
    print(describe())
    seeds = f"seeds 0..{options.seeds - 1}"
    print(f"| descriptor | mean accuracy, {seeds} | deviation | lowest | highest |")
    print("|---|---|---|---|---|")
    for spec in specs:
        values = [row[spec] for row in rows]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        mean = statistics.mean(values)
        print(f"| {spec} | {mean:.4f} | {spread:.4f} | {min(values):.4f} | {max(values):.4f} |")


if __name__ == "__main__":
    main()
