"""Pictures that are to be copied, linked or moved: which of a source may be taken."""

import os
from collections.abc import Sequence

from tamis.cli.console import warn, warn_failures
from tamis.cli.sources import Role, read_table
from tamis.containment import only_inside, only_pictures
from tamis.errors import TableError, printable
from tamis.store import Collection, is_collection, only_unchanged
from tamis.table import ImageTable


def read_to_take(
    source: str,
    *,
    role: Role = "pictures",
    root: str | None,
    classes: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    follow_links: bool = False,
) -> ImageTable:
    """List the pictures of a source that may be taken from their place; the rest are failures.

    A picture may be taken if it really lies below the folder of the source: the folder
    itself, that of a CSV file, the one that a collection says it is of, or `root`. What a
    list or a collection names must also be there, and be a picture; what a collection
    names, the picture that was indexed.

    Parameters
    ----------
    source : str
    root : str or None
        Where the pictures of a CSV file or collection lie.
    role, classes, exclude
        As `read_table` takes them.
    follow_links : bool
        Take also what lies elsewhere.

    Raises
    ------
    TableError
        There is no picture that may be taken.
    """
    table = read_table(
        source, role=role, classes=classes, exclude=exclude, follow_links=follow_links, root=root
    )
    shown = printable(table.root or os.curdir)
    listed = os.path.isfile(source) or is_collection(source)
    if not os.path.isdir(table.root or os.curdir):
        raise TableError(
            f"the pictures of {printable(source)} are to lie below {shown}, which "
            "is not there. Name the folder where they are: --root DIR."
        )
    if is_collection(source):
        warn(f"{printable(source)} names pictures below {shown}")
    n_named, taken = len(table), table
    if not follow_links:
        taken = only_inside(taken)
    if n_outside := n_named - len(taken):
        hint = "--follow-links takes them"
        if listed:
            hint += "; --root DIR names the folder that they lie in"
        plural = "picture that lies" if n_outside == 1 else "pictures that lie"
        warn(f"leaving out {n_outside} {plural} outside of {shown}; {hint}")
    if listed:
        taken = only_pictures(taken)
    if is_collection(source):
        taken = only_unchanged(Collection.open(source, root=root), taken)
    if not len(taken):
        warn_failures(taken.failures)
        hint = " Name the folder below which they lie: --root DIR." if listed else ""
        raise TableError(
            f"none of the {n_named} pictures of {printable(source)} can be taken.{hint}"
        )
    return taken
