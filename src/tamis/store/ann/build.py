"""Making the approximate indexes of a collection, and keeping them up to date."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors import Descriptor
from tamis.descriptors.base import Features
from tamis.errors import (
    CollectionError,
    InvalidParameterError,
    MissingExtraError,
    UnknownNameError,
    printable,
)
from tamis.features import available_processors
from tamis.files.lock import locked
from tamis.store.ann.cells import SAMPLE_PER_CELL, InvertedFile, Quantiser, cells_for, faiss
from tamis.store.ann.embedding import METRICS, Embedding
from tamis.store.ann.folder import IndexFolder, Manifest, folders, index_errors, sweep
from tamis.store.checking import lance_errors
from tamis.store.collection import Collection
from tamis.store.columns import decode, specs_of

_FEW: Final = 1000  # vectors that need no cells
_NEWER: Final = 1024  # rows that are compared before they are added
_GROWN: Final = 4  # times as many vectors as the cells were learned from: learn again
_BATCH_BYTES: Final = 64 << 20
_SEED: Final = 0

_ASKED: Final = 64  # vectors by which the number of probes is chosen
_NEAREST: Final = 11  # of each, itself among them
_PER_RESULT: Final = (5, 10, 20, 40)  # candidates
_GOAL: Final = 0.99  # share of the nearest that must be among the candidates


def check_metric(metric: str) -> None:
    """Raise UnknownNameError unless `metric` is one of the `METRICS`."""
    if metric not in METRICS:
        raise UnknownNameError.among("metric", metric, METRICS)


def build(
    path: str | os.PathLike[str],
    descriptor: Descriptor,
    *,
    metric: str | None = None,
    jobs: int | None = None,
) -> None:
    """Make the index of a descriptor's vectors, or make it anew.

    Parameters
    ----------
    path : str or os.PathLike
        Path of a collection that holds vectors by the descriptor.
    descriptor : Descriptor
        Not a fusion: that is searched through the indexes of its parts.
    metric : {"l2", "cosine", "dot", "hellinger"}, optional
        Metric for candidates; the results can be ranked by any distance. The default is
        hellinger for vectors that are stored sparsely, else the descriptor's default
        distance if it is a metric of an index, else l2.
    jobs : int, optional
        Threads; as many as there are processors by default.

    Raises
    ------
    CollectionError
        The collection has no such vectors, or none at all.
    InvalidParameterError
        The descriptor has several parts; or the metric is hellinger, and a value is
        negative.
    MissingExtraError
        FAISS is not installed.
    UnknownNameError
        There is no such metric.

    Notes
    -----
    The vectors lie in the index once more, as they are: its candidates are read from there.
    """
    metric = metric or _metric_for(descriptor)
    check_metric(metric)
    if len(descriptor.leaves) > 1:
        raise InvalidParameterError(
            f"{descriptor.spec} has several parts: make an index of each of them."
        )
    faiss()
    name = os.fspath(path)
    with locked(name):
        collection = Collection.open(name)
        column_of(collection, descriptor.spec)
        if not collection.dataset.count_rows("failure IS NULL"):
            raise CollectionError(
                f"the collection {printable(name)} has no picture that could be read: there is "
                "nothing to make an index of."
            )
        embedding = Embedding.of(descriptor, metric)
        known = Manifest(
            descriptor.spec, metric, descriptor.dim, embedding.length, descriptor.sparse
        )
        _make(name, collection.dataset, known, jobs)


def refresh(path: str, dataset: Any, *, jobs: int | None = None) -> None:
    """Add the rows to the indexes that were written after them, if they are many.

    Whoever calls holds the lock of the collection. A damaged index stays as it is: a search
    says so.
    """
    columns = specs_of(dataset.schema)
    with contextlib.suppress(CollectionError, MissingExtraError):
        for folder in folders(path):
            if folder.manifest.spec in columns:
                _refresh(path, dataset, folder, columns[folder.manifest.spec], jobs)


def _refresh(path: str, dataset: Any, folder: IndexFolder, column: str, jobs: int | None) -> None:
    known = folder.manifest
    with index_errors(path, str(folder.path)):
        last = int(folder.ids.read(known.n).max(initial=-1))
    new = dataset.count_rows(f"failure IS NULL AND id > {last}")
    left = dataset.count_rows(f"failure IS NULL AND id <= {last}")
    grown = left + new > _GROWN * known.n_learned if known.n_cells else left + new >= _FEW
    if left + new and ((grown and new > _NEWER) or 2 * left < known.n):
        _make(path, dataset, _empty(known), jobs)
    elif new > max(_NEWER, known.n // 50):
        added = _fill(folder, dataset, column, f" AND id > {last}")
        if known.n_cells:
            with index_errors(path, str(folder.path)):
                _encode(added, folder.quantiser(), known.n, jobs, None)
        added.commit()


def _empty(known: Manifest) -> Manifest:
    return Manifest(known.spec, known.metric, known.dim, known.length, known.sparse)


def _metric_for(descriptor: Descriptor) -> str:
    if descriptor.sparse:
        return "hellinger"
    default = descriptor.default_distance
    return default if default in METRICS else "l2"


def _make(path: str, dataset: Any, known: Manifest, jobs: int | None) -> None:
    """Make an index of all rows; the one that it replaces goes when it is complete."""
    sweep(path)
    old = [one for one in folders(path) if one.manifest.spec == known.spec]
    folder = IndexFolder.make(path, known)
    try:
        folder = _fill(folder, dataset, specs_of(dataset.schema)[known.spec])
        if folder.manifest.n >= _FEW:
            folder = _learn(folder, jobs)
        folder.commit()
    except BaseException:
        folder.remove()
        raise
    for one in old:
        one.remove()


def _fill(folder: IndexFolder, dataset: Any, column: str, condition: str = "") -> IndexFolder:
    """Append the vectors of rows; in the order in which the dataset holds them."""
    known, n = folder.manifest, folder.manifest.n
    vectors, ids = folder.vectors, folder.ids
    with lance_errors(str(folder.path)):
        scanner = dataset.scanner(
            columns=["id", column],
            filter=f"failure IS NULL{condition}",
            batch_size=max(64, _BATCH_BYTES // (4 * known.dim)),
        )
        for batch in scanner.to_batches():
            features = np.zeros((len(batch), known.dim), np.float32)
            decode(batch.column(column), features, np.arange(len(batch)))
            if known.metric == "hellinger" and features.min(initial=0) < 0:
                raise InvalidParameterError(
                    "hellinger needs values that are not negative. Got "
                    f"{features.min():g} among the vectors by {known.spec}: take l2 or cosine."
                )
            vectors.append(n, features)
            ids.append(n, batch.column("id").to_numpy())
            n += len(batch)
    return replace(folder, manifest=replace(known, n=n))


def _learn(folder: IndexFolder, jobs: int | None) -> IndexFolder:
    """Learn cells, put the vectors into them, and choose how many to look into."""
    known = folder.manifest
    n_cells = cells_for(known.n)
    vectors, embedding = folder.vectors.open(known.n), known.embedding
    random = np.random.default_rng(_SEED).permutation(known.n)
    sample = np.sort(random[: SAMPLE_PER_CELL * n_cells])
    quantiser = Quantiser.learn(
        embedding.embed(vectors.take(sample)),
        n_cells,
        inner=known.metric == "dot",
        jobs=jobs or available_processors(),
    )
    folder.save_quantiser(quantiser)
    asked = embedding.embed(vectors.take(np.sort(random[:_ASKED])))
    truth = _Truth(asked, quantiser.inner)
    folder = replace(folder, manifest=replace(known, n_learned=known.n, n_cells=n_cells))
    _encode(folder, quantiser, 0, jobs, truth)
    inverted = InvertedFile(quantiser, *folder.read_cells())
    probes, candidates = _effort(inverted, truth)
    tuned = replace(folder.manifest, probes=probes, candidates=candidates)
    return replace(folder, manifest=tuned)


def _encode(
    folder: IndexFolder,
    quantiser: Quantiser,
    start: int,
    jobs: int | None,
    truth: "_Truth | None",
) -> None:
    """Write the cells and codes of the vectors from a position on."""
    known = folder.manifest
    vectors, embedding = folder.vectors.open(known.n), known.embedding
    encoder = quantiser.encoder(jobs or available_processors())
    for at in _pieces(start, known):
        embedded = embedding.embed(vectors.take(at))
        cells, codes = encoder.encode(embedded)
        folder.cells.append(int(at[0]), cells)
        folder.codes.append(int(at[0]), codes)
        if truth is not None:
            truth.see(at, embedded)


def _pieces(start: int, known: Manifest) -> Iterator[npt.NDArray[np.intp]]:
    step = max(64, _BATCH_BYTES // (4 * known.dim))
    for first in range(start, known.n, step):
        yield np.arange(first, min(first + step, known.n))


@dataclass(slots=True, eq=False)
class _Truth:
    """The nearest vectors to some, by a look at all."""

    asked: Features
    inner: bool
    far: npt.NDArray[np.float32] = field(init=False)
    at: npt.NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        self.far = np.full((len(self.asked), 0), np.inf, np.float32)
        self.at = np.full((len(self.asked), 0), -1, np.intp)

    def see(self, positions: npt.NDArray[np.intp], vectors: Features) -> None:
        """Look at some more."""
        far = -self.asked @ vectors.T
        if not self.inner:
            far += np.einsum("ij,ij->i", vectors, vectors) / 2
        k = min(_NEAREST, far.shape[1])
        first = np.argpartition(far, k - 1, axis=1)[:, :k]
        far = np.hstack([self.far, np.take_along_axis(far, first, 1)])
        at = np.hstack([self.at, positions[first]])
        best = np.argsort(far, axis=1)[:, :_NEAREST]
        self.far, self.at = np.take_along_axis(far, best, 1), np.take_along_axis(at, best, 1)


def _effort(inverted: InvertedFile, truth: _Truth) -> tuple[int, int]:
    """Choose the least effort by which nearly all of the nearest are candidates.

    Returns
    -------
    probes, candidates : int
        Cells that are looked into, and candidates per result: as many as are needed where all
        cells are looked into, then the least number of cells.
    """

    def recall(probes: int, candidates: int) -> float:
        hits = [
            np.isin(right, inverted.candidates(vector, _NEAREST * candidates, probes)).mean()
            for vector, right in zip(truth.asked, truth.at, strict=True)
        ]
        return float(np.mean(hits))

    whole = inverted.n_cells
    candidates = next((n for n in _PER_RESULT if recall(whole, n) >= _GOAL), _PER_RESULT[-1])
    goal = min(_GOAL, recall(whole, candidates))
    probes = 1
    while probes < whole and recall(probes, candidates) < goal:
        probes *= 2
    return min(probes, whole), candidates


def column_of(collection: Collection, spec: str) -> str:
    """Name the column of a descriptor's vectors.

    Raises
    ------
    CollectionError
        There is none.
    """
    if spec not in collection.vector_columns:
        raise CollectionError(
            f"the collection {printable(collection.path)} holds no vectors by {spec}. It holds: "
            f"{', '.join(collection.specs) or 'none'}."
        )
    return collection.vector_columns[spec]
