"""`ImageTable`: which pictures there are, and what is known of each."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from tamis.errors import Failure, TableError, printable
from tamis.files.csvfile import read_csv
from tamis.images.listing import Listing, path_keys, sort_key
from tamis.table.frames import Columns, Tabular


@dataclass(frozen=True, slots=True, repr=False)
class ImageTable(Tabular):
    """An ordered list of pictures, with what is known of each.

    Nothing in it says that a file can be read: that shows when it is.

    Attributes
    ----------
    paths : tuple of str
        One per picture. Names that are not UTF-8 hold surrogates, as `os.fsdecode`
        makes them.
    labels : tuple of (str or None)
        The class of each; None where it is not known. Names that differ only in how
        accents are stored are one class, spelled as the first of them.
    groups : tuple of (str or None)
        Pictures of one group (a burst, the frames of a film) must not be
        separated; None stands alone.
    root : str
        The folder under which they lie; "" if there is none.
    ignored : tuple of str
        What was met and left out: files that are not pictures, hidden pictures, and
        folders that are hidden or belong to a system.
    splits : tuple of (str or None)
        The part of a split that each belongs to, such as ``train``; None where it is
        not known. By default it is not known of any.
    outside : tuple of str
        Linked folders that lead out of `root` and were not entered.
    failures : tuple of Failure
        Folders that cannot be listed, so that the pictures in them are not known.
    empty : tuple of str
        Folders below `root`, at most three levels deep, that hold no picture; names
        with ``/``.
    results : tuple of str
        Folders below `root` into which tamis sorted or split; they were not entered.

    Examples
    --------
    >>> table = tamis.ImageTable.from_folder("examples")
    >>> table, table.classes
    (ImageTable(15 images, 3 classes, below examples), ['bars', 'sky', 'tiles'])
    >>> table.select([0]).labels
    ('bars',)
    """

    paths: tuple[str, ...]
    labels: tuple[str | None, ...]
    groups: tuple[str | None, ...]
    root: str = ""
    ignored: tuple[str, ...] = field(default=())
    splits: tuple[str | None, ...] = field(default=())
    outside: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    empty: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.splits:
            object.__setattr__(self, "splits", (None,) * len(self.paths))
        lengths = [len(one) for one in (self.paths, self.labels, self.groups, self.splits)]
        if len(set(lengths)) > 1:
            raise TableError(
                "paths, labels, groups and splits must have one length. "
                f"Got {', '.join(map(str, lengths[:-1]))} and {lengths[-1]}."
            )
        object.__setattr__(self, "labels", one_spelling(self.labels))

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        n, m = len(self), len(self.classes)
        where = f", below {printable(self.root)}" if self.root else ""
        return f"ImageTable({n:,} image{'s' * (n != 1)}, {m} class{'es' * (m != 1)}{where})"

    def columns(self) -> Columns:
        """Return ``path``, ``label``, ``group`` and ``split``."""
        return {
            "path": self.paths, "label": self.labels, "group": self.groups, "split": self.splits
        }  # fmt: skip

    @property
    def classes(self) -> list[str]:
        """The different labels, sorted."""
        return sorted({label for label in self.labels if label is not None}, key=sort_key)

    @property
    def names(self) -> list[str]:
        """Path of each picture below the root, with ``/`` on every system; made at each call."""
        above = os.path.join(self.root, "")
        below = (
            # The quick way for what lies plainly below the root, which is nearly all.
            path[len(above) :]
            if path.startswith(above) and ".." not in path
            else os.path.relpath(path, self.root or None)
            for path in self.paths
        )
        return list(below) if os.sep == "/" else [name.replace(os.sep, "/") for name in below]

    def select(self, rows: Iterable[int]) -> Self:
        """Take some of the pictures, in the order given."""
        rows = list(rows)
        return replace(
            self,
            paths=tuple(self.paths[i] for i in rows),
            labels=tuple(self.labels[i] for i in rows),
            groups=tuple(self.groups[i] for i in rows),
            splits=tuple(self.splits[i] for i in rows),
        )

    def extended(self, paths: Iterable[str], labels: Iterable[str]) -> Self:
        """Add pictures of known classes; those that are in the table already are passed over."""
        known = {os.path.realpath(path) for path in self.paths}
        pairs = zip(paths, labels, strict=True)
        more = [pair for pair in pairs if os.path.realpath(pair[0]) not in known]
        unknown = (None,) * len(more)
        return replace(
            self,
            paths=(*self.paths, *(path for path, _ in more)),
            labels=(*self.labels, *(label for _, label in more)),
            groups=(*self.groups, *unknown),
            splits=(*self.splits, *unknown),
        )

    def leave_out(self, reasons: Mapping[int, str]) -> Self:
        """Leave out some rows; they are among the `failures`, each with its reason."""
        if not reasons:
            return self
        left_out = tuple(Failure(self.paths[row], reasons[row]) for row in sorted(reasons))
        kept = self.select(row for row in range(len(self)) if row not in reasons)
        return replace(kept, failures=self.failures + left_out)

    def of_classes(self, classes: Iterable[str]) -> Self:
        """Take only the pictures of some classes.

        Raises
        ------
        TableError
            There is no picture of one of them.
        """
        wanted = {class_key(name): name for name in classes}
        known = {class_key(name) for name in self.classes}
        if missing := [name for key, name in sorted(wanted.items()) if key not in known]:
            raise TableError(
                f"no pictures of the class {', '.join(map(printable, missing))} in "
                f"{printable(self.root) or 'the table'}. It has: "
                f"{', '.join(map(printable, self.classes)) or 'none'}."
            )
        return self.select(
            row
            for row, label in enumerate(self.labels)
            if label is not None and class_key(label) in wanted
        )

    @classmethod
    def from_folder(
        cls,
        root: str | os.PathLike[str],
        *,
        classes: Sequence[str] | None = None,
        exclude: Iterable[str | os.PathLike[str]] = (),
        follow_links: bool = False,
    ) -> Self:
        """List the pictures under a folder; the class is the first-level folder.

        Parameters
        ----------
        root : str or os.PathLike
            Holds one folder per class, each with pictures at any depth. Pictures
            directly in it have no label.
        classes : sequence of str, optional
            Take only these first-level folders.
        exclude : iterable of paths
            Folders to pass over, wherever they lie under `root`.
        follow_links : bool
            Enter linked folders that lead out of `root` too. Those that lead to a
            folder below `root` are entered anyway.

        Returns
        -------
        ImageTable
            Sorted by path below `root`, the same on every system. Hidden files
            and those of systems and NAS (``Thumbs.db``, ``@eaDir``) are not in it, and
            a folder reached a second time through a link is not entered again.

        Raises
        ------
        TableError
            `root` is not a folder, or one of `classes` is not in it.
        """
        top = os.fspath(root)
        if not os.path.isdir(top):
            what = "is not a folder" if os.path.lexists(top) else "does not exist"
            raise TableError(f"{printable(top)} {what}. Name a folder that holds pictures.")
        listing = Listing(top, exclude=exclude, follow_links=follow_links)
        keys = path_keys(["/".join(parts) for parts, _ in listing.files])
        order = sorted(range(len(keys)), key=keys.__getitem__)
        files = [listing.files[i] for i in order]
        table = cls(
            paths=tuple(path for _, path in files),
            labels=tuple(parts[0] if len(parts) > 1 else None for parts, _ in files),
            groups=(None,) * len(files),
            root=top,
            ignored=tuple(sorted(listing.ignored)),
            outside=tuple(sorted(listing.outside)),
            failures=tuple(sorted(listing.failures, key=lambda failure: failure.path)),
            empty=tuple("/".join(parts) for parts in sorted(listing.empty)),
            results=tuple(sorted(listing.results)),
        )
        return table if classes is None else table.of_classes(classes)

    @classmethod
    def from_csv(
        cls,
        file: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
        labelled: bool = False,
    ) -> Self:
        """Read a list of pictures: a CSV file with the columns path,label[,group][,split].

        Parameters
        ----------
        file : str or os.PathLike
            With a header line, as `tamis.files.csvfile.read_csv` reads it. A column
            ``class`` is read as ``label`` where there is no ``label``. Other columns are
            passed over; an empty label, group or split is None.
        root : str or os.PathLike, optional
            Where relative paths start; the folder of `file` by default. A path with
            backslashes, as Windows writes it, is understood where it leads to a file. In
            the ``predictions.csv`` of tamis, a picture that is not where it was is looked
            for from the working folder, and where it was sorted to.
        labelled : bool
            The column ``label`` is needed.

        Raises
        ------
        TableError
            The file cannot be read, lacks a column that is needed, has a row without a
            path, or names one picture twice.
        """
        required = ("path", "label") if labelled else ("path",)
        rows = read_csv(file, required=required, synonyms={"class": "label"})
        return cls.from_rows(rows, file, root=root)

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[Mapping[str, str]],
        file: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Make a table of the rows of a list, whatever its format.

        Parameters
        ----------
        rows : sequence of mapping
            Each with ``path``, and optionally ``label``, ``group``, ``split``.
        file : str or os.PathLike
            The list.
        root : str or os.PathLike, optional
            As `from_csv` takes it.

        Raises
        ------
        TableError
            A row has no path, or two have the same.
        """
        top = os.fspath(root) if root is not None else os.path.dirname(os.fspath(file))
        name = printable(os.fspath(file))
        for number, row in enumerate(rows, start=1):
            if not row["path"]:
                raise TableError(f"{name} names no path in its row {number} below the header.")
        paths = tuple(_located(top, row) for row in rows)
        if len(set(paths)) < len(paths):
            twice = Counter(paths).most_common(1)[0][0]
            raise TableError(f"{name} names {printable(twice)} twice.")
        return cls(
            paths=paths,
            labels=tuple(row.get("label") or None for row in rows),
            groups=tuple(row.get("group") or None for row in rows),
            root=top,
            splits=tuple(row.get("split") or None for row in rows),
        )


