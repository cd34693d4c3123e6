"""Extraction: a table of pictures and descriptors in, tables of vectors out.

Pictures are read and described in chunks by threads. Each lets a process of its own
decode, so that a file that crashes a decoder is one failure, and describes what comes
back: the kernels let go of Python's lock. Each file is read and decoded once, for all
descriptors. However long the table, only a few chunks are in memory.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, Self, TypedDict

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Descriptor, Features
from tamis.errors import Failure, ImageReadError, InvalidParameterError
from tamis.images import DEFAULT_MAX_PIXELS, Decoders, Picture, reading_with
from tamis.table import ImageTable
from tamis.table.frames import Columns, Tabular, html_table

Progress = Callable[[int], object]
"""Called with the number of pictures just done, from the calling thread."""


class Reading(TypedDict, total=False):
    """How images are read: the keywords of `extract`, for what passes them on."""

    jobs: int | None
    max_pixels: int
    icc: bool | None
    progress: Progress | None


_CHUNK: Final = 32
_PIXEL_BYTES: Final = 64 << 20  # decoded and not yet described, per thread; large with size=none
_WAITING: Final = 3  # chunks per thread that are done or under way before they are taken


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FeatureTable(Tabular):
    """The vectors of the pictures that could be read, in the order of their table.

    Attributes
    ----------
    paths : tuple of str
    labels : tuple of (str or None)
    features : ndarray of shape (n, dim), float32
    spec : str
        The descriptor, as `tamis.descriptors.descriptor` rebuilds it.
    failures : tuple of Failure
        The pictures that could not be read: they have no row.
    distance : str
        By which the vectors are compared unless another is asked for, as
        `tamis.distances.gallery_of` takes it: the descriptor's own.

    Examples
    --------
    >>> vectors = tamis.describe("photos", "moments")
    >>> vectors
    FeatureTable(6 images x 225 values by moments(regions=5,size=128))
    >>> vectors.features.dtype, len(vectors.paths)
    (dtype('float32'), 6)
    """

    paths: tuple[str, ...]
    labels: tuple[str | None, ...]
    features: Features
    spec: str
    failures: tuple[Failure, ...] = ()
    distance: str = "l1"

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        bad = f", {len(self.failures)} could not be read" if self.failures else ""
        n, dim = self.features.shape
        return f"FeatureTable({n:,} image{'s' * (n != 1)} x {dim} values by {self.spec}{bad})"

    def columns(self) -> Columns:
        """Return ``path``, ``label`` and a column per value, ``x0``, ``x1``, ..."""
        values = {f"x{i}": self.features[:, i] for i in range(self.features.shape[1])}
        return {"path": self.paths, "label": self.labels, **values}

    def _repr_html_(self) -> str:
        shown = {"path": self.paths, "label": self.labels}
        values = [np.array2string(row, precision=3, threshold=6) for row in self.features[:10]]
        return html_table(repr(self), shown | {"features": [*values, *[""] * len(self)]})

    def select(self, rows: npt.NDArray[np.intp] | list[int]) -> Self:
        """Take some rows, in the order given; the failures stay."""
        rows = [int(row) for row in rows]
        return replace(
            self,
            paths=tuple(self.paths[i] for i in rows),
            labels=tuple(self.labels[i] for i in rows),
            features=self.features[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A few pictures of a table, read and described.

    Attributes
    ----------
    rows : list of int
        Of the table: the pictures that could be read, in order.
    features : list of ndarray of shape (len(rows), dim), float32
        One per descriptor.
    shapes : list of (int, int)
        Height and width of each picture as its file has it, in pixels.
    digests : list of bytes
        Of each file, if they were asked for.
    failures : dict from int to Failure
        Row to why it could not be read.
    """

    rows: list[int]
    features: list[Features]
    shapes: list[tuple[int, int]]
    digests: list[bytes]
    failures: dict[int, Failure]


def extract(
    table: ImageTable,
    descriptor: Descriptor,
    *,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    icc: bool | None = None,
    progress: Progress | None = None,
) -> FeatureTable:
    """Describe every picture of a table.

    Parameters
    ----------
    table : ImageTable
    descriptor : Descriptor
    jobs : int, optional
        Threads; as many as there are processors by default. The result does not
        depend on it.
    max_pixels : int
        As `tamis.images.read_image` takes it.
    icc : bool, optional
        Convert colours to sRGB by the embedded profile. By default as
        `tamis.images.reading_with` has set, which also sets the limits of memory and time;
        True unless it was used.
    progress : callable, optional
        Told how many pictures are done, as they are done.

    Returns
    -------
    FeatureTable
        In the order of `table`. Memory: 4 bytes per value, and a few chunks of
        pictures per thread.
    """
    (found,) = extract_several(
        table, [descriptor], jobs=jobs, max_pixels=max_pixels, icc=icc, progress=progress
    )
    return found


