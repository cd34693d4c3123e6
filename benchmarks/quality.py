"""How well each descriptor ranks and classifies CorelDB, against facts.md.

Three galleries: the six classes (900 photos), the first 20 of each of the 80 classes
(1,600), all (10,800). Every photo asks for its 10 nearest others by L1. Of each class
the mean is taken, then the mean over classes:

- MMAP (hits found): the mean of the precisions at the hits among the 10, 0 without a
  hit; this is what the original system calls AP, and it is optimistic.
- MMAP (all relevant): the sum of those precisions over the number of photos of the
  class but the query. 10 answers cannot find 99: the best possible is printed.
- P@10: the share of hits among the 10.

And the accuracy of k-NN (k = 5, votes 1/distance) on a 70/30 split, seed 0, of which
`tamis.split.assign_parts` and `KNNClassifier` are the parts.

Memory: the vectors of one descriptor at a time (673 MB of color), and blocks of
queries; no matrix of all distances.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from machine import SIX, coreldb, describe
from tamis.classify import KNNClassifier
from tamis.descriptors import descriptor, names
from tamis.distances import nearest
from tamis.features import available_processors, extract
from tamis.split import assign_parts
from tamis.table import ImageTable

DEPTH = 10
NEIGHBOURS = 5
SLACK = 0.01
BLOCK = 1024
CHANCE = "(chance)"
GALLERIES = {"C6": "six classes", "C80": "20 of each of 80 classes", "all": "all 80 classes"}

REFERENCE = (
    "color(size=none)",
    "edge(variant=absolute,size=none)",
    "gabor(size=none)",
    "gabor(regions=2,size=none)",
    "daisy(size=none)",
    "hog(variant=values,size=none)",
)
MORE = (
    "edge(variant=absolute)",
    "hog(variant=values)",
    "gabor(regions=2)",
    "daisy(regions=2)",
    "lbp(scales=1,size=none)",
)

# MMAP of facts.md on C6 and on C80, and accuracy of k-NN at k = 5 where it has one.
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


def facts_of(spec: str) -> tuple[float | None, ...]:
    """Values of facts.md for a spec; the working size is tamis's own."""
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


def others(features: npt.NDArray[np.float32]) -> Rows:
    """Return the rows of the DEPTH nearest others of every row."""
    answers = np.empty((len(features), DEPTH), np.intp)
    jobs = available_processors()
    for start in range(0, len(features), BLOCK):
        queries = features[start : start + BLOCK]
        rows = np.arange(start, start + len(queries))[:, np.newaxis]
        found, _ = nearest(queries, features, DEPTH + 1, jobs=jobs)
        # The query itself, or the last one where equal pictures crowd it out.
        itself = found == rows
        itself[~itself.any(axis=1), -1] = True
        answers[start : start + len(queries)] = found[~itself].reshape(-1, DEPTH)
    return answers


def ranking(answers: Rows, labels: npt.NDArray[np.str_]) -> tuple[float, float, float]:
    """MMAP over hits found, MMAP over all relevant, P@10."""
    hits = labels[answers] == labels[:, np.newaxis]
    precisions = np.cumsum(hits, axis=1) / np.arange(1, DEPTH + 1)
    sums = (precisions * hits).sum(axis=1)
    classes, of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    each = np.stack(
        [
            sums / np.maximum(hits.sum(axis=1), 1),
            sums / (sizes[of] - 1),
            hits.mean(axis=1),
        ]
    )
    by_class = np.stack([each[:, of == i].mean(axis=1) for i in range(len(classes))])
    return tuple(by_class.mean(axis=0))


def accuracy(features: npt.NDArray[np.float32], table: ImageTable) -> float:
    """Accuracy of k-NN on 70/30, seed 0."""
    parts = assign_parts(table, ratio=(0.7, 0, 0.3), seed=0)
    labels = np.array(table.labels)
    voter = KNNClassifier(NEIGHBOURS).fit(features[parts["train"]], labels[parts["train"]])
    right, test = 0, parts["test"]
    for start in range(0, len(test), BLOCK):
        some = test[start : start + BLOCK]
        right += int((voter.predict(features[some]) == labels[some]).sum())
    return right / len(test)


def measure(
    spec: str, table: ImageTable, chosen: dict[str, Rows]
) -> dict[str, tuple[float, float, float, float]]:
    """All figures of a descriptor, on each gallery."""
    if spec == CHANCE:
        features = np.random.default_rng(0).random((len(table), 2), np.float32)
    else:
        found = extract(table, descriptor(spec))
        if found.failures:
            sys.exit(f"{found.failures[0].path}: {found.failures[0].reason}")
        features = found.features
    figures = {}
    for name, rows in chosen.items():
        part = table.select(rows)
        vectors = features if len(rows) == len(table) else features[rows]
        scores = ranking(others(vectors), np.array(part.labels))
        figures[name] = (*scores, accuracy(vectors, part))
    return figures


def judged(value: float, fact: float | None) -> list[str]:
    """Cells for the value of facts.md and what is gained on it; bold if it falls short."""
    if fact is None:
        return ["", ""]
    gain = f"{value - fact:+.3f}"
    return [f"{fact:.3f}", f"**{gain}**" if value < fact - SLACK else gain]


def print_gallery(
    name: str, rows: Rows, table: ImageTable, results: dict[str, dict[str, tuple[float, ...]]]
) -> None:
    """Print the table of a gallery."""
    sizes = np.unique(np.array(table.labels)[rows], return_counts=True)[1]
    best = np.mean(np.minimum(DEPTH, sizes - 1) / (sizes - 1))
    print(f"\n## {name}: {GALLERIES[name]}, {len(rows)} photos\n")
    print(f"The best possible MMAP over all relevant is {best:.3f}.\n")
    heads = ["descriptor", "MMAP (hits found)", "MMAP (all relevant)", "P@10", "k-NN"]
    column = {"C6": 0, "C80": 1}.get(name)
    if column is not None:
        heads += ["MMAP in facts.md", "gain", "k-NN in facts.md", "gain"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for spec, figures in results.items():
        scores = figures[name]
        cells = [spec, *(f"{score:.3f}" for score in scores)]
        if column is not None:
            facts = facts_of(spec)
            cells += judged(scores[0], facts[column]) + judged(scores[3], facts[column + 2])
        print(f"| {' | '.join(cells)} |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table per gallery."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--by", help="specs, separated by ;")
    parser.add_argument("--galleries", default="C6,C80,all")
    options = parser.parse_args(arguments)
    specs = options.by.split(";") if options.by else [CHANCE, *names(), *REFERENCE, *MORE]
    table = ImageTable.from_folder(coreldb())
    chosen = galleries(table)
    chosen = {name: chosen[name] for name in options.galleries.split(",")}
    if "all" not in chosen:
        needed = np.unique(np.concatenate(list(chosen.values())))
        table = table.select(needed)
        chosen = {name: np.searchsorted(needed, rows) for name, rows in chosen.items()}
    results = {}
    for spec in specs:
        start = time.perf_counter()
        results[spec] = measure(spec, table, chosen)
        scores = " ".join(f"{name} {found[0]:.3f}" for name, found in results[spec].items())
        print(f"{spec}: {scores}, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(describe())
    print(f"Leave one out, L1, depth {DEPTH}; k-NN: k = {NEIGHBOURS}, 70/30, seed 0.")
    for name, rows in chosen.items():
        print_gallery(name, rows, table, results)


if __name__ == "__main__":
    main()
