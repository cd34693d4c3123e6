"""Distances between classes: for each image the nearest examples of every class, kept.

The k nearest examples of any subset of the classes are among them, so that thousands of
subsets are scored without another search.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.classifiers.votes import shares_of_votes
from tamis.distances import gallery_of
from tamis.features import FeatureTable

Values = npt.NDArray[np.float64]
Hits = npt.NDArray[np.bool_]

_BLOCK_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class ClassGeometry:
    """Distances of test images and examples to the examples of each class.

    `least` holds the k least distances of each test image to the examples of each class,
    infinite where there are fewer.
    """

    truth: npt.NDArray[np.intp]
    least: Values  # (n_test, n_classes, k)
    known: npt.NDArray[np.intp]
    nearest: Values  # (n_examples, n_classes): the least distance to another example
    mean: Values  # (n_examples, n_classes): the mean distance to other examples
    means: Values  # (n_classes, dim)
    scatter: Values  # (n_classes,): summed squared distance to the class mean
    k: int

    @classmethod
    def of(
        cls, examples: FeatureTable, test: FeatureTable, names: list[str], *, k: int, jobs: int
    ) -> "ClassGeometry":
        """Measure test images and examples against the examples of each class."""
        index = {name: column for column, name in enumerate(names)}
        learned = [row for row, label in enumerate(examples.labels) if label in index]
        asked = [row for row, label in enumerate(test.labels) if label in index]
        known = np.array([index[str(examples.labels[row])] for row in learned])
        order = np.argsort(known, kind="stable")
        known = known[order]
        vectors = examples.features[np.array(learned)[order]]
        truth = np.array([index[str(test.labels[row])] for row in asked])
        counts = np.bincount(known, minlength=len(names))
        starts = np.concatenate([[0], np.cumsum(counts)])
        gallery = gallery_of(vectors, distance=examples.distance)
        least = np.full((len(truth), len(names), k), np.inf)
        for rows, found in _blocks(gallery, test.features[np.array(asked)], len(known), jobs):
            for column, (start, stop) in enumerate(pairwise(starts)):
                width = min(k, stop - start)
                some = np.partition(found[:, start:stop], width - 1, axis=1)[:, :width]
                least[rows, column, :width] = np.sort(some, axis=1)
        nearest = np.empty((len(known), len(names)))
        mean = np.empty((len(known), len(names)))
        for rows, found in _blocks(gallery, vectors, len(known), jobs):
            own = np.arange(rows.start, rows.stop)
            found[np.arange(len(own)), own] = 0
            sums = np.add.reduceat(found, starts[:-1], axis=1)
            others = counts - (known[rows][:, None] == np.arange(len(names)))
            mean[rows] = sums / np.maximum(others, 1)
            found[np.arange(len(own)), own] = np.inf
            nearest[rows] = np.minimum.reduceat(found, starts[:-1], axis=1)
        of_class = [vectors[a:b].astype(np.float64) for a, b in pairwise(starts)]
        means = np.stack([some.mean(axis=0) for some in of_class])
        scatter = np.array(
            [((some - mean) ** 2).sum() for some, mean in zip(of_class, means, strict=True)]
        )
        return cls(truth, least, known, nearest, mean, means, scatter, k)

    def accuracy(self, columns: npt.NDArray[np.intp]) -> float:
        """Share of the test images of some classes that get their class among these."""
        return float(self.right(columns).mean())

    def right(self, columns: npt.NDArray[np.intp]) -> Hits:
        """Whether each test image of some classes gets its class: a vote by 1/distance."""
        rows = np.flatnonzero(np.isin(self.truth, columns))
        distances = self.least[np.ix_(rows, columns)].reshape(len(rows), -1)
        first = np.argsort(distances, axis=1, kind="stable")[:, : self.k]
        near = np.take_along_axis(distances, first, axis=1)
        votes = shares_of_votes(near, first // self.k, len(columns))
        return np.asarray(columns[votes.argmax(axis=1)] == self.truth[rows])

    def measures(self, columns: npt.NDArray[np.intp]) -> dict[str, float]:
        """Measures of the examples of some classes; no test image has a part in them."""
        rows = np.flatnonzero(np.isin(self.known, columns))
        place = np.searchsorted(columns, self.known[rows])
        nearest = self.nearest[np.ix_(rows, columns)]
        mean = self.mean[np.ix_(rows, columns)]
        own = mean[np.arange(len(rows)), place]
        others = mean.copy()
        others[np.arange(len(rows)), place] = np.inf
        other = others.min(axis=1)
        largest = np.maximum(np.maximum(own, other), np.finfo(float).tiny)
        counts = np.bincount(place, minlength=len(columns))
        alone = counts[place] == 1
        silhouette = np.where(alone, 0.0, (other - own) / largest)
        means = self.means[columns]
        centre = np.average(means, axis=0, weights=counts)
        between = float((counts * ((means - centre) ** 2).sum(axis=1)).sum())
        within = float(self.scatter[columns].sum())
        gaps = ((means[:, None] - means[None]) ** 2).sum(axis=2)
        apart = np.sqrt(gaps[np.triu_indices(len(columns), 1)].min())
        return {
            "one_nn_error": float((nearest.argmin(axis=1) != place).mean()),
            "silhouette": float(silhouette.mean()),
            "fisher_ratio": between / within if within else float("inf"),
            "least_mean_distance": float(apart),
        }


class Voters:
    """The k nearest examples vote, each by 1/distance, as in `ClassGeometry.right`."""

    def __init__(
        self, vectors: Any, codes: npt.NDArray[np.intp], *, k: int, distance: str, jobs: int
    ) -> None:
        self._gallery = gallery_of(vectors, distance=distance)
        self._codes, self._k, self._jobs = codes, min(k, len(codes)), jobs

    def predict(self, vectors: Any) -> npt.NDArray[np.intp]:
        """Return the class of each vector, as a number."""
        indices, distances = self._gallery.nearest(vectors, self._k, jobs=self._jobs)
        n_classes = int(self._codes.max()) + 1
        return np.asarray(
            shares_of_votes(distances, self._codes[indices], n_classes).argmax(axis=1)
        )


def _blocks(gallery: Any, queries: Any, n: int, jobs: int) -> Iterable[tuple[slice, Values]]:
    """Measure all distances of some queries at a time, in bounded memory."""
    length = max(1, _BLOCK_BYTES // (8 * n))
    starts = range(0, len(queries), length)
    with ThreadPoolExecutor(jobs) as pool:
        for some in _batched(starts, jobs):
            measured = pool.map(lambda a: gallery.distances(queries[a : a + length]), some)
            for start, found in zip(some, measured, strict=True):
                yield slice(start, start + len(found)), found


def _batched(values: Sequence[int], length: int) -> Iterable[Sequence[int]]:
    """Cut a sequence into pieces; `itertools.batched` needs Python 3.12."""
    return (values[start : start + length] for start in range(0, len(values), length))
