"""Whether promises hold for another part of each folder than the examples.

    python benchmarks/another_part.py --keep FOLDER

Photos of CorelDB that follow each other by name are often of one set-up. Each third of every
folder, by name, is answered in turn by the other two, and `--abstain` promises that at most 5 %
of the placed are wrong. The promise rests on examples left out one by one, or by tenths of their
folder (`--group-by tenths`). The vectors of all photos are made at most once and kept in FOLDER.
"""

import argparse
from pathlib import Path

import numpy as np

from answers import oracle, vectors, views
from machine import coreldb, describe
from tamis.classifiers.automatic import AutoClassifier
from tamis.classifiers.knn import KNNClassifier
from tamis.dataset.grouping import grouped
from tamis.metrics.calibration import calibration_error
from tamis.table import ImageTable
from tamis.trust.risk import promise

DEFAULT = "efficientnet-lite0+efficientnet-lite1+hsv+lbp"
THIRDS = 3


def main() -> None:
    """Print a line per third and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--risk", type=float, default=0.05)
    options = parser.parse_args()
    print(describe())
    table = ImageTable.from_folder(coreldb())
    codes = np.unique(np.array(table.labels), return_inverse=True)[1]
    place = np.empty(len(codes))
    for code in range(codes.max() + 1):
        rows = np.flatnonzero(codes == code)  # in the order of the names
        place[rows] = np.arange(len(rows)) / len(rows)
    third = (place * THIRDS).astype(int)
    for specs in ("color", DEFAULT):
        blocks = [vectors(table, spec, options.keep) for spec in specs.split("+")]
        X = np.hstack(blocks)
        for out in range(THIRDS):
            known, test = np.flatnonzero(third != out), np.flatnonzero(third == out)
            listed = grouped(table.select(known), "tenths").table.groups
            for way, groups in (("one by one", None), ("by tenths", listed)):
                if specs == "color":
                    made = KNNClassifier()
                else:
                    sizes = [block.shape[1] for block in blocks]
                    made = AutoClassifier(blocks=sizes, views=views(specs.split("+")))
                made.fit(X[known], codes[known], groups)
                answers = made.predict_proba(X[test])
                sure, right = answers.max(axis=1), answers.argmax(axis=1) == codes[test]
                left_out = made.out_of_fold_
                held = promise(left_out.confidence, left_out.right, sure, options.risk)
                placed = sure >= held.threshold
                ece = calibration_error(answers, codes[test])
                most = oracle(sure, right, options.risk)
                wrong = (~right[placed]).mean() if placed.any() else 0.0
                print(
                    f"{specs}, third {out + 1}, {way}: accuracy {right.mean():.4f}, told "
                    f"{left_out.right.mean():.4f}, ece {ece:.4f}; placed {placed.mean():.3f} "
                    f"(oracle {most:.3f}), wrong {wrong:.4f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