def class_key(name: str) -> str:
    """Give the form in which names of classes are compared: composed accents (NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def one_spelling(labels: Iterable[str | None]) -> tuple[str | None, ...]:
    r"""Spell every class as it was first seen, however its accents are stored.

    Examples
    --------
    >>> len({*one_spelling(["Pok\u00e9mon", "Poke\u0301mon"])})
    1
    """
    labels = tuple(labels)
    odd = [x for x in dict.fromkeys(labels) if x is not None and not x.isascii()]
    if len({class_key(label) for label in odd}) == len(odd):
        return labels
    first: dict[str, str] = {}
    for label in odd:
        first.setdefault(class_key(label), label)
    return tuple(x if x is None else first.get(class_key(x), x) for x in labels)


def common_root(paths: Sequence[str]) -> str:
    """Find the folder that all paths lie in; "" if they have none in common."""
    try:
        return os.path.commonpath(paths)
    except ValueError:  # none at all, or some absolute and some not
        return ""


def _located(top: str, row: Mapping[str, str]) -> str:
    """Find the file that a row of a list names; where it should be, if it is nowhere."""
    path = os.path.join(top, row["path"])
    if os.path.lexists(path):
        return path
    others = []
    if "\\" in row["path"]:
        others.append(os.path.join(top, row["path"].replace("\\", "/")))
    if "sorted_to" in row:  # tamis wrote the list
        others += [row["path"], os.path.join(top, row["sorted_to"])]
    return next((other for other in others if os.path.isfile(other)), path)
