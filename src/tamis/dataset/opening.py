"""How a source is listed by its form, and which of its images may be taken from their place."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tamis.errors import Failure, InvalidParameterError, TableError, printable
from tamis.images.listing import is_system_name
from tamis.splits import Split
from tamis.splits.labels import TRUTH_SUFFIX
from tamis.store import Collection, is_collection, only_unchanged
from tamis.table import ImageTable
from tamis.table.containment import only_inside, only_pictures
from tamis.table.sources import from_parquet, from_paths, from_pattern, is_image_file, is_pattern

Role = Literal["pictures", "scored", "examples"]
"""What the images of a source are for; see `tamis.Dataset.open`."""


def listed(
    source: str,
    *,
    role: Role,
    exclude: Sequence[str],
    follow_links: bool,
    root: str | os.PathLike[str] | None,
) -> tuple[ImageTable, Collection | None]:
    """List a source by its form."""
    check_root([source], root)
    if is_collection(source):
        collection = Collection.open(source, root=root)
        return collection.table(), collection
    if takes_root(source):
        labelled = role != "pictures"
        if source.lower().endswith(".parquet"):
            return from_parquet(source, root=root, labelled=labelled), None
        return ImageTable.from_csv(source, root=root, labelled=labelled), None
    if os.path.isfile(source):
        return from_paths([source]), None
    if is_pattern(source):
        return from_pattern(source), None
    return ImageTable.from_folder(source, exclude=exclude, follow_links=follow_links), None


def takes_root(source: str) -> bool:
    """Tell whether a source names pictures that may lie elsewhere: a list, or a collection."""
    return is_collection(source) or (os.path.isfile(source) and not is_image_file(source))


def check_root(sources: Sequence[str], root: str | os.PathLike[str] | None) -> None:
    """Raise an error if no source takes a root, or the root is not there.

    Raises
    ------
    InvalidParameterError
        None of the sources is a list or a collection.
    TableError
        There is no such folder.
    """
    if root is None:
        return
    if all(map(os.path.lexists, sources)) and not any(map(takes_root, sources)):
        verb = "is neither" if len(sources) == 1 else "are neither"
        raise InvalidParameterError(
            f"--root is for a CSV file or a collection, and "
            f"{' and '.join(map(printable, sources))} {verb}. Leave it out."
        )
    if not os.path.isdir(root):
        raise TableError(
            f"there is no folder {printable(os.fspath(root))}. --root names the folder below which "
            f"the pictures of {' and '.join(map(printable, sources))} lie."
        )


def moved_remarks(collection: Collection) -> list[str]:
    """Say that the folder of a collection is not where it was, and how to mend it."""
    if os.path.isdir(collection.root) or not len(collection):
        return []
    name, root = printable(collection.path), printable(collection.root)
    return [
        f"the pictures of {name} are not where it says: there is no folder {root}. If it was "
        f"moved, say where it is now: --root DIR; or once and for all: tamis index DIR --into "
        f"{name}"
    ]


def ignored_remarks(table: ImageTable, folder: str) -> list[str]:
    """Say what a listing left out: other files, entries of systems, links that lead outside."""
    remarks = []
    name = printable(folder)
    system = [path for path in table.ignored if is_system_name(os.path.basename(path))]
    others = [path for path in table.ignored if not is_system_name(os.path.basename(path))]
    if others:
        kinds = Counter(os.path.splitext(path)[1].lower() or "no suffix" for path in others)
        n, shown = len(others), _shown(sorted(kinds))
        what = "is not a picture" if n == 1 else "are not pictures"
        remarks.append(f"ignoring {n} file{'s' * (n > 1)} in {name} that {what} ({shown})")
    if system:
        kinds = Counter(
            "._*" if (own := os.path.basename(path)).startswith("._") else own for path in system
        )
        counts = [f"{kind} {n} times" if n > 1 else kind for kind, n in sorted(kinds.items())]
        plural = "hidden or system entry" if len(system) == 1 else "hidden or system entries"
        remarks.append(f"ignoring {len(system)} {plural} in {name} ({_shown(counts)})")
    if table.results:
        held = [os.path.relpath(path, folder) for path in table.results]
        plural = "folder that holds a result" if len(held) == 1 else "folders that hold results"
        remarks.append(
            f"leaving out {len(held)} {plural} of tamis in {name} ({_shown(held)}): name it alone "
            "to take its pictures"
        )
    if table.outside:
        links = [os.path.relpath(path, folder) for path in table.outside]
        plural = "linked folder that leads" if len(links) == 1 else "linked folders that lead"
        remarks.append(
            f"not entering {len(links)} {plural} out of {name} ({_shown(links)}); --follow-links "
            "enters them"
        )
    return remarks


def _shown(names: Sequence[str], *, most: int = 8) -> str:
    return ", ".join(map(printable, names[:most])) + (", ..." if len(names) > most else "")


def first_reason(failures: Sequence[Failure]) -> str:
    """Say why the first of some failures could not be listed."""
    if not failures:
        return ""
    more = f" ({len(failures) - 1} others likewise)" if len(failures) > 1 else ""
    return f" {printable(failures[0].path)}: {failures[0].reason}{more}."


def takeable(
    table: ImageTable, source: str, collection: Collection | None, *, follow_links: bool
) -> tuple[ImageTable, list[str]]:
    """Take the images that may be copied, linked or moved, as `Dataset.to_take` does."""
    n_named, remarks = len(table), list[str]()
    shown = printable(table.root or os.curdir)
    listed = collection is not None or os.path.isfile(source)
    if not os.path.isdir(table.root or os.curdir):
        raise TableError(
            f"the pictures of {printable(source)} are to lie below {shown}, which is not "
            "there. Name the folder where they are: --root DIR."
        )
    if collection is not None:
        remarks.append(f"{printable(source)} names pictures below {shown}")
    if not follow_links:
        table = only_inside(table)
    if n_outside := n_named - len(table):
        hint = "--follow-links takes them"
        if listed:
            hint += "; --root DIR names the folder that they lie in"
        plural = "picture that lies" if n_outside == 1 else "pictures that lie"
        remarks.append(f"leaving out {n_outside} {plural} outside of {shown}; {hint}")
    if listed:
        table = only_pictures(table)
    if collection is not None:
        table = only_unchanged(collection, table)
    if not len(table):
        hint = " Name the folder below which they lie: --root DIR." if listed else ""
        raise TableError(
            f"none of the {n_named} pictures of {printable(source)} can be taken."
            f"{hint}{first_reason(table.failures)}"
        )
    return table, remarks


def unlabelled_remark(n: int, source: str) -> str:
    """Say how many images were left out because their class is not known."""
    which = "picture that is" if n == 1 else "pictures that are"
    return f"leaving out {n} {which} in no class folder of {printable(source)}"


def split_remark(split: Split, source: str) -> str:
    """Say that a source was taken for a split, and which its parts are."""
    are = "is its part" if len(split.parts) == 1 else "are its parts"
    where = "the classes are the folders in them" if split.folders else "by its column split"
    return f"{printable(source)} is a split: {split} {are}, {where}"


def default_truth(table: ImageTable, source: str) -> str:
    """Find the manifest beside a source, or beside its part, that `tamis split --blind` wrote.

    Raises
    ------
    TableError
        There is none.
    """
    place = os.path.normpath(source)
    if len(table) and table.splits[0] is not None:
        place = os.path.join(place, table.names[0].partition("/")[0])
    truth = place + TRUTH_SUFFIX
    if not os.path.exists(truth):
        raise TableError(
            f"{printable(source)} has no class folders, and there is no {printable(truth)}. Name "
            "the manifest of a blind test by --truth."
        )
    return truth
