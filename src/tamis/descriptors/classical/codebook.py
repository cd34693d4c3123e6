"""Codebooks: the visual words that `vlad` counts differences to."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import check_int
from tamis.descriptors.classical.sift import LENGTH, root_sift
from tamis.errors import CodebookError, FileFormatError, InvalidParameterError, printable, sentence
from tamis.files.arrays import read_npz
from tamis.files.atomic import write_whole
from tamis.files.digest import digest_of_arrays
from tamis.files.kinds import CODEBOOK
from tamis.images import DEFAULT_SIZE, Pixels, as_rgb, fit

DEFAULT: Final = "default"
"""What the codebook that comes with tamis is called."""


_MOST_WORDS: Final = 4096
_MOST_BYTES: Final = 4 * LENGTH * (_MOST_WORDS + LENGTH + 1) + 4096  # unfolded
_FIELDS: Final = {"mean": ("float32", 1), "axes": ("float32", 2), "words": ("float32", 2)}
_PATCHES_PER_WORD: Final = 1000
_SHIPPED: Final = Path(__file__).with_name("codebooks") / "default.npz"

_Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Codebook:
    """Visual words: k centres of local descriptors reduced to d values.

    Attributes
    ----------
    mean : ndarray of shape (128,), float32
        Of the local descriptors that it was learned from.
    axes : ndarray of shape (d, 128), float32
        Their principal components, the first in the first row.
    words : ndarray of shape (k, d), float32
        The centres: of ``axes @ (descriptor - mean)``.

    Raises
    ------
    CodebookError
        If the arrays have other shapes, other types, or values that are not finite.
    """

    mean: _Array
    axes: _Array
    words: _Array

    def __post_init__(self) -> None:
        shapes = [
            f"{name} {value.dtype} {value.shape}"
            for name, value in (("mean", self.mean), ("axes", self.axes), ("words", self.words))
        ]
        fits = (
            self.axes.ndim == self.words.ndim == 2
            and self.mean.shape == (LENGTH,)
            and self.axes.shape[1] == LENGTH
            and 1 <= len(self.axes) <= LENGTH
            and self.words.shape[1] == len(self.axes)
            and 1 <= len(self.words) <= _MOST_WORDS
        )
        if not fits or any(a.dtype != np.float32 for a in (self.mean, self.axes, self.words)):
            raise CodebookError(
                f"a codebook holds float32 arrays mean ({LENGTH},), axes (d, {LENGTH}) and "
                f"words (k, d), with d up to {LENGTH} and k up to {_MOST_WORDS:,}. "
                f"Got {', '.join(shapes)}."
            )
        if not all(np.isfinite(a).all() for a in (self.mean, self.axes, self.words)):
            raise CodebookError("a codebook must be finite; this one holds NaN or infinity.")

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change when any value does."""
        return digest_of_arrays(self.mean, self.axes, self.words)

    @cached_property
    def scores(self) -> tuple[_Array, _Array]:
        """What finds the nearest word: ``weights`` (k, 128) and ``constants`` (k,).

        ``weights @ descriptor + constants`` is largest for it: the squared distances
        less what is the same for all words, over -2.
        """
        weights = self.words.astype(np.float64) @ self.axes
        constants = -weights @ self.mean - (self.words.astype(np.float64) ** 2).sum(axis=1) / 2
        return weights.astype(np.float32), constants.astype(np.float32)

    @cached_property
    def slack(self) -> float:
        """By how much the difference of two scores may be wrong, summed in float32.

        Of a local descriptor of length 1, as all are: 128 products and a constant each.
        """
        weights, constants = self.scores
        largest = np.linalg.norm(weights, axis=1).max() + np.abs(constants).max()
        return float(2 * 132 * 2.0**-24 * largest)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, which ``vlad(codebook=path)`` reads.

        Raises
        ------
        DestinationError
            If the file cannot be written, or is there already and is no codebook.
        """
        with write_whole(path, CODEBOOK) as file:
            np.savez_compressed(file, mean=self.mean, axes=self.axes, words=self.words)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        CodebookError
            If there is no such file, or it is not a codebook.
        """
        shown = printable(os.fspath(path))
        again = (
            "Learn one with tamis.descriptors.classical.codebook.fit_codebook(images).save(path)."
        )
        try:
            return cls(**read_npz(path, _FIELDS, limit=_MOST_BYTES))
        except FileNotFoundError as error:
            raise CodebookError(
                f"there is no codebook {shown}. Give the path of one, leave out codebook= for the "
                f"one that comes with tamis, or make it: {again}"
            ) from error
        except OSError as error:
            raise CodebookError(
                f"cannot read the codebook {shown}: {error.strerror}. {again}"
            ) from error
        except FileFormatError as error:
            raise CodebookError(
                f"{shown} is no codebook, or a damaged one: {sentence(error)} {again}"
            ) from error


