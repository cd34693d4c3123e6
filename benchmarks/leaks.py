"""How much of the accuracy rests on test photos that have a look-alike among the examples.

    python benchmarks/leaks.py --keep FOLDER --seeds 3

Look-alikes are the groups of `tamis duplicates`: the same picture, and the neighbours of a
burst. A plain split of 70 % to 30 % is scored as a whole, without the test photos that have a
look-alike among the examples, and on these alone; beside it a split that keeps each group on
one side, as `tamis split --group-by duplicates` does. The six classes are answered by colour,
all 80 by the default. The vectors of all photos are made at most once and kept in FOLDER.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from answers import vectors, views
from machine import SIX, coreldb, describe
from tamis.classifiers.automatic import AutoClassifier
from tamis.classifiers.knn import KNNClassifier
from tamis.deduplication.finding import find_duplicates
from tamis.splits.assign import assign_parts
from tamis.table import ImageTable

DEFAULT = "efficientnet-lite0+efficientnet-lite1+hsv+lbp"


def right(classifier, X: np.ndarray, codes: np.ndarray, parts: dict[str, list[int]]) -> np.ndarray:
    """Fit on train; tell which of test are answered right."""
    classifier.fit(X[parts["train"]], codes[parts["train"]])
    return classifier.predict(X[parts["test"]]) == codes[parts["test"]]


def share(values: np.ndarray) -> str:
    """Write a mean and how many it is of."""
    return f"{values.mean():.4f} of {len(values)}" if len(values) else "none"


def main() -> None:
    """Print a line per split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(describe())
    everything = ImageTable.from_folder(coreldb())
    labels = np.array(everything.labels)
    for name, chosen, specs, make in (
        ("six classes by color", np.isin(labels, SIX), ["color"], lambda _: KNNClassifier()),
        (
            "80 classes by default",
            np.ones(len(labels), bool),
            DEFAULT.split("+"),
            lambda sizes: AutoClassifier(blocks=sizes, views=views(DEFAULT.split("+"))),
        ),
    ):
        blocks = [vectors(everything, spec, options.keep)[chosen] for spec in specs]
        X, sizes = np.hstack(blocks), [block.shape[1] for block in blocks]
        table = everything.select(np.flatnonzero(chosen))
        codes = np.unique(labels[chosen], return_inverse=True)[1]
        for what, kinds in (
            ("the same picture", ("copy", "same")),
            ("the same picture or a burst", ("copy", "same", "burst")),
        ):
            found = find_duplicates(table, kinds=kinds)
            alike = found.together()
            print(f"{name}: {found}; {len(alike)} photos have a look-alike ({what})", flush=True)
            grouped = replace(table, groups=tuple(alike.get(path) for path in table.paths))
            for seed in range(options.seeds):
                plain = assign_parts(table, seed=seed)
                known = {alike.get(table.paths[row]) for row in plain["train"]} - {None}
                leaked = np.array([alike.get(table.paths[row]) in known for row in plain["test"]])
                hits = right(make(sizes), X, codes, plain)
                apart = right(make(sizes), X, codes, assign_parts(grouped, seed=seed))
                print(
                    f"  seed {seed}: all {share(hits)}; with a look-alike among the examples "
                    f"{share(hits[leaked])}; without {share(hits[~leaked])}; split by groups "
                    f"{share(apart)}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
