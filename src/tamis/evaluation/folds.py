"""Scoring what was learned from the very pictures that are scored: by folds."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tamis.descriptors import Descriptor
from tamis.errors import TableError
from tamis.evaluation.retrieval import Fold, evaluate_retrieval
from tamis.evaluation.retrieval_scores import RetrievalEvaluation
from tamis.evaluation.signature import Signature
from tamis.features import FeatureTable, Progress, available_processors, combine
from tamis.splits.assign import assign_folds
from tamis.table import ImageTable, common_root


def evaluate_in_folds(
    leaves: Sequence[FeatureTable],
    descriptor: Descriptor,
    *,
    folds: int = 5,
    depths: Sequence[int] | None = None,
    distance: str = "",
    jobs: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> RetrievalEvaluation:
    """Look for each picture among all others by a descriptor that learns from classes.

    The pictures of each fold are looked for by what was learned from those of the
    others, so that no query had a say in the weights by which it is scored; and among
    all others, as in `evaluate_retrieval`.

    Parameters
    ----------
    leaves : sequence of FeatureTable
        The pictures by each of the leaves of the descriptor, all labelled.
    descriptor : Descriptor
        Not fitted.
    folds : int
        At least 2.
    distance : str
        By which the pictures are compared; if empty, the descriptor's own.
    seed : int
        Of the folds and the bootstrap.
    depths, jobs, progress
        As `evaluate_retrieval` takes them.

    Raises
    ------
    TableError
        A picture has no label, or the classes do not suffice to learn from.
    InvalidParameterError
        As `evaluate_retrieval` raises it.
    """
    first = leaves[0]
    if None in first.labels:
        raise TableError("weights are scored by folds on pictures that all have a class.")
    jobs = jobs if jobs is not None else available_processors()
    # Below the folder that they lie in: the same folds wherever that is.
    root = common_root(first.paths)
    table = ImageTable(first.paths, first.labels, (None,) * len(first), root)
    parts = assign_folds(table, folds, seed=seed)

    def fitted() -> Iterator[Fold]:
        for fold in range(1, folds + 1):
            known = [leaf.select(parts[f"fold-{fold}/train"]) for leaf in leaves]
            one = descriptor.fit(
                [leaf.features for leaf in known],
                labels=known[0].labels,
                distance=distance,
                jobs=jobs,
            )
            vectors = replace(combine(one, leaves), distance=one.distance_for(distance))
            yield np.array(parts[f"fold-{fold}/test"], np.intp), vectors

    found = evaluate_retrieval(
        first, depths=depths, jobs=jobs, seed=seed, progress=progress, folds=fitted()
    )
    signature: Signature = {
        "descriptor": descriptor.spec,
        "distance": distance or "the descriptor's own",
        "weights": f"learned in {folds} folds, without the queries, seed {seed}",
    }
    return replace(found, signature=found.signature | signature)
