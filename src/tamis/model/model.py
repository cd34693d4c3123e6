"""`Model`: a descriptor and a classifier that learned together, and how they answer."""

import io
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self, Unpack

import numpy as np
import numpy.typing as npt

from tamis.classifiers.base import Classifier
from tamis.classifiers.predictions import Predictions
from tamis.dataset import Dataset, Source
from tamis.deduplication.content import overlap
from tamis.descriptors import Descriptor
from tamis.errors import (
    Failure,
    InvalidParameterError,
    MissingExtraError,
    ModelError,
    TamisError,
    printable,
)
from tamis.evaluation.classification import Evaluation, evaluate
from tamis.features import FeatureTable, Reading
from tamis.features.index import Matches
from tamis.model.file import read_archive, write_archive
from tamis.model.manifest import check_manifest
from tamis.model.members import ARRAYS, EXAMPLES, classifier_from, examples_from
from tamis.model.promises import Promising
from tamis.model.serialize import from_parts, to_parts
from tamis.table.frames import html_table

_VOTE: Final = ("distance", "k", "vote")
_ROUNDING: Final = 0.01  # of a network in 8 bits or half precision


@dataclass(frozen=True, kw_only=True, eq=False)
class Model(Promising):
    """What was learned from examples: a descriptor, and a classifier of its vectors.

    Attributes
    ----------
    descriptor : Descriptor
        Fitted. Of a network, a `NetworkView`, whose vectors are the probabilities.
    classifier : Classifier
        Fitted.
    examples : tuple of str
        Paths of the images that were learned from. A file keeps them if it holds
        their vectors (of ``auto`` and ``knn``), whose rows they are.
    metrics : dict
        How well it answered in training, by the name of the part it was scored on.
    signature : dict
        All that it depends on: settings, seed, versions, counts and digests.
    history : list of dict
        A row per epoch of a network, or per penalty that a probe tried.
    failures : tuple of Failure
        Examples that could not be read. A file does not keep them.
    digest : str
        Twelve hexadecimal digits of the file; "" until it is saved.

    Examples
    --------
    >>> model = tamis.train("examples", by="moments", classifier="knn", validation=0)
    >>> model
    Model(knn by moments(regions=5,size=128), 3 classes)
    >>> digest = model.save("animals.tamis")
    >>> tamis.Model.open("animals.tamis").predict("photos")
    Predictions(6 images, 3 classes)
    """

    descriptor: Descriptor
    classifier: Classifier
    examples: tuple[str, ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    signature: dict[str, str | int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    failures: tuple[Failure, ...] = ()
    digest: str = ""

    def __post_init__(self) -> None:
        if self.classifier.n_features_in_ != self.descriptor.dim:
            raise ModelError(
                f"the {self.classifier.name} takes {self.classifier.n_features_in_} values, and "
                f"{self.descriptor.spec} gives {self.descriptor.dim}."
            )

    def __repr__(self) -> str:
        by = "" if self.classifier.name == "identity" else f" by {self.descriptor.spec}"
        n = len(self.classes)
        return f"Model({self.net}{by}, {n} class{'es' * (n != 1)})"

    def _repr_html_(self) -> str:
        signature = {key: str(value) for key, value in self.signature.items()}
        return html_table(
            repr(self), {"setting": list(signature), "value": list(signature.values())}
        )

    @property
    def net(self) -> str:
        """Name of the classifier, or of the network: ``knn``, ``probe``, ``small``, ..."""
        return str(getattr(self.descriptor, "net", self.classifier.name))

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the columns of the answers."""
        return tuple(map(str, self.classifier.classes_))

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, trust: bool = False) -> Self:
        """Read a model from its file.

        Parameters
        ----------
        path : str or os.PathLike
        trust : bool
            Let the model name a descriptor that reads other files or asks the hub, such
            as ``onnx:PATH``. Do so only with a model whose origin you know.

        Raises
        ------
        ModelError
            There is none, it is damaged, foreign, or of a newer tamis, or it needs trust.
        """
        manifest, parts, digest = read_archive(path)
        shown = printable(os.fspath(path))
        try:
            check_manifest(manifest)
            classifier = classifier_from(manifest, parts)
            return cls(
                descriptor=from_parts(
                    manifest["descriptor"],
                    parts,
                    len(classifier.classes_),
                    stored_in=None if trust else path,
                ),
                classifier=classifier,
                examples=examples_from(parts, classifier),
                metrics=dict(manifest["metrics"]),
                signature=dict(manifest["signature"]),
                history=list(manifest["history"]),
                digest=digest,
            )
        except MissingExtraError:
            raise
        except TamisError as error:
            raise ModelError(f"the model {shown} cannot be used: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write it to a file, whole or not at all; gives its digest.

        Raises
        ------
        DestinationError
            The file cannot be written.
        """
        descriptor, parts = to_parts(self.descriptor)
        config, arrays = self.classifier.to_arrays()
        if arrays:
            buffer = io.BytesIO()
            np.savez(buffer, **arrays)  # type: ignore[arg-type]
            parts[ARRAYS] = buffer.getvalue()
        if self.classifier.keeps_examples and self._voters:
            parts[EXAMPLES] = json.dumps(self._voters).encode()
        manifest = {
            "classifier": self.classifier.name,
            "config": config,
            "descriptor": descriptor,
            "metrics": self.metrics,
            "signature": self.signature,
            "history": self.history,
        }
        return write_archive(path, manifest, parts)

    def export(self, path: str | os.PathLike[str]) -> float:
        """Write it as one ONNX graph, from pixels to probabilities.

        Parameters
        ----------
        path : str or os.PathLike

        Returns
        -------
        float
            Largest difference of a probability, as `tamis.model.export.write_onnx` checks it.

        Raises
        ------
        InvalidParameterError
            The model has no ONNX graph: one of its descriptors is no network, or its
            classifier cannot be written as a graph.
        """
        from tamis.model.export import write_onnx

        about = {"classifier": self.net, "model": self.digest}
        return write_onnx(path, self.descriptor, self.classifier, icc=self.icc, about=about)

    def predict(self, source: Source | Dataset, **reading: Unpack[Reading]) -> Predictions:
        """Predict the class of every image of a source.

        Parameters
        ----------
        source : str, os.PathLike, sequence of paths, ImageTable or Dataset
            Images are read piece by piece, in bounded memory; of a collection, the stored
            vectors are.
        **reading
            ``jobs``, ``max_pixels``, ``progress``, as `tamis.features.extract` takes them.

        Returns
        -------
        Predictions
            In the order of the source.
        """
        if "icc" not in reading:
            reading["icc"] = self.icc
        opened = Dataset.open(source, may_be_empty=True)
        answers = self.predict_features(opened.pieces(self.descriptor, **reading))
        return replace(answers, failures=(*opened.table.failures, *answers.failures))

    def predict_features(self, pieces: Iterable[FeatureTable]) -> Predictions:
        """Predict the classes of images from their vectors; as `predict`.

        Parameters
        ----------
        pieces : iterable of FeatureTable
            By the descriptor of this model, taken one at a time.

        Raises
        ------
        InvalidParameterError
            A piece has another descriptor.
        """
        paths: list[str] = []
        failures: list[Failure] = []
        answers = [np.empty((0, len(self.classes)))]
        neighbours: list[Matches] = []
        for piece in pieces:
            if piece.spec != self.descriptor.spec:
                raise InvalidParameterError(
                    f"the model looks at images by {self.descriptor.spec}, and these are described "
                    f"by {piece.spec}."
                )
            paths += piece.paths
            failures += piece.failures
            if len(piece):
                probabilities, matches = self._answer(piece.features)
                answers.append(probabilities)
                if matches is not None and self._voters:
                    neighbours.append(matches)
        return Predictions(
            paths=tuple(paths),
            classes=self.classes,
            probabilities=np.concatenate(answers),
            neighbours=self._joined(neighbours, len(paths)),
            train_paths=self._voters,
            train_labels=self._labels(),
            failures=tuple(failures),
            settings=self.settings,
            by_vote=self.classifier.shares_votes,
        )

    def score(
        self,
        source: Source | Dataset,
        *,
        truth: str | os.PathLike[str] | None = None,
        seed: int = 0,
        **reading: Unpack[Reading],
    ) -> Evaluation:
        """Score the answers for images whose class is known.

        Parameters
        ----------
        source : str, os.PathLike, sequence of paths, ImageTable or Dataset
            Of a split, its test part is scored.
        truth : str or os.PathLike, optional
            As `tamis.dataset.Dataset.labelled` takes it.
        seed : int
            Seed of the bootstrap.
        **reading
            As `predict` takes them.

        Returns
        -------
        Evaluation
            Images that are also examples are named in its `overlap`, if the examples are known.
        """
        role: Final = "scored" if truth is None else "pictures"
        opened = Dataset.open(source, role=role).part("test", or_only="val").labelled(truth)
        answers = self.predict(opened, **reading)
        shared = overlap(answers.paths, self.examples) if self.examples else None
        pairs = zip(opened.table.paths, opened.table.labels, strict=True)
        known = {path: label for path, label in pairs if label is not None}
        return evaluate(answers, known, seed=seed, overlap=shared)

    @property
    def icc(self) -> bool:
        """Whether the images that it was trained on were read by their colour profiles.

        Those that it is asked about are read alike.
        """
        return self.signature.get("icc") != "ignored"

    @property
    def settings(self) -> dict[str, str | int]:
        """What its answers depend on, for a signature."""
        if not self.digest:
            n = self.signature.get("n_train", len(self.examples))
            return {"descriptor": self.descriptor.spec, **self.classifier.settings, "n_train": n}
        kept = ("n_train", "training", "seed", "strength", "epochs", "best_epoch", *_VOTE)
        return {
            "model": f"{self.net} {self.digest}".strip(),
            "descriptor": self.descriptor.spec,
            "icc": "applied" if self.icc else "ignored",
            **{key: value for key, value in self.signature.items() if key in kept},
        }

    @property
    def _voters(self) -> tuple[str, ...]:
        """The examples, if they are rows that the classifier can name."""
        return self.examples if hasattr(self.classifier, "labels_") else ()

    def _labels(self) -> tuple[str, ...]:
        """Return the class of each example that votes."""
        return tuple(map(str, getattr(self.classifier, "labels_", ()))) if self._voters else ()

    def _joined(self, pieces: list[Matches], n: int) -> Matches:
        """Join the neighbours of all pieces; of none, for as many columns."""
        k = self.classifier.n_shown if self._voters else 0
        return Matches(
            np.concatenate([np.empty((0 if k else n, k), np.intp), *(m.indices for m in pieces)]),
            np.concatenate([np.empty((0 if k else n, k)), *(m.distances for m in pieces)]),
            paths=self._voters,
            labels=self._labels(),
        )

    def _answer(
        self, features: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float64], Matches | None]:
        """Answer for vectors; raise ModelError if they or the answers are no numbers."""
        # The vectors of a network are its answers, which are checked below.
        if self.classifier.name != "identity" and not np.isfinite(features).all():
            raise ModelError(
                f"the model {self.net} {self.digest} describes an image by values that are not "
                "finite. Train it again."
            )
        with np.errstate(over="ignore", invalid="ignore"):  # checked below
            answers, matches = self.classifier.answer(features)
            sums = answers.sum(axis=1)
        right = (answers >= 0) & (answers <= 1 + _ROUNDING)
        wrong = np.flatnonzero(~right.all(axis=1) | ~(abs(sums - 1) <= _ROUNDING))
        if len(wrong):
            shown = np.array2string(answers[wrong[0]][:4], precision=4, threshold=4)
            raise ModelError(
                f"the model {self.net} {self.digest} answers with {shown} and a sum of "
                f"{sums[wrong[0]]:.4g}, which are no probabilities. Train it again."
            )
        return answers, matches
