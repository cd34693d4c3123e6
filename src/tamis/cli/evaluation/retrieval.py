"""How well pictures of a class are found."""

import time
from collections.abc import Sequence
from dataclasses import replace

from tamis.cli.console import progress, warn, warn_failures, write_json
from tamis.cli.evaluation.retrieval_tables import print_retrieval
from tamis.cli.notes import told, warn_overlap
from tamis.dataset import Dataset, Role
from tamis.descriptors import Descriptor, descriptor
from tamis.distances import check_distance
from tamis.duplicates import Overlap, overlap
from tamis.errors import Failure, InvalidParameterError
from tamis.evaluation.folds import evaluate_in_folds
from tamis.evaluation.retrieval import DEFAULT_DEPTH, check_task, evaluate_retrieval
from tamis.evaluation.retrieval_scores import RetrievalEvaluation
from tamis.features import FeatureTable
from tamis.splits import check_classes, check_one_fold


def score_retrieval(
    gallery: str,
    queries: str | None,
    *,
    depths: list[int] | None,
    classes: Sequence[str] | None,
    splits: str | None,
    truth: str | None,
    by: str,
    distance: str,
    follow_links: bool,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    json: str | None,
) -> Sequence[Failure]:
    """Look for pictures, score and print; give the files that were skipped."""
    start = time.perf_counter()
    wanted = descriptor(by)
    if distance:
        check_distance(distance)
    # A truth manifest is that of the queries, where there are queries.
    sources = [(gallery, truth, "pictures")] if queries is None else []
    if queries is not None:
        sources = [(gallery, None, "gallery"), (queries, truth, "queries")]
    read = [
        _read(name, csv, classes=classes, splits=splits, follow_links=follow_links)
        for name, csv, _ in sources
    ]
    # Before anything is computed: what cannot be scored is known from the lists.
    check_classes(read[0].table, purpose="retrieval")
    check_task(read[0].table.labels, depths=depths, leave_one_out=queries is None)
    if queries is None and wanted.learns_classes and not wanted.fitted:
        result = _in_folds(read[0], wanted, depths, distance, seed, jobs, max_pixels)
    else:
        result = _at_once(sources, read, wanted, depths, distance, seed, jobs, max_pixels)
    used = result.depths[-1].depth
    if depths is None and used < DEFAULT_DEPTH:
        warn(f"only {used} pictures to choose from: depth {used} instead of {DEFAULT_DEPTH}")
    result = replace(result, n_unlabelled=sum(one.n_unlabelled for one in read))
    if json != "-":
        print_retrieval(result)
    write_json(
        json,
        result.to_dict()
        | {
            "ignored": [path for one in read for path in one.table.ignored],
            "seconds": time.perf_counter() - start,
        },
    )
    return result.failures


def _read(
    source: str,
    truth: str | None,
    *,
    classes: Sequence[str] | None,
    splits: str | None,
    follow_links: bool,
) -> Dataset:
    """List the labelled pictures of a source, of all parts of a split unless some are named."""
    role: Role = "scored" if truth is None else "pictures"
    opened = Dataset.open(source, role=role, parts=splits, follow_links=follow_links)
    if splits is None:
        check_one_fold(opened.table)
    opened = told(opened.labelled(truth))
    return replace(opened.select(classes=classes), n_unlabelled=0) if classes else opened


def _in_folds(
    pictures: Dataset,
    wanted: Descriptor,
    depths: list[int] | None,
    distance: str,
    seed: int,
    jobs: int | None,
    max_pixels: int,
) -> RetrievalEvaluation:
    """Score what is learned from the pictures themselves, each by what the others teach."""
    with progress("pictures", len(pictures)) as advance:
        leaves = pictures.features_by(
            wanted.leaves, jobs=jobs, max_pixels=max_pixels, progress=advance
        )
    warn_failures(leaves[0].failures)
    warn("weights are learned in 5 folds, so that none is scored on what it was learned from")
    with progress("queries", len(leaves[0])) as advance:
        return evaluate_in_folds(
            leaves,
            wanted,
            depths=depths,
            distance=distance,
            jobs=jobs,
            seed=seed,
            progress=advance,
        )


def _at_once(
    sources: list[tuple[str, str | None, str]],
    read: list[Dataset],
    wanted: Descriptor,
    depths: list[int] | None,
    distance: str,
    seed: int,
    jobs: int | None,
    max_pixels: int,
) -> RetrievalEvaluation:
    tables: list[FeatureTable] = []
    for (_, _, what), pictures in zip(sources, read, strict=True):
        # Fitted to the gallery, which comes first, and then no more.
        with progress(what, len(pictures)) as advance:
            wanted, found = pictures.fit(
                wanted, distance=distance, jobs=jobs, max_pixels=max_pixels, progress=advance
            )
        tables.append(found)
        warn_failures(found.failures)
    with progress("queries", len(tables[-1])) as advance:
        result = evaluate_retrieval(*tables, depths=depths, jobs=jobs, seed=seed, progress=advance)
    if len(tables) < 2:
        return result
    gallery, queries = tables
    shared = overlap(queries.paths, gallery.paths)
    warn_overlap(
        shared,
        ("query is", "queries are"),
        "in the gallery too, where each finds itself",
        {f"--{what}": source for source, _, what in sources},
    )
    rest = _without(shared, gallery, queries, result, jobs=jobs, seed=seed)
    return replace(result, overlap=shared, without_overlap=rest)


def _without(
    shared: Overlap,
    gallery: FeatureTable,
    queries: FeatureTable,
    result: RetrievalEvaluation,
    *,
    jobs: int | None,
    seed: int,
) -> RetrievalEvaluation | None:
    """Score the queries that are not in the gallery, at the same depths."""
    rows = [row for row, path in enumerate(queries.paths) if path not in shared]
    sought = {label for label in gallery.labels if label is not None}
    if not shared or not any(queries.labels[row] in sought for row in rows):
        return None
    return evaluate_retrieval(
        gallery,
        replace(queries.select(rows), failures=()),
        depths=[scores.depth for scores in result.depths],
        jobs=jobs,
        seed=seed,
    )


def parse_depths(values: list[str]) -> list[int]:
    """Read numbers, each given alone or several with commas between."""
    depths = []
    for part in ",".join(values).split(","):
        if not (part.strip().isdecimal() and int(part) > 0):
            raise InvalidParameterError(
                f"--depth takes numbers of at least 1, such as 10,50. Got {part!r}."
            )
        depths.append(int(part))
    return depths
