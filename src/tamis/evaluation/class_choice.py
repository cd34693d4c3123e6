"""What the choice of classes does to accuracy: any few of many classes, tried by the thousand.

The accuracy of a classifier says as much about the classes that somebody chose as about the
classifier. `study_classes` draws subsets of the classes of a large collection and scores each,
so that a choice can be seen among all that could have been made.

Nothing is searched anew for a subset: the nearest examples of each class are kept for every
test image, and the k nearest of any subset are among these.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import comb
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.evaluation.class_geometry import ClassGeometry, Values
from tamis.features import FeatureTable, available_processors
from tamis.metrics.intervals import bootstrap_means

Score = Callable[[npt.NDArray[np.intp]], float]

SIZES: Final = (2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80, 120, 200, 400, 1000)
MEASURES: Final = ("one_nn_error", "silhouette", "fisher_ratio", "least_mean_distance")
_DRAWS_PER_SIZE: Final = 200


@dataclass(frozen=True, slots=True)
class Draw:
    """A subset of the classes, how well it is told apart, and measures of the examples alone.

    Attributes
    ----------
    classes : tuple of str
        Sorted.
    accuracy : float
        Share of the test images of these classes that get their class.
    one_nn_error : float
        Share of the examples whose nearest other example is of another class.
    silhouette : float
        Mean over the examples, -1 to 1 [1]_.
    fisher_ratio : float
        Scatter of the class means over the scatter within the classes.
    least_mean_distance : float
        Euclidean distance of the two nearest class means.

    References
    ----------
    .. [1] P. J. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation
       of cluster analysis", Journal of Computational and Applied Mathematics 20, 53-65, 1987.
       https://doi.org/10.1016/0377-0427(87)90125-7
    """

    classes: tuple[str, ...]
    accuracy: float
    one_nn_error: float
    silhouette: float
    fisher_ratio: float
    least_mean_distance: float


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve: mean accuracy, and the ends of an interval that holds 95 %."""

    x: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class ClassChoice:
    """How accuracy depends on the classes that are chosen, and on the number of examples.

    Attributes
    ----------
    size : int
        Classes in each subset.
    draws : tuple of Draw
    chosen : Draw or None
        The subset that the user named.
    by_size : tuple of Point
        Accuracy by the number of classes: mean over random subsets, and the range of the
        middle 95 % of them.
    by_examples : tuple of Point
        Accuracy on all classes by the number of examples per class, with a bootstrap
        interval over the test images.
    doubling : Point or None
        Gain of the last doubling of the examples that most classes have, to `x` per class.
    pairs : tuple of (str, str, float)
        Every two classes and the error between them alone, most confused first.
    correlations : dict from str to float
        Spearman's rank correlation of each measure with accuracy over the draws.
    n_examples, n_test : int
    signature : dict

    Examples
    --------
    >>> examples, test = (tamis.describe(part, "moments") for part in ("examples", "test"))
    >>> choice = tamis.study_classes(examples, test, size=2)
    >>> [draw.classes for draw in choice.draws]
    [('bars', 'sky'), ('bars', 'tiles'), ('sky', 'tiles')]
    """

    size: int
    draws: tuple[Draw, ...]
    chosen: Draw | None
    by_size: tuple[Point, ...]
    by_examples: tuple[Point, ...]
    doubling: Point | None
    pairs: tuple[tuple[str, str, float], ...]
    correlations: dict[str, float]
    n_examples: int
    n_test: int
    signature: dict[str, str | int]

    @property
    def accuracies(self) -> Values:
        """Accuracy of each draw, of shape (n_draws,)."""
        return np.array([draw.accuracy for draw in self.draws])

    @property
    def percentile(self) -> float | None:
        """Share of the draws below the chosen classes, ties counted half, in percent."""
        if self.chosen is None:
            return None
        values = self.accuracies
        below = (values < self.chosen.accuracy).sum() + (values == self.chosen.accuracy).sum() / 2
        return float(100 * below / len(values))

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types, for JSON."""
        values = self.accuracies
        return {
            "size": self.size,
            "n_draws": len(self.draws),
            "accuracy": {
                "mean": float(values.mean()),
                "deviation": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
                "lowest": float(values.min()),
                "highest": float(values.max()),
            },
            "chosen": None if self.chosen is None else asdict(self.chosen),
            "percentile": self.percentile,
            "correlations": self.correlations,
            "by_size": [asdict(point) for point in self.by_size],
            "by_examples": [asdict(point) for point in self.by_examples],
            "doubling": None if self.doubling is None else asdict(self.doubling),
            "pairs": [{"classes": [a, b], "error": error} for a, b, error in self.pairs[:100]],
            "draws": [asdict(draw) for draw in self.draws],
            "n_examples": self.n_examples,
            "n_test": self.n_test,
            "signature": self.signature,
        }


def study_classes(
    examples: FeatureTable,
    test: FeatureTable,
    *,
    size: int = 6,
    draws: int = 1000,
    chosen: Sequence[str] = (),
    k: int = 5,
    classifier: Callable[[], Any] | None = None,
    seed: int = 0,
    jobs: int | None = None,
) -> ClassChoice:
    """Score random subsets of the classes, and a chosen subset among them.

    Parameters
    ----------
    examples, test : FeatureTable
        Labelled, by one descriptor, without an image in common.
    size : int
        Classes in a subset, 2 to the number of classes; of `chosen` if that is given.
    draws : int
        Subsets to draw. If there are not more than so many, all are taken.
    chosen : sequence of str
        A subset to place among the draws.
    k : int
        Neighbours that vote, each by 1/distance; fewer where there are fewer examples.
    classifier : callable, optional
        Gives a scikit-learn classifier, fitted on the vectors of each subset. The vote of the
        k nearest neighbours by default, which needs no fit. The curves over sizes and examples
        and the pairs are always by this vote.
    seed : int
        Of the draws and of the bootstrap.
    jobs : int, optional
        Threads; as many as there are processors by default.

    Returns
    -------
    ClassChoice

    Raises
    ------
    InvalidParameterError
        `size` is out of its range, or an image has no label.
    UnknownNameError
        A chosen class has no example or no test image.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def table(n):
    ...     rows = [(c, rng.normal(i, 1, 4)) for i, c in enumerate("abcd") for _ in range(n)]
    ...     labels, values = zip(*rows, strict=True)
    ...     names = tuple(f"{c}/{i}.png" for i, c in enumerate(labels))
    ...     return FeatureTable(names, labels, np.array(values, np.float32), "moments")
    >>> found = study_classes(table(20), table(20), size=2, chosen=["a", "d"])
    >>> len(found.draws), found.percentile > 50
    (6, True)
    """
    if None in examples.labels or None in test.labels:
        raise InvalidParameterError("a study of classes needs the class of every image.")
    names = sorted({str(label) for label in examples.labels} & {str(c) for c in test.labels})
    for name in chosen:
        if name not in names:
            raise UnknownNameError.among("class", name, names)
    size = len(set(chosen)) or size
    if not 2 <= size <= len(names):
        raise InvalidParameterError(
            f"size, the number of classes in a subset, must be 2 to {len(names)}, the number of "
            f"classes with examples and test images. Got {size}."
        )
    geometry = ClassGeometry.of(examples, test, names, k=k, jobs=jobs or available_processors())
    score: Score = geometry.accuracy
    if classifier is not None:
        score = _fitted(examples, test, names, classifier)
    rng = np.random.default_rng(seed)

    def draw(columns: npt.NDArray[np.intp]) -> Draw:
        return Draw(tuple(names[c] for c in columns), score(columns), **geometry.measures(columns))

    subsets = list(_subsets(len(names), size, draws, rng))
    drawn = tuple(draw(columns) for columns in subsets)
    accuracies = [one.accuracy for one in drawn]
    varies = len(set(accuracies)) > 1
    every = np.arange(len(names))
    by_examples, doubling = _learning_curve(geometry, seed)
    return ClassChoice(
        size=size,
        draws=drawn,
        chosen=draw(np.array(sorted(names.index(c) for c in set(chosen)))) if chosen else None,
        by_size=tuple(_by_size(geometry, len(names), rng)),
        by_examples=by_examples,
        doubling=doubling,
        pairs=tuple(
            sorted(
                (
                    (names[a], names[b], 1 - geometry.accuracy(np.array([a, b])))
                    for a, b in combinations(every, 2)
                ),
                key=lambda pair: (-pair[2], pair[0], pair[1]),
            )
        ),
        correlations={
            name: float(spearmanr([getattr(one, name) for one in drawn], accuracies).statistic)
            for name in MEASURES
            if varies and len({getattr(one, name) for one in drawn}) > 1
        },
        n_examples=len(examples),
        n_test=len(test),
        signature={
            "descriptor": examples.spec,
            "distance": examples.distance,
            "k": k,
            "size": size,
            "seed": seed,
        },
    )


def _subsets(
    n: int, size: int, draws: int, rng: np.random.Generator
) -> Iterable[npt.NDArray[np.intp]]:
    """All subsets if they are few, else random ones."""
    if comb(n, size) <= draws:
        return (np.array(columns, np.intp) for columns in combinations(range(n), size))
    return (np.sort(rng.choice(n, size, replace=False)) for _ in range(draws))


def _by_size(geometry: "ClassGeometry", n: int, rng: np.random.Generator) -> Iterable[Point]:
    for size in sorted({*(size for size in SIZES if size < n), n}):
        found = np.array(
            [geometry.accuracy(columns) for columns in _subsets(n, size, _DRAWS_PER_SIZE, rng)]
        )
        low, high = np.quantile(found, [0.025, 0.975])
        yield Point(size, float(found.mean()), float(low), float(high))


def _fitted(
    examples: FeatureTable, test: FeatureTable, names: list[str], classifier: Callable[[], Any]
) -> Score:
    """Return the score of a classifier that is fitted to each subset."""
    index = {name: column for column, name in enumerate(names)}
    known = np.array([index.get(str(label), -1) for label in examples.labels])
    asked = np.array([index.get(str(label), -1) for label in test.labels])

    def score(columns: npt.NDArray[np.intp]) -> float:
        learn, ask = np.isin(known, columns), np.isin(asked, columns)
        fitted = classifier().fit(examples.features[learn], known[learn])
        return float((fitted.predict(test.features[ask]) == asked[ask]).mean())

    return score


def _learning_curve(geometry: ClassGeometry, seed: int) -> tuple[tuple[Point, ...], Point | None]:
    """Accuracy on all classes by examples per class, and the gain of the last doubling."""
    every = np.arange(geometry.means.shape[0])
    levels = sorted(geometry.levels)
    right = {n: geometry.right(every, n).astype(float) for n in levels}
    stacked = np.stack([right[n] for n in levels], axis=1)
    low, high = _intervals(stacked, seed)
    points = tuple(
        Point(n, float(right[n].mean()), float(a), float(b))
        for n, a, b in zip(levels, low, high, strict=True)
    )
    if geometry.usual < 2:
        return points, None
    gain = right[geometry.usual] - right[geometry.usual // 2]
    (least,), (most,) = _intervals(gain[:, None], seed)
    return points, Point(geometry.usual, float(gain.mean()), float(least), float(most))


def _intervals(values: Values, seed: int) -> tuple[Values, Values]:
    over_images, _ = bootstrap_means(values, np.zeros(len(values), np.intp), seed=seed)
    return over_images[0], over_images[1]
