"""The folder of the user in which graphs are kept: built or downloaded once.

``TAMIS_CACHE`` names another one. If it cannot be written, nothing is kept, and all
works as before, from memory.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import platformdirs

_DIGITS: Final = 16  # of the SHA-256 in a file's name


def cache_folder() -> Path:
    """Path of the cache folder, which need not exist: ``TAMIS_CACHE``, or the system's place."""
    given = os.environ.get("TAMIS_CACHE")
    if given:
        return Path(given).expanduser()
    folder = Path(platformdirs.user_cache_dir("tamis", appauthor=False))
    if not folder.is_absolute():
        raise RuntimeError("the user has no home folder")
    return folder


def cached(stem: str, make: Callable[[], bytes]) -> bytes:
    """Give what `make` makes, from the cache if it has been made before.

    The name of the file ends in a digest of its content, so one that was damaged is
    noticed and made again. Several processes may do this at once.

    Parameters
    ----------
    stem : str
        Says what it is, and from what and how it is made, in letters, digits and ``._-``.
    make : callable
        Gives the bytes; called if the cache does not have them.
    """
    try:
        folder = cache_folder() / "backbones"
    except RuntimeError:  # a user without a home
        return make()
    name = _name(stem)
    with suppress(OSError):
        for file in sorted(folder.iterdir()):
            if match := name.fullmatch(file.name):
                data = file.read_bytes()
                if _digest(data) == match[1]:
                    return data
    data = make()
    with suppress(OSError):
        _write(folder, f"{stem}-{_digest(data)}.onnx", data)
    return data


def is_cached(stem: str) -> bool:
    """Tell whether `cached` would find something, unless that is damaged."""
    try:
        folder = cache_folder() / "backbones"
        return any(_name(stem).fullmatch(file.name) for file in folder.iterdir())
    except (OSError, RuntimeError):
        return False


def _name(stem: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(stem)}-([0-9a-f]{{{_DIGITS}}})\.onnx")


def _write(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=folder, prefix=".partial-")
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(partial, folder / name)
    except BaseException:
        os.unlink(partial)
        raise


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_DIGITS]
