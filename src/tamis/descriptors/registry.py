"""The literal table of descriptors, and the reading of their specs."""

import dataclasses
import importlib
import re
from typing import Final, cast

from tamis.descriptors.base import Descriptor
from tamis.errors import InvalidParameterError, UnknownNameError

DESCRIPTORS: Final = {
    "color": "tamis.descriptors.color:Color",
    "hsv": "tamis.descriptors.hsv:Hsv",
    "moments": "tamis.descriptors.moments:Moments",
    "colorlayout": "tamis.descriptors.colorlayout:ColorLayout",
    "correlogram": "tamis.descriptors.correlogram:Correlogram",
    "cedd": "tamis.descriptors.cedd:Cedd",
    "fcth": "tamis.descriptors.fcth:Fcth",
    "jcd": "tamis.descriptors.jcd:Jcd",
    "lbp": "tamis.descriptors.lbp:Lbp",
    "gabor": "tamis.descriptors.gabor:Gabor",
    "haralick": "tamis.descriptors.haralick:Haralick",
    "edge": "tamis.descriptors.edge:Edge",
    "hog": "tamis.descriptors.hog:Hog",
    "phog": "tamis.descriptors.phog:Phog",
    "daisy": "tamis.descriptors.daisy:Daisy",
    "gist": "tamis.descriptors.gist:Gist",
    "vlad": "tamis.descriptors.vlad:Vlad",
}

_SPEC: Final = re.compile(r"(?P<name>[^()\s]+)\s*(?:\((?P<arguments>[^()]*)\))?", re.ASCII)


def names() -> list[str]:
    """List the names of all descriptors, in the order of the table."""
    return list(DESCRIPTORS)


def descriptor(spec: str) -> Descriptor:
    """Build a descriptor from its spec.

    Parameters
    ----------
    spec : str
        A name, or a name with arguments: ``color``, ``color(bins=8,size=none)``.
        What is left out takes its default.

    Raises
    ------
    UnknownNameError
        No descriptor has that name.
    InvalidParameterError
        The text cannot be read, or an argument is unknown or out of its range.

    Examples
    --------
    >>> descriptor("color(bins=8)").spec
    'color(bins=8,regions=3,size=128)'
    """
    match = _SPEC.fullmatch(spec.strip())
    if match is None:
        raise InvalidParameterError(
            f"cannot read the descriptor {spec!r}. Write a name, or a name with arguments such as "
            "color(bins=12,regions=3)."
        )
    name = match["name"]
    if name not in DESCRIPTORS:
        raise UnknownNameError.among("descriptor", name, DESCRIPTORS)
    module, _, attribute = DESCRIPTORS[name].partition(":")
    kind = getattr(importlib.import_module(module), attribute)
    allowed = sorted(f.name for f in dataclasses.fields(kind))
    return cast(Descriptor, kind(**_arguments(name, match["arguments"] or "", allowed)))


def split_specs(text: str) -> list[str]:
    """Cut a list of specs at its commas, but not at those between brackets.

    Examples
    --------
    >>> split_specs("color(bins=8,regions=1), lbp")
    ['color(bins=8,regions=1)', 'lbp']
    """
    parts = re.split(r",(?![^()]*\))", text)
    return [part.strip() for part in parts if part.strip()]


def _arguments(name: str, text: str, allowed: list[str]) -> dict[str, int | float | str | None]:
    arguments: dict[str, int | float | str | None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in allowed:
            raise InvalidParameterError(
                f"{name} has no argument {part!r}. Write key=value with a key among: "
                f"{', '.join(allowed)}."
            )
        if key in arguments:
            raise InvalidParameterError(f"{name} is given {key} twice.")
        arguments[key] = _value(value)
    return arguments


def _value(text: str) -> int | float | str | None:
    if text.lower() == "none":
        return None
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