def shipped(name: str) -> Path:
    """Path of a codebook: of `DEFAULT` the one in the package, of others as they say."""
    return _SHIPPED if name == DEFAULT else Path(name)


def fit_codebook(
    images: Sequence[Pixels],
    *,
    words: int = 64,
    length: int = 64,
    size: int | None = DEFAULT_SIZE,
    seed: int = 0,
) -> Codebook:
    """Learn visual words from pictures.

    The local descriptors of all pictures (up to 1,000 per word, drawn evenly) are
    reduced to their first principal components and clustered by k-means.

    Parameters
    ----------
    images : sequence of ndarray, uint8
        As `tamis.images.as_rgb` takes them; some dozens at least, of all kinds that
        are to be told apart. They need no labels.
    words : int
        Centres, 1 to 4,096. The vectors of `vlad` have words * length values.
    length : int
        Values that a local descriptor is reduced to, 1 to 128.
    size : int or None
        Working size in pixels: the one at which `vlad` is to look.
    seed : int
        The same pictures, arguments and seed give the same codebook on the same
        machine; another one may round otherwise.

    Returns
    -------
    Codebook

    Raises
    ------
    InvalidParameterError
        If an argument is out of its range, or the pictures have fewer patches that
        are not flat than there are words or values.
    """
    check_int("words", words, 1, _MOST_WORDS)
    check_int("length", length, 1, LENGTH)
    check_int("size", size, 1, 65_535, optional=True)
    check_int("seed", seed, 0, 2**32 - 1)
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(seed)
    sample = _sample(images, size, words * _PATCHES_PER_WORD, rng)
    if len(sample) < max(words, length):
        raise InvalidParameterError(
            f"{len(images)} pictures have {len(sample)} patches that are not flat, too few for "
            f"{words} words of {length} values. Give more pictures, or ask for less."
        )
    mean = sample.mean(axis=0)
    centred = sample - mean
    _, components = np.linalg.eigh(centred.T @ centred)
    axes = components[:, ::-1].T[:length]
    # The sign of a component is anyone's: its largest value is positive here.
    axes *= np.sign(axes[np.arange(length), np.abs(axes).argmax(axis=1)])[:, np.newaxis]
    learned = KMeans(words, n_init=1, random_state=seed).fit(centred @ axes.T)
    return Codebook(
        mean=mean.astype(np.float32),
        axes=np.ascontiguousarray(axes, np.float32),
        words=learned.cluster_centers_.astype(np.float32),
    )


def _sample(
    images: Sequence[Pixels], size: int | None, most: int, rng: np.random.Generator
) -> npt.NDArray[Any]:
    """Draw up to `most` local descriptors, each as likely; float64."""
    # A uniform number for each: the smallest are kept, whatever comes after.
    kept = np.empty((0, LENGTH), np.float32)
    draws = np.empty(0)
    for image in images:
        for patches in root_sift(fit(as_rgb(image), size)):
            kept = np.concatenate([kept, patches])
            draws = np.concatenate([draws, rng.random(len(patches))])
            if len(draws) > 2 * most:
                kept, draws = _smallest(kept, draws, most)
    return _smallest(kept, draws, most)[0].astype(np.float64)


def _smallest(
    kept: _Array, draws: npt.NDArray[np.float64], most: int
) -> tuple[_Array, npt.NDArray[np.float64]]:
    chosen = np.sort(np.argsort(draws, kind="stable")[:most])
    return kept[chosen], draws[chosen]
