"""How many planted wrong labels `tamis check` finds, among as many as were planted.

CorelDB. A share of the photos gets another class: any other (uniform), or the class whose mean
is nearest to that of its own (confusable). Precision and recall are equal where as many are
taken from the top of the ranking as were planted.

    python benchmarks/labels.py --keep FOLDER --share 0.05 --draws 3 [--six] [--classifier probe]

The vectors of all photos are made at most once and kept in FOLDER.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from answers import vectors
from machine import SIX, coreldb, describe
from tamis.checking.evidence import collect_evidence
from tamis.table import ImageTable
from tamis.trust.suspects import suspect


def planted(
    codes: np.ndarray, X: np.ndarray, share: float, kind: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give classes of which a share is wrong, and which rows these are."""
    random = np.random.RandomState(seed)
    wrong = random.permutation(len(codes))[: round(share * len(codes))]
    n = int(codes.max()) + 1
    given = codes.copy()
    if kind == "uniform":
        given[wrong] = (codes[wrong] + random.randint(1, n, len(wrong))) % n
    else:
        means = np.stack([X[codes == c].mean(axis=0) for c in range(n)])
        means -= means.mean(axis=0)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        alike = means @ means.T - 2 * np.eye(n)
        given[wrong] = alike.argmax(axis=1)[codes[wrong]]
    return given, wrong


def main() -> None:
    """Print a line per kind and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--by", default="efficientnet-lite0+efficientnet-lite1")
    parser.add_argument("--classifier", default="auto")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--six", action="store_true")
    options = parser.parse_args()
    print(describe())
    table = ImageTable.from_folder(coreldb())
    labels = np.array(table.labels)
    chosen = np.isin(labels, SIX) if options.six else np.ones(len(labels), bool)
    codes = np.unique(labels[chosen], return_inverse=True)[1]
    parts = [vectors(table, spec, options.keep)[chosen] for spec in options.by.split("+")]
    X, blocks = np.hstack(parts), [part.shape[1] for part in parts]
    for kind in ("uniform", "confusable"):
        found = []
        for seed in range(options.draws):
            given, wrong = planted(codes, X, options.share, kind, seed)
            start = time.process_time()
            known = collect_evidence(X, given, blocks=blocks, classifier=options.classifier)
            result = suspect(known.answers, given[known.rows], known.votes)
            seconds = time.process_time() - start
            top = known.rows[result.ranked()[: len(wrong)]]
            hits = np.isin(top, wrong).mean()
            counted = known.rows[result.doubtful]
            named = np.isin(known.rows, wrong) & np.isin(known.rows, top)
            mended = (result.answers == codes[known.rows])[named].mean()
            found.append(hits)
            print(
                f"{kind} {options.share:.0%}, seed {seed}: {hits:.3f} of the {len(wrong)} first; "
                f"{len(counted)} counted as wrong, precision "
                f"{np.isin(counted, wrong).mean():.3f}, recall "
                f"{np.isin(wrong, counted).mean():.3f}; true class named for {mended:.3f} of "
                f"those found; {seconds:.0f} s of processor",
                flush=True,
            )
        spread = np.std(found, ddof=1) if len(found) > 1 else float("nan")
        print(f"{kind} {options.share:.0%}: mean {np.mean(found):.3f} (sd {spread:.3f})")


if __name__ == "__main__":
    main()
