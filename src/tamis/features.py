"""Extraction: a table of pictures and a descriptor in, a table of vectors out."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Descriptor, Features
from tamis.errors import Failure, ImageReadError, InvalidParameterError
from tamis.images import DEFAULT_MAX_PIXELS, read_image
from tamis.table import ImageTable

Progress = Callable[[int], object]
"""Called with the number of pictures just done, from the calling thread."""

_CHUNK: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
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
    """

    paths: tuple[str, ...]
    labels: tuple[str | None, ...]
    features: Features
    spec: str
    failures: tuple[Failure, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, rows: npt.NDArray[np.intp] | list[int]) -> Self:
        """Take some rows, in the order given; the failures stay."""
        rows = [int(row) for row in rows]
        return type(self)(
            paths=tuple(self.paths[i] for i in rows),
            labels=tuple(self.labels[i] for i in rows),
            features=self.features[rows],
            spec=self.spec,
            failures=self.failures,
        )


def extract(
    table: ImageTable,
    descriptor: Descriptor,
    *,
    jobs: int | None = None,
    max_pixels: int = DEFAULT_MAX_PIXELS,
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
    progress : callable, optional
        Told how many pictures are done, as they are done.

    Returns
    -------
    FeatureTable
        In the order of `table`. Memory: 4 bytes per value, and one chunk of
        pictures per thread.
    """
    jobs = jobs if jobs is not None else available_processors()
    if jobs < 1:
        raise InvalidParameterError(f"jobs must be at least 1. Got {jobs}.")
    features = np.zeros((len(table), descriptor.dim), np.float32)
    failures: dict[int, Failure] = {}

    def work(start: int) -> int:
        rows, images = [], []
        for row in range(start, min(start + _CHUNK, len(table))):
            try:
                images.append(
                    read_image(table.paths[row], size=descriptor.size, max_pixels=max_pixels)
                )
                rows.append(row)
            except ImageReadError as error:
                failures[row] = Failure(error.path, error.reason)
        if rows:
            features[rows] = descriptor.describe(images)
        return min(_CHUNK, len(table) - start)

    starts = range(0, len(table), _CHUNK)
    if jobs == 1 or len(starts) <= 1:
        for done in map(work, starts):
            if progress is not None:
                progress(done)
    else:
        with ThreadPoolExecutor(jobs, thread_name_prefix="tamis-extract") as pool:
            try:
                for done in pool.map(work, starts):
                    if progress is not None:
                        progress(done)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    good = [row for row in range(len(table)) if row not in failures]
    kept = table.select(good)
    return FeatureTable(
        paths=kept.paths,
        labels=kept.labels,
        features=features if len(good) == len(table) else features[good],
        spec=descriptor.spec,
        failures=tuple(failures[row] for row in sorted(failures)),
    )


def chunks(table: ImageTable, length: int) -> Iterator[ImageTable]:
    """Cut a table into pieces of at most `length` pictures, in order.

    What is done piece by piece needs memory for one piece, however long the table.
    """
    for start in range(0, len(table), length):
        yield table.select(range(start, min(start + length, len(table))))


def available_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
