"""What the classifier `auto` answers, how sure it is, and whether its promises are kept.

CorelDB, 80 classes. Nothing is chosen by the test parts: the pool, its calibration, the
thresholds and the sets rest on the examples alone.

    python benchmarks/answers.py --keep FOLDER --by efficientnet-lite0+efficientnet-lite1+hsv+lbp \
        --examples 10 --draws 20 --out answers.csv

`--examples 0` is 70 % of each class. `--six` takes the six classes of the report.
The vectors of all photos are made at most once and kept in FOLDER.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from machine import SIX, coreldb, describe
from tamis.classifiers.automatic import AutoClassifier
from tamis.descriptors import descriptor
from tamis.features import extract
from tamis.metrics.calibration import brier_score, calibration_error, log_loss
from tamis.table import ImageTable
from tamis.trust.conformal import prediction_sets, set_thresholds
from tamis.trust.risk import promise

RISKS = (0.01, 0.05, 0.1)
COVERAGES = (0.9, 0.95, 0.99)


def vectors(table: ImageTable, spec: str, keep: Path) -> np.ndarray:
    """Describe all photos, or read what was kept."""
    file = keep / f"{spec}.described.npy"
    if not file.is_file():
        np.save(file, extract(table, descriptor(spec)).features)
    return np.load(file)


def draw(codes: np.ndarray, examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of so many examples of each class, and all others."""
    random = np.random.RandomState(seed)
    train = []
    for c in range(codes.max() + 1):
        rows = random.permutation(np.flatnonzero(codes == c))
        train.append(rows[: examples or round(0.7 * len(rows))])
    known = np.sort(np.concatenate(train))
    return known, np.setdiff1d(np.arange(len(codes)), known)


def oracle(confidence: np.ndarray, right: np.ndarray, risk: float) -> float:
    """Return the largest share that could be placed if the truth were known."""
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~right[order])
    good = np.flatnonzero(wrong <= risk * np.arange(1, len(right) + 1))
    return (good[-1] + 1) / len(right) if len(good) else 0.0


def views(specs: list[str]) -> list[int]:
    """Tell networks from the rest, as `tamis.classifiers.probe.views_of` does."""
    return [int(not spec.startswith("efficientnet")) for spec in specs]


def one(
    X: np.ndarray,
    codes: np.ndarray,
    blocks: dict[str, list[int]],
    known: np.ndarray,
    rest: np.ndarray,
):
    """Fit and score once."""
    start = time.process_time()
    auto = AutoClassifier(**blocks).fit(X[known], codes[known])
    row = {"fit_cpu_s": time.process_time() - start}
    answers = auto.predict_proba(X[rest])
    truth, sure = codes[rest], answers.max(axis=1)
    right = answers.argmax(axis=1) == truth
    row |= {
        "accuracy": right.mean(),
        "told": auto.cross_validation().get("accuracy", np.nan),
        "log_loss": log_loss(answers, truth),
        "brier": brier_score(answers, truth),
        "ece": calibration_error(answers, truth),
    }
    known_answers = auto.out_of_fold_
    for risk in RISKS:
        held = promise(known_answers.confidence, known_answers.right, sure, risk)
        placed = sure >= held.threshold
        wrong = (~right[placed]).mean() if placed.any() else 0.0
        row |= {
            f"placed_{risk}": placed.mean(),
            f"wrong_{risk}": wrong,
            f"broken_{risk}": float(wrong > risk),
            f"oracle_{risk}": oracle(sure, right, risk),
        }
    for coverage in COVERAGES:
        least = set_thresholds(known_answers.true, coverage, n_classes=answers.shape[1])
        sets = prediction_sets(answers, least)
        row |= {
            f"covered_{coverage}": sets[np.arange(len(truth)), truth].mean(),
            f"size_{coverage}": sets.sum(axis=1).mean(),
            f"single_{coverage}": (sets.sum(axis=1) == 1).mean(),
        }
    return row, auto.members_


def main() -> None:
    """Print a line per draw, and the means; write them as CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--by", default="efficientnet-lite0+efficientnet-lite1+hsv+lbp")
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--six", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    print(describe())
    table = ImageTable.from_folder(coreldb())
    labels = np.array(table.labels)
    chosen = np.isin(labels, SIX) if options.six else np.ones(len(labels), bool)
    codes = np.unique(labels[chosen], return_inverse=True)[1]
    parts = [vectors(table, spec, options.keep)[chosen] for spec in options.by.split("+")]
    X = np.hstack(parts)
    blocks = {"blocks": [p.shape[1] for p in parts], "views": views(options.by.split("+"))}
    rows = []
    for seed in range(options.draws):
        row, members = one(X, codes, blocks, *draw(codes, options.examples, seed))
        rows.append({"by": options.by, "examples": options.examples, "seed": seed, **row})
        shown = ", ".join(f"{name} {weight:.2f}" for name, weight in members.items())
        print(
            f"{seed}: accuracy {row['accuracy']:.4f}, ece {row['ece']:.4f}, log-loss "
            f"{row['log_loss']:.3f}, {row['fit_cpu_s']:.1f} s of processor; {shown}",
            flush=True,
        )
    for key in list(rows[0])[3:]:
        print(f"{key}: {np.mean([row[key] for row in rows]):.4f}")
    if options.out is not None:
        with options.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
