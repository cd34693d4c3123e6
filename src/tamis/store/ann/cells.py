"""The inverted file: vectors in cells, and a few bits of each, by which FAISS finds candidates.

The cells are those of k-means; of each vector 4 bits per 4 values are kept, by product
quantisation [1]_, and compared by tables that lie in registers [2]_. FAISS trains, encodes and
compares; its own files are not read, since whoever made a file that a library in C++ trusts could
make it do anything: all lies on disk as plain arrays.

References
----------
.. [1] H. Jegou, M. Douze, C. Schmid, "Product quantization for nearest neighbor search", IEEE
   TPAMI 33, 2011. doi:10.1109/TPAMI.2010.57
.. [2] F. Andre, A.-M. Kermarrec, N. Le Scouarnec, "Quicker ADC: unlocking the hidden potential of
   product quantization with SIMD", IEEE TPAMI 43, 2021. doi:10.1109/TPAMI.2019.2952606
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features
from tamis.errors import MissingExtraError

Codes = npt.NDArray[np.uint8]
Cells = npt.NDArray[np.int32]

SAMPLE_PER_CELL: Final = 64
"""Vectors per cell from which cells are learned."""

_VALUES: Final = 4  # that share 4 bits
_WORDS: Final = 16  # which these can tell apart
_SEED: Final = 1234


def faiss() -> ModuleType:
    """Import FAISS, or say how to install it."""
    try:
        import faiss as library
    except ImportError:
        raise MissingExtraError.for_extra("approximate", "an approximate index") from None
    return library


@contextmanager
def _threads(n: int) -> Iterator[None]:
    """Let FAISS take so many threads: a single query is over before a second has begun."""
    library = faiss()
    before = library.omp_get_max_threads()
    library.omp_set_num_threads(n)
    try:
        yield
    finally:
        library.omp_set_num_threads(before)


def cells_for(n: int) -> int:
    """Choose the number of cells for n vectors."""
    return max(1, round(n**0.5))


@dataclass(frozen=True, slots=True, eq=False)
class Quantiser:
    """What was learned from a sample: the cells, and the words in which vectors are written.

    Attributes
    ----------
    centres : ndarray of shape (n_cells, dim), float32
        Of the cells; dim is a multiple of 4.
    words : ndarray of shape (dim / 4, 16, 4), float32
    inner : bool
        Whether vectors are compared by dot, not by l2.
    """

    centres: Features
    words: Features
    inner: bool

    @classmethod
    def learn(cls, sample: Features, n_cells: int, *, inner: bool, jobs: int) -> Self:
        """Learn cells and words.

        Parameters
        ----------
        sample : ndarray of shape (n, dim), float32
            At least as many as there are cells and words.
        n_cells : int
        inner : bool
        jobs : int
            Threads.
        """
        sample = _padded(sample)
        index = cls._index(sample.shape[1], n_cells, inner=inner)
        for part in (index.cp, index.pq.cp):
            part.min_points_per_centroid = 1  # of which FAISS would write to stderr
            part.seed = _SEED
        with _threads(jobs):
            index.train(sample)
        centres = index.quantizer.reconstruct_n(0, n_cells)
        words = faiss().vector_to_array(index.pq.centroids)
        return cls(centres, words.reshape(-1, _WORDS, _VALUES), inner)

    @staticmethod
    def _index(dim: int, n_cells: int, *, inner: bool) -> Any:
        library = faiss()
        coarse = (library.IndexFlatIP if inner else library.IndexFlatL2)(dim)
        metric = library.METRIC_INNER_PRODUCT if inner else library.METRIC_L2
        index = library.IndexIVFPQ(coarse, dim, n_cells, dim // _VALUES, 4, metric)
        index.by_residual = False
        return index

    def index(self) -> Any:
        """Make the index of FAISS, without vectors."""
        library = faiss()
        index = self._index(self.centres.shape[1], len(self.centres), inner=self.inner)
        index.quantizer.add(self.centres)
        library.copy_array_to_vector(self.words.ravel(), index.pq.centroids)
        index.is_trained = True
        return index

    @property
    def code_length(self) -> int:
        """Bytes of a code."""
        return (len(self.words) + 1) // 2

    def encoder(self, jobs: int) -> "Encoder":
        """Prepare to encode vectors."""
        return Encoder(self, self.index(), jobs)


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """Finds the cell and the code of vectors."""

    quantiser: Quantiser
    index: Any
    jobs: int

    def encode(self, vectors: Features) -> tuple[Cells, Codes]:
        """Return the cell and the code of each vector."""
        vectors = _padded(vectors)
        with _threads(self.jobs):
            cells = self.index.quantizer.assign(vectors, 1)[:, 0]
            codes = self.index.pq.compute_codes(vectors)
        return cells.astype(np.int32), codes


class InvertedFile:
    """Vectors in their cells, in memory, ready to be searched.

    Parameters
    ----------
    quantiser : Quantiser
    cells : ndarray of shape (n,), int32
    codes : ndarray of shape (n, code_length), uint8
    """

    def __init__(self, quantiser: Quantiser, cells: Cells, codes: Codes) -> None:
        library = faiss()
        filled = quantiser.index()
        order = np.argsort(cells, kind="stable")
        starts = np.searchsorted(cells[order], np.arange(len(quantiser.centres) + 1)).tolist()
        for cell, (start, end) in enumerate(pairwise(starts)):
            if end > start:
                positions, part = order[start:end], codes[order[start:end]]
                filled.invlists.add_entries(
                    cell, end - start, library.swig_ptr(positions), library.swig_ptr(part)
                )
        filled.ntotal = len(cells)
        self._index = library.IndexIVFPQFastScan(filled)
        self._coarse = filled.quantizer  # belongs to what goes out of scope
        self._filled = filled
        filled.invlists.reset()
        self.n_cells = len(quantiser.centres)

    def candidates(self, query: Features, n: int, probes: int) -> npt.NDArray[np.intp]:
        """Find the positions of about the n nearest vectors to one.

        Parameters
        ----------
        query : ndarray of shape (dim,), float32
        n : int
        probes : int
            Cells that are looked into.
        """
        self._index.nprobe = probes
        with _threads(1):
            _, found = self._index.search(_padded(query[np.newaxis]), n)
        positions: npt.NDArray[np.intp] = found[0]
        return positions[positions >= 0]


def _padded(vectors: Features) -> Features:
    """Add zeros up to a multiple of 4 values, which changes no distance."""
    over = -vectors.shape[1] % _VALUES
    padded = np.pad(vectors, ((0, 0), (0, over))) if over else vectors
    return np.ascontiguousarray(padded, np.float32)
