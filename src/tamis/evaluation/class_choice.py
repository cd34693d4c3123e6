"""What the choice of classes does to accuracy: any few of many classes, tried by the thousand.

The accuracy of a classifier says as much about the classes that somebody chose as about the
classifier. `study_classes` draws subsets of the classes of a large collection and scores each,
so that a choice can be seen among all that could have been made.

Nothing is searched anew for a subset: the nearest examples of each class are kept for every
test image, and the k nearest of any subset are among these.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import combinations
from math import comb
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from tamis.classifiers.blas import one_thread
from tamis.errors import Failure, InvalidParameterError, UnknownNameError
from tamis.evaluation.class_geometry import ClassGeometry, Values, Voters
from tamis.evaluation.learning_curve import Fit, LearningCurve, Point, learning_curve
from tamis.features import FeatureTable, Progress, available_processors

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
    n_test : int
        Those test images.
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
    n_test: int
    one_nn_error: float
    silhouette: float
    fisher_ratio: float
    least_mean_distance: float


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
        middle 95 % of them. Up to 200 subsets of each size; with a classifier that is fitted,
        a twenty-fifth of `draws` (of more than 10 classes, a hundredth).
    learning : LearningCurve
        Accuracy by the number of examples, of the chosen classes, or of all without a choice.
    pairs : tuple of (str, str, float)
        Every two classes and the error between them alone, most confused first.
    correlations : dict from str to float
        Spearman's rank correlation of each measure with accuracy over the draws.
    n_examples, n_test : int
    signature : dict
    shown : dict from str to str
        Class to the path of the example that is nearest to the mean of the class.
    failures : tuple of Failure
        Images that could not be read.

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
    learning: LearningCurve
    pairs: tuple[tuple[str, str, float], ...]
    correlations: dict[str, float]
    n_examples: int
    n_test: int
    signature: dict[str, str | int]
    shown: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()

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
            "by_examples": [asdict(point) for point in self.learning.points],
            "doubling": _plain(self.learning.doubling),
            "next_doubling": _plain(self.learning.next_doubling),
            "pairs": [{"classes": [a, b], "error": error} for a, b, error in self.pairs[:100]],
            "draws": [asdict(draw) for draw in self.draws],
            "n_examples": self.n_examples,
            "n_test": self.n_test,
            "signature": self.signature,
        }


def _plain(point: Point | None) -> dict[str, Any] | None:
    return None if point is None else asdict(point)


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
    progress: Progress | None = None,
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
        Neighbours that vote, each by 1/distance (``vote="inverse"`` of `KNNClassifier`); fewer
        where there are fewer examples.
    classifier : callable, optional
        Gives a scikit-learn classifier, fitted on the vectors of each subset. The vote of the
        k nearest neighbours by default, which needs no fit. The pairs are always by this vote.
    seed : int
        Of the draws and of the bootstrap.
    jobs : int, optional
        Threads; as many as there are processors by default.
    progress : callable, optional
        Told of the draws that are scored, as they are.

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
    jobs = jobs or available_processors()
    geometry = ClassGeometry.of(examples, test, names, k=k, jobs=jobs)
    score: Score = geometry.accuracy
    fit: Fit = partial(Voters, k=k, distance=examples.distance, jobs=jobs)
    if classifier is not None:
        fit = partial(_fit, classifier)
        score = _fitted(examples, test, names, fit)
    rng = np.random.default_rng(seed)

    def draw(columns: npt.NDArray[np.intp]) -> Draw:
        n_test = int(np.isin(geometry.truth, columns).sum())
        labels = tuple(names[c] for c in columns)
        return Draw(labels, score(columns), n_test, **geometry.measures(columns))

    subsets = list(_subsets(len(names), size, draws, rng))
    alone = classifier is None
    # Fits run side by side, each on one processor.
    with (
        contextlib.nullcontext() if alone else one_thread(),
        ThreadPoolExecutor(1 if alone else jobs) as pool,
    ):
        drawn = []
        for one in pool.map(draw, subsets):
            drawn.append(one)
            if progress is not None:
                progress(1)
        by_size = tuple(
            _by_size(
                lambda several: pool.map(score, several), len(names), rng,
                draws=None if alone else draws,
            )
        )  # fmt: skip
    accuracies = [one.accuracy for one in drawn]
    varies = len(set(accuracies)) > 1
    every = np.arange(len(names))
    picked = sorted(set(chosen))
    return ClassChoice(
        size=size,
        draws=tuple(drawn),
        chosen=draw(np.array([names.index(c) for c in picked])) if chosen else None,
        by_size=by_size,
        learning=learning_curve(examples, test, picked or names, fit, seed=seed),
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
        shown=_typical(examples, names),
    )


def _subsets(
    n: int, size: int, draws: int, rng: np.random.Generator
) -> Iterable[npt.NDArray[np.intp]]:
    """All subsets if they are few, else random ones."""
    if comb(n, size) <= draws:
        return (np.array(columns, np.intp) for columns in combinations(range(n), size))
    return (np.sort(rng.choice(n, size, replace=False)) for _ in range(draws))


def _by_size(
    score: Callable[[Iterable[npt.NDArray[np.intp]]], Iterable[float]],
    n: int,
    rng: np.random.Generator,
    *,
    draws: int | None,
) -> Iterable[Point]:
    for size in sorted({*(size for size in SIZES if size < n), n}):
        most = _DRAWS_PER_SIZE
        if draws is not None:
            most = min(most, max(3, draws // (25 if size <= 10 else 100)))
        found = np.fromiter(score(_subsets(n, size, most, rng)), float)
        low, high = np.quantile(found, [0.025, 0.975])
        yield Point(size, float(found.mean()), float(low), float(high))


def _fit(classifier: Callable[[], Any], vectors: Any, codes: Any) -> Any:
    return classifier().fit(vectors, codes)


def _fitted(
    examples: FeatureTable, test: FeatureTable, names: list[str], fit: Callable[[Any, Any], Any]
) -> Score:
    """Return the score of a classifier that is fitted to each subset."""
    index = {name: column for column, name in enumerate(names)}
    known = np.array([index.get(str(label), -1) for label in examples.labels])
    asked = np.array([index.get(str(label), -1) for label in test.labels])

    def score(columns: npt.NDArray[np.intp]) -> float:
        learn, ask = np.isin(known, columns), np.isin(asked, columns)
        fitted = fit(examples.features[learn], known[learn])
        return float((fitted.predict(test.features[ask]) == asked[ask]).mean())

    return score


def _typical(examples: FeatureTable, names: list[str]) -> dict[str, str]:
    """Return the path of the example of each class that is nearest to the mean of its class."""
    labels = np.array([str(label) for label in examples.labels])
    found = {}
    for name in names:
        rows = np.flatnonzero(labels == name)
        away = examples.features[rows] - examples.features[rows].mean(axis=0)
        found[name] = examples.paths[rows[int((away**2).sum(axis=1).argmin())]]
    return found
