"""Whether the manifest of a model says what it must, in the types that it must."""

import os
import unicodedata
from collections.abc import Mapping
from typing import Any

from tamis.errors import ModelError, printable

_PLAIN = (str, int, float, bool, type(None))


def check_manifest(manifest: Mapping[str, Any]) -> None:
    """Raise ModelError unless the manifest of a model is complete and of the right types.

    Parameters
    ----------
    manifest : mapping
        As `tamis.model.file.read_archive` gives it.
    """
    kinds = {
        "classifier": str,
        "config": dict,
        "descriptor": dict,
        "metrics": dict,
        "signature": dict,
        "history": list,
    }
    for key, kind in kinds.items():
        if not isinstance(manifest.get(key), kind):
            raise ModelError(f"its {key} must be a {kind.__name__}.")
    _check_classes(manifest["config"].get("classes"))
    if not isinstance(net := manifest["descriptor"].get("network", ""), str) or (
        net and not net.isprintable()
    ):
        raise ModelError(f"its network has the name {printable(repr(net)[:60])}.")
    if not all(isinstance(value, _PLAIN) for value in manifest["signature"].values()):
        raise ModelError("its signature must hold plain values.")
    if not all(isinstance(row, dict) for row in manifest["history"]):
        raise ModelError("its history must be a list of epochs.")


def check_examples(paths: Any, n: int) -> tuple[str, ...]:
    """Return the paths of examples; raise ModelError unless they are n names."""
    if not isinstance(paths, list) or len(paths) != n:
        raise ModelError(f"its examples must be a list of {n} paths.")
    for path in paths:
        if not isinstance(path, str) or not path or "\0" in path or not _is_encodable(path):
            raise ModelError(f"it has an example that is no path: {printable(repr(path)[:60])}.")
    return tuple(paths)


def _check_classes(classes: Any) -> None:
    if not isinstance(classes, list):
        raise ModelError("its classes must be a list.")
    seen: set[str] = set()
    for name in classes:
        if not isinstance(name, str) or not name or "\0" in name or not _is_encodable(name):
            raise ModelError(f"it has a class that is no name: {printable(repr(name)[:60])}.")
        form = unicodedata.normalize("NFC", name)
        if form in seen:
            raise ModelError(f"it has the class {printable(name)} twice.")
        seen.add(form)
    if not seen:
        raise ModelError("it has no classes.")


def _is_encodable(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True
