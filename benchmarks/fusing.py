"""Ways to fuse descriptors, each scored on photos that it has not learned from.

C80: what is learned (medians, deviations, weights) is learned from the first 20 photos
of each of the 80 classes of CorelDB, and scored on the next 20 of each, which look for
each other; then the other way round. C6: the six classes in five folds, the photos of
each looked for among all 900 by what was learned from the other four. Figures are MMAP
at depth 10, over the hits found and over all relevant photos; the gain of learned over
median weights has a 95 % interval, by a bootstrap over queries of paired differences.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from machine import SIX, coreldb, describe
from tamis.descriptors import Fusion, descriptor
from tamis.features import FeatureTable, available_processors, extract_several
from tamis.features.index import Index
from tamis.metrics.intervals import bootstrap_means
from tamis.metrics.ranking import average_precision, mean_of_classes
from tamis.splits.assign import assign_folds
from tamis.table import ImageTable

FUSIONS = (
    "color+lbp",
    "color+lbp+gist",
    "hsv+lbp+vlad",
    "color+hsv+lbp+gist+vlad",
    "color+hsv+lbp+edge+hog+gist+vlad",
)
WAYS = ("none", "median", "deviation", "l2unit@median", "rrf", "learned", "rrf@learned")
DEPTH = 10
Values = npt.NDArray[np.float64]
Tables = dict[str, FeatureTable]


def precisions(one: Fusion, pictures: Tables, rows: npt.NDArray[np.intp]) -> Values:
    """AP of some pictures, looked for among all others: over hits found, over all relevant."""
    found = [pictures[part.spec] for part in one.parts]
    labels = np.array(found[0].labels)
    vectors = one.combine([table.features for table in found])
    whole = FeatureTable(found[0].paths, found[0].labels, vectors, one.spec)
    near = Index(whole, one.distance_for()).search(whole.select(list(rows)), DEPTH, skip=rows)
    hits = labels[near.indices] == labels[rows][:, np.newaxis]
    relevant = (labels[rows][:, np.newaxis] == labels).sum(axis=1) - 1
    return np.stack([average_precision(hits), average_precision(hits, n_relevant=relevant)], axis=1)


def fitted(spec: str, pictures: Tables, rows: npt.NDArray[np.intp] | None = None) -> Fusion:
    """Learn a fusion from all pictures, or from some."""
    one = descriptor(spec)
    found = [pictures[part.spec] for part in one.leaves]
    if rows is not None:
        found = [table.select(list(rows)) for table in found]
    return one.fit(
        [table.features for table in found], labels=found[0].labels, jobs=available_processors()
    )


def report(name: str, spec: str, values: dict[str, Values], codes: npt.NDArray[np.intp]) -> None:
    """Print a row: a figure for each way, and what learning gains."""
    cells = [f"{mean_of_classes(values[way][:, 0], codes):.4f}" for way in WAYS]
    for column in (0, 1):
        apart = (values["learned"] - values["median"])[:, [column]]
        low, high = bootstrap_means(apart, codes)[1][:, 0]
        cells.append(f"{mean_of_classes(apart[:, 0], codes):+.4f} ({low:+.4f} to {high:+.4f})")
    print(f"| {name} | {spec} | {' | '.join(cells)} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--by", default=";".join(FUSIONS), help="fusions, separated by ;")
    wanted = parser.parse_args(arguments).by.split(";")
    table = ImageTable.from_folder(coreldb())
    labels = np.array(table.labels)
    of_class = [np.flatnonzero(labels == name) for name in table.classes]
    sets = {
        "C6": np.flatnonzero(np.isin(labels, SIX)),
        "first": np.concatenate([rows[:20] for rows in of_class]),
        "next": np.concatenate([rows[20:40] for rows in of_class]),
    }
    leaves = {leaf.spec: leaf for spec in wanted for leaf in descriptor(spec).leaves}
    described: dict[str, Tables] = {}
    for name, rows in sets.items():
        found = extract_several(table.select(rows), list(leaves.values()))
        described[name] = dict(zip(leaves, found, strict=True))
    codes = {name: np.unique(labels[rows], return_inverse=True)[1] for name, rows in sets.items()}
    print(describe())
    print(f"| scored on | fusion | {' | '.join(WAYS)} | learned - median, hits | all relevant |")
    print("|---|---|" + "---|" * (len(WAYS) + 2))
    folds = assign_folds(table.select(sets["C6"]), 5)
    for spec in wanted:
        for known, asked in (("first", "next"), ("next", "first")):
            every = np.arange(len(sets[asked]))
            values = {
                way: precisions(fitted(f"{spec}@{way}", described[known]), described[asked], every)
                for way in WAYS
            }
            report(f"C80, {asked} 20", spec, values, codes[asked])
        values = {way: np.empty((len(sets["C6"]), 2)) for way in WAYS}
        for fold in range(1, 6):
            train, test = (np.array(folds[f"fold-{fold}/{part}"]) for part in ("train", "test"))
            for way in WAYS:
                one = fitted(f"{spec}@{way}", described["C6"], train)
                values[way][test] = precisions(one, described["C6"], test)
        report("C6, five folds", spec, values, codes["C6"])


if __name__ == "__main__":
    main()
