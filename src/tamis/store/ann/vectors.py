"""Vectors in files that only grow, mapped into memory: any few of them are read at once."""

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features

Positions = npt.NDArray[np.intp]


class GrowingFile:
    """An array on disk, whose rows are appended and never changed.

    Whoever writes says afterwards, elsewhere, how many rows there are: what a killed run left
    behind them is cut off by the next.

    Parameters
    ----------
    path : Path
    dtype : dtype
    width : int
        Values per row; 0 for a row that is a single value.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike, width: int = 0) -> None:
        self.path, self.dtype, self.width = path, np.dtype(dtype), width
        self._bytes = self.dtype.itemsize * max(1, width)

    def read(self, n: int) -> npt.NDArray[Any]:
        """Map the first n rows.

        Raises
        ------
        ValueError
            There are fewer.
        """
        shape = (n, self.width) if self.width else (n,)
        have = self.path.stat().st_size // self._bytes if self.path.exists() else 0
        if have < n:
            raise ValueError(f"its file {self.path.name} holds {have} of {n} rows")
        if not n:
            return np.empty(shape, self.dtype)
        return np.asarray(np.memmap(self.path, self.dtype, "r", shape=shape))

    def append(self, n: int, rows: npt.NDArray[Any]) -> None:
        """Write rows after the first n."""
        with open(self.path, "r+b" if n else "wb") as file:
            file.truncate(n * self._bytes)
            file.seek(0, os.SEEK_END)
            file.write(np.ascontiguousarray(rows, self.dtype).data)

    def sync(self) -> None:
        """Wait until what was written is on the disk."""
        with open(self.path, "ab") as file:
            os.fsync(file.fileno())


class Vectors(Protocol):
    """Vectors by position."""

    def append(self, n: int, features: Features) -> None:
        """Write vectors after the first n."""

    def sync(self) -> None:
        """Wait until what was written is on the disk."""

    def open(self, n: int) -> "Opened":
        """Map the first n vectors."""


class Opened(Protocol):
    """Vectors that are mapped."""

    def take(self, positions: Positions) -> Features:
        """Read some vectors.

        Raises
        ------
        ValueError
            A value is not finite, or a place is out of range.
        """


class DenseVectors:
    """Vectors with all of their values."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._file = GrowingFile(folder / "vectors.f32", "<f4", dim)

    def append(self, n: int, features: Features) -> None:
        """Write vectors after the first n."""
        self._file.append(n, features)

    def sync(self) -> None:
        """Wait until what was written is on the disk."""
        self._file.sync()

    def open(self, n: int) -> Opened:
        """Map the first n vectors."""
        return _Dense(self._file.read(n))


class _Dense:
    def __init__(self, values: Features) -> None:
        self._values = values

    def take(self, positions: Positions) -> Features:
        return _finite(self._values[positions])


class SparseVectors:
    """Vectors by the places and values of what is not zero."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._dim = dim
        self._ends = GrowingFile(folder / "ends.i64", "<i8")
        self._places = GrowingFile(folder / "places.u32", "<u4")
        self._values = GrowingFile(folder / "values.f32", "<f4")

    def append(self, n: int, features: Features) -> None:
        """Write vectors after the first n."""
        written = int(self._ends.read(n)[-1]) if n else 0
        row, place = np.nonzero(features)
        counts = np.bincount(row, minlength=len(features))
        self._places.append(written, place)
        self._values.append(written, features[row, place])
        self._ends.append(n, written + np.cumsum(counts))

    def sync(self) -> None:
        """Wait until what was written is on the disk."""
        for file in (self._ends, self._places, self._values):
            file.sync()

    def open(self, n: int) -> Opened:
        """Map the first n vectors."""
        ends = self._ends.read(n)
        total = int(ends[-1]) if n else 0
        if n and (ends[0] < 0 or (np.diff(ends) < 0).any()):
            raise ValueError("its vectors end before they begin")
        return _Sparse(self._dim, ends, self._places.read(total), self._values.read(total))


class _Sparse:
    def __init__(
        self, dim: int, ends: npt.NDArray[Any], places: npt.NDArray[Any], values: Features
    ) -> None:
        self._dim, self._ends, self._places, self._values = dim, ends, places, values

    def take(self, positions: Positions) -> Features:
        ends = self._ends[positions]
        starts = np.where(positions > 0, self._ends[positions - 1], 0)
        lengths = ends - starts
        first = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        at = first + np.arange(len(first))
        places = self._places[at]
        if len(places) and places.max() >= self._dim:
            raise ValueError(f"a place in a vector is {places.max()} of {self._dim}")
        features = np.zeros((len(positions), self._dim), np.float32)
        features[np.repeat(np.arange(len(positions)), lengths), places] = self._values[at]
        return _finite(features)


def _finite(features: Features) -> Features:
    if not np.isfinite(features).all():
        raise ValueError("a vector is not finite")
    return features
