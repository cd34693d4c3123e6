"""Fitting: a descriptor and a classifier to examples, or a classifier to vectors."""

from typing import Any, Unpack

import numpy as np

from tamis.classifiers.base import Classifier, classifier_type
from tamis.classifiers.knn import voters
from tamis.classifiers.probe import blocks_of, views_of
from tamis.classifiers.votes import VOTES
from tamis.dataset import Dataset
from tamis.descriptors import Descriptor, descriptor
from tamis.descriptors.base import check_choice
from tamis.errors import InvalidParameterError, TableError
from tamis.evaluation.signature import versions
from tamis.features import FeatureTable, Reading
from tamis.files.digest import digest_of
from tamis.model.model import Model
from tamis.table import ImageTable


def fit(
    examples: Dataset,
    *,
    by: str | Descriptor,
    classifier: str = "knn",
    k: int | None = None,
    distance: str = "",
    vote: str | None = None,
    class_weight: str | None = None,
    seed: int = 0,
    **reading: Unpack[Reading],
) -> Model:
    """Fit a descriptor and a classifier to examples.

    Parameters
    ----------
    examples : Dataset
        Images without a class are ignored. Images of one group are left out together where
        answers out of fold are made, as `tamis.grouped` says.
    by : str or Descriptor
    classifier : str
        One of `tamis.classifiers.base.CLASSIFIERS` that learns from vectors.
    k : int, optional
        With ``knn``: neighbours that vote, or all examples if there are fewer; by default as
        `tamis.classifiers.knn.KNNClassifier` chooses.
    distance : str
        With ``knn``: the default of the descriptor if empty.
    vote : {"kernel", "inverse"}, optional
        With ``knn``: by a kernel that is fitted to the examples, which is the default, or by
        1/distance.
    class_weight : "balanced" or None
        With ``probe``.
    seed : int
        Of the folds of a cross-validation.
    **reading
        ``jobs``, ``max_pixels``, ``progress``, as `tamis.features.extract` takes them.

    Returns
    -------
    Model
        Its `failures` name the examples that could not be read.

    Raises
    ------
    TableError
        No labelled example can be read.
    InvalidParameterError
        A parameter is out of its range, or does not belong to the classifier.
    """
    kind = classifier_type(classifier)
    takes = kind._get_param_names() if issubclass(kind, Classifier) else ()
    for name, value, needed in (
        ("k", k, "n_neighbors"),
        ("distance", distance or None, "metric"),
        ("vote", vote, "vote"),
        ("class_weight", class_weight, "class_weight"),
    ):
        if value is not None and needed not in takes:
            raise InvalidParameterError(
                f"{name} does not belong to the classifier {classifier}. Leave it out."
            )
    voters(k, 1)  # before anything is read
    if vote is not None:
        check_choice("vote", vote, VOTES)
    # What is compared by l2 alone has no distance to choose.
    fitted, known = examples.fit(
        descriptor(by) if isinstance(by, str) else by,
        distance=distance if "metric" in takes else "l2",
        **reading,
    )
    return learn(
        fitted, known, classifier=classifier, k=k, vote=vote, class_weight=class_weight, seed=seed,
        jobs=reading.get("jobs"), listed=examples.table,
    )  # fmt: skip


def learn(
    fitted: Descriptor,
    known: FeatureTable,
    *,
    classifier: str = "knn",
    k: int | None = None,
    vote: str | None = None,
    class_weight: str | None = None,
    seed: int = 0,
    jobs: int | None = None,
    listed: ImageTable | None = None,
) -> Model:
    """Fit a classifier to vectors.

    Parameters
    ----------
    fitted : Descriptor
        By which they were computed.
    known : FeatureTable
        Of the examples; those without a class are ignored.
    classifier, k, vote, class_weight, seed, jobs
        As `fit` takes them.
    listed : ImageTable, optional
        Where the names of the images stand, for the signature.

    Raises
    ------
    TableError
        None has a class.
    """
    kind = classifier_type(classifier)
    takes = kind._get_param_names() if issubclass(kind, Classifier) else ()
    rows = [row for row, label in enumerate(known.labels) if label is not None]
    if not rows:
        raise TableError("no labelled training picture could be read; there is nothing to learn.")
    if len(rows) < len(known):
        known = known.select(rows)
    settings: dict[str, Any] = {
        "metric": known.distance,
        "n_jobs": jobs,
        "blocks": blocks_of(fitted),
        "views": views_of(fitted),
        "vote": vote or VOTES[0],
        "class_weight": class_weight,
        "seed": seed,
    }
    if "n_neighbors" in takes:
        settings["n_neighbors"] = voters(k, len(known))
    learner = kind(**{name: value for name, value in settings.items() if name in takes})
    together = _groups(known.paths, listed)
    learner.fit(known.features, np.array(known.labels, str), together)
    return Model(
        descriptor=fitted,
        classifier=learner,
        examples=known.paths,
        signature={
            "net": classifier,
            "descriptor": fitted.spec,
            **learner.settings,
            **about(known.paths, known.labels, listed or ImageTable((), (), ())),
            **({} if together is None else {"groups": len(set(together))}),
            **versions("scikit-learn", "scipy", "onnxruntime"),
        },
        history=learner.history,
        failures=known.failures,
    )


def _groups(paths: tuple[str, ...], listed: ImageTable | None) -> list[str] | None:
    """Name the group of each image, which is its own if the list knows of none."""
    if listed is None or not any(listed.groups):
        return None
    group_of = dict(zip(listed.paths, listed.groups, strict=True))
    return [f"group {name}" if (name := group_of.get(path)) else f"image {path}" for path in paths]


def about(
    paths: tuple[str, ...], labels: tuple[str | None, ...], table: ImageTable
) -> dict[str, str | int]:
    """Count the images, and tell by a digest which they were."""
    name_of = dict(zip(table.paths, table.names, strict=True))
    lines = [
        f"{name_of.get(path, path)}\0{label}\n" for path, label in zip(paths, labels, strict=True)
    ]
    content = "".join(lines).encode("utf-8", "surrogateescape")
    return {"n_train": len(paths), "training": digest_of(content)}
