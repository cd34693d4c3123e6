"""The candidates of a comparison: descriptors and their fusions, scored on the same images.

The best of 127 figures flatters: some of its lead is luck. So the choice itself is scored
too, by nested cross-validation: the best is chosen on the images of four folds and scored
on those of the fifth, which had no say. Learned weights are learned there anew.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors import Descriptor, Fusion
from tamis.descriptors.base import check_choice
from tamis.errors import InvalidParameterError, TableError
from tamis.evaluation.comparison_result import Candidate, Comparison, Lead
from tamis.evaluation.fusion_pool import METHODS, SCALES, UNITS, Pool, usual_method
from tamis.evaluation.signature import Signature, versions
from tamis.features import FeatureTable, available_processors
from tamis.metrics.intervals import bootstrap_difference
from tamis.metrics.paired import adjusted, compare_hits
from tamis.metrics.ranking import average_precision, mean_of_classes, precision_at
from tamis.splits.assign import assign_folds
from tamis.table import ImageTable, common_root

DEFAULT_DEPTH: Final = 10


def compare_tables(
    tables: Sequence[FeatureTable],
    *,
    descriptors: Sequence[Descriptor] = (),
    fuse: tuple[int, int] = (1, 1),
    depth: int | None = None,
    distance: str = "",
    method: str = "",
    scale: str = "median",
    unit: str = "none",
    folds: int = 5,
    seed: int = 0,
    jobs: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Comparison:
    """Score descriptors and all their fusions by leave-one-out retrieval.

    Parameters
    ----------
    tables : sequence of FeatureTable
        The same labelled pictures by each descriptor. Memory: 4 bytes per pair of
        pictures and descriptor, twice for l2 and rrf.
    descriptors : sequence of Descriptor
        Those of the tables, from which the candidates' specs are written.
    fuse : (int, int)
        Least and most descriptors in a fusion; (1, 1) fuses none.
    depth : int, optional
        Results that count; by default 10, or all others if there are fewer.
    distance : str
        One of `tamis.distances.DISTANCES`; each descriptor's own by default.
    method : {"", "early", "sum", "rrf"}
        How to fuse, as `tamis.descriptors.Fusion` does; by default as it does without
        being told, but ``sum`` if the distance of an early fusion is no sum.
    scale : {"median", "deviation", "learned", "none"}
        Where weights come from, likewise; of rrf only "learned" makes a difference.
    unit : {"none", "l1", "l2"}
        By which norm vectors are divided first.
    folds : int
        Of the nested cross-validation; at least 2.
    seed : int
        Of folds and bootstrap.
    jobs : int, optional
        Threads.
    progress : callable, optional
        Told how many combinations were scored, `folds` + 1 times each.

    Raises
    ------
    TableError
        The tables are not of the same pictures, a picture has no label, or there
        is only one class.
    InvalidParameterError
        A parameter is out of its range.
    """
    labels, depth = _check(tables, fuse, depth, folds)
    method = method or usual_method([table.distance for table in tables], distance)
    for name, value, choices in (
        ("method", method, METHODS),
        ("scale", scale, SCALES),
        ("unit", unit, UNITS),
    ):
        check_choice(name, value, choices)
    told = progress or (lambda _: None)
    classes, codes = np.unique(np.array(labels), return_inverse=True)

    def measured(unit: str) -> Pool:
        return Pool.of(
            tables,
            codes,
            distance=distance,
            method=method,
            scale=scale,
            unit=unit,
            jobs=jobs if jobs is not None else available_processors(),
        )

    # A descriptor alone is scored as it is.
    fused = measured(unit)
    pools = (fused if unit == "none" else measured("none"), fused)
    found = [
        parts
        for size in {1, *range(fuse[0], fuse[1] + 1)}
        for parts in combinations(range(len(tables)), size)
    ]
    n_relevant = np.bincount(codes)[codes] - 1
    scales = fused.scales()
    hits = np.empty((len(found), len(labels)))
    first = np.empty(hits.shape, bool)
    candidates = []
    for i, parts in enumerate(found):
        pool = pools[len(parts) > 1]
        weights = pool.weights(parts, scales)
        relevant = codes[pool.ranked(parts, weights, depth=depth)] == codes[:, np.newaxis]
        told(1)
        hits[i], first[i] = average_precision(relevant), relevant[:, 0]
        of_all = average_precision(relevant, n_relevant=n_relevant)
        candidates.append(
            Candidate(
                parts,
                tuple(map(float, weights)),
                mmap=mean_of_classes(hits[i], codes),
                mmap_all=mean_of_classes(of_all, codes),
                precision=float(precision_at(relevant).mean()),
                spec=_spec(tables, descriptors, parts, weights, method, unit),
            )
        )
    order = sorted(range(len(found)), key=lambda i: (-candidates[i].mmap, len(found[i])))
    nested, chosen = _nested(pools, found, tables[0].paths, labels, depth, folds, seed, told)
    signature: Signature = {
        "task": "comparison",
        "protocol": "leave-one-out, self excluded",
        "distance": distance or _own(tables),
        "depth": depth,
        "ap": "over the hits found",
        "fusion": method,
        "weights": "of ranks" if method == "rrf" and scale != "learned" else scale,
        "unit": unit,
        "n_images": len(labels),
        "n_classes": len(classes),
        "folds": folds,
        "seed": seed,
    }
    return Comparison(
        specs=tuple(table.spec for table in tables),
        method=method,
        unit=unit,
        distance=distance,
        candidates=tuple(candidates[i] for i in order),
        leads=_leads([found[i] for i in order[:6]], hits[order[:6]], first[order[:6]], codes, seed),
        nested=nested,
        chosen=chosen,
        signature=signature | versions(),
        failures=tables[0].failures,
    )


def _leads(
    found: list[tuple[int, ...]],
    precisions: npt.NDArray[np.float64],
    first: npt.NDArray[np.bool_],
    codes: npt.NDArray[np.intp],
    seed: int,
) -> tuple[Lead, ...]:
    """Compare the first of some candidates with each of the others."""
    of_first = adjusted([compare_hits(first[0], other, seed=seed) for other in first[1:]])
    return tuple(
        Lead(
            parts,
            mean_of_classes(precisions[0] - other, codes),
            bootstrap_difference(precisions[0] - other, codes, seed=seed),
            difference,
        )
        for parts, other, difference in zip(found[1:], precisions[1:], of_first, strict=True)
    )


def _spec(
    tables: Sequence[FeatureTable],
    descriptors: Sequence[Descriptor],
    parts: tuple[int, ...],
    weights: npt.NDArray[np.float64],
    method: str,
    unit: str,
) -> str:
    """Write a candidate as --by takes it, with the weights that it was scored with."""
    if not descriptors:
        return "+".join(tables[part].spec for part in parts)
    chosen = tuple(descriptors[part] for part in parts)
    if len(chosen) == 1:
        return chosen[0].spec
    return Fusion(parts=chosen, weights=tuple(map(float, weights)), method=method, unit=unit).spec


def _own(tables: Sequence[FeatureTable]) -> str:
    own = list(dict.fromkeys(table.distance for table in tables))
    return own[0] if len(own) == 1 else f"each descriptor's own: {', '.join(own)}"


def _check(
    tables: Sequence[FeatureTable], fuse: tuple[int, int], depth: int | None, folds: int
) -> tuple[list[str], int]:
    if not tables or any(table.paths != tables[0].paths for table in tables):
        raise TableError("descriptors can be compared only on the same pictures.")
    labels = [label for label in tables[0].labels if label is not None]
    if len(labels) < len(tables[0]) or len(set(labels)) < 2:
        raise TableError("a comparison needs pictures of two classes or more, all with a class.")
    if not 1 <= fuse[0] <= fuse[1] <= len(tables):
        raise InvalidParameterError(
            f"fuse must be a range within 1 and the number of descriptors, {len(tables)}. "
            f"Got {fuse[0]}-{fuse[1]}."
        )
    if depth is None:
        depth = min(DEFAULT_DEPTH, len(labels) - 1)
    if not 1 <= depth < len(labels):
        raise InvalidParameterError(
            f"depth must be at least 1 and less than the number of pictures, {len(labels)}. "
            f"Got {depth}."
        )
    if folds < 2:
        raise InvalidParameterError(f"folds must be at least 2. Got {folds}.")
    return labels, depth


def _nested(
    pools: tuple[Pool, Pool],
    found: list[tuple[int, ...]],
    paths: tuple[str, ...],
    labels: list[str],
    depth: int,
    folds: int,
    seed: int,
    told: Callable[[int], object],
) -> tuple[float, tuple[tuple[int, ...], ...]]:
    """Choose on the pictures of all folds but one, score on those of that one; in turn."""
    codes = pools[0].codes
    precisions = np.empty(len(labels))
    chosen = []
    # Below the folder that they lie in: the same folds wherever that is.
    table = ImageTable(paths, tuple(labels), (None,) * len(labels), common_root(paths))
    parts_of_folds = assign_folds(table, folds, seed=seed)
    for fold in range(1, folds + 1):
        train = np.array(parts_of_folds[f"fold-{fold}/train"], np.intp)
        test = np.array(parts_of_folds[f"fold-{fold}/test"], np.intp)
        fused = pools[1].select(train)
        taught = (fused if pools[0] is pools[1] else pools[0].select(train), fused)
        scales = fused.scales()
        scores, weights = [], []
        for parts in found:
            known = taught[len(parts) > 1]
            weights.append(known.weights(parts, scales))
            ranked = known.ranked(parts, weights[-1], depth=min(depth, len(known) - 1))
            hits = known.codes[ranked] == known.codes[:, np.newaxis]
            scores.append(mean_of_classes(average_precision(hits), known.codes))
            told(1)
        best = int(np.argmax(scores))
        chosen.append(found[best])
        pool = pools[len(found[best]) > 1]
        ranked = pool.ranked(found[best], weights[best], depth=depth, queries=test)
        precisions[test] = average_precision(codes[ranked] == codes[test][:, np.newaxis])
        told(1)
    return mean_of_classes(precisions, codes), tuple(chosen)
