"""The votes of k-NN, by a fitted kernel and by 1/distance: accuracy, calibration, log-loss.

    python benchmarks/knn_vote.py --keep FOLDER --by color --metric l1 --examples 10 --draws 10

CorelDB, 80 classes; `--examples 0` is 70 % of each class, `--six` takes the six classes of the
report. The vectors of all photos are made at most once and kept in FOLDER.
"""

import argparse
from pathlib import Path

import numpy as np

from answers import draw, vectors
from machine import SIX, coreldb, describe
from tamis.classifiers.knn import KNNClassifier
from tamis.metrics.calibration import Calibration
from tamis.table import ImageTable
from tamis.trust.risk import promise


def main() -> None:
    """Print a line per vote: means over the draws, and the standard error of the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--by", default="color")
    parser.add_argument("--metric", default="l1")
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--six", action="store_true")
    options = parser.parse_args()
    print(describe())
    table = ImageTable.from_folder(coreldb())
    labels = np.array(table.labels)
    chosen = np.isin(labels, SIX) if options.six else np.ones(len(labels), bool)
    codes = np.unique(labels[chosen], return_inverse=True)[1]
    X = vectors(table, options.by, options.keep)[chosen]
    for vote in ("inverse", "kernel"):
        rows = []
        for seed in range(options.draws):
            known, rest = draw(codes, options.examples, seed)
            voter = KNNClassifier(metric=options.metric, vote=vote).fit(X[known], codes[known])
            answers = voter.predict_proba(X[rest])
            right, sure = answers.argmax(axis=1) == codes[rest], answers.max(axis=1)
            of = Calibration.of(answers, codes[rest])
            left_out = voter.out_of_fold_
            held = promise(left_out.confidence, left_out.right, sure, 0.05)
            placed = sure >= held.threshold
            wrong = float((~right[placed]).mean()) if placed.any() else 0.0
            rows.append(
                (right.mean(), of.error, of.log_loss, voter.n_neighbors_, placed.mean(), wrong,
                 wrong > 0.05)
            )  # fmt: skip
        means = np.mean(rows, axis=0)
        error = np.std([row[0] for row in rows]) / np.sqrt(len(rows))
        print(
            f"{vote}: accuracy {means[0]:.4f} +- {error:.4f}, ECE {means[1]:.4f}, log-loss "
            f"{means[2]:.3f}, k {means[3]:.0f}; promised 5 %: placed {means[4]:.3f}, wrong "
            f"{means[5]:.4f}, exceeded in {means[6]:.2f} of the draws",
            flush=True,
        )


if __name__ == "__main__":
    main()
