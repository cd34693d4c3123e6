"""How well a probe does on CorelDB: six classes, all eighty, and what it costs.

Descriptors are chosen by the cross-validation that the probe makes on the training part
alone; the test part is scored once for each. `--keep FOLDER` reads and writes the vectors
of all photos as FOLDER/NAME.npy, which is most of the time.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from machine import SIX, coreldb, describe
from tamis.classifiers.probe import ProbeClassifier
from tamis.dataset import Dataset
from tamis.descriptors import descriptor
from tamis.features import extract
from tamis.model import Model, fit
from tamis.splits.assign import assign_parts
from tamis.table import ImageTable

DEFAULT = "efficientnet-lite0"
CANDIDATES = (
    "efficientnet-lite0",
    "color+lbp",
    "color+lbp+efficientnet-lite0",
    "efficientnet-lite0(flip=1)",
    "efficientnet-lite1",
    "efficientnet-lite2",
    "efficientnet-lite0+efficientnet-lite1+efficientnet-lite2",
    "color+lbp+efficientnet-lite0+efficientnet-lite1+efficientnet-lite2",
)


def vectors(table: ImageTable, name: str, keep: Path | None) -> np.ndarray:
    """Describe all photos by one descriptor, or read what was kept."""
    file = keep / f"{name}.npy" if keep is not None else None
    if file is not None and file.exists():
        return np.load(file)
    found = extract(table, descriptor(name))
    assert len(found) == len(table)
    if file is not None:
        np.save(file, found.features)
    return found.features


def six_classes(table: ImageTable, features: np.ndarray) -> None:
    """Print the accuracy on six classes, 50/20/30, for five seeds."""
    rows = np.array([i for i, label in enumerate(table.labels) if label in SIX])
    six, labels = table.select(rows), np.array(table.labels)[rows]
    accuracies = []
    for seed in range(5):
        parts = assign_parts(six, ratio=(0.5, 0.2, 0.3), seed=seed)
        probe = ProbeClassifier(seed=seed).fit(
            features[rows[parts["train"]]], labels[parts["train"]]
        )
        accuracies.append(probe.score(features[rows[parts["test"]]], labels[parts["test"]]))
    shown = ", ".join(f"{value:.4f}" for value in accuracies)
    print(
        f"\nsix classes, 50/20/30, seeds 0..4, probe by {DEFAULT}: mean test accuracy "
        f"{np.mean(accuracies):.4f} ({shown})\n"
    )


def eighty_classes(table: ImageTable, specs: list[str], keep: Path | None) -> None:
    """Print cross-validated and test accuracy on all classes, 70/30, seed 0."""
    labels = np.array(table.labels)
    parts = assign_parts(table, ratio=(0.7, 0.0, 0.3), seed=0)
    train, test = (np.array(parts[name]) for name in ("train", "test"))
    print(f"80 classes, 70/30, seed 0: {len(train)} and {len(test)} photos")
    print(
        "| probe by | values | power | strength | log-loss, held out | accuracy, held out | "
        "test accuracy | training, s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for spec in specs:
        pieces = [vectors(table, name, keep) for name in spec.split("+")]
        both = np.hstack(pieces)
        start = time.perf_counter()
        probe = ProbeClassifier(blocks=[piece.shape[1] for piece in pieces])
        probe.fit(both[train], labels[train])
        seconds = time.perf_counter() - start
        best = next(row for row in probe.scores_ if row["strength"] == probe.l2_)
        print(
            f"| {spec} | {both.shape[1]} | {probe.power_:g} | {probe.l2_:.0e} | "
            f"{best['loss']:.4f} | {best['accuracy']:.4f} | "
            f"{probe.score(both[test], labels[test]):.4f} | {seconds:.1f} |",
            flush=True,
        )


def latency(table: ImageTable, specs: list[str]) -> None:
    """Print the time from a JPEG to its answer, from a model's file."""
    few = table.select(range(0, len(table), len(table) // 300))
    print(
        "\n| probe by | ms per photo from JPEG to answer, one thread | all processors | file, MB |"
    )
    print("|---|---|---|---|")
    for spec in specs:
        trained = fit(Dataset.open(few), by=spec, classifier="probe")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "m.tamis"
            trained.save(file)
            size = file.stat().st_size / 1e6
            model = Model.open(file)
        model.predict(few.select(range(32)))
        taken = []
        for jobs in (1, None):
            start = time.perf_counter()
            model.predict(few, jobs=jobs)
            taken.append(1000 * (time.perf_counter() - start) / len(few))
        print(f"| {spec} | {taken[0]:.1f} | {taken[1]:.1f} | {size:.1f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--by", default=",".join(CANDIDATES), help="specs, commas between")
    parser.add_argument("--only", choices=("six", "eighty", "latency"))
    options = parser.parse_args()
    specs = options.by.split(",")
    table = ImageTable.from_folder(coreldb())
    print(describe())
    if options.only in (None, "six"):
        six_classes(table, vectors(table, DEFAULT, options.keep))
    if options.only in (None, "eighty"):
        eighty_classes(table, specs, options.keep)
    if options.only in (None, "latency"):
        latency(table, specs)


if __name__ == "__main__":
    main()
