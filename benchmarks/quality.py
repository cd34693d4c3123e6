"""How well each descriptor ranks and classifies CorelDB, against earlier figures.

Three galleries: the six classes (900 photos), the first 20 of each of the 80 classes
(1,600), all (10,800). Every photo asks for its 10 nearest others by L1. Of each class
the mean is taken, then the mean over classes:

- MMAP (hits found): the mean of the precisions at the hits among the 10, 0 without a
  hit; this is what the original system calls AP, and it is optimistic.
- MMAP (all relevant): the sum of those precisions over the number of photos of the
  class but the query. 10 answers cannot find 99: the best possible is printed.
- P@10: the share of hits among the 10.

And the accuracy of k-NN (k = 5, votes 1/distance) on 70/30 splits, as `tamis split`
makes them: with seed 0, and the mean over seeds 0..19, because one split of 480 test
photos is off by .02 as often as not. The neighbours among the examples are the first 5
of the 40 nearest photos that are examples; `KNNClassifier` weighs their votes.

Memory: the vectors of one descriptor at a time (673 MB of color), and blocks of
queries; no matrix of all distances.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from machine import SIX, by_hand, coreldb, describe
from tamis.classifiers.knn import KNNClassifier
from tamis.descriptors import descriptor
from tamis.distances import nearest
from tamis.features import available_processors, extract
from tamis.features.index import Matches
from tamis.splits.assign import assign_parts
from tamis.table import ImageTable

DEPTH = 10
NEIGHBOURS = 5
SEEDS = 20
NEAREST = 40  # of which 28 are examples, on average
SLACK = 0.01
BLOCK = 1024
CHANCE = "(chance)"
GALLERIES = {"C6": "six classes", "C80": "20 of each of 80 classes", "all": "all 80 classes"}

REFERENCE = (
    "color(size=none)",
    "edge(variant=absolute,size=none)",
    "gabor(regions=1,size=none)",
    "gabor(regions=2,size=none)",
    "daisy(size=none)",
    "hog(variant=values,size=none)",
)
MORE = (
    "edge(variant=absolute)",
    "hog(variant=values)",
    "gabor(regions=1)",
    "gabor(regions=2)",
    "daisy(regions=2)",
    "lbp(scales=1,size=none)",
)

# MMAP on C6 and on C80, and accuracy of k-NN at k = 5 if known, measured with other programs
# before tamis was written.
FACTS = {
    CHANCE: (0.302, 0.032, None, None),
    "color": (0.964, 0.481, 0.963, 0.442),
    "gabor": (0.837, 0.285, 0.900, 0.242),
    "gabor(regions=2)": (0.882, 0.288, 0.956, 0.246),
    "daisy": (0.864, 0.278, 0.874, 0.240),
    "hog(variant=values)": (0.895, 0.190, 0.926, 0.181),
    "hog": (0.934, 0.314, None, None),
    "edge(variant=absolute)": (0.946, 0.279, None, None),
    "edge": (0.911, 0.351, None, None),
    "lbp": (0.978, 0.430, None, None),
    "lbp(scales=1)": (0.978, 0.430, None, None),
    "hsv": (0.950, 0.484, None, None),
    "cedd": (0.951, 0.450, None, None),
    "correlogram": (0.905, 0.443, None, None),
    "colorlayout": (0.932, 0.345, None, None),
    "moments": (0.955, 0.430, None, None),
    "haralick": (0.919, 0.325, None, None),
    "phog": (0.902, 0.306, None, None),
    "gist": (0.951, 0.361, None, None),
}

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Parts = dict[str, list[int]]
Scores = tuple[float, ...]


def facts_of(spec: str) -> tuple[float | None, ...]:
    """Values from before tamis for a spec; the working size is tamis's own."""
    name = spec.replace(",size=none", "").replace("(size=none)", "")
    return FACTS.get(name, (None,) * 4)


def galleries(table: ImageTable) -> dict[str, Rows]:
    """Rows of the table that make each gallery."""
    labels = np.array(table.labels)
    first = [np.flatnonzero(labels == label)[:20] for label in table.classes]
    return {
        "C6": np.flatnonzero(np.isin(labels, SIX)),
        "C80": np.concatenate(first),
        "all": np.arange(len(table)),
    }


def others(features: npt.NDArray[np.float32]) -> Matches:
    """Find the NEAREST others of every row."""
    n, jobs = len(features), available_processors()
    rows, distances = np.empty((n, NEAREST), np.intp), np.empty((n, NEAREST))
    for start in range(0, n, BLOCK):
        block = slice(start, min(start + BLOCK, n))
        found, far = nearest(features[block], features, NEAREST + 1, jobs=jobs)
        # The query itself, or the last one where equal pictures crowd it out.
        itself = found == np.arange(n)[block, np.newaxis]
        itself[~itself.any(axis=1), -1] = True
        rows[block] = found[~itself].reshape(-1, NEAREST)
        distances[block] = far[~itself].reshape(-1, NEAREST)
    return Matches(rows, distances)


def ranking(answers: Rows, labels: npt.NDArray[np.str_]) -> Numbers:
    """MMAP over hits found, MMAP over all relevant, P@10."""
    hits = labels[answers] == labels[:, np.newaxis]
    precisions = np.cumsum(hits, axis=1) / np.arange(1, DEPTH + 1)
    sums = (precisions * hits).sum(axis=1)
    classes, of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    found, relevant = np.maximum(hits.sum(axis=1), 1), sizes[of] - 1
    each = np.stack([sums / found, sums / relevant, hits.mean(axis=1)])
    return np.mean([each[:, of == i].mean(axis=1) for i in range(len(classes))], axis=0)


