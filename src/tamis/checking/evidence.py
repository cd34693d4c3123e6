"""What is said of each example by a fit, and by neighbours, that do not include it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.classifiers.automatic import AutoClassifier
from tamis.classifiers.base import Classifier
from tamis.classifiers.linear import normalised
from tamis.classifiers.probe import ProbeClassifier
from tamis.classifiers.votes import fit_kernel_vote
from tamis.descriptors.base import Features
from tamis.distances import gallery_of
from tamis.errors import UnknownNameError
from tamis.features import available_processors

LEARNERS: Final[dict[str, type[Classifier]]] = {"auto": AutoClassifier, "probe": ProbeClassifier}
"""Classifiers whose fits without an example can be asked."""

_VOTERS: Final = (5, 10, 20, 50)
_FITTED: Final = 2_000  # examples by which the votes are weighed

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Two opinions on the class of examples, neither by a fit that knew them.

    Attributes
    ----------
    rows : ndarray of shape (n,), int
        The examples: those that are not alone in their class, and have no copy.
    answers : ndarray of shape (n, n_classes), float64
        Probabilities by the classifier.
    votes : ndarray of shape (n, n_classes), float64
        Probabilities by the nearest other examples.
    neighbours : ndarray of shape (n, k), int
        The nearest other examples, as rows of all.
    """

    rows: Codes
    answers: Values
    votes: Values
    neighbours: Codes


def collect_evidence(
    vectors: Features,
    codes: Codes,
    *,
    blocks: Sequence[int],
    classifier: str = "auto",
    seed: int = 0,
    jobs: int | None = None,
) -> Evidence:
    """Ask of each example a fit without it, and its nearest other examples.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim), float32
    codes : ndarray of shape (n,), int
        The class of each, from 0; none is left out.
    blocks : sequence of int
        Lengths of the blocks of a vector.
    classifier : {"auto", "probe"}
    seed : int
        Of the folds.
    jobs : int, optional
        Threads; as many as there are processors by default.

    Raises
    ------
    UnknownNameError
        There is no such classifier.
    """
    if classifier not in LEARNERS:
        raise UnknownNameError.among("classifier", classifier, list(LEARNERS))
    kind: Any = LEARNERS[classifier]
    learner = kind(blocks=tuple(blocks), seed=seed).fit(vectors, codes)
    known = learner.out_of_fold_
    rows, n_classes = known.rows, int(codes.max()) + 1
    unit = normalised(vectors, tuple(blocks), 1.0)
    k = min(max(_VOTERS), len(vectors) - 1)
    near, distances = gallery_of(unit, distance="l2").nearest(
        unit[rows], k, jobs=jobs or available_processors(), skip=rows
    )
    few = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _FITTED)).astype(np.intp))
    vote = fit_kernel_vote(
        distances[few], codes[near[few]], codes[rows[few]], n_classes=n_classes,
        ks=tuple(sorted({min(size, k) for size in _VOTERS})),
    )  # fmt: skip
    votes = vote.probabilities(distances, codes[near], n_classes)
    return Evidence(rows, known.probabilities, votes, near)
