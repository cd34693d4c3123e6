"""Finding the weights of an entry on this machine, or on the hub."""

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

from tamis.descriptors.neural.catalog import ENTRIES, Entry, Wheel
from tamis.descriptors.neural.weights.hub import fetch
from tamis.descriptors.neural.weights.safetensors import read_safetensors
from tamis.descriptors.neural.weights.torch_file import Weights, read_weights
from tamis.errors import MissingExtraError, WeightsError, printable


def file_of(entry: Entry) -> Path:
    """Find the file of an entry: in a package, which is not imported, or from the hub.

    Raises
    ------
    MissingExtraError
        The package is not installed, or huggingface_hub is needed and is not.
    WeightsError
        It is not on this machine and cannot be downloaded, or is another file.
    """
    if not isinstance(entry.origin, Wheel):
        return fetch([entry.origin], entry.name, others=ready).path
    file = _in_package(entry.origin)
    if file is None:
        raise MissingExtraError.for_project(entry.origin.project, f"the backbone {entry.name}")
    return file


def weights_of(entry: Entry, wanted: Callable[[str], bool] = lambda name: True) -> Weights:
    """Read the weights of an entry, once they are known to be the right ones.

    Parameters
    ----------
    entry : Entry
    wanted : callable
        Whether an array of this name is needed.

    Raises
    ------
    MissingExtraError, WeightsError
        As `file_of`; also if they cannot be read.
    """
    file = file_of(entry)
    if not isinstance(entry.origin, Wheel):
        return read_safetensors(file, wanted)
    data = file.read_bytes()
    check(data, entry.origin, file)
    return {name: values for name, values in read_weights(data).items() if wanted(name)}


def check(data: bytes, wheel: Wheel, file: Path) -> None:
    """Refuse a file that is not the one whose digest the entry holds."""
    digest = hashlib.sha256(data).hexdigest()
    if digest != wheel.sha256:
        raise WeightsError(
            f"{printable(str(file))} has the SHA-256 {digest}, not {wheel.sha256}: it is damaged, "
            f"or another file. Install it again: pip install --force-reinstall {wheel.project}"
        )


def is_here(entry: Entry) -> bool:
    """Tell whether the file of an entry is on this machine; asks no network."""
    if isinstance(entry.origin, Wheel):
        return _in_package(entry.origin) is not None
    return entry.origin.path.is_file()


def ready() -> list[str]:
    """Name the backbones that need no download."""
    return [name for name, entry in ENTRIES.items() if is_here(entry)]


def _in_package(wheel: Wheel) -> Path | None:
    found = importlib.util.find_spec(wheel.package)
    for folder in (found and found.submodule_search_locations) or ():
        file = Path(folder) / wheel.file
        if file.is_file():
            return file
    return None


def missing(entry: Entry, *, built: bool = False) -> str:
    """Give the command that brings what a backbone needs; empty if all is there.

    Parameters
    ----------
    entry : Entry
    built : bool
        Whether its graph is in the cache, so that its weights are not needed.
    """
    if any(importlib.util.find_spec(library) is None for library in ("onnx", "onnxruntime")):
        return "pip install onnx onnxruntime"
    if built or is_here(entry):
        return ""
    if isinstance(entry.origin, Wheel):
        return f"pip install {entry.origin.project}"
    return f"tamis descriptors {entry.name} --download"
