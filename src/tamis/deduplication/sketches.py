"""What is kept of a picture to know it again: a small grey thumbnail, a hash, a tiny vector.

From the thumbnail (48 x 48, whatever the proportions) come the 64-bit difference hash, the
tiny vector by which likely copies are proposed, and the detail by which two pictures are
compared once they are aligned. Thumbnails of many pictures lie in a temporary file.
"""

import tempfile
import weakref
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, Final, cast, final

import cv2
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, PixelDescriptor
from tamis.errors import Failure
from tamis.features import Progress
from tamis.features.extraction import describe_chunks
from tamis.images import DEFAULT_MAX_PIXELS, Pixels
from tamis.table import ImageTable

Array = npt.NDArray[Any]

SIDE: Final = 48
"""Width and height of a thumbnail, in pixels."""
TINY: Final = 12
"""Width and height of the picture that a tiny vector is made of."""
SCALE: Final = 254.0
"""The value 0.5 of a tiny vector, which has length 1, is stored as 127."""

_LEAST_CONTRAST: Final = 2.0  # standard deviation in grey levels; below is no content
_IN_MEMORY: Final = 20_000
_BLOCK: Final = 4096


@final
@dataclass(frozen=True, kw_only=True)
class Thumbnail(PixelDescriptor):
    """The grey thumbnail of a picture, its sharpness, and whether it has colour."""

    name: ClassVar[str] = "thumbnail"
    summary: ClassVar[str] = "a small grey picture"
    reference: ClassVar[str] = ""

    @property
    def dim(self) -> int:
        """Length: the thumbnail row by row, sharpness, colour."""
        return SIDE * SIDE + 2

    def _fill(self, image: Pixels, out: Features) -> None:
        grey = cast(Pixels, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        out[:-2] = thumbnail(grey).ravel()
        spread = float(grey.std())
        out[-2] = float(cv2.Laplacian(grey, cv2.CV_32F).std()) / max(spread, 1.0)
        out[-1] = float(np.ptp(image[::4, ::4].astype(np.int16), axis=2).mean() > 4)


def thumbnail(grey: Pixels) -> Pixels:
    """Stretch a grey picture onto a square of `SIDE` pixels."""
    shrinks = grey.size > SIDE * SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(Pixels, cv2.resize(grey, (SIDE, SIDE), interpolation=how))


def difference_hash(small: Pixels) -> np.uint64:
    """Say of 8 x 8 places whether the picture gets brighter to the right there."""
    steps = cv2.resize(small, (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.packbits((steps[:, 1:] > steps[:, :-1]).ravel())
    return bits.view(">u8").astype(np.uint64)[0]


def tiny_vector(small: Pixels) -> npt.NDArray[np.int8]:
    """Give the middle frequencies of a thumbnail, at `TINY` x `TINY` pixels, of length 1."""
    shrunk = cv2.resize(small, (TINY, TINY), interpolation=cv2.INTER_AREA).astype(np.float32)
    shrunk -= cv2.GaussianBlur(shrunk, (0, 0), TINY / 5, borderType=cv2.BORDER_REFLECT)
    vector = shrunk.ravel() / max(float(np.linalg.norm(shrunk)), 1e-6)
    return np.clip(np.rint(vector * SCALE), -127, 127).astype(np.int8)


def detail(small: Pixels, side: int, width: float) -> npt.NDArray[np.float32]:
    """Give a thumbnail at a size, less what is wider than a share `1 / width` of it."""
    shrunk = (
        small if side == SIDE else cv2.resize(small, (side, side), interpolation=cv2.INTER_AREA)
    )
    fine = shrunk.astype(np.float32)
    return fine - cv2.GaussianBlur(fine, (0, 0), side / width, borderType=cv2.BORDER_REFLECT)


class Thumbnails:
    """Thumbnails by number: in memory, or in a temporary file if there are many."""

    def __init__(self, room: int) -> None:
        self._file: BinaryIO | None = None
        self._array: Array = np.empty((0, SIDE, SIDE), np.uint8)
        self._n = 0
        if room > _IN_MEMORY:
            self._file = cast(BinaryIO, tempfile.TemporaryFile(prefix="tamis-"))  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        else:
            self._array = np.empty((room, SIDE, SIDE), np.uint8)

    def append(self, rows: Array) -> None:
        """Add some behind the others."""
        if self._file is None:
            self._array[self._n : self._n + len(rows)] = rows
        else:
            self._file.seek(self._n * SIDE * SIDE)
            self._file.write(rows.tobytes())
        self._n += len(rows)

    def take(self, rows: Array) -> Array:
        """Read some, in the order given."""
        if self._file is None:
            return self._array[rows]
        self._file.flush()
        # Mapped for this once: pages of a mapping that is kept count as memory in use.
        mapped = np.memmap(self._file, np.uint8, "r", shape=(self._n, SIDE, SIDE))
        return np.array(mapped[rows])

    def __len__(self) -> int:
        return self._n


@dataclass(frozen=True, slots=True, eq=False)
class Sketches:
    """What is kept of the pictures of a table that could be read.

    Attributes
    ----------
    rows : ndarray of shape (n,), intp
        Of the table.
    thumbnails : Thumbnails
    hashes : ndarray of shape (n,), uint64
    tiny : ndarray of shape (n, 144), int8
    shapes : ndarray of shape (n, 2), int32
        Height and width of each file, in pixels.
    sharpness : ndarray of shape (n,), float32
    colour : ndarray of shape (n,), bool
    blank : ndarray of shape (n,), bool
        Pictures that show nothing, such as a black one: only a byte copy is the same.
    failures : tuple of Failure
    """

    rows: Array
    thumbnails: Thumbnails
    hashes: Array
    tiny: Array
    shapes: Array
    sharpness: Array
    colour: Array
    blank: Array
    failures: tuple[Failure, ...]

    def __len__(self) -> int:
        return len(self.rows)


def sketch(
    table: ImageTable,
    *,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> Sketches:
    """Read every picture of a table once, and keep what it is known again by.

    Parameters
    ----------
    table : ImageTable
    jobs, max_pixels, progress
        As `tamis.features.extract` takes them.
    """
    n = len(table)
    kept = Thumbnails(n)
    rows = np.empty(n, np.intp)
    hashes, tiny = np.empty(n, np.uint64), np.empty((n, TINY * TINY), np.int8)
    shapes, sharpness = np.empty((n, 2), np.int32), np.empty(n, np.float32)
    colour, blank = np.empty(n, bool), np.empty(n, bool)
    failures: list[Failure] = []
    with closing(describe_chunks(table, [Thumbnail()], jobs=jobs, max_pixels=max_pixels)) as chunks:
        for chunk in chunks:
            start, end = len(kept), len(kept) + len(chunk.rows)
            values = chunk.features[0]
            small = values[:, :-2].astype(np.uint8).reshape(-1, SIDE, SIDE)
            kept.append(small)
            rows[start:end] = chunk.rows
            sharpness[start:end], colour[start:end] = values[:, -2], values[:, -1] > 0
            blank[start:end] = small.reshape(len(small), -1).std(axis=1) < _LEAST_CONTRAST
            for i, picture in enumerate(small, start):
                hashes[i], tiny[i] = difference_hash(picture), tiny_vector(picture)
            if chunk.rows:
                shapes[start:end] = chunk.shapes
            failures += chunk.failures.values()
            if progress is not None:
                progress(len(chunk.rows) + len(chunk.failures))
    end = len(kept)
    return Sketches(
        rows[:end], kept, hashes[:end], tiny[:end], shapes[:end], sharpness[:end], colour[:end],
        blank[:end], tuple(failures),
    )  # fmt: skip


def changed_vectors(sketches: Sketches, change: Callable[[Array, Array], Array]) -> Array:
    """Give the tiny vectors of all pictures as they would be changed, such as mirrored.

    Parameters
    ----------
    sketches : Sketches
    change : callable
        Takes thumbnails and the shapes of their pictures, and gives thumbnails.
    """
    out = np.empty_like(sketches.tiny)
    for start in range(0, len(sketches), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(sketches)))
        small = change(sketches.thumbnails.take(rows), sketches.shapes[rows])
        for row, picture in zip(rows, small, strict=True):
            out[row] = tiny_vector(picture)
    return out


def mirror(small: Array, shapes: Array) -> Array:
    """Exchange left and right."""
    return np.ascontiguousarray(small[:, :, ::-1])


def quarter_turns(number: int) -> Callable[[Array, Array], Array]:
    """Turn by so many right angles."""

    def change(small: Array, shapes: Array) -> Array:
        return np.ascontiguousarray(np.rot90(small, number, axes=(1, 2)))

    return change


def turn(degrees: float) -> Callable[[Array, Array], Array]:
    """Turn by a few degrees, in the proportions of the picture."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    middle = (SIDE - 1) / 2

    def change(small: Array, shapes: Sequence[Sequence[int]] | Array) -> Array:
        out = np.empty_like(small)
        for picture, (height, width), target in zip(small, shapes, out, strict=True):
            ratio = width / height
            linear = np.array([[cos, sin / ratio], [-sin * ratio, cos]])
            shift = middle - linear @ [middle, middle]
            matrix = np.column_stack([linear, shift])
            cv2.warpAffine(
                picture, matrix, (SIDE, SIDE), dst=target, borderMode=cv2.BORDER_REPLICATE
            )
        return out

    return change
