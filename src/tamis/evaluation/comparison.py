"""`compare`: which descriptor, or which fusion of several, serves images best."""

from collections.abc import Sequence
from dataclasses import replace
from math import comb
from typing import Final

from tamis.dataset import Dataset, Source
from tamis.descriptors import AUTO, Descriptor, descriptor, split_specs
from tamis.descriptors.registry import BEHIND_AUTO
from tamis.distances import check_distance
from tamis.errors import InvalidParameterError, printable
from tamis.evaluation.candidates import compare_tables
from tamis.evaluation.comparison_result import Comparison
from tamis.evaluation.stages import Stages, silent
from tamis.features import FeatureTable, combine
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.splits import check_classes, check_one_fold
from tamis.splits.assign import draw

DEFAULT_BY: Final = "auto,color,hsv,lbp,edge,hog,gabor,daisy"
DEFAULT_MOST: Final = 4000


def compare(
    images: Source | Dataset,
    by: str | Sequence[str | Descriptor] = DEFAULT_BY,
    *,
    parts: str | Sequence[str] | None = None,
    fuse: tuple[int, int] = (1, 1),
    depth: int | None = None,
    distance: str = "",
    method: str = "",
    scale: str = "median",
    unit: str = "none",
    folds: int = 5,
    most: int = DEFAULT_MOST,
    seed: int = 0,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    stages: Stages = silent,
) -> Comparison:
    """Score descriptors and their fusions by leave-one-out retrieval.

    Each image queries all others, and results of its class are relevant. The best of many
    figures flatters, so the choice itself is scored too, on images without a say in it.

    Parameters
    ----------
    images : Dataset, or what `Dataset.open` takes
        Images without a class are left out.
    by : str or sequence of (str or Descriptor)
        Descriptors; a text names several with commas between. To be fused, ``auto`` is its
        parts.
    parts : sequence of str, optional
        Take these parts of a split; by default all but ``test``, since to choose is to learn.
        A text names several with commas between.
    fuse : (int, int)
        Least and most descriptors in a fusion; (1, 1) fuses none.
    most : int
        If there are more images, so many are drawn at random, each class in its proportion.
    depth, distance, method, scale, unit, folds
        As `tamis.evaluation.candidates.compare_tables` takes them.
    seed : int
        Of the draw, the folds and the bootstrap.
    jobs : int, optional
        Threads; as many as there are processors by default.
    max_pixels : int
        Skip images of more pixels than this.
    stages : callable
        Shows the progress, as `tamis.evaluation.stages.Stages`.

    Raises
    ------
    InvalidParameterError
        A parameter is out of its range, or a descriptor cannot be compared.
    TableError
        There are no two classes of images.

    Examples
    --------
    >>> comparison = tamis.compare("examples", "moments,color(bins=4)", folds=2, depth=3)
    >>> [candidate.spec for candidate in comparison.candidates]
    ['moments(regions=5,size=128)', 'color(bins=4,regions=3,size=128)']
    """
    if distance:
        check_distance(distance)
    specs: list[str | Descriptor] = []
    for spec in split_specs(by) if isinstance(by, str) else by:
        specs += split_specs(BEHIND_AUTO, "+") if spec == AUTO and fuse[1] > 1 else [spec]
    descriptors = [descriptor(one) if isinstance(one, str) else one for one in specs]
    _check_comparable(descriptors, fuse[1])
    dataset = to_choose_on(Dataset.open(images, role="examples"), parts=parts)
    dataset = draw_most(dataset, most, seed=seed)
    leaves = {leaf.spec: leaf for one in descriptors for leaf in one.leaves}
    with stages("pictures", len(dataset)) as progress:
        features = dataset.features_by(
            list(leaves.values()), jobs=jobs, max_pixels=max_pixels, progress=progress
        )
    by_spec = dict(zip(leaves, features, strict=True))
    tables = [
        _fitted(one, [by_spec[leaf.spec] for leaf in one.leaves], distance) for one in descriptors
    ]
    n_candidates = sum(comb(len(tables), size) for size in {1, *range(fuse[0], fuse[1] + 1)})
    with stages("combinations", n_candidates * (folds + 1) + folds) as progress:
        return compare_tables(
            tables,
            descriptors=descriptors,
            fuse=fuse,
            depth=depth,
            distance=distance,
            method=method,
            scale=scale,
            unit=unit,
            folds=folds,
            seed=seed,
            jobs=jobs,
            progress=progress,
        )


def to_choose_on(dataset: Dataset, *, parts: str | Sequence[str] | None = None) -> Dataset:
    """Take the labelled images on which a descriptor may be chosen.

    Without `parts`, the part ``test`` of a split stays unseen, unless it is all that there
    is. The remarks say what was left out.

    Raises
    ------
    TableError
        There are no two classes of images, or images of several folds of a split.
    """
    if parts:
        dataset = dataset.select(parts=parts)
    table = dataset.table
    if not parts:
        check_one_fold(table)
        kept = [row for row, part in enumerate(table.splits) if part != "test"]
        if 0 < len(kept) < len(table):
            table = table.select(kept)
            said = (
                f"leaving the part test of {printable(dataset.source)} alone; name the parts "
                "to take it too"
            )
            dataset = replace(dataset.having(table), remarks=(*dataset.remarks, said))
    check_classes(table, purpose="a comparison")
    return dataset.labelled()


def draw_most(dataset: Dataset, most: int, *, seed: int = 0) -> Dataset:
    """Draw so many labelled images at random, if there are more; a remark says so."""
    if len(dataset) <= most:
        return dataset
    said = f"comparing on {most} of {len(dataset)} pictures, drawn at random"
    drawn = dataset.table.select(draw(dataset.table, most, seed=seed))
    return replace(dataset.having(drawn), remarks=(*dataset.remarks, said))


def _check_comparable(descriptors: Sequence[Descriptor], largest: int) -> None:
    for one in descriptors:
        if one.needs_labels:
            raise InvalidParameterError(
                f"{one.spec} learns from the classes by which it would be scored. Name its parts, "
                "and fuse them with --scale learned, which is scored by folds."
            )
        if largest > 1 and one.leaves != (one,):
            raise InvalidParameterError(
                f"{one.spec} is made of others already and cannot be fused. Compare it without "
                "--fuse."
            )


def _fitted(one: Descriptor, leaves: list[FeatureTable], distance: str) -> FeatureTable:
    """Fit a reduction or a fusion to the images that are compared; it sees no class."""
    if not one.fitted:
        one = one.fit([leaf.features for leaf in leaves], distance=distance)
    features = combine(one, leaves)
    if one.leaves == (one,):
        return features
    return replace(features, distance=one.distance_for(distance))
