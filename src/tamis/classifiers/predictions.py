"""`Predictions`: what a classifier says of pictures, and on what grounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tamis.errors import Failure
from tamis.features.index import Matches
from tamis.table.frames import Columns, Tabular


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for an image: its path, its class, and how sure it is.

    Examples
    --------
    >>> tamis.Prediction("photos/1.jpg", label="fox", confidence=0.9).label
    'fox'
    """

    path: str
    label: str
    confidence: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Predictions(Tabular):
    """What a classifier says of pictures, and on what grounds.

    Attributes
    ----------
    paths : tuple of str
        The pictures that could be read.
    classes : tuple of str
        Sorted; the columns of `probabilities`.
    probabilities : ndarray of shape (n, n_classes), float64
        Share of the votes, or what a trained model takes for the probability.
    neighbours : Matches
        Of shape (n, k): rows of the training table, nearest first; k is 0 where a trained
        model answers, which has no examples at hand.
    train_paths, train_labels : tuple of str
        What those rows are.
    failures : tuple of Failure
        The pictures that could not be read: they have no row.
    settings : dict
        All that the answers depend on.
    by_vote : bool
        Whether `probabilities` are shares of the votes of the neighbours.
    sets : ndarray of shape (n, n_classes), bool, or None
        The classes of the prediction set of each picture, if sets were asked for.

    Examples
    --------
    >>> model = tamis.train("examples", by="moments", classifier="knn")
    >>> answers = model.predict("photos")
    >>> answers
    Predictions(6 images, 3 classes)
    >>> sorted(set(answers.labels))
    ['bars', 'sky', 'tiles']
    >>> answers.to_csv("predictions.csv")
    """

    paths: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.float64]
    neighbours: Matches
    train_paths: tuple[str, ...]
    train_labels: tuple[str, ...]
    failures: tuple[Failure, ...]
    settings: dict[str, str | int]
    by_vote: bool = True
    sets: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Prediction]:
        rows = zip(self.paths, self.labels, self.confidence, strict=True)
        return (Prediction(path, label, float(share)) for path, label, share in rows)

    def __repr__(self) -> str:
        bad = f", {len(self.failures)} could not be read" if self.failures else ""
        n, m = len(self), len(self.classes)
        return f"Predictions({n:,} image{'s' * (n != 1)}, {m} class{'es' * (m != 1)}{bad})"

    def columns(self) -> Columns:
        """Return ``path``, ``class``, ``confidence``, the runner-up, and each neighbour."""
        seconds = self.runners_up
        columns: dict[str, Sequence[Any]] = {
            "path": self.paths,
            "class": self.labels,
            "confidence": self.confidence.tolist(),
            "runner_up": [label for label, _ in seconds],
            "runner_up_confidence": [share for _, share in seconds],
        }
        if self.sets is not None:
            columns["set"] = ["|".join(members) for members in self.set_labels]
        for i in range(self.neighbours.indices.shape[1] if self.train_paths else 0):
            rows = self.neighbours.indices[:, i]
            columns[f"neighbour_{i + 1}"] = [self.train_paths[row] for row in rows]
            columns[f"neighbour_{i + 1}_class"] = [self.train_labels[row] for row in rows]
            columns[f"neighbour_{i + 1}_distance"] = self.neighbours.distances[:, i].tolist()
        return columns

    @property
    def voted(self) -> bool:
        """Whether examples voted, so that a confidence is a share of votes."""
        return self.by_vote and self.neighbours.indices.shape[1] > 0

    @property
    def labels(self) -> list[str]:
        """The class of each picture: the first with the most votes."""
        return [self.classes[column] for column in self.probabilities.argmax(axis=1)]

    @property
    def set_labels(self) -> list[tuple[str, ...]]:
        """The classes of the prediction set of each picture, likeliest first."""
        if self.sets is None:
            return []
        order = np.argsort(-self.probabilities, axis=1, kind="stable")
        return [
            tuple(self.classes[column] for column in columns if members[column])
            for columns, members in zip(order, self.sets, strict=True)
        ]

    @property
    def confidence(self) -> npt.NDArray[np.float64]:
        """Share of the votes, or probability, of that class, of shape (n,)."""
        return cast(npt.NDArray[np.float64], self.probabilities.max(axis=1, initial=0.0))

    @property
    def runners_up(self) -> list[tuple[str, float]]:
        """Second class of each picture and its share; ("", 0.0) with one class only."""
        if len(self.classes) < 2:
            return [("", 0.0)] * len(self)
        rows = np.arange(len(self))
        rest = self.probabilities.copy()
        rest[rows, self.probabilities.argmax(axis=1)] = -1
        second = rest.argmax(axis=1)
        shares = self.probabilities[rows, second]
        return [(self.classes[c], float(p)) for c, p in zip(second, shares, strict=True)]