def extract_several(
    table: ImageTable,
    descriptors: Sequence[Descriptor],
    *,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    icc: bool | None = None,
    progress: Progress | None = None,
) -> list[FeatureTable]:
    """Describe every picture of a table by several descriptors, from one reading.

    Parameters
    ----------
    table, jobs, max_pixels, icc, progress
        As `extract` takes them.
    descriptors : sequence of Descriptor

    Returns
    -------
    list of FeatureTable
        One per descriptor, all of the same pictures.
    """
    features = [np.empty((len(table), one.dim), np.float32) for one in descriptors]
    good: list[int] = []
    failures: list[Failure] = []
    with closing(
        describe_chunks(table, descriptors, jobs=jobs, max_pixels=max_pixels, icc=icc)
    ) as chunks:
        for chunk in chunks:
            for whole, piece in zip(features, chunk.features, strict=True):
                whole[len(good) : len(good) + len(chunk.rows)] = piece
            good += chunk.rows
            failures += chunk.failures.values()
            if progress is not None:
                progress(len(chunk.rows) + len(chunk.failures))
    kept = table.select(good)
    return [
        FeatureTable(
            kept.paths,
            kept.labels,
            whole[: len(good)],
            one.spec,
            tuple(failures),
            one.distance_for(),
        )
        for whole, one in zip(features, descriptors, strict=True)
    ]


def combine(descriptor: Descriptor, tables: Sequence[FeatureTable]) -> FeatureTable:
    """Make the vectors of a descriptor from those of its leaves, of the same pictures."""
    return replace(
        tables[0],
        features=descriptor.combine([table.features for table in tables]),
        spec=descriptor.spec,
        distance=descriptor.distance_for(),
    )


def describe_chunks(
    table: ImageTable,
    descriptors: Sequence[Descriptor],
    *,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    icc: bool | None = None,
    digest: bool = False,
) -> Generator[Chunk, None, None]:
    """Read every picture of a table once, and describe it by each descriptor.

    Parameters
    ----------
    table : ImageTable
    descriptors : sequence of Descriptor
        None at all only reads.
    jobs, max_pixels, icc
        As `extract` takes them.
    digest : bool
        Also hash the files.

    Yields
    ------
    Chunk
        In the order of `table`. Only a few are in memory at a time, however slowly
        they are taken. Closing the iterator, or an error in it, stops the threads.
    """
    jobs = jobs if jobs is not None else available_processors()
    if jobs < 1:
        raise InvalidParameterError(f"jobs must be at least 1. Got {jobs}.")
    # A leaf that several descriptors are made of is computed once.
    leaves = {leaf.spec: leaf for one in descriptors for leaf in one.leaves}
    sizes = {leaf.input_size for leaf in leaves.values()}

    def work(start: int) -> Chunk:
        chunk = Chunk([], [np.empty((0, one.dim), np.float32) for one in descriptors], [], [], {})
        pictures: list[Picture] = []

        def describe() -> None:
            vectors = {
                spec: leaf.describe([picture.at(leaf.input_size) for picture in pictures])
                for spec, leaf in leaves.items()
            }
            for i, one in enumerate(descriptors):
                own = one.combine([vectors[leaf.spec] for leaf in one.leaves])
                chunk.features[i] = np.concatenate([chunk.features[i], own])
            pictures.clear()

        paths = table.paths[start : start + _CHUNK]
        with closing(decoders.read(paths, sizes, digest=digest)) as found:
            for row, picture in enumerate(found, start):
                if isinstance(picture, ImageReadError):
                    chunk.failures[row] = Failure(picture.path, picture.reason)
                    continue
                chunk.rows.append(row)
                chunk.shapes.append((picture.height, picture.width))
                chunk.digests.append(picture.digest)
                pictures.append(picture)
                if sum(picture.nbytes for picture in pictures) > _PIXEL_BYTES:
                    del picture  # its memory is free for others when the next is asked for
                    describe()
        describe()
        return chunk

    with reading_with(max_pixels=max_pixels, icc=icc) as how:
        decoders = Decoders(how)
    starts = range(0, len(table), _CHUNK)
    with closing(decoders):
        if jobs == 1 or len(starts) <= 1:
            yield from map(work, starts)
        else:
            yield from _in_order(work, starts, jobs, decoders)


def _in_order(
    work: Callable[[int], Chunk], starts: Iterable[int], jobs: int, decoders: Decoders
) -> Generator[Chunk, None, None]:
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="tamis-extract")
    waiting: deque[Future[Chunk]] = deque()
    try:
        for start in starts:
            waiting.append(pool.submit(work, start))
            if len(waiting) >= jobs * _WAITING:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        decoders.close()  # so that nobody waits for a picture that takes long
        pool.shutdown(wait=True, cancel_futures=True)


def chunks(table: ImageTable, length: int) -> Iterator[ImageTable]:
    """Cut a table into pieces of at most `length` pictures, in order.

    What is done piece by piece needs memory for one piece, however long the table.
    """
    for start in range(0, len(table), length):
        yield table.select(range(start, min(start + length, len(table))))


def available_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
