"""Where the six classes of the report stand among 1,000 random sixes of CorelDB.

    python benchmarks/class_choice.py --keep FOLDER --by color,hsv+lbp+vlad --seeds 3

The vectors of all photos are made at most once and kept in FOLDER. `--foretell` compares the
gain that a doubling of the examples is foretold to give with what it gave.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np

from answers import vectors
from machine import SIX, coreldb, describe
from tamis.classifiers.discriminant import DiscriminantClassifier
from tamis.descriptors import descriptor
from tamis.evaluation.class_choice import study_classes
from tamis.evaluation.class_geometry import Voters
from tamis.evaluation.learning_curve import learning_curve
from tamis.features import FeatureTable, available_processors
from tamis.splits.assign import DEFAULT_RATIO, assign_parts
from tamis.table import ImageTable

BACKBONES = "efficientnet"


def described(table: ImageTable, by: str, keep: Path) -> tuple[np.ndarray, list[int], str]:
    """Join the vectors of all parts of a fusion, each over its median distance."""
    made = descriptor(by)
    parts = [vectors(table, name, keep) for name in by.split("+")]
    if by.startswith(BACKBONES):
        return np.hstack(parts), [part.shape[1] for part in parts], "cosine"
    if not made.fitted:
        made = made.fit(parts, labels=table.labels, distance="", jobs=available_processors())
        return made.combine(parts), [sum(part.shape[1] for part in parts)], "l1"
    return parts[0], [parts[0].shape[1]], "l1"


def taken(table: ImageTable, values: np.ndarray, rows: list[int], by: str, distance: str):
    """Make a table of some of the photos."""
    paths, labels = (tuple(column[i] for i in rows) for column in (table.paths, table.labels))
    return FeatureTable(paths, labels, values[rows], by, (), distance)


def main() -> None:
    """Print a line for each descriptor and seed."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--keep", type=Path, required=True)
    words.add_argument("--by", default="color,hsv+lbp+vlad,efficientnet-lite0+efficientnet-lite1")
    words.add_argument("--seeds", type=int, default=1)
    words.add_argument("--draws", type=int, default=1000)
    words.add_argument("--foretell", action="store_true")
    asked = words.parse_args()
    print(describe())
    table = ImageTable.from_folder(coreldb())
    for by in asked.by.split(","):
        values, blocks, distance = described(table, by, asked.keep)
        network = by.startswith(BACKBONES)
        classifier = partial(DiscriminantClassifier, blocks=blocks) if network else None
        for seed in range(asked.seeds):
            rows = assign_parts(table, ratio=DEFAULT_RATIO, seed=seed)
            known, test = (
                taken(table, values, rows[part], by, distance) for part in ("train", "test")
            )
            if asked.foretell:
                foretell(known, test, by, classifier, seed)
                continue
            wall, cpu = time.perf_counter(), time.process_time()
            found = study_classes(
                known, test, chosen=SIX, draws=asked.draws, classifier=classifier, seed=seed
            )
            a = found.accuracies
            print(
                f"{by} seed {seed}: mean {a.mean():.3f} deviation {a.std():.3f} lowest "
                f"{a.min():.3f} highest {a.max():.3f}; the six {found.chosen.accuracy:.4f}, "
                f"percentile {found.percentile:.1f}; {found.correlations}; wall "
                f"{time.perf_counter() - wall:.0f} s, processor {time.process_time() - cpu:.0f} s",
                flush=True,
            )
            for name, points in (("classes", found.by_size), ("examples", found.learning.points)):
                print(f"  by {name}:", ", ".join(f"{p.x}: {p.accuracy:.3f}" for p in points))
            print("  ", found.learning.doubling, found.learning.next_doubling, flush=True)


def foretell(known: FeatureTable, test: FeatureTable, by: str, classifier, seed: int) -> None:
    """Print what a doubling was foretold to give, and what it gave, on all 80 classes."""
    rng = np.random.default_rng(seed)
    labels, names = np.array(known.labels), sorted(set(known.labels))
    rows = {name: rng.permutation(np.flatnonzero(labels == name)) for name in names}

    def fit(vectors, codes):
        if classifier is not None:
            return classifier().fit(vectors, codes)
        jobs = available_processors()
        return Voters(vectors, codes, k=5, distance=known.distance, jobs=jobs)

    said = None
    for n in (5, 10, 20, 40):
        some = np.sort(np.concatenate([rows[name][:n] for name in names]))
        curve = learning_curve(known.select(some), test, names, fit, seed=seed)
        if said is not None:
            print(
                f"{by} seed {seed}, {n // 2} to {n} of each class: foretold {said.accuracy:.3f} "
                f"({said.low:.3f} to {said.high:.3f}), gained {curve.doubling.accuracy:.3f}",
                flush=True,
            )
        said = curve.next_doubling


if __name__ == "__main__":
    main()
