"""How well backbones serve: k-NN, retrieval and a linear probe on all 80 classes of CorelDB.

Pictures are compared by cosine. Backbones are run with ``power=1``; ``sqrt`` takes the
square roots of the values, as their default does, ``>whiteN`` brings them to the first N
principal components of the training part, each of deviation 1, and ``+`` adds the cosines
of several descriptors, each times a weight; the roots of histograms are compared, as in the
Bhattacharyya coefficient. The split is that of `tamis split --ratio 0.7 0 0.3 --seed 0`.
Which of many is best is chosen by five folds of the training part, column ``folds``; the
test part has no say in it.

Vectors are kept in ``--into`` and not made again; when they are made, the time from file
to vector is printed. ``--vectors`` does no more than that.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from machine import coreldb, describe
from tamis.descriptors import descriptor
from tamis.descriptors.catalog import sample_image
from tamis.descriptors.neural.backbone import Backbone
from tamis.features import extract
from tamis.splits.assign import assign_parts
from tamis.table import ImageTable

LITE = [f"efficientnet-lite{number}" for number in range(3)]
SINGLE = [*LITE, "efficientnet-lite0(flip=1)", "efficientnet-lite0(size=256)"]
HISTOGRAMS = ("color", "lbp", "hsv")
NEIGHBOURS = 5
DEPTH = 10


class Corel:
    """The photos, their classes, their parts and their vectors."""

    def __init__(self, into: Path) -> None:
        self.table, self.into = ImageTable.from_folder(coreldb()), into
        self.classes, self.labels = np.unique(np.array(self.table.labels), return_inverse=True)
        parts = assign_parts(self.table, ratio=(0.7, 0.0, 0.3), seed=0)
        self.train, self.test = parts["train"], parts["test"]
        into.mkdir(parents=True, exist_ok=True)

    def vectors(self, spec: str) -> np.ndarray:
        """Vectors of all photos, made at most once."""
        file = self.into / f"{spec}.npy"
        if not file.is_file():
            one = descriptor(spec)
            if isinstance(one, Backbone):
                one = replace(one, power=1.0)
            one.describe([sample_image()])  # loads and compiles
            start = time.perf_counter()
            found = extract(self.table, one).features
            seconds = time.perf_counter() - start
            print(f"{spec}: {1000 * seconds / len(found):.2f} ms per photo", flush=True)
            np.save(file, found)
        return np.load(file)

    def form(self, word: str) -> np.ndarray:
        """Give the unit vectors of ``spec``, ``sqrt spec`` or ``spec>whiteN``."""
        spec, _, white = word.removeprefix("sqrt ").partition(">white")
        found = self.vectors(spec)
        if word.startswith("sqrt ") or spec.partition("(")[0] in HISTOGRAMS:
            found = np.sqrt(np.maximum(found, 0))
        if white:
            mean = found[self.train].mean(0)
            _, deviations, axes = np.linalg.svd(found[self.train] - mean, full_matrices=False)
            scale = np.sqrt(len(self.train)) / deviations[: int(white)]
            found = (found - mean) @ (axes[: int(white)].T * scale)
        return unit(found)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Divide each by its length."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def vote(cosines: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Let the nearest vote by the inverse of the distance 1 - cosine, as tamis does."""
    near = np.argpartition(-cosines, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    weights = 1 / np.maximum(1 - np.take_along_axis(cosines, near, 1), 1e-7)
    votes = np.zeros((len(cosines), classes))
    for j in range(NEIGHBOURS):
        np.add.at(votes, (np.arange(len(votes)), labels[near[:, j]]), weights[:, j])
    return votes.argmax(1)


def mmap(blocks: list[np.ndarray], labels: np.ndarray) -> float:
    """Mean over classes of the AP of the hits among the first ten, each photo left out."""
    precisions = np.empty(len(labels))
    for start in range(0, len(labels), 1024):
        rows = np.arange(start, min(start + 1024, len(labels)))
        cosines = sum(block[rows] @ block.T for block in blocks)
        cosines[np.arange(len(rows)), rows] = -np.inf
        near = np.argpartition(-cosines, DEPTH - 1, axis=1)[:, :DEPTH]
        order = np.argsort(-np.take_along_axis(cosines, near, 1), axis=1, kind="stable")
        hits = labels[np.take_along_axis(near, order, 1)] == labels[rows][:, np.newaxis]
        at = hits.cumsum(1) / np.arange(1, DEPTH + 1)
        precisions[rows] = (at * hits).sum(1) / np.maximum(hits.sum(1), 1)
    return float(np.mean([precisions[labels == one].mean() for one in np.unique(labels)]))


def row(corel: Corel, word: str, *, probe: bool) -> str:
    """Measure ``[w*]form + [w*]form ...``."""
    blocks = []
    for part in word.split(" + "):
        weight, star, form = part.rpartition("*")
        blocks.append(np.float32(np.sqrt(float(weight)) if star else 1) * corel.form(form))
    train, test, labels = corel.train, corel.test, corel.labels
    inside = sum(block[train] @ block[train].T for block in blocks)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    right = 0
    for near, far in folds.split(train, labels[train]):
        said = vote(inside[np.ix_(far, near)], labels[train][near], len(corel.classes))
        right += int((said == labels[train][far]).sum())
    cosines = sum(block[test] @ block[train].T for block in blocks)
    said = vote(cosines, labels[train], len(corel.classes))
    accuracy = (said == labels[test]).mean()
    cells = [word, f"{right / len(train):.4f}", f"{accuracy:.4f}", f"{mmap(blocks, labels):.4f}"]
    if probe:
        whole = np.concatenate(blocks, axis=1)
        linear = LogisticRegression(C=30, max_iter=300).fit(whole[train], labels[train])
        cells.append(f"{linear.score(whole[test], labels[test]):.4f}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print one row per way to compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="where vectors are kept")
    parser.add_argument("--by", help="ways to compare, separated by ;")
    parser.add_argument("--vectors", action="store_true", help="only make vectors of --by")
    parser.add_argument("--probe", action="store_true", help="also a logistic regression")
    options = parser.parse_args()
    print(describe())
    corel = Corel(options.into)
    words = [word.strip() for word in options.by.split(";")] if options.by else SINGLE
    if options.vectors:
        for spec in words:
            corel.vectors(spec)
        return
    print(f"{len(corel.train)} photos to learn from, {len(corel.test)} to test")
    print(f"| by | folds | k-NN, k={NEIGHBOURS} | MMAP@{DEPTH} |{' probe |' * options.probe}")
    print(f"|---|---|---|---|{'---|' * options.probe}")
    for word in words:
        print(row(corel, word, probe=options.probe), flush=True)


if __name__ == "__main__":
    main()
