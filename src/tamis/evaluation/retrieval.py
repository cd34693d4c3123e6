"""Rankings in, numbers out: each query is looked for, and what is found is scored."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError, TableError
from tamis.evaluation.retrieval_scores import (
    AP_OVER_ALL,
    AP_OVER_HITS,
    FIGURES,
    DepthScores,
    RetrievalEvaluation,
)
from tamis.evaluation.signature import Signature, versions
from tamis.features import FeatureTable, Progress
from tamis.features.index import Index
from tamis.images.listing import sort_key
from tamis.metrics.classification import Values
from tamis.metrics.intervals import RESAMPLES, bootstrap_means, wilson_interval
from tamis.metrics.ranking import (
    average_precision,
    class_means,
    first_tier,
    first_wrong,
    ndcg_at,
    precision_at,
    recall_at,
)
from tamis.table import one_spelling

DEFAULT_DEPTH: Final = 10

_BLOCK_BYTES: Final = 128 << 20
_Rows = npt.NDArray[np.intp]
Fold = tuple[_Rows, FeatureTable]

# What is measured of each query; of the first two the means over classes are taken.
_MEASURES: Final = ("map", "map_all", "precision", "recall", "ndcg", "first_tier", "error_rate")


def evaluate_retrieval(
    gallery: FeatureTable,
    queries: FeatureTable | None = None,
    *,
    depths: Sequence[int] | None = None,
    distance: str = "",
    jobs: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    folds: Iterable[Fold] | None = None,
) -> RetrievalEvaluation:
    """Look for each query in a gallery, and score what is found.

    Parameters
    ----------
    gallery : FeatureTable
        The pictures that are found. Those without a label are left out.
    queries : FeatureTable, optional
        The pictures that are looked for, by the same descriptor. If None, each of
        the gallery among all others ("leave-one-out"): it is left out by its row, so
        that a copy of it, at distance 0, is still found.
    depths : sequence of int, optional
        Results to look at; from 1 to the number of pictures to choose from. All are
        scored from one search. By default 10, or as many as there are to choose from.
    distance : str
        One of `tamis.distances.DISTANCES`, or the name of a late fusion; that of
        `gallery` by default.
    jobs : int, optional
        Threads; as many as there are processors by default.
    seed : int
        Of the bootstrap.
    progress : callable, optional
        Told how many queries are done, as they are done.
    folds : iterable of (ndarray of intp, FeatureTable), optional
        For vectors that depend on what was learned: rows of the gallery, and the
        vectors of the whole gallery by which these are looked for. Then the vectors of
        `gallery`, whose pictures are all labelled, are not looked at.

    Returns
    -------
    RetrievalEvaluation
        Memory: beyond the tables a block of queries and their results.

    Raises
    ------
    TableError
        There are no two classes in the gallery, or no query of a class in it.
    InvalidParameterError
        A depth or `distance` is out of its range, or the descriptors differ.

    Examples
    --------
    >>> vectors = tamis.describe("examples", "moments")
    >>> tamis.evaluate_retrieval(vectors, depths=[1, 4]).depths[0].precision
    1.0
    """
    pictures = _labelled(gallery)
    wanted_depths = check_task(pictures.labels, depths=depths, leave_one_out=queries is None)
    wanted = pictures if queries is None else _labelled(queries)
    if queries is not None:
        # Spelled as in the gallery: accents may be stored otherwise among the queries.
        spelled = one_spelling((*pictures.labels, *wanted.labels))
        wanted = replace(wanted, labels=spelled[len(pictures) :])
    classes = sorted({*pictures.labels, *wanted.labels}, key=lambda name: sort_key(str(name)))
    number = {name: i for i, name in enumerate(classes)}
    gallery_classes = np.array([number[name] for name in pictures.labels], np.intp)
    query_classes = np.array([number[name] for name in wanted.labels], np.intp)
    n_relevant = np.bincount(gallery_classes, minlength=len(classes))[query_classes]
    if queries is None:
        n_relevant -= 1
    rows = np.flatnonzero(n_relevant)
    if not len(rows):
        raise TableError(
            "no query has another picture of its class to choose from; there is nothing to find."
        )

    values = np.empty((len(wanted), len(_MEASURES), len(wanted_depths)))
    # Those that look deepest, for the first tier, together: each block as deep as it must be.
    order = rows[np.argsort(-n_relevant[rows], kind="stable")]
    for chosen, vectors in folds if folds is not None else [(order, pictures)]:
        index = Index(vectors, distance)
        asked = vectors if queries is None else wanted
        mine = order if folds is None else order[np.isin(order, chosen)]
        for some in _blocks(mine, n_relevant, wanted_depths[-1], 4 * vectors.features.shape[1]):
            k = max(wanted_depths[-1], int(n_relevant[some[0]]))
            found = _search(index, asked, some, k, leave_out=queries is None, jobs=jobs)
            relevant = gallery_classes[found] == query_classes[some][:, np.newaxis]
            values[some] = _score(relevant, n_relevant[some], wanted_depths)
            if progress is not None:
                progress(len(some))

    present, codes = np.unique(query_classes[rows], return_inverse=True)
    names = [str(classes[i]) for i in present]
    first_rows = dict(zip(query_classes[rows], rows, strict=True))
    targets = [int(n_relevant[first_rows[i]]) for i in present]
    both = [(gallery, pictures)] + ([] if queries is None else [(queries, wanted)])
    return RetrievalEvaluation(
        depths=_summarise(values[rows], wanted_depths, codes, names, targets, seed),
        classes=tuple(names),
        n_images=len(rows),
        signature=_signature(pictures, None if queries is None else wanted)
        | {
            "distance": index.distance,
            "depths": ", ".join(map(str, wanted_depths)),
            "n_queries": len(rows),
            "bootstrap": f"{RESAMPLES} resamples of the queries, seed {seed}",
        }
        | versions(),
        n_without_relevant=len(wanted) - len(rows),
        n_unlabelled=sum(len(table) - len(labelled) for table, labelled in both),
        failures=tuple(failure for table, _ in both for failure in table.failures),
    )


def check_task(
    labels: Sequence[str | None], *, depths: Sequence[int] | None, leave_one_out: bool
) -> list[int]:
    """Tell whether retrieval can be scored in a gallery, before its vectors are computed.

    Parameters
    ----------
    labels : sequence of (str or None)
        Of the gallery.
    depths : sequence of int or None
    leave_one_out : bool

    Returns
    -------
    list of int
        The depths, in ascending order, each once.

    Raises
    ------
    TableError, InvalidParameterError
        As `evaluate_retrieval` raises them.
    """
    known = [label for label in labels if label is not None]
    if (n_classes := len(set(known))) < 2:
        raise TableError(
            "retrieval is scored by how well classes are told apart. It needs labelled, readable "
            f"pictures of at least two classes to choose from, a folder per class. Got {n_classes}."
        )
    n_others = len(known) - leave_one_out
    if depths is None:
        depths = [min(DEFAULT_DEPTH, n_others)]
    if not depths or not 1 <= min(depths) <= max(depths) <= n_others:
        raise InvalidParameterError(
            "depths must be at least 1 and at most the number of pictures to choose from, "
            f"{n_others}. Got {', '.join(map(str, depths)) or 'none'}."
        )
    return sorted({int(depth) for depth in depths})


def _signature(gallery: FeatureTable, queries: FeatureTable | None) -> Signature:
    if queries is None:
        task, match = "leave-one-out", "excluded, by row"
    else:
        shared = len(set(gallery.paths) & set(queries.paths))
        task, match = "gallery and queries", f"not excluded, {shared} pictures are in both"
    return {
        "task": f"retrieval, {task}",
        "descriptor": gallery.spec,
        "relevant": "of the query's class",
        "self-match": match,
        "mmap": f"{AP_OVER_HITS} to the depth, mean over classes of the means over queries",
        "mmap_all": f"{AP_OVER_ALL} in the gallery, read to the depth, mean likewise",
        "other figures": "means over queries",
        "n_gallery": len(gallery),
    }


def _labelled(table: FeatureTable) -> FeatureTable:
    known = [row for row, label in enumerate(table.labels) if label is not None]
    return table if len(known) == len(table) else table.select(known)


def _blocks(
    order: _Rows, n_relevant: npt.NDArray[np.int64], least: int, vector_bytes: int
) -> Iterator[_Rows]:
    """Cut the queries, deepest first, so that a block's vectors and results fit in memory."""
    start = 0
    while start < len(order):
        k = max(least, int(n_relevant[order[start]]))
        size = max(1, _BLOCK_BYTES // (vector_bytes + 64 * k))
        yield order[start : start + size]
        start += size


def _search(
    index: Index, queries: FeatureTable, rows: _Rows, k: int, *, leave_out: bool, jobs: int | None
) -> _Rows:
    """Find the k nearest of some queries, each without itself if they are the gallery."""
    skip = rows if leave_out else None
    return index.search(queries.select(rows), k, skip=skip, jobs=jobs).indices


def _score(
    relevant: npt.NDArray[np.bool_], n_relevant: npt.NDArray[np.int64], depths: list[int]
) -> Values:
    """Measure queries: an array of shape (n, n_measures, n_depths)."""
    near = relevant[:, : depths[-1]]
    total = n_relevant
    by_depth = [
        average_precision(near, depths=depths),
        average_precision(near, n_relevant=total, depths=depths),
        precision_at(near, depths=depths),
        recall_at(near, total, depths=depths),
        ndcg_at(near, total, depths=depths),
    ]
    alike = [first_tier(relevant, total), first_wrong(relevant)]
    repeated = [np.repeat(one[:, np.newaxis], len(depths), axis=1) for one in alike]
    return np.stack(by_depth + repeated, axis=1)


def _summarise(
    values: Values, depths: list[int], codes: _Rows, names: list[str], targets: list[int], seed: int
) -> tuple[DepthScores, ...]:
    n, n_measures, n_depths = values.shape
    flat = values.reshape(n, -1)
    by_class = class_means(flat, codes, len(names)).reshape(len(names), n_measures, n_depths)
    over_queries, over_classes = (
        ends.reshape(2, n_measures, n_depths) for ends in bootstrap_means(flat, codes, seed=seed)
    )
    figures = np.concatenate([by_class[:, :2].mean(axis=0), values[:, 2:].mean(axis=0)])
    ends = np.concatenate([over_classes[:, :2], over_queries[:, 2:]], axis=1)
    wrong = wilson_interval(round(float(values[:, -1, 0].sum())), n)
    counts = np.bincount(codes)
    return tuple(
        DepthScores(
            depth,
            **dict(zip(FIGURES, map(float, figures[:, i]), strict=True)),
            intervals={
                name: (float(low), float(high))
                for name, (low, high) in zip(FIGURES, ends[:, :, i].T, strict=True)
            }
            | {"error_rate": wrong},
            per_class={
                name: {"n_queries": int(counts[row]), "n_relevant": targets[row]}
                | dict(zip(_MEASURES, map(float, by_class[row, :, i]), strict=True))
                for row, name in enumerate(names)
            },
        )
        for i, depth in enumerate(depths)
    )
