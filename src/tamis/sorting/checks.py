"""Whether a folder can receive the result of sorting: asked before hours of work."""

import os
from collections.abc import Sequence

from tamis.errors import DestinationError, printable
from tamis.files.names import folder_name
from tamis.store import is_collection


def check_folders(out: str, *, train: str | None, source: str) -> None:
    """Raise DestinationError if sorting into `out` would feed on itself, or spoil a collection."""
    place = os.path.realpath(out)
    while place != os.path.dirname(place):
        if is_collection(place):
            raise DestinationError(
                f"cannot sort into {printable(out)}: {printable(place)} is a collection. Choose "
                "a folder beside it."
            )
        place = os.path.dirname(place)
    for name, folder in (("the training folder", train), ("the folder to sort", source)):
        if folder is not None and os.path.realpath(out) == os.path.realpath(folder):
            raise DestinationError(
                f"cannot sort into {name} itself, {printable(out)}. Choose another folder for "
                "the result, look at it, and move from there what is right."
            )
    if train is not None and _inside(out, train):
        raise DestinationError(
            f"cannot sort into {printable(out)}: it lies in the training folder, where it would "
            "become a class. Choose a folder beside it."
        )


def check_destination(out: str, classes: Sequence[str]) -> None:
    """Raise an error if class folders cannot be made in `out`, as far as that can be seen.

    It is asked before pictures are described, which may take hours. What only a write
    shows (a full disk) is still found later.

    Parameters
    ----------
    out : str
        It need not exist.
    classes : sequence of str

    Raises
    ------
    DestinationError
        `out` or a class folder is a file, may not be written to, or has a name that its
        disk does not take.
    TableError
        A class cannot be the name of a folder.
    """
    _check_folder(out)
    above = existing_above(out)
    for label in classes:
        folder = os.path.join(above, folder_name(label))
        try:
            os.lstat(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DestinationError(
                f"cannot make a folder {printable(label)} in {printable(out)}: {error.strerror}. "
                "Rename the class, or choose another disk for the result."
            ) from error
        if os.path.isdir(out):
            _check_folder(os.path.join(out, label))


def _check_folder(folder: str) -> None:
    above = os.path.abspath(folder)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    cause = "it" if above == os.path.abspath(folder) else printable(above)
    if not os.path.isdir(above):
        raise DestinationError(
            f"cannot write into {printable(folder)}: {cause} is a file, not a folder. Rename it, "
            "or choose another folder for the result."
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise DestinationError(
            f"cannot write into {printable(folder)}: {cause} may not be written to. Change the "
            "permissions, or choose another folder for the result."
        )


def _inside(folder: str, other: str) -> bool:
    parts, others = (os.path.realpath(path).split(os.sep) for path in (folder, other))
    return parts[: len(others)] == others


def existing_above(folder: str) -> str:
    """Return the nearest folder above that exists: what will be made lies on its disk."""
    folder = os.path.abspath(folder)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder
