"""`Model`: what was trained, and how it answers."""

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.classifiers.predictions import Predictions
from tamis.classifiers.probe import LinearHead
from tamis.descriptors import Descriptor
from tamis.errors import (
    Failure,
    InvalidParameterError,
    MissingExtraError,
    ModelError,
    TamisError,
    printable,
)
from tamis.features import FeatureTable, Progress, chunks, extract
from tamis.files.arrays import read_npz
from tamis.images import DEFAULT_MAX_PIXELS
from tamis.model.file import read_archive, write_archive
from tamis.model.manifest import check_manifest
from tamis.model.serialize import put_together, taken_apart
from tamis.table import ImageTable

_HEAD: Final = {
    "blocks": ("int64", 1),
    "weights": ("float32", 2),
    "bias": ("float32", 1),
    "power": ("float64", 0),
}
_CHUNK_BYTES: Final = 128 << 20
_ROUNDING: Final = 0.01  # of a network in 8 bits or half precision


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A trained model.

    Attributes
    ----------
    net : str
        ``probe``, or the name of a network.
    classes : tuple of str
        In the order of the answers' columns.
    looks : Descriptor
        What looks at a picture. For a network, a `NetworkView`, whose vectors are the
        answers.
    head : LinearHead or None
        What answers from the vectors; None for a network.
    metrics : dict
        How well it answered in training, by the name of the part it was scored on.
    signature : dict
        All that it depends on: settings, seed, versions, counts and digests.
    history : list of dict
        One entry per epoch of a network, or per strength that a probe tried.
    digest : str
        Twelve hexadecimal digits of the file; "" until it is saved.
    """

    net: str
    classes: tuple[str, ...]
    looks: Descriptor
    head: LinearHead | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    signature: dict[str, str | int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    digest: str = ""

    def __post_init__(self) -> None:
        answers = self.looks.dim if self.head is None else len(self.head.bias)
        if answers != len(self.classes):
            raise ModelError(f"the model has {len(self.classes)} classes and {answers} answers.")
        if self.head is not None and sum(self.head.blocks) != self.looks.dim:
            raise ModelError(
                f"the probe takes {sum(self.head.blocks)} values, and {self.looks.spec} gives "
                f"{self.looks.dim}."
            )

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
            classes = tuple(manifest["classes"])
            return cls(
                net=manifest["net"],
                classes=classes,
                looks=put_together(
                    manifest["looks"], parts, len(classes), stored_in=None if trust else path
                ),
                head=_head_from(parts["head.npz"]) if "head.npz" in parts else None,
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
        told, parts = taken_apart(self.looks)
        if self.head is not None:
            parts["head.npz"] = _head_bytes(self.head)
        manifest = {
            "net": self.net,
            "classes": list(self.classes),
            "looks": told,
            "metrics": self.metrics,
            "signature": self.signature,
            "history": self.history,
        }
        return write_archive(path, manifest, parts)

    def predict(
        self,
        table: ImageTable,
        *,
        jobs: int | None = None,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        progress: Progress | None = None,
    ) -> Predictions:
        """Say the class of every picture of a table.

        Parameters
        ----------
        table : ImageTable
            Looked at piece by piece, in bounded memory.
        jobs, max_pixels, progress
            As `tamis.features.extract` takes them.

        Returns
        -------
        Predictions
            In the order of `table`.
        """
        look = partial(
            extract,
            descriptor=self.looks,
            jobs=jobs,
            max_pixels=max_pixels,
            icc=self.icc,
            progress=progress,
        )
        length = max(64, _CHUNK_BYTES // (4 * self.looks.dim))
        return self.predict_features(look(piece) for piece in chunks(table, length))

    def predict_features(self, pieces: Iterable[FeatureTable]) -> Predictions:
        """Say the classes of pictures whose vectors are known; as `predict`.

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
        for found in pieces:
            if found.spec != self.looks.spec:
                raise InvalidParameterError(
                    f"the model looks at pictures by {self.looks.spec}, and these are described "
                    f"by {found.spec}."
                )
            paths += found.paths
            failures += found.failures
            answers.append(self._answers(found.features))
        return Predictions.without_examples(
            paths=tuple(paths),
            classes=self.classes,
            probabilities=np.concatenate(answers),
            failures=tuple(failures),
            settings=self.settings,
        )

    @property
    def icc(self) -> bool:
        """Whether the pictures that it was trained on were read by their colour profiles.

        Those that it is asked about are read alike.
        """
        return self.signature.get("icc") != "ignored"

    @property
    def settings(self) -> dict[str, str | int]:
        """What its answers depend on, for a signature."""
        kept = ("n_train", "training", "seed", "strength", "epochs", "best_epoch")
        return {
            "model": f"{self.net} {self.digest}".strip(),
            "descriptor": self.looks.spec,
            "icc": "applied" if self.icc else "ignored",
            **{key: value for key, value in self.signature.items() if key in kept},
        }

    def _answers(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Answer for vectors; raise ModelError if the answers are no probabilities."""
        if self.head is not None:
            with np.errstate(over="ignore", invalid="ignore"):  # checked below
                answers = self.head.probabilities(features)
        else:
            answers = features.astype(np.float64)
        with np.errstate(invalid="ignore"):
            sums = answers.sum(axis=1)
        right = (answers >= 0) & (answers <= 1 + _ROUNDING)
        wrong = np.flatnonzero(~right.all(axis=1) | ~(abs(sums - 1) <= _ROUNDING))
        if len(wrong):
            shown = np.array2string(answers[wrong[0]][:4], precision=4, threshold=4)
            raise ModelError(
                f"the model {self.net} {self.digest} answers with {shown} and a sum of "
                f"{sums[wrong[0]]:.4g}, which are no probabilities. Train it again."
            )
        return answers


def _head_bytes(head: LinearHead) -> bytes:
    buffer = io.BytesIO()
    blocks = np.array(head.blocks, np.int64)
    np.savez(buffer, blocks=blocks, weights=head.weights, bias=head.bias, power=head.power)
    return buffer.getvalue()


def _head_from(data: bytes) -> LinearHead:
    found = read_npz(data, _HEAD)
    blocks = tuple(map(int, found["blocks"]))
    return LinearHead(blocks, found["weights"], found["bias"], float(found["power"]))
