"""How much two pictures must agree to be the same: learned from the collection itself.

Copies of some of its pictures are made (half the size, cut, brighter, with a caption), and
pairs of pictures that are surely different are drawn. What nearly all the copies reach is the
threshold of the same picture; what lies nearer to the copies than to the different ones is a
neighbour, such as the next shot of a burst.
"""

from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast, final

import cv2
import numpy as np
import numpy.typing as npt
from scipy import fft

from tamis.deduplication.alignment import agreement
from tamis.deduplication.neighbours import likeness_of
from tamis.deduplication.sketches import SIDE, Sketches, thumbnail, tiny_vector
from tamis.descriptors.base import Features, PixelDescriptor
from tamis.features.extraction import describe_chunks
from tamis.images import DEFAULT_MAX_PIXELS, Pixels
from tamis.images.pixels import resize
from tamis.table import ImageTable

Array = npt.NDArray[Any]

_SAMPLE: Final = 96
_DIFFERENT: Final = 600
_LOST: Final = 0.02
_SMALL: Final = 256  # pixels: half of a larger picture still has all that a thumbnail shows
_CHANGES: Final = 5


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on two pictures are the same, or neighbours.

    Attributes
    ----------
    same : float
        Agreement that all but 2 % of the planted copies reach, in [0.85, 0.97].
    burst : float
        Half way from the highest agreement of different pictures to `same`.
    likeness : float
        Likeness of tiny pictures below which two are not compared.
    n_planted, n_different : int
        Pairs from which they come.
    """

    same: float
    burst: float
    likeness: float
    n_planted: int
    n_different: int


@final
@dataclass(frozen=True, kw_only=True)
class _Planted(PixelDescriptor):
    """Thumbnails of a picture and of copies of it."""

    name: ClassVar[str] = "planted"
    summary: ClassVar[str] = "thumbnails of copies"
    reference: ClassVar[str] = ""

    @property
    def dim(self) -> int:
        return _CHANGES * SIDE * SIDE

    def _fill(self, image: Pixels, out: Features) -> None:
        grey = cast(Pixels, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        height, width = grey.shape
        half = resize(grey, max(1, height // 2), max(1, width // 2))
        y, x = height // 20, width // 20
        light = np.clip(grey.astype(np.float32) * 1.2, 0, 255).astype(np.uint8)
        written = grey.copy()
        bar = max(1, height // 8)
        written[height - bar :] //= 4
        written[height - bar * 2 // 3 : height - bar // 3, width // 8 : width // 2 : 3] = 255
        copies = (
            grey,
            _saved(half, 12),
            _saved(grey[y:, x:], 12),
            _saved(light, 30),
            _saved(written, 12),
        )
        out[:] = np.concatenate([thumbnail(one).ravel() for one in copies])


def learn_thresholds(
    table: ImageTable, sketches: Sketches, *, jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Thresholds:  # fmt: skip
    """Find the thresholds of a collection.

    Parameters
    ----------
    table : ImageTable
    sketches : Sketches
        Of its pictures.
    jobs, max_pixels
        As `tamis.features.extract` takes them.
    """
    chance = np.random.default_rng(0)
    seen = np.flatnonzero(~sketches.blank)
    drawn = np.sort(chance.permutation(seen)[:_SAMPLE])
    planted, likeness = _planted(table, sketches, drawn, jobs, max_pixels)
    different = _different(sketches, seen, chance)
    same = float(np.quantile(planted, _LOST)) if len(planted) else 0.9
    same = min(max(same, 0.85), 0.97)
    highest = float(different.max()) if len(different) else 0.3
    lowest = float(np.quantile(likeness, 0.01)) - 0.1 if len(likeness) else 0.6
    return Thresholds(
        same, (same + max(highest, 0.3)) / 2, min(max(lowest, 0.5), 0.65), len(planted),
        len(different),
    )  # fmt: skip


def _planted(
    table: ImageTable, sketches: Sketches, drawn: Array, jobs: int | None, max_pixels: int
) -> tuple[Array, Array]:
    """Agreement and likeness of pictures with copies of them."""
    scores, likenesses = [], []
    chosen = table.select(sketches.rows[drawn])
    with closing(describe_chunks(chosen, [_Planted()], jobs=jobs, max_pixels=max_pixels)) as found:
        for chunk in found:
            made = chunk.features[0].astype(np.uint8).reshape(-1, _CHANGES, SIDE, SIDE)
            for several, shape in zip(made, chunk.shapes, strict=True):
                small = max(shape) <= _SMALL
                copies = several[1:] if small else several[2:]
                original = several[:1]
                first, second = np.zeros(len(copies), np.intp), np.arange(len(copies))
                scores.append(agreement(original, copies, first, second))
                tiny = np.array([tiny_vector(one) for one in copies])
                likenesses.append(
                    likeness_of(tiny, tiny_vector(original[0])[None].repeat(len(tiny), 0))
                )
    if not scores:
        return np.empty(0), np.empty(0)
    return np.concatenate(scores), np.concatenate(likenesses)


def _saved(grey: Pixels, step: int) -> Pixels:
    """Lose what a JPEG file loses: frequencies of 8 x 8 pixels are rounded to steps."""
    height, width = (max(8, length // 8 * 8) for length in grey.shape)
    blocks = resize(grey, height, width).astype(np.float32)
    blocks = blocks.reshape(height // 8, 8, width // 8, 8)
    rounded = step * np.rint(fft.dctn(blocks, axes=(1, 3), norm="ortho") / step)
    values = fft.idctn(rounded, axes=(1, 3), norm="ortho").reshape(height, width)
    return np.clip(values, 0, 255).astype(np.uint8)


def _different(sketches: Sketches, seen: Array, chance: np.random.Generator) -> Array:
    """Agreement of pairs that are drawn at random and do not look alike."""
    if len(seen) < 2:
        return np.empty(0)
    left, right = chance.choice(seen, (2, _DIFFERENT))
    apart = likeness_of(sketches.tiny[left], sketches.tiny[right]) < 0.4
    left, right = left[apart], right[apart]
    if not len(left):
        return np.empty(0)
    numbers = np.arange(len(left))
    take = sketches.thumbnails.take
    return agreement(take(left), take(right), numbers, numbers)
