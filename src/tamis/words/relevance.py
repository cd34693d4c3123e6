"""Which pictures show what words name: a network's answers, mixed by what their labels mean.

References
----------
.. [1] M. Norouzi, T. Mikolov, S. Bengio, Y. Singer, J. Shlens, A. Frome, G. S. Corrado, J. Dean,
   "Zero-shot learning by convex combination of semantic embeddings", International Conference on
   Learning Representations, 2014. https://doi.org/10.48550/arXiv.1312.5650
.. [2] J. J. Rocchio, "Relevance feedback in information retrieval", in G. Salton (ed.), "The
   SMART retrieval system", 313-323, Prentice-Hall, 1971.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.descriptors import Descriptor, descriptor
from tamis.descriptors.fusion.fusion import Fusion
from tamis.errors import InvalidParameterError, printable
from tamis.words.sentences import sentence_vectors

NETWORKS: Final = ("efficientnet-lite0", "efficientnet-lite1")
"""Backbones whose vectors lead to answers: those of the default."""

_PROMPT: Final = "a photo of {}"
_TEMPERATURE: Final = 3.0  # by which the logits are divided: less sure answers mix more labels
_LABELS: Final = 50  # likeliest labels of a picture that are mixed
_FIRST: Final = 10  # pictures whose likes are searched for then
_FEEDBACK: Final = 0.5  # weight of that likeness beside the words, both in standard deviations
_LEAST: Final = 0.30  # likeness to the nearest label below which nothing is known of a query
_DOUBTED: Final = 0.45  # and below which the answer is doubtful
_SAME: Final = 0.6  # likeness from which the name of a taught class means the query
_TAUGHT: Final = 10.0  # weight of the probability of that class, in standard deviations
_SHOWN: Final = 3
_ROWS: Final = 4096  # pictures at a time

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """How well each picture shows what words name.

    Attributes
    ----------
    scores : ndarray of shape (n,), float64
        The larger, the better; in standard deviations over the pictures.
    labels : tuple of str
        The names of things that mean nearly what the query does, on which the answer rests.
    likeness : float
        Of the query and the first of them, up to 1.
    taught : str
        The class of the user's own whose name means the query; empty if there is none.
    """

    scores: Values
    labels: tuple[str, ...]
    likeness: float
    taught: str = ""

    @property
    def doubtful(self) -> bool:
        """Whether neither label nor class is near to the query, so that much is guessed."""
        return not self.taught and self.likeness < _DOUBTED


class WordIndex:
    """What pictures show, computed once and searched by words many times.

    Parameters
    ----------
    vectors : mapping from str to ndarray of shape (n, 1280), float32
        Some of `NETWORKS`, each with the vectors of the same pictures, as their default
        parameters give them. Kept, not copied.

    Notes
    -----
    The label names that a network was taught, and the query, are sentence vectors, less their
    mean. A picture is the mean of the vectors of its likeliest labels, weighted by their
    probabilities [1]_; it scores by the cosine to the query. Unlike [1]_ the probabilities are
    flattened (temperature 3) and those of several networks are averaged before. Then the ten
    best are taken for right, and the likeness of every picture to their mean vector is added
    with half the weight [2]_.
    """

    def __init__(self, vectors: Mapping[str, npt.NDArray[np.float32]]) -> None:
        self._vectors = dict(vectors)

    @classmethod
    def of(cls, by: Descriptor, features: npt.NDArray[np.float32]) -> Self:
        """Take the vectors of the networks out of those of a fusion.

        Raises
        ------
        InvalidParameterError
            None of its parts is a network that knows words.
        """
        parts = by.parts if isinstance(by, Fusion) else (by,)
        ends = np.cumsum([part.dim for part in parts])
        vectors = {
            part.name: features[:, end - part.dim : end]
            for part, end in zip(parts, ends, strict=True)
            if part.name in NETWORKS and part.spec == descriptor(part.name).spec
        }
        if not vectors:
            raise InvalidParameterError(
                f"words are known to the networks {' and '.join(NETWORKS)}, and the pictures "
                f"were described by {by.spec}. Describe them with --by auto."
            )
        return cls(vectors)

    def search(
        self, query: str, taught: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None
    ) -> Answer:
        """Score the pictures by words.

        Parameters
        ----------
        query : str
            In English, such as ``a castle``.
        taught : mapping from str to ndarray of shape (n,), optional
            Classes that examples have taught, each with its probability for every picture. The
            class whose name means the query counts more than all labels; no other is read.

        Raises
        ------
        InvalidParameterError
            No label is near to the query: its words are not known.
        MissingExtraError
            The extra ``words`` is not installed.
        """
        names, around = _label_vectors()
        asked = _centred(sentence_vectors([_PROMPT.format(query)]), around)[0]
        likeness = names @ asked
        nearest = np.argsort(-likeness, kind="stable")[:_SHOWN]
        known, likest = tuple(labels()[row] for row in nearest), float(likeness[nearest[0]])
        own = _own_class(query, asked, around, tuple(taught or ()))
        probability = np.asarray(taught[own], np.float64) if taught and own else None
        if likest < _LEAST:
            if probability is None:
                raise InvalidParameterError(
                    f"nothing is known of {printable(query)!r}: none of the thousand things that "
                    f"the networks know means nearly that (the nearest is {known[0]}). Try another "
                    "word, in English, or search by a picture."
                )
            return Answer(_standard(probability), known, likest, own)
        scores = _standard((self._meanings @ asked.astype(np.float32)).astype(np.float64))
        first = np.argsort(-scores, kind="stable")[:_FIRST]
        likes = sum(
            _likeness(values, self._lengths[name], first) for name, values in self._vectors.items()
        )
        scores += _FEEDBACK * _standard(np.asarray(likes))
        if probability is not None:
            scores += _TAUGHT * probability
        return Answer(scores, known, likest, own)

    @cached_property
    def _meanings(self) -> npt.NDArray[np.float32]:
        """The place of each picture among the meanings of labels, of length 1."""
        names, _ = _label_vectors()
        meant = np.empty((len(next(iter(self._vectors.values()))), names.shape[1]), np.float32)
        for start in range(0, len(meant), _ROWS):
            rows = slice(start, start + _ROWS)
            logits: Any = sum(_logits(name, values[rows]) for name, values in self._vectors.items())
            logits = logits / np.float32(len(self._vectors) * _TEMPERATURE)
            least = np.partition(logits, -_LABELS, axis=1)[:, -_LABELS][:, np.newaxis]
            shares = np.exp(logits - logits.max(axis=1, keepdims=True)) * (logits >= least)
            meant[rows] = _unit(shares @ names)
        return meant

    @cached_property
    def _lengths(self) -> dict[str, npt.NDArray[np.float32]]:
        """The length of each vector."""
        return {
            name: np.maximum(np.sqrt(np.einsum("ij,ij->i", values, values)), 1e-12)
            for name, values in self._vectors.items()
        }


def _own_class(query: str, asked: Values, around: Values, classes: tuple[str, ...]) -> str:
    """Return the class whose name means the query, or ""."""
    if not classes:
        return ""
    plain = [" ".join(re.split(r"[\W_]+", name)).strip() for name in classes]
    wanted = " ".join(query.casefold().split())
    for name, text in zip(classes, plain, strict=True):
        if wanted in (name.casefold(), text.casefold()):
            return name
    likeness = _centred(sentence_vectors([_PROMPT.format(text) for text in plain]), around) @ asked
    best = int(likeness.argmax())
    return classes[best] if likeness[best] >= _SAME else ""


@cache
def labels() -> tuple[str, ...]:
    """Return the names of the thousand classes of ImageNet, in the order of the networks' answers.

    Each by its first two words in WordNet 3.0.
    """
    text = resources.files("tamis.words").joinpath("labels.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


@cache
def _label_vectors() -> tuple[Values, Values]:
    """Return the vectors of the labels, less their mean, and the mean."""
    vectors = sentence_vectors([_PROMPT.format(name) for name in labels()])
    around: Values = vectors.mean(axis=0)
    return _centred(vectors, around), around


def _logits(name: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Compute the answers of a backbone from its vectors, which are square roots of activations."""
    weights, bias = _head(name)
    return values**2 @ weights + bias


@cache
def _head(name: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    from tamis.descriptors.neural.backbone import weights

    held = weights(name)
    return np.ascontiguousarray(held["_fc.weight"].T), held["_fc.bias"]


def _likeness(
    values: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.float32],
    first: npt.NDArray[np.intp],
) -> Values:
    """Compare every picture with the mean of some, by the cosine."""
    mean = (values[first] / lengths[first, np.newaxis]).mean(axis=0)
    likeness: Values = (values @ mean / lengths).astype(np.float64)
    return likeness


def _centred(vectors: Values, around: Values) -> Values:
    return _unit(vectors - around)


def _unit(vectors: Values) -> Values:
    unit: Values = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


def _standard(scores: Values) -> Values:
    standard: Values = (scores - scores.mean()) / max(float(scores.std()), 1e-12)
    return standard
