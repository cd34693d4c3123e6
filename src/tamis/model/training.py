"""Training: images in, a model out, and how well it does on images held out."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Final, Unpack

import numpy as np

from tamis.classifiers.network.registry import NETWORKS
from tamis.classifiers.predictions import Predictions
from tamis.dataset import Dataset, Source, taught_by
from tamis.deduplication.content import overlap
from tamis.descriptors import AUTO, Descriptor
from tamis.errors import Failure, MissingExtraError
from tamis.evaluation.classification import Evaluation, evaluate
from tamis.evaluation.signature import versions
from tamis.evaluation.stages import Stages, silent
from tamis.features import Reading
from tamis.features.index import Matches
from tamis.model.budget import check_budget, fit_within
from tamis.model.fitting import about, fit
from tamis.model.model import Model
from tamis.splits.hold_out import HoldOut, hold_out
from tamis.table import ImageTable

VALIDATION: Final = 0.2
"""Share of each class that is set aside to check a model that has no cross-validation."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A training that is over.

    Attributes
    ----------
    model : Model
    predictions : Predictions or None
        Its answers for the validation pictures. Without such, those for the examples, each by
        a fit without it; None if the classifier has none.
    evaluation : Evaluation or None
        Of these answers.
    truth : dict from str to str
        Path of each picture of `predictions` to its class.
    failures : tuple of Failure
        Pictures, of training and validation, that could not be read.
    """

    model: Model
    predictions: Predictions | None
    evaluation: Evaluation | None
    truth: dict[str, str]
    failures: tuple[Failure, ...]


def train_network(
    parts: HoldOut,
    net: str,
    *,
    epochs: int | None = None,
    batch_size: int = 16,
    class_weight: str | None = None,
    seed: int = 0,
    jobs: int | None = None,
    checkpoint: str | None = None,
    progress: Callable[[Any], object] | None = None,
    **options: Any,
) -> Trained:
    """Train a network of `tamis.classifiers.network.registry.NETWORKS`.

    Parameters
    ----------
    parts : HoldOut
    net : str
    epochs, batch_size, class_weight, seed
        As `tamis.classifiers.network.NetworkClassifier` takes them.
    jobs : int, optional
        Threads; as many as there are processors by default.
    checkpoint : str, optional
        Folder from which the same call goes on after an interruption.
    progress : callable, optional
        Told a `tamis.classifiers.network.trainer.Progress` after every batch.
    **options
        Further ones of `tamis.classifiers.network.NetworkClassifier`.

    Raises
    ------
    MissingExtraError
        torch is not installed.
    TrainingError
        The training cannot begin, or go on.
    """
    need_torch(net)
    from tamis.classifiers.network.classifier import NetworkClassifier

    known = set(parts.train.labels)
    # A class that is not taught cannot say which epoch is best; it is scored as wrong.
    taught = parts.validation.select(
        row for row, label in enumerate(parts.validation.labels) if label in known
    )
    classifier = NetworkClassifier(
        net,
        epochs=epochs,
        batch_size=batch_size,
        class_weight=class_weight,
        seed=seed,
        n_jobs=jobs,
        checkpoint_dir=checkpoint,
        progress=progress,
        **options,
    )
    classifier.fit(
        parts.train.paths,
        np.array(parts.train.labels, str),
        validation=(taught.paths, np.array(taught.labels, str)) if len(taught) else None,
    )
    listed = set(parts.train.paths)
    lost = {failure.path for failure in classifier.failures_}
    kept = [row for row, path in enumerate(parts.train.paths) if path not in lost]
    read = parts.train.select(kept)
    view, identity = classifier.served()
    model = Model(
        descriptor=view,
        classifier=identity,
        examples=read.paths,
        failures=tuple(one for one in classifier.failures_ if one.path in listed),
        signature={
            **{key: str(value) for key, value in options.items() if value is not None},
            **classifier.settings,
            **about(read.paths, read.labels, parts.train),
            **versions("torch", "onnxruntime"),
        },
        history=classifier.history,
    )
    return score_held_out(model, parts, parts.validation, jobs=jobs)


def train(
    source: Source | Dataset,
    *,
    by: str | Descriptor = AUTO,
    classifier: str = "auto",
    validation: float | None = None,
    k: int | None = None,
    distance: str = "",
    vote: str | None = None,
    class_weight: str | None = None,
    budget: float | None = None,
    seed: int = 0,
    **reading: Unpack[Reading],
) -> Model:
    """Train a model on images whose class is known.

    Parameters
    ----------
    source : str, os.PathLike, sequence of paths, ImageTable or Dataset
        A folder per class; or a split, of which ``train`` is learned from and ``val`` checked.
    by : str or Descriptor
        What all classifiers but networks learn on. By default two networks; the classifier
        ``auto`` looks at colour and texture, too.
    classifier : str
        One of `tamis.classifiers.base.CLASSIFIERS`.
    validation : float, optional
        Share of each class that is set aside to check the model by, if there is no ``val``;
        0 learns from all. By default 0.2 with a network, and 0 with others, whose accuracy
        is told by cross-validation.
    budget : float, optional
        Seconds that more networks may take, as `tamis.model.budget.fit_within` takes them; only
        with the default descriptor and classifier.
    k, distance, vote, class_weight, seed, **reading
        As `fit` takes them.

    Returns
    -------
    Model
        Its `metrics` say how well it does on the images that it was checked by.

    Raises
    ------
    TableError
        There are fewer than two classes.
    MissingExtraError
        A network needs torch, which is not installed.

    Examples
    --------
    >>> model = tamis.train("examples", by="moments")
    >>> model, model.metrics["cross_validation"]["accuracy"]
    (Model(auto by moments(regions=5,size=128), 3 classes), 1.0)
    """
    check_budget(budget, by, classifier)
    opened = Dataset.open(source, role="examples")
    parts = hold_out(opened.table, share=held_out_share(classifier, validation), seed=seed)
    return train_on(
        opened, parts, by=by, classifier=classifier, k=k, distance=distance, vote=vote,
        class_weight=class_weight, budget=budget, seed=seed, **reading,
    ).model  # fmt: skip


def train_on(
    examples: Dataset,
    parts: HoldOut,
    *,
    by: str | Descriptor = AUTO,
    classifier: str = "auto",
    k: int | None = None,
    distance: str = "",
    vote: str | None = None,
    class_weight: str | None = None,
    budget: float | None = None,
    seed: int = 0,
    network: Mapping[str, Any] | None = None,
    stages: Stages | None = None,
    **reading: Unpack[Reading],
) -> Trained:
    """Train a model on a part of a dataset, and score it on what was held out.

    Parameters
    ----------
    examples : Dataset
        Of which `parts` are some.
    parts : HoldOut
    by, classifier, k, distance, vote, class_weight, budget, seed, **reading
        As `train` takes them.
    network : mapping, optional
        With a network: what else `train_network` takes, such as ``epochs`` and ``checkpoint``.
    stages : callable, optional
        Told of the work, in place of ``progress``.
    """
    if classifier in NETWORKS:
        return train_network(
            parts, classifier, class_weight=class_weight, seed=seed, jobs=reading.get("jobs"),
            **(network or {}),
        )  # fmt: skip
    known, held_out = examples.having(parts.train), examples.having(parts.validation)
    if budget is not None:
        model = fit_within(known, budget, seed=seed, stages=stages or silent, **reading)
        return score_held_out(model, parts, held_out, **reading)
    by = taught_by(by, classifier, examples) if isinstance(by, str) else by
    with (stages or silent)("pictures", len(known) + len(held_out)) as advance:
        shown: Reading = reading if stages is None else {**reading, "progress": advance}
        model = fit(
            known, by=by, classifier=classifier, k=k, distance=distance, vote=vote,
            class_weight=class_weight, seed=seed, **shown,
        )  # fmt: skip
        return score_held_out(model, parts, held_out, **shown)


def held_out_share(classifier: str, share: float | None) -> float:
    """Return the share of each class to set aside; None is the default of a classifier."""
    if share is not None:
        return share
    return VALIDATION if classifier in NETWORKS else 0.0


def need_torch(net: str) -> None:
    """Raise MissingExtraError if torch is not installed, before anything is read."""
    if find_spec("torch") is None:
        raise MissingExtraError.for_extra(
            "train", f"the network {net} (unlike --classifier probe, which learns on --by)"
        )


def score_held_out(
    model: Model, parts: HoldOut, validation: Source | Dataset, **reading: Unpack[Reading]
) -> Trained:
    """Score a model on the images that were held out of its training.

    Parameters
    ----------
    model : Model
        Fitted to ``parts.train``.
    parts : HoldOut
    validation : ImageTable or Dataset
        The images of ``parts.validation``; a dataset may hold their vectors.
    **reading
        As `Model.predict` takes them.
    """
    answers = model.predict(validation, **reading) if len(parts.validation) else None
    failures = model.failures + (() if answers is None else answers.failures)
    truth, taught = _truth(parts.validation), _truth(parts.train)
    counts = Counter(taught[path] for path in model.examples)
    metrics: dict[str, Any] = {
        "training": {"n_images": sum(counts.values()), "per_class": dict(sorted(counts.items()))}
    }
    result = None
    if crossed := model.classifier.cross_validation():
        metrics["cross_validation"] = crossed
    if answers is not None and len(answers):
        result = evaluate(answers, truth, overlap=overlap(answers.paths, model.examples))
        metrics["validation"] = {
            "n_images": result.n_images,
            "accuracy": result.accuracy,
            "accuracy_ci": list(result.accuracy_ci),
            "f1_macro": result.report["macro avg"]["f1-score"],
            "set_aside": parts.set_aside,
        }
    else:
        answers = _left_out(model)
        if answers is not None:
            truth = {path: taught[path] for path in answers.paths}
            result = evaluate(answers, truth)
    signature = model.signature | {"n_validation": len(parts.validation)}
    return Trained(
        replace(model, metrics=metrics, signature=signature), answers, result, truth, failures
    )


def _left_out(model: Model) -> Predictions | None:
    """Return the answers for examples by fits without them, if the classifier has them still."""
    known = model.classifier.out_of_fold_
    if not len(known.probabilities):
        return None
    left_out, rows = known.probabilities, known.rows
    return Predictions(
        paths=tuple(model.examples[row] for row in rows),
        classes=model.classes,
        probabilities=left_out,
        neighbours=Matches(np.empty((len(rows), 0), np.intp), np.empty((len(rows), 0))),
        train_paths=(),
        train_labels=(),
        failures=(),
        settings=model.settings | {"answers": "out of fold"},
    )


def _truth(table: ImageTable) -> dict[str, str]:
    pairs = zip(table.paths, table.labels, strict=True)
    return {path: label for path, label in pairs if label is not None}
