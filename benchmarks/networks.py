"""Accuracy of the networks on six classes of CorelDB: 50 % train, 20 % val, 30 % test.

For each network and seed: one training, with the validation part choosing the epoch, and
one look at the test part. `--part val` never looks at the test part: recipes are chosen
with it. Prints a row per network, and the classes it takes for others.
"""

import argparse
import statistics
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from machine import SIX, coreldb, describe
from tamis.classifiers.network.classifier import NetworkClassifier
from tamis.splits.assign import assign_parts
from tamis.table import ImageTable


def one_seed(
    net: str,
    seed: int,
    part: str,
    table: ImageTable,
    settings: dict[str, object],
    runs: Path | None,
) -> tuple[float, Counter[str], NetworkClassifier]:
    """Train once and look once."""
    parts = assign_parts(table, ratio=(0.5, 0.2, 0.3), seed=seed)
    paths, labels = np.array(table.paths), np.array(table.labels)
    train, val, seen = parts["train"], parts["val"], parts[part]
    folder = runs and runs / f"{net}-{seed}"
    network = NetworkClassifier(net, seed=seed, checkpoint_dir=folder, **settings)
    network.fit(paths[train], labels[train], validation=(paths[val], labels[val]))
    said = network.predict(paths[seen])
    best = network.history_[network.best_epoch_ - 1]
    print(f"{net}, seed {seed}: {np.mean(said == labels[seen]):.4f}; best {best}", file=sys.stderr)
    wrong = Counter(f"{a} as {b}" for a, b in zip(labels[seen], said, strict=True) if a != b)
    return float(np.mean(said == labels[seen])), wrong, network


def main() -> None:
    """Print one row per network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", default="report,small")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--part", default="test", choices=("test", "val"))
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--size", type=int)
    parser.add_argument("--augment", default="default")
    parser.add_argument("--classes", default=",".join(SIX))
    parser.add_argument("--runs", type=Path, help="a folder from which runs are resumed")
    options = parser.parse_args()
    table = ImageTable.from_folder(coreldb(), classes=options.classes.split(","))
    settings = {name: getattr(options, name) for name in ("epochs", "lr", "size", "augment")}
    print(describe())
    print(f"{len(table)} photos; accuracy on {options.part}, seeds {options.seeds}")
    print("| network | mean | lowest | highest | each | best epoch | seconds per seed |")
    print("|---|---|---|---|---|---|---|")
    for net in options.nets.split(","):
        values, epochs, seconds, wrong = [], [], [], Counter[str]()
        for seed in map(int, options.seeds.split(",")):
            accuracy, missed, network = one_seed(
                net,
                seed,
                options.part,
                table,
                settings | {"n_jobs": options.jobs},
                options.runs,
            )
            values.append(accuracy)
            epochs.append(network.best_epoch_)
            wrong += missed
            seconds.append(sum(row["seconds"] for row in network.history_))
        each = " ".join(f"{value:.4f}" for value in values)
        print(
            f"| {net} | {statistics.mean(values):.4f} | {min(values):.4f} | {max(values):.4f} "
            f"| {each} | {' '.join(map(str, epochs))} | {statistics.mean(seconds):.0f} |",
            flush=True,
        )
        print("wrong:", ", ".join(f"{n} {pair}" for pair, n in wrong.most_common(6)), flush=True)


if __name__ == "__main__":
    main()
