"""`evaluate_gallery`: how well images of the same class find each other."""

from collections.abc import Sequence
from dataclasses import replace

from tamis.dataset import Dataset, Source, default_descriptor
from tamis.deduplication.content import Overlap, overlap
from tamis.descriptors import Descriptor, descriptor
from tamis.distances import check_distance
from tamis.evaluation.folds import evaluate_in_folds
from tamis.evaluation.retrieval import check_task, evaluate_retrieval
from tamis.evaluation.retrieval_scores import RetrievalEvaluation
from tamis.evaluation.stages import Stages, silent
from tamis.features import FeatureTable
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.splits import check_classes


def evaluate_gallery(
    gallery: Source | Dataset,
    queries: Source | Dataset | None = None,
    *,
    by: str | Descriptor = "",
    depths: Sequence[int] | None = None,
    distance: str = "",
    seed: int = 0,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    stages: Stages = silent,
) -> RetrievalEvaluation:
    """Query each image against all others, or against a gallery, and score the results.

    A result is relevant if it has the class of the query. A descriptor that learns from
    classes is scored in folds, so that no query had a say in its weights.

    Parameters
    ----------
    gallery, queries : Dataset, or what `Dataset.open` takes
        Images without a class are left out. Without `queries` each image of the gallery
        queries all others.
    by : str or Descriptor
        A reduction or a fusion is fitted to the gallery. By default what
        `tamis.dataset.default_by` gives for it.
    depths : sequence of int, optional
        Results to look at; 10 by default, or as many as there are to choose from.
    distance : str
        One of `tamis.distances.DISTANCES`; the default of the descriptor if empty.
    seed : int
        Of the bootstrap and the folds.
    jobs : int, optional
        Threads; as many as there are processors by default.
    max_pixels : int
        Skip images of more pixels than this.
    stages : callable
        Shows the progress, as `tamis.evaluation.stages.Stages`.

    Returns
    -------
    RetrievalEvaluation
        With the queries that are in the gallery too, and the figures without them.

    Raises
    ------
    TableError
        There are no two classes in the gallery, or no query of a class in it.
    InvalidParameterError
        A parameter is out of its range.

    Examples
    --------
    >>> result = tamis.evaluate_gallery("examples", by="moments", depths=[4])
    >>> result.n_images, round(result.depths[0].precision, 2)
    (15, 1.0)
    """
    looked_at_by = descriptor(by) if isinstance(by, str) and by else by
    if distance:
        check_distance(distance)
    sources = [gallery] if queries is None else [gallery, queries]
    datasets = [Dataset.open(source, role="scored").labelled() for source in sources]
    if isinstance(looked_at_by, str):
        looked_at_by = default_descriptor(datasets[0])
    # Before anything is computed: what cannot be scored is known from the lists.
    check_classes(datasets[0].table, purpose="retrieval")
    check_task(datasets[0].table.labels, depths=depths, leave_one_out=queries is None)
    score = _in_folds if queries is None and needs_folds(looked_at_by) else _at_once
    result = score(
        datasets,
        looked_at_by,
        depths=depths,
        distance=distance,
        seed=seed,
        jobs=jobs,
        max_pixels=max_pixels,
        stages=stages,
    )
    return replace(result, n_unlabelled=sum(dataset.n_unlabelled for dataset in datasets))


def needs_folds(by: Descriptor) -> bool:
    """Tell whether a descriptor would learn from the classes by which it is scored."""
    return by.needs_labels and not by.fitted


def _in_folds(
    datasets: list[Dataset],
    by: Descriptor,
    *,
    depths: Sequence[int] | None,
    distance: str,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    stages: Stages,
) -> RetrievalEvaluation:
    """Score each image by weights that the others teach."""
    (images,) = datasets
    with stages("pictures", len(images)) as progress:
        leaves = images.features_by(by.leaves, jobs=jobs, max_pixels=max_pixels, progress=progress)
    with stages("queries", len(leaves[0])) as progress:
        return evaluate_in_folds(
            leaves, by, depths=depths, distance=distance, jobs=jobs, seed=seed, progress=progress
        )


def _at_once(
    datasets: list[Dataset],
    by: Descriptor,
    *,
    depths: Sequence[int] | None,
    distance: str,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    stages: Stages,
) -> RetrievalEvaluation:
    names = ["pictures"] if len(datasets) == 1 else ["gallery", "queries"]
    tables: list[FeatureTable] = []
    for name, images in zip(names, datasets, strict=True):
        # Fitted to the gallery, which comes first, and then no more.
        with stages(name, len(images)) as progress:
            by, table = images.fit(
                by, distance=distance, jobs=jobs, max_pixels=max_pixels, progress=progress
            )
        tables.append(table)
    with stages("queries", len(tables[-1])) as progress:
        result = evaluate_retrieval(*tables, depths=depths, jobs=jobs, seed=seed, progress=progress)
    if len(tables) < 2:
        return result
    gallery, queries = tables
    shared = overlap(queries.paths, gallery.paths)
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
    known = {label for label in gallery.labels if label is not None}
    if not shared or not any(queries.labels[row] in known for row in rows):
        return None
    return evaluate_retrieval(
        gallery,
        replace(queries.select(rows), failures=()),
        depths=[scores.depth for scores in result.depths],
        jobs=jobs,
        seed=seed,
    )
