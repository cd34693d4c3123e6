"""Opening a collection, and reading from it."""

import os
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from tamis.descriptors import descriptor
from tamis.errors import CollectionError, Failure, MissingExtraError, printable
from tamis.features import FeatureTable
from tamis.images import default_reading
from tamis.images.listing import sort_key
from tamis.store.checking import (
    FACTS,
    check_dataset,
    check_files,
    check_rows,
    damaged,
    is_below,
    lance_errors,
    root_of,
)
from tamis.store.columns import SPEC, decode
from tamis.table import ImageTable

FORMAT: Final = 1
FORMAT_KEY: Final = b"tamis:format"
ROOT_KEY: Final = b"tamis:root"
ICC_KEY: Final = b"tamis:icc"
_DATASET: Final = "images.lance"
_BATCH_BYTES: Final = 64 << 20


def lance() -> ModuleType:
    """Import Lance, or say how to install it."""
    # What it will do anyway one day; until then it warns on stderr.
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")
    try:
        import lance as library
    except ImportError:
        raise MissingExtraError.for_extra("store", "a collection on disk") from None
    return library


def dataset_path(path: str) -> str:
    """Where the dataset of a collection lies."""
    return os.path.join(path, _DATASET)


def is_collection(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is that of a collection, even of one that cannot be opened."""
    return os.path.isdir(dataset_path(os.fspath(path)))


def is_committed(path: str | os.PathLike[str]) -> bool:
    """Tell whether anything was ever written to a collection.

    A run that is killed early leaves folders without a version of the dataset.
    """
    versions = os.path.join(dataset_path(os.fspath(path)), "_versions")
    try:
        return any(name.endswith(".manifest") for name in os.listdir(versions))
    except OSError:
        return False


@dataclass(slots=True)
class Rows:
    """What a collection knows of its pictures, without their vectors; sorted by name.

    Attributes
    ----------
    ids : ndarray of shape (n,), int64
        Never used twice.
    names : list of str
        Paths below the root, with ``/``.
    labels, splits : list of (str or None)
    hashes : list of bytes
    sizes, times : ndarray of shape (n,), int64
        Bytes, and nanoseconds since 1970, of the file when it was read.
    failures : list of (str or None)
        Why a picture could not be read.
    stale : list of int
        Ids of rows that a newer row of the same name replaces, and of those `outside`.
    outside : list of str
        Names that lead out of the root, as `tamis index` never writes them: of these
        pictures nothing is read.
    """

    ids: npt.NDArray[np.int64]
    names: list[str]
    labels: list[str | None]
    splits: list[str | None]
    hashes: list[bytes]
    sizes: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    failures: list[str | None]
    stale: list[int]
    outside: list[str]


class Collection:
    """Pictures and their vectors, on disk.

    Attributes
    ----------
    path : str
    dataset : lance.LanceDataset
        One version of it: what is written later is not seen.
    """

    def __init__(self, path: str, dataset: Any, *, root: str | None = None) -> None:
        self.path = path
        self.dataset = dataset
        self._root = root

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None
    ) -> Self:
        """Open a collection as it is now.

        Parameters
        ----------
        path : str or os.PathLike
        root : str or os.PathLike, optional
            Folder below which the pictures lie now. By default the one that the
            collection names.

        Raises
        ------
        CollectionError
            There is none, it is damaged, or a newer tamis wrote it.
        MissingExtraError
            Lance is not installed.
        """
        name = os.fspath(path)
        if not is_collection(name):
            raise CollectionError(
                f"{printable(name)} is not a collection. Make one: tamis index DIR --into "
                f"{printable(name)}"
            )
        if not is_committed(name):
            raise CollectionError(
                f"the collection {printable(name)} holds nothing: it was interrupted while it was "
                f"made. Finish it: tamis index DIR --into {printable(name)}"
            )
        library = lance()
        check_files(name)
        with lance_errors(name):
            dataset = library.dataset(dataset_path(name))
            metadata = dataset.schema.metadata or {}
            if not metadata.get(FORMAT_KEY, b"").isdigit() or ROOT_KEY not in metadata:
                raise damaged(name, "tamis did not write it")
            if (found := int(metadata[FORMAT_KEY])) > FORMAT:
                raise CollectionError(
                    f"the collection {printable(name)} was written by a newer tamis (format "
                    f"{found}, this one knows {FORMAT}). Upgrade tamis, or index into another "
                    "collection."
                )
            check_dataset(name, dataset)
            own = root_of(name, metadata[ROOT_KEY])
        return cls(name, dataset, root=own if root is None else os.path.abspath(root))

    @property
    def root(self) -> str:
        """The folder below which the pictures lie, an absolute path."""
        if self._root is None:
            self._root = root_of(self.path, self.dataset.schema.metadata[ROOT_KEY])
        return self._root

    @property
    def icc(self) -> bool:
        """Whether its pictures are read by their colour profiles."""
        return (self.dataset.schema.metadata or {}).get(ICC_KEY) != b"ignored"

    def check_reading(self) -> None:
        """Refuse to compare its vectors with those of pictures that are read otherwise.

        Raises
        ------
        CollectionError
            Colour profiles are applied here and not there, or the other way round.
        """
        if self.icc != default_reading().icc:
            how, option = ("with", "without") if self.icc else ("without", "with")
            raise CollectionError(
                f"the collection {printable(self.path)} was made {how} colour profiles, and this "
                f"command reads pictures {option} them. Run it {option} --no-icc, or index into "
                "another collection."
            )

    @property
    def columns(self) -> dict[str, str]:
        """Spec of each descriptor to the name of its column."""
        return {
            field.metadata[SPEC].decode(): field.name
            for field in self.dataset.schema
            if field.metadata and SPEC in field.metadata
        }

    @property
    def specs(self) -> list[str]:
        """The descriptors whose vectors it holds."""
        return list(self.columns)

    @cached_property
    def rows(self) -> Rows:
        """What is known of the pictures, without their vectors."""
        with lance_errors(self.path):
            table = self.dataset.to_table(columns=list(FACTS))
            check_rows(self.path, table)
        ids = table["id"].to_numpy()
        paths = [os.fsdecode(path) for path in table["path"].to_pylist()]
        # A crash between writing a row and deleting the one it replaces leaves both.
        newest: dict[str, int] = {}
        for row in np.argsort(ids):
            newest[paths[row]] = int(row)
        outside = sorted(name for name in newest if not is_below(name))
        for name in outside:
            del newest[name]
        order = sorted(newest.values(), key=lambda row: [*map(sort_key, paths[row].split("/"))])
        labels, splits, hashes, failures = (
            table[name].to_pylist() for name in ("label", "split", "hash", "failure")
        )
        return Rows(
            ids=ids[order],
            names=[paths[row] for row in order],
            labels=[None if labels[r] is None else os.fsdecode(labels[r]) for r in order],
            splits=[splits[row] for row in order],
            hashes=[hashes[row] for row in order],
            sizes=table["size"].to_numpy()[order],
            times=table["mtime_ns"].to_numpy()[order],
            failures=[failures[row] for row in order],
            stale=sorted(set(map(int, ids)) - set(map(int, ids[order]))),
            outside=outside,
        )

    def __len__(self) -> int:
        return len(self.rows.names)

    def table(self) -> ImageTable:
        """List all its pictures, those that could not be read included.

        Rows that lie outside of the root are among the failures.
        """
        return ImageTable(
            paths=tuple(os.path.join(self.root, name) for name in self.rows.names),
            labels=tuple(self.rows.labels),
            groups=(None,) * len(self),
            root=self.root,
            splits=tuple(self.rows.splits),
            failures=self._outside(),
        )

    def failures(self) -> list[Failure]:
        """Name the pictures that could not be read, and why."""
        return [
            Failure(os.path.join(self.root, name), reason)
            for name, reason in zip(self.rows.names, self.rows.failures, strict=True)
            if reason is not None
        ] + list(self._outside())

    def _outside(self) -> tuple[Failure, ...]:
        reason = f"lies outside of {printable(self.root)}, the root of the collection"
        return tuple(Failure(os.path.join(self.root, name), reason) for name in self.rows.outside)

    def features(self, spec: str) -> FeatureTable:
        """Read all vectors of a descriptor, in the order of `table`.

        Raises
        ------
        CollectionError
            It holds none by that descriptor.
        """
        import pyarrow as pa

        self.check_reading()
        if spec not in self.columns:
            raise CollectionError(
                f"the collection {printable(self.path)} holds no vectors by {spec}. It holds: "
                f"{', '.join(self.specs) or 'none'}. Add them: tamis index "
                f"{printable(self.root)} --into {printable(self.path)} --by '{spec}'"
            )
        good = [row for row, reason in enumerate(self.rows.failures) if reason is None]
        pictures = self.table().select(good)
        ids = self.rows.ids[good]
        order = np.argsort(ids)
        one = descriptor(spec)
        dim = one.dim
        features = np.zeros((len(good), dim), np.float32)
        seen = 0
        with lance_errors(self.path):
            scanner = self.dataset.scanner(
                columns=["id", self.columns[spec]],
                filter="failure IS NULL",
                batch_size=max(64, _BATCH_BYTES // (4 * dim)),
            )
            for batch in scanner.to_batches():
                if not batch.num_rows or not len(ids):
                    continue
                found = batch.column("id").to_numpy()
                place = np.minimum(np.searchsorted(ids, found, sorter=order), len(ids) - 1)
                at = order[place]
                current = ids[at] == found  # not those that a newer row replaces
                vectors = batch.column(self.columns[spec]).filter(pa.array(current))
                decode(vectors, features, at[current])
                seen += int(current.sum())
        if seen != len(good):
            raise damaged(self.path, f"it holds {seen} vectors by {spec} of {len(good)} pictures")
        return FeatureTable(
            paths=pictures.paths,
            labels=pictures.labels,
            features=features,
            spec=spec,
            failures=tuple(self.failures()),
            distance=one.distance_for(),
        )
