"""Training: pictures in, a model and how well it does out."""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from tamis.classifiers.predictions import Predictions
from tamis.classifiers.probe import ProbeClassifier, blocks_of
from tamis.descriptors import Descriptor
from tamis.duplicates import overlap
from tamis.errors import Failure, MissingExtraError
from tamis.evaluation.classification import Evaluation, evaluate, versions
from tamis.features import FeatureTable
from tamis.model import Model, NetworkView
from tamis.splits.hold_out import TrainingParts
from tamis.table import ImageTable


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A training that is over.

    Attributes
    ----------
    model : Model
    predictions : Predictions or None
        Its answers for the validation pictures; None if there are none.
    evaluation : Evaluation or None
        Of these answers.
    truth : dict from str to str
        Path of each validation picture to its class.
    failures : tuple of Failure
        Pictures, of training and validation, that could not be read.
    """

    model: Model
    predictions: Predictions | None
    evaluation: Evaluation | None
    truth: dict[str, str]
    failures: tuple[Failure, ...]


def train_probe(
    parts: TrainingParts,
    descriptor: Descriptor,
    train: FeatureTable,
    validation: FeatureTable | None = None,
    *,
    class_weight: str | None = None,
    seed: int = 0,
) -> Trained:
    """Train a `tamis.classifiers.probe.ProbeClassifier` on vectors.

    Parameters
    ----------
    parts : TrainingParts
    descriptor : Descriptor
        Fitted; it gave the vectors, and will look at pictures for the model.
    train, validation : FeatureTable
        Of the pictures of `parts` that could be read.
    class_weight : "balanced" or None
    seed : int
        Of the folds of the cross-validation.

    Raises
    ------
    InvalidParameterError
        Fewer than two classes are left.
    """
    probe = ProbeClassifier(blocks=blocks_of(descriptor), class_weight=class_weight, seed=seed)
    probe.fit(train.features, np.array(train.labels, str))
    model = Model(
        net="probe",
        classes=tuple(str(name) for name in probe.classes_),
        looks=descriptor,
        head=probe.head_,
        signature={
            "net": "probe",
            "descriptor": descriptor.spec,
            "strength": f"{probe.l2_:g}, by {probe.folds} folds",
            "power": f"{probe.power_:g}, by {probe.folds} folds",
            "class_weight": class_weight or "none",
            "seed": seed,
            **_about(train.paths, train.labels, parts),
            **versions(),
            **_installed("scikit-learn", "scipy", "onnxruntime"),
        },
        history=probe.scores_,
    )
    answers = None if validation is None else model.predict_features([validation])
    failures = train.failures + (() if validation is None else validation.failures)
    return _scored(model, answers, parts, train, failures)


def train_network(
    parts: TrainingParts,
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
    parts : TrainingParts
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
    lost = {failure.path for failure in classifier.failures_}
    kept = [row for row, path in enumerate(parts.train.paths) if path not in lost]
    read = parts.train.select(kept)
    classes = tuple(str(name) for name in classifier.classes_)
    model = Model(
        net=net,
        classes=classes,
        looks=NetworkView(
            net=net,
            graph=classifier.export_onnx(),
            size=int(classifier.preprocessing_["size"]),
            n_classes=len(classes),
        ),
        signature={
            **{key: str(value) for key, value in options.items() if value is not None},
            "net": net,
            "size": int(classifier.preprocessing_["size"]),
            "epochs": len(classifier.history_),
            "best_epoch": classifier.best_epoch_,
            "batch_size": batch_size,
            "class_weight": class_weight or "none",
            "seed": seed,
            **_about(read.paths, read.labels, parts),
            **versions(),
            **_installed("torch", "onnxruntime"),
        },
        history=[dict(record) for record in classifier.history_],
    )
    answers = model.predict(parts.validation, jobs=jobs) if len(parts.validation) else None
    failures = tuple(one for one in classifier.failures_ if one.path in set(parts.train.paths))
    failures += answers.failures if answers is not None else ()
    return _scored(model, answers, parts, read, failures)


def need_torch(net: str) -> None:
    """Raise MissingExtraError if torch is not installed, before anything is read."""
    if find_spec("torch") is None:
        raise MissingExtraError.for_extra(
            "train", f"the network {net} (unlike --net probe, which learns on --by)"
        )


def _scored(
    model: Model,
    answers: Predictions | None,
    parts: TrainingParts,
    learned: ImageTable | FeatureTable,
    failures: tuple[Failure, ...],
) -> Trained:
    truth = _truth(parts.validation)
    counts = Counter(map(str, learned.labels))
    metrics: dict[str, Any] = {
        "training": {"n_images": sum(counts.values()), "per_class": dict(sorted(counts.items()))}
    }
    result = None
    if answers is not None and len(answers):
        result = evaluate(answers, truth, overlap=overlap(answers.paths, learned.paths))
        metrics["validation"] = {
            "n_images": result.n_images,
            "accuracy": result.accuracy,
            "accuracy_ci": list(result.accuracy_ci),
            "f1_macro": result.report["macro avg"]["f1-score"],
            "set_aside": parts.set_aside,
        }
    else:
        answers = None
    return Trained(replace(model, metrics=metrics), answers, result, truth, failures)


def _truth(table: ImageTable) -> dict[str, str]:
    pairs = zip(table.paths, table.labels, strict=True)
    return {path: label for path, label in pairs if label is not None}


def _about(
    paths: tuple[str, ...], labels: tuple[str | None, ...], parts: TrainingParts
) -> dict[str, str | int]:
    """Count the pictures, and tell by a digest which they were."""
    name_of = dict(zip(parts.train.paths, parts.train.names, strict=True))
    digest = hashlib.sha256()
    for path, label in zip(paths, labels, strict=True):
        line = f"{name_of.get(path, path)}\0{label}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return {
        "n_train": len(paths),
        "n_validation": len(parts.validation),
        "training": digest.hexdigest()[:12],
    }


def _installed(*packages: str) -> dict[str, str | int]:
    there: dict[str, str | int] = {}
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            there[package] = version(package)
    return there
