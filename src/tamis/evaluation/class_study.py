"""`study`: what the choice of classes does to accuracy, from a folder or a collection."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from tamis.classifiers.base import Classifier, classifier_type
from tamis.classifiers.knn import DEFAULT_K
from tamis.classifiers.network.registry import NETWORKS
from tamis.classifiers.probe import blocks_of
from tamis.dataset import Dataset, Source
from tamis.deduplication.content import with_copies_together
from tamis.descriptors import AUTO, Descriptor, descriptor
from tamis.errors import InvalidParameterError, TableError, UnknownNameError, printable
from tamis.evaluation.class_choice import ClassChoice, study_classes
from tamis.evaluation.signature import versions
from tamis.evaluation.stages import Stages, silent
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.splits import check_classes, check_one_fold
from tamis.splits.assign import DEFAULT_RATIO, assign_parts
from tamis.table import class_key

DEFAULT_CLASSIFIER: Final = "discriminant"
"""Fitted to each subset by default: of the members of ``auto`` the best of the quick ones."""


def study(
    source: Source | Dataset,
    *,
    by: str | Descriptor = AUTO,
    classifier: str | None = None,
    chosen: Sequence[str] = (),
    size: int = 6,
    draws: int = 1000,
    k: int | None = None,
    distance: str = "",
    seed: int = 0,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    stages: Stages = silent,
) -> ClassChoice:
    """Score random subsets of the classes of a source, and a choice of yours among them.

    Parameters
    ----------
    source : Dataset, or what `Dataset.open` takes
        With a folder per class. The parts ``train`` and ``test`` of a split are taken as they
        are; else 30 % of each class are set aside to be scored, files with the same content
        on one side. Of a collection, stored vectors are read.
    by : str or Descriptor
        What it learns is fitted to the examples.
    classifier : str, optional
        ``knn``, ``class-means``, ``discriminant``, ``probe`` or ``auto``; the default is
        ``discriminant``, and ``knn`` if `k` or `distance` is given.
    chosen : sequence of str
        Classes whose place among the subsets is asked for.
    size : int
        Classes in a subset, if none are chosen.
    draws : int
        Subsets to draw.
    k, distance
        Of the neighbours that vote; 5, and the default of the descriptor.
    seed : int
        Of the parts, the draws and the bootstrap.
    jobs : int, optional
        Threads; as many as there are processors by default.
    max_pixels : int
        Skip images of more pixels than this.
    stages : callable
        Shows the progress, as `tamis.evaluation.stages.Stages`.

    Returns
    -------
    ClassChoice

    Raises
    ------
    TableError
        There are no two classes with an example and a test image.
    UnknownNameError
        A chosen class, or the classifier, does not exist.
    InvalidParameterError
        A parameter is out of its range.

    Examples
    --------
    >>> found = tamis.study("examples", by="moments", size=2, draws=3)
    >>> [draw.classes for draw in found.draws]
    [('bars', 'sky'), ('bars', 'tiles'), ('sky', 'tiles')]
    >>> found.accuracies.tolist()
    [1.0, 1.0, 1.0]
    """
    named = classifier or ("knn" if k is not None or distance else DEFAULT_CLASSIFIER)
    votes = named == "knn"
    if (k is not None or distance) and not votes:
        raise InvalidParameterError(
            f"k and distance are those of the classifier knn, and it is {named}. Leave them out."
        )
    if draws < 1:
        raise InvalidParameterError(f"draws must be at least 1. Got {draws}.")
    kind: Any = classifier_type(named)
    if named in NETWORKS or not issubclass(kind, Classifier):
        raise InvalidParameterError(
            f"{named} is a network, whose training takes too long to repeat for each subset. "
            "Choose knn, class-means, discriminant, probe or auto."
        )
    dataset = Dataset.open(source, role="scored").labelled()
    check_classes(dataset.table, purpose="a study of classes")
    examples, test = _parts(dataset, seed=seed)
    wanted = _named(dataset, chosen)
    made = descriptor(by) if isinstance(by, str) else by
    with stages("pictures", len(examples) + len(test)) as advance:
        reading: dict[str, Any] = {"jobs": jobs, "max_pixels": max_pixels, "progress": advance}
        fitted, known = examples.fit(made, distance=distance if votes else "", **reading)
        asked = replace(test.features(fitted, **reading), distance=known.distance)
    takes = {"blocks": blocks_of(fitted), "seed": seed}
    settings = {key: value for key, value in takes.items() if key in kind._get_param_names()}
    names = {str(label) for label in known.labels} & {str(label) for label in asked.labels}
    n_draws = min(draws, math.comb(len(names), len(wanted) or min(size, len(names))))
    with stages("subsets", n_draws) as advance:
        found = study_classes(
            known,
            asked,
            size=size,
            draws=draws,
            chosen=wanted,
            k=k or DEFAULT_K,
            classifier=None if votes else partial(kind, **settings),
            seed=seed,
            jobs=jobs,
            progress=advance,
        )
    signature = {
        **found.signature,
        "classifier": named,
        "parts": "those of the split" if dataset.split else "70 % of each class are examples",
        **versions("scikit-learn", "scipy", "onnxruntime"),
    }
    failures = tuple(dict.fromkeys((*known.failures, *asked.failures)))
    return replace(found, signature=signature, failures=failures)


def _parts(dataset: Dataset, *, seed: int) -> tuple[Dataset, Dataset]:
    """Take the parts of a split, or set some pictures of each class aside."""
    table = dataset.table
    check_one_fold(table)
    if {"train", "test"} <= set(table.splits):
        return dataset.select(parts=["train"]), dataset.select(parts=["test"])
    grouped, _ = with_copies_together(table)
    rows = assign_parts(grouped, ratio=DEFAULT_RATIO, seed=seed)
    if not rows["test"]:
        raise TableError(
            f"no class of {printable(dataset.source)} has two pictures, one to learn from and one "
            "to be scored. Add pictures."
        )
    return dataset.having(table.select(rows["train"])), dataset.having(table.select(rows["test"]))


def _named(dataset: Dataset, chosen: Sequence[str]) -> list[str]:
    """Read the names of the chosen classes as the source writes them."""
    known = {class_key(name): name for name in dataset.classes}
    wanted = dataset.classes_named(chosen)
    for name in wanted:
        if class_key(name) not in known:
            raise UnknownNameError.among("class", name, dataset.classes)
    named = [known[class_key(name)] for name in wanted]
    if chosen and len(set(named)) < 2:
        raise InvalidParameterError(f"choose at least two classes. Got {', '.join(named)}.")
    return named
