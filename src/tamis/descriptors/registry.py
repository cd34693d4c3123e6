"""The literal table of descriptors, and the building of any from its spec."""

import dataclasses
import importlib
import re
from typing import Final

from tamis.descriptors import plugins
from tamis.descriptors.base import Descriptor
from tamis.descriptors.fusion import Fusion
from tamis.descriptors.spec import read, read_arguments, split_specs
from tamis.errors import InvalidParameterError, TamisError, UnknownNameError

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

_WEIGHTED: Final = re.compile(r"([0-9.]+)\s*\*")


def names() -> list[str]:
    """List the names of all descriptors: those of the table in its order, then others'.

    Those that other packages announce (`tamis.descriptors.plugins`) are listed
    whether or not they work.
    """
    return [*DESCRIPTORS, *(name for name in plugins.announced() if name not in DESCRIPTORS)]


def descriptor(spec: str) -> Descriptor:
    """Build a descriptor from its spec.

    Parameters
    ----------
    spec : str
        A name, or a name with arguments: ``color``, ``color(bins=8,size=none)``.
        What is left out takes its default. See `tamis.descriptors.spec`. Several,
        joined by ``+``, are a `Fusion`; all or none of them with a weight, as in
        ``2*color+0.5*lbp``.

    Raises
    ------
    UnknownNameError
        No descriptor has that name.
    InvalidParameterError
        The text cannot be read, or an argument is unknown or out of its range.
    PluginError
        The name is that of another package's descriptor which does not work, or
        of two.

    Examples
    --------
    >>> descriptor("color(bins=8)").spec
    'color(bins=8,regions=3,size=128)'
    """
    parts = split_specs(spec, "+")
    if len(parts) > 1 or _WEIGHTED.match(spec.strip()) or spec.strip().endswith("+"):
        return _fusion(spec, parts)
    name, text = read(spec)
    if name in DESCRIPTORS:
        plugins.refuse_contested(name, ours=True)
        module, _, attribute = DESCRIPTORS[name].partition(":")
        kind = getattr(importlib.import_module(module), attribute)
    elif name in plugins.announced():
        kind = plugins.load(name)
    else:
        raise UnknownNameError.among("descriptor", name, names())
    allowed = [field.name for field in dataclasses.fields(kind) if field.init]
    arguments = read_arguments(name, text, allowed)
    try:
        built: Descriptor = kind(**arguments)
    except TamisError:
        raise
    except Exception as error:
        if name in DESCRIPTORS:
            raise
        raise plugins.broken(name, error) from error
    return built


def _fusion(spec: str, parts: list[str]) -> Fusion:
    weighted = [_WEIGHTED.match(part) for part in parts]
    if any(weighted) and not all(weighted):
        raise InvalidParameterError(
            f"give all descriptors of a fusion a weight, or none of them. Got {spec!r}."
        )
    built = tuple(
        descriptor(part[match.end() :] if match else part)
        for match, part in zip(weighted, parts, strict=True)
    )
    try:
        weights = tuple(float(match[1]) for match in weighted if match)
    except ValueError:
        raise InvalidParameterError(f"cannot read the weights of {spec!r}.") from None
    return Fusion(parts=built, weights=weights or None)
