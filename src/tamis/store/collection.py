"""Opening a collection, and reading from it."""

import os
from functools import cached_property
from types import ModuleType
from typing import Any, Final, Self

import numpy as np

from tamis.descriptors import descriptor
from tamis.errors import CollectionError, Failure, MissingExtraError, printable
from tamis.features import FeatureTable
from tamis.images import default_reading
from tamis.store.checking import check_dataset, check_files, damaged, lance_errors, root_of
from tamis.store.columns import decode, specs_of
from tamis.store.rows import Rows
from tamis.table import ImageTable
from tamis.table.frames import Columns, Tabular

FORMAT: Final = 3  # 1 had no groups; 1 and 2 had approximate indexes of Lance
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


class Collection(Tabular):
    """One version of a collection on disk: images and their vectors.

    What is written later is not seen; open the collection again to see it. Rows are read and
    sorted once, when they are first needed.

    Attributes
    ----------
    path : str
    dataset : lance.LanceDataset
        Only to be read: writers open a dataset of their own.
    root : str
        Absolute path of the folder below which the images lie.

    Examples
    --------
    >>> tamis.index("photos", "photos.tamis", by="moments")
    Collection(photos.tamis: 6 images by moments)
    >>> collection = tamis.Collection.open("photos.tamis")
    >>> len(collection)
    6
    """

    def __init__(self, path: str, dataset: Any, root: str) -> None:
        self.path = path
        self.dataset = dataset
        self.root = root

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
            written = int(metadata[FORMAT_KEY])
            if written > FORMAT:
                raise CollectionError(
                    f"the collection {printable(name)} was written by a newer tamis (format "
                    f"{written}, this one knows {FORMAT}). Upgrade tamis, or index into another "
                    "collection."
                )
            check_dataset(name, dataset)
            folder = root_of(name, metadata[ROOT_KEY])
        return cls(name, dataset, folder if root is None else os.path.abspath(root))

    @property
    def format(self) -> int:
        """Version of the layout."""
        return int(self.dataset.schema.metadata[FORMAT_KEY])

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

    @cached_property
    def vector_columns(self) -> dict[str, str]:
        """Spec of each descriptor to the name of its column."""
        return specs_of(self.dataset.schema)

    @property
    def specs(self) -> list[str]:
        """The descriptors whose vectors it holds."""
        return list(self.vector_columns)

    @cached_property
    def rows(self) -> Rows:
        """The facts of the images, without their vectors; read once."""
        with lance_errors(self.path):
            return Rows.read(self.path, self.dataset)

    def __len__(self) -> int:
        return len(self.rows)

    def table(self) -> ImageTable:
        """List all images, those that could not be read included.

        Rows that lie outside of the root are among the failures.
        """
        return self._table

    @cached_property
    def _table(self) -> ImageTable:
        return ImageTable(
            paths=tuple(map(self._path_of, self.rows.names)),
            labels=self.rows.labels,
            groups=self.rows.groups,
            root=self.root,
            splits=self.rows.splits,
            failures=self._outside(),
        )

    def _path_of(self, name: str) -> str:
        return os.path.join(self.root, name)

    def failures(self) -> list[Failure]:
        """Name the images that could not be read, and why."""
        return [
            Failure(self._path_of(name), reason)
            for name, reason in zip(self.rows.names, self.rows.failures, strict=True)
            if reason is not None
        ] + list(self._outside())

    def _outside(self) -> tuple[Failure, ...]:
        reason = f"lies outside of {printable(self.root)}, the root of the collection"
        return tuple(Failure(self._path_of(name), reason) for name in sorted(self.rows.outside))

    def features(self, spec: str) -> FeatureTable:
        """Read all vectors of a descriptor, in the order of `table`.

        Raises
        ------
        CollectionError
            It holds none by that descriptor.
        """
        import pyarrow as pa

        self.check_reading()
        if spec not in self.vector_columns:
            raise CollectionError(
                f"the collection {printable(self.path)} holds no vectors by {spec}. It holds: "
                f"{', '.join(self.specs) or 'none'}. Add them: tamis index "
                f"{printable(self.root)} --into {printable(self.path)} --by '{spec}'"
            )
        readable = self.rows.readable
        images = self.table().select(readable)
        place = np.zeros(len(self.rows), np.intp)
        place[readable] = np.arange(len(readable))
        known = descriptor(spec)
        features = np.zeros((len(readable), known.dim), np.float32)
        n_read = 0
        with lance_errors(self.path):
            scanner = self.dataset.scanner(
                columns=["id", self.vector_columns[spec]],
                filter="failure IS NULL",
                batch_size=max(64, _BATCH_BYTES // (4 * known.dim)),
            )
            for batch in scanner.to_batches():
                rows, inside = self.rows.find(batch.column("id").to_numpy())
                vectors = batch.column(self.vector_columns[spec]).filter(pa.array(inside))
                decode(vectors, features, place[rows])
                n_read += len(rows)
        if n_read != len(readable):
            raise damaged(
                self.path, f"it holds {n_read} vectors by {spec} of {len(readable)} pictures"
            )
        return FeatureTable(
            paths=images.paths,
            labels=images.labels,
            features=features,
            spec=spec,
            failures=tuple(self.failures()),
            distance=known.distance_for(),
        )

    def columns(self) -> Columns:
        """Return ``path``, ``label``, ``group``, ``split``, ``size``, ``mtime_ns``, ``failure``."""
        facts = {"size": self.rows.sizes.tolist(), "mtime_ns": self.rows.times.tolist()}
        return {**self.table().columns(), **facts, "failure": self.rows.failures}

    def __repr__(self) -> str:
        n = len(self)
        specs = ", ".join(spec.partition("(")[0] for spec in self.specs) or "no descriptor"
        return f"Collection({printable(self.path)}: {n:,} image{'s' * (n != 1)} by {specs})"