def chance(labels: npt.NDArray[np.str_]) -> Numbers:
    """Score answers by chance, over SEEDS draws."""
    random, n = np.random.default_rng(0), len(labels)
    draws = (random.integers(n - 1, size=(n, DEPTH)) for _ in range(SEEDS))
    itself = np.arange(n)[:, np.newaxis]
    return np.mean([ranking(draw + (draw >= itself), labels) for draw in draws], axis=0)


def accuracies(near: Matches, labels: npt.NDArray[np.str_], splits: list[Parts]) -> list[float]:
    """Accuracy of k-NN on each split."""
    shares = []
    for parts in splits:
        train, test = np.array(parts["train"]), np.array(parts["test"])
        place = np.full(len(labels), -1)  # among the examples
        place[train] = np.arange(len(train))
        examples = place[near.indices[test]]
        first = np.argsort(examples < 0, axis=1, kind="stable")[:, :NEIGHBOURS]
        voters = np.take_along_axis(examples, first, axis=1)
        if (voters < 0).any():
            sys.exit(f"fewer than {NEIGHBOURS} examples among the {NEAREST} nearest photos")
        matches = Matches(voters, np.take_along_axis(near.distances[test], first, axis=1))
        # It only votes: the neighbours are known.
        voter = KNNClassifier(NEIGHBOURS).fit(np.zeros((len(train), 1)), labels[train])
        said = voter.classes_[voter.vote(matches).argmax(axis=1)]
        shares.append(float((said == labels[test]).mean()))
    return shares


def measure(
    spec: str, table: ImageTable, chosen: dict[str, Rows], splits: dict[str, list[Parts]]
) -> dict[str, Scores]:
    """All figures of a descriptor, on each gallery."""
    labels = np.array(table.labels)
    if spec == CHANCE:
        return {name: (*chance(labels[rows]),) for name, rows in chosen.items()}
    found = extract(table, descriptor(spec))
    if found.failures:
        sys.exit(f"{found.failures[0].path}: {found.failures[0].reason}")
    figures = {}
    for name, rows in chosen.items():
        near = others(found.features if len(rows) == len(table) else found.features[rows])
        right = accuracies(near, labels[rows], splits[name])
        scores = ranking(near.indices[:, :DEPTH], labels[rows])
        figures[name] = (*scores, right[0], statistics.mean(right), statistics.stdev(right))
    return figures


def judged(value: float | None, fact: float | None) -> list[str]:
    """Cells for the value from before tamis and what is gained on it; bold if it falls short."""
    if fact is None or value is None:
        return ["", ""]
    gain = f"{value - fact:+.3f}"
    return [f"{fact:.3f}", f"**{gain}**" if value < fact - SLACK else gain]


def print_gallery(
    name: str, rows: Rows, table: ImageTable, results: dict[str, dict[str, Scores]]
) -> None:
    """Print the table of a gallery."""
    sizes = np.unique(np.array(table.labels)[rows], return_counts=True)[1]
    best = np.mean(np.minimum(DEPTH, sizes - 1) / (sizes - 1))
    print(f"\n## {name}: {GALLERIES[name]}, {len(rows)} photos\n")
    print(f"The best possible MMAP over all relevant is {best:.3f}.\n")
    heads = ["descriptor", "MMAP (hits found)", "MMAP (all relevant)", "P@10"]
    heads += ["k-NN, seed 0", f"seeds 0..{SEEDS - 1}", "deviation"]
    column = {"C6": 0, "C80": 1}.get(name)
    if column is not None:
        heads += ["MMAP before", "gain", "k-NN before", "gain"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for spec, figures in results.items():
        scores = figures[name]
        cells = [spec, *(f"{score:.3f}" for score in scores)]
        cells += [""] * (7 - len(cells))
        if column is not None:
            facts = facts_of(spec)
            mean = scores[4] if len(scores) > 3 else None
            cells += judged(scores[0], facts[column]) + judged(mean, facts[column + 2])
        print(f"| {' | '.join(cells)} |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table per gallery."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--by", help="specs, separated by ;")
    parser.add_argument("--galleries", default="C6,C80,all")
    options = parser.parse_args(arguments)
    specs = options.by.split(";") if options.by else [CHANCE, *by_hand(), *REFERENCE, *MORE]
    table = ImageTable.from_folder(coreldb())
    chosen = galleries(table)
    chosen = {name: chosen[name] for name in options.galleries.split(",")}
    if "all" not in chosen:
        needed = np.unique(np.concatenate(list(chosen.values())))
        table = table.select(needed)
        chosen = {name: np.searchsorted(needed, rows) for name, rows in chosen.items()}
    splits = {
        name: [assign_parts(table.select(rows), seed=seed) for seed in range(SEEDS)]
        for name, rows in chosen.items()
    }
    results = {}
    for spec in specs:
        start = time.perf_counter()
        results[spec] = measure(spec, table, chosen, splits)
        scores = " ".join(f"{name} {found[0]:.3f}" for name, found in results[spec].items())
        print(f"{spec}: {scores}, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(describe())
    print(f"Leave one out, L1, depth {DEPTH}; k-NN: k = {NEIGHBOURS}, 70/30.")
    for name, rows in chosen.items():
        print_gallery(name, rows, table, results)


if __name__ == "__main__":
    main()
