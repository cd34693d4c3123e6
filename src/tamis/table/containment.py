"""Containment: which of the pictures that a source names may be taken from their place.

A list, a collection or a link may come from a stranger. What it names is copied, linked
or moved only if it really lies below the folder that the user means.
"""

import os
import stat

from tamis.errors import printable
from tamis.images import has_signature, promises_picture
from tamis.images.refusal import reason_of
from tamis.table.table import ImageTable


def only_inside(table: ImageTable) -> ImageTable:
    """Leave out the pictures that lie outside of the root of a table.

    Parameters
    ----------
    table : ImageTable
        The root of which is a folder. Links are followed to where they lead: what counts
        is the file, by whatever path it is reached.

    Returns
    -------
    ImageTable
        Those left out are among its `failures`.
    """
    root = os.path.realpath(table.root)
    folders: dict[str, str] = {}
    reasons: dict[int, str] = {}
    for row, path in enumerate(table.paths):
        real = _real(path, folders)
        if not _below(real, root):
            reasons[row] = (
                f"lies outside of {printable(table.root or os.curdir)}, at {printable(real)}"
            )
    return table.leave_out(reasons)


def only_pictures(table: ImageTable) -> ImageTable:
    """Leave out what is missing, and what neither its name nor its content calls a picture.

    For lists and collections, which may name any file; folders are listed by what is in
    them. Devices and pipes are not opened.
    """
    reasons: dict[int, str] = {}
    for row, path in enumerate(table.paths):
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                reasons[row] = "is no file"
                continue
            with open(path, "rb") as file:
                head = file.read(16)
        except (OSError, ValueError) as error:  # a zero byte in its name
            reasons[row] = reason_of(error)
            continue
        if not has_signature(head) and not _promises_picture(path):
            reasons[row] = "is not a picture, by its name and its first bytes"
    return table.leave_out(reasons)


def _real(path: str, folders: dict[str, str]) -> str:
    """Resolve all links of a path; folders that many files lie in only once."""
    folder, name = os.path.split(path)
    if name in ("", os.curdir, os.pardir):
        return os.path.realpath(path)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    real = os.path.join(folders[folder], name)
    return os.path.realpath(real) if os.path.islink(real) else real


def _below(path: str, root: str) -> bool:
    return path.startswith(os.path.join(root, ""))


def _promises_picture(path: str) -> bool:
    return promises_picture(path)
