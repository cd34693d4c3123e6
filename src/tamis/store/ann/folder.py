"""The files of an approximate index: beside the dataset, each index in a folder of its own.

``approximate/<random>/manifest.json`` says what the index is of and how many rows its files
hold. It is written last, and replaced whole: a run that is killed leaves what was before.
"""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tamis.errors import CollectionError, printable
from tamis.files.atomic import write_whole
from tamis.store.ann.cells import Quantiser
from tamis.store.ann.embedding import METRICS, Embedding
from tamis.store.ann.vectors import DenseVectors, GrowingFile, SparseVectors, Vectors

FOLDER: Final = "approximate"
_MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_MOST: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index is of.

    Attributes
    ----------
    spec : str
        Of the descriptor.
    metric : str
    dim, length : int
        Of its vectors, and of what is compared in their place.
    sparse : bool
        How the vectors are stored.
    n : int
        Rows in the files.
    n_learned : int
        Rows that there were when the cells were learned.
    n_cells : int
        0 for few rows, which are all compared.
    probes : int
        Cells that are looked into.
    candidates : int
        Per result, if it is ranked by the metric of the index.
    format : int
    """

    spec: str
    metric: str
    dim: int
    length: int
    sparse: bool
    n: int = 0
    n_learned: int = 0
    n_cells: int = 0
    probes: int = 1
    candidates: int = 5
    format: int = _FORMAT

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read a manifest.

        Raises
        ------
        ValueError
            It says what cannot be.
        """
        values = json.loads(text)
        kinds = {one.name: one.type for one in fields(cls)}
        if not isinstance(values, dict) or set(values) != set(kinds):
            raise ValueError("its manifest is not that of an index")
        for name, kind in kinds.items():
            value = values[name]
            if type(value) is not kind or (type(value) is int and not 0 <= value <= _MOST):
                raise ValueError(f"its manifest says {name} {printable(repr(value)[:40])}")
        made = cls(**values)
        if made.format != _FORMAT:
            raise ValueError(f"it is of format {made.format}, and this tamis knows {_FORMAT}")
        if made.metric not in METRICS or not 1 <= made.length <= made.dim:
            raise ValueError(f"its manifest says metric {printable(made.metric)}, {made.length}")
        if not 1 <= made.probes <= max(1, made.n_cells) or made.n_cells > made.n:
            raise ValueError(f"its manifest says {made.probes} probes of {made.n_cells} cells")
        if not 1 <= made.candidates <= 1000:
            raise ValueError(f"its manifest says {made.candidates} candidates")
        return made

    @property
    def embedding(self) -> Embedding:
        """How vectors are embedded."""
        return Embedding(self.metric, self.dim, self.length)

    @property
    def padded(self) -> int:
        """Length of what is compared, up to a multiple of 4."""
        return self.length + -self.length % 4


@dataclass(frozen=True, slots=True)
class IndexFolder:
    """The files of one index.

    Attributes
    ----------
    path : Path
    manifest : Manifest
    """

    path: Path
    manifest: Manifest

    @classmethod
    def make(cls, collection: str, manifest: Manifest) -> Self:
        """Make an empty folder in a collection."""
        path = Path(collection) / FOLDER / secrets.token_hex(8)
        path.mkdir(parents=True)
        return cls(path, manifest)

    @property
    def vectors(self) -> Vectors:
        """The vectors, by position."""
        kind = SparseVectors if self.manifest.sparse else DenseVectors
        return kind(self.path, self.manifest.dim)

    @property
    def ids(self) -> GrowingFile:
        """The id of each position's row."""
        return GrowingFile(self.path / "ids.i64", "<i8")

    @property
    def cells(self) -> GrowingFile:
        """The cell of each position."""
        return GrowingFile(self.path / "cells.i32", "<i4")

    @property
    def codes(self) -> GrowingFile:
        """The code of each position."""
        return GrowingFile(self.path / "codes.u8", "u1", (self.manifest.padded // 4 + 1) // 2)

    def save_quantiser(self, quantiser: Quantiser) -> None:
        """Write what was learned."""
        for name, values in (("centres", quantiser.centres), ("words", quantiser.words)):
            file = GrowingFile(self.path / f"{name}.f32", "<f4", values[0].size)
            file.append(0, values)
            file.sync()

    def quantiser(self) -> Quantiser:
        """Read what was learned."""
        known = self.manifest
        centres = GrowingFile(self.path / "centres.f32", "<f4", known.padded).read(known.n_cells)
        words = GrowingFile(self.path / "words.f32", "<f4", 64).read(known.padded // 4)
        for values in (centres, words):
            if not np.isfinite(values).all():
                raise ValueError("what it has learned is not finite")
        return Quantiser(
            np.array(centres), np.array(words).reshape(-1, 16, 4), known.metric == "dot"
        )

    def read_cells(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        """Map the cells and codes of all positions."""
        cells = self.cells.read(self.manifest.n)
        if len(cells) and not 0 <= cells.min() <= cells.max() < self.manifest.n_cells:
            raise ValueError("it names a cell that there is not")
        return cells, self.codes.read(self.manifest.n)

    def commit(self) -> None:
        """Write the manifest, after all that it speaks of."""
        files: list[Vectors | GrowingFile] = [self.vectors, self.ids]
        if self.manifest.n_cells:
            files += [self.cells, self.codes]
        for file in files:
            file.sync()
        with write_whole(self.path / _MANIFEST) as stream:
            stream.write(json.dumps(asdict(self.manifest)).encode())

    def remove(self) -> None:
        """Remove it; a reader elsewhere may keep files of it open."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path / _MANIFEST)  # what follows may be stopped
        shutil.rmtree(self.path, ignore_errors=True)


def folders(collection: str) -> list[IndexFolder]:
    """List the indexes of a collection.

    Raises
    ------
    CollectionError
        The manifest of an index is damaged.
    """
    place = Path(collection) / FOLDER
    found = []
    for path in sorted(place.iterdir()) if place.is_dir() else []:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            text = (path / _MANIFEST).read_bytes()
            with index_errors(collection, str(path)):
                found.append(IndexFolder(path, Manifest.parse(text)))
    return found


def sweep(collection: str) -> None:
    """Remove what runs left behind that were killed while they made an index."""
    place = Path(collection) / FOLDER
    for path in place.iterdir() if place.is_dir() else []:
        if path.is_dir() and not (path / _MANIFEST).exists():
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def index_errors(collection: str, folder: str) -> Iterator[None]:
    """Turn what is raised on damaged files of an index into an error of tamis."""
    try:
        yield
    except (ValueError, OSError, RecursionError) as error:
        raise CollectionError(
            f"the approximate index {printable(folder)} cannot be used: {error}. Delete that "
            f"folder and make the index again: tamis index DIR --into {printable(collection)} "
            "--approximate"
        ) from error
