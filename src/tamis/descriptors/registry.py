"""The literal table of descriptors, and the building of any from its spec."""

import dataclasses
import importlib
import os
from typing import Any, Final

from tamis.descriptors import plugins
from tamis.descriptors.base import Descriptor
from tamis.descriptors.components import Components
from tamis.descriptors.fusion.fusion import METHODS, Fusion
from tamis.descriptors.fusion.weights import SCALES, UNITS
from tamis.descriptors.grammar import (
    WEIGHT,
    read,
    read_arguments,
    read_word,
    split_reduction,
    split_specs,
)
from tamis.descriptors.neural.catalog import ENTRIES
from tamis.descriptors.reduction import METHODS as REDUCTIONS
from tamis.descriptors.reduction import RANDOM, Reduction, may_become
from tamis.errors import (
    FileFormatError,
    InvalidParameterError,
    ReductionError,
    TamisError,
    UnknownNameError,
    printable,
)

DESCRIPTORS: Final = {
    "color": "tamis.descriptors.classical.color:Color",
    "hsv": "tamis.descriptors.classical.hsv:Hsv",
    "moments": "tamis.descriptors.classical.moments:Moments",
    "colorlayout": "tamis.descriptors.classical.colorlayout:ColorLayout",
    "correlogram": "tamis.descriptors.classical.correlogram:Correlogram",
    "cedd": "tamis.descriptors.classical.cedd:Cedd",
    "fcth": "tamis.descriptors.classical.fcth:Fcth",
    "jcd": "tamis.descriptors.classical.jcd:Jcd",
    "lbp": "tamis.descriptors.classical.lbp:Lbp",
    "gabor": "tamis.descriptors.classical.gabor:Gabor",
    "haralick": "tamis.descriptors.classical.haralick:Haralick",
    "edge": "tamis.descriptors.classical.edge:Edge",
    "hog": "tamis.descriptors.classical.hog:Hog",
    "phog": "tamis.descriptors.classical.phog:Phog",
    "daisy": "tamis.descriptors.classical.daisy:Daisy",
    "gist": "tamis.descriptors.classical.gist:Gist",
    "vlad": "tamis.descriptors.classical.vlad:Vlad",
    **dict.fromkeys(ENTRIES, "tamis.descriptors.neural.backbone:Backbone"),
}

SCHEMES: Final = {
    "onnx": "tamis.descriptors.neural.onnx_file:OnnxFile",
    "hf": "tamis.descriptors.neural.hub_model:HubModel",
}
"""The same for names that go on after a colon, such as ``onnx:/path/to/model.onnx``."""

AUTO: Final = "auto"
"""The default descriptor: those of `BEHIND_AUTO` together."""

BEHIND_AUTO: Final = "efficientnet-lite0+efficientnet-lite1"

TAUGHT: Final = f"{BEHIND_AUTO}+hsv+lbp@none"
"""What the classifier ``auto`` learns by where no descriptor is named: colour and texture, too."""

_UNIT_WORDS: Final = {f"{unit}unit": unit for unit in UNITS if unit != "none"}
_FUSION_WORDS: Final = (*METHODS, *_UNIT_WORDS, *SCALES)


def list_descriptors() -> list[str]:
    """List the names of all descriptors: those of the table in its order, then others'.

    Those that other packages announce (`tamis.descriptors.plugins`) are listed
    whether or not they work.

    Examples
    --------
    >>> tamis.list_descriptors()[:3]
    ['color', 'hsv', 'moments']
    """
    return [*DESCRIPTORS, *(name for name in plugins.announced() if name not in DESCRIPTORS)]


def descriptor(spec: str, *, stored_in: str | os.PathLike[str] | None = None) -> Descriptor:
    """Build a descriptor from its spec.

    Parameters
    ----------
    spec : str
        A name, or a name with arguments: ``color``, ``color(bins=8,size=none)``.
        What is left out takes its default. See `tamis.descriptors.grammar`. Several,
        joined by ``+``, are a `Fusion`; all or none of them with a weight, as in
        ``2*color+0.5*lbp``; how they are fused may follow after ``@``, as in
        ``color+lbp@rrf`` or ``color+lbp@sum@l2unit@learned``. What stands before a
        ``>`` is reduced by what comes after it, a `Reduction`: ``color>pca64``,
        ``color+lbp>gauss256(seed=1)``. ``auto``, alone or in a fusion, stands for the
        networks of `BEHIND_AUTO`.
    stored_in : str or os.PathLike, optional
        The file that says so, if the caller does not. Somebody else may have written it:
        the spec must then name what is registered, and no file or address.

    Raises
    ------
    FileFormatError
        The spec comes from a file, and names another file or an address.
    UnknownNameError
        No descriptor has that name.
    InvalidParameterError
        The text cannot be read, or an argument is unknown or out of its range.
    PluginError
        The name is that of another package's descriptor which does not work, or
        of two.
    ReductionError
        The file of a fitted reduction is missing, damaged, or another one.

    Examples
    --------
    >>> descriptor("color(bins=8)").spec
    'color(bins=8,regions=3,size=128)'
    """
    base, arrow, reduction = split_reduction(spec)
    if arrow:
        return _reduction(spec, base, reduction, stored_in)
    whole, *words = split_specs(spec, "@") or [""]
    parts = split_specs(whole, "+")
    if AUTO in parts:
        whole = "+".join(BEHIND_AUTO if part == AUTO else part for part in parts)
        parts = split_specs(whole, "+")
    # A + that is left at the end is inside of a bracket that is never closed.
    open_end = whole.endswith("+") and parts != [whole]
    if len(parts) > 1 or words or WEIGHT.match(whole) or open_end:
        return _fusion(spec, parts, words, stored_in)
    name, text = read(spec)
    scheme, colon, _ = name.partition(":")
    if colon and stored_in is not None:
        raise _reaches_out(spec, stored_in)
    place = SCHEMES.get(scheme) if colon else DESCRIPTORS.get(name)
    if place is not None:
        plugins.refuse_contested(name, ours=True)
        module, _, attribute = place.partition(":")
        kind = getattr(importlib.import_module(module), attribute)
    elif name in plugins.announced():
        kind = plugins.load(name)
    else:
        raise UnknownNameError.among("descriptor", name, list_descriptors())
    allowed = [field.name for field in dataclasses.fields(kind) if field.init]
    named = "name" in allowed  # one class for several names is told which
    allowed = [field for field in allowed if field != "name"]
    arguments: dict[str, Any] = dict(read_arguments(name, text, allowed))
    if stored_in is not None and any(
        isinstance(value, str)
        and (key in kind.opens or (place is None and not value.isidentifier()))
        and value != kind.__dataclass_fields__[key].default
        for key, value in arguments.items()
    ):
        raise _reaches_out(spec, stored_in)
    if named:
        arguments["name"] = name
    try:
        built: Descriptor = kind(**arguments)
    except TamisError:
        raise
    except Exception as error:
        if place is not None:
            raise
        raise plugins.broken(name, error) from error
    return built


def _reaches_out(spec: str, stored_in: str | os.PathLike[str]) -> FileFormatError:
    return FileFormatError(
        f"{printable(os.fspath(stored_in))} asks for the descriptor {printable(spec)}, which reads "
        "a file or an address outside of it. If you trust it, name the descriptor yourself by "
        "--by, or open the model with --trust."
    )


def _fusion(
    spec: str, parts: list[str], words: list[str], stored_in: str | os.PathLike[str] | None
) -> Fusion:
    how: dict[str, str] = {}
    for word in words:
        if word not in _FUSION_WORDS:
            raise UnknownNameError.among("way to fuse", word, _FUSION_WORDS)
        kind = "method" if word in METHODS else "unit" if word in _UNIT_WORDS else "scale"
        if kind in how:
            raise InvalidParameterError(f"{spec!r} says the {kind} of a fusion twice.")
        how[kind] = _UNIT_WORDS.get(word, word)
    weighted = [WEIGHT.match(part) for part in parts]
    if any(weighted) and not all(weighted):
        raise InvalidParameterError(
            f"give all descriptors of a fusion a weight, or none of them. Got {spec!r}."
        )
    built = tuple(
        descriptor(part[match.end() :] if match else part, stored_in=stored_in)
        for match, part in zip(weighted, parts, strict=True)
    )
    try:
        weights = tuple(float(match[1]) for match in weighted if match)
    except ValueError:
        raise InvalidParameterError(f"cannot read the weights of {spec!r}.") from None
    return Fusion(parts=built, weights=weights or None, **how)


def _reduction(
    spec: str, base: str, word: str, stored_in: str | os.PathLike[str] | None
) -> Reduction:
    if not base:
        raise InvalidParameterError(
            f"a reduction needs a descriptor before the > and a method after it, as color>pca64. "
            f"Got {spec!r}."
        )
    name, text = read(word)
    method, length = read_word(name, REDUCTIONS)
    allowed = ["seed"] if method in RANDOM else ["digest", "file"]
    arguments: dict[str, Any] = dict(read_arguments(name, text, allowed))
    whole = descriptor(base, stored_in=stored_in)
    file = arguments.get("file")
    if file is not None and stored_in is not None:
        raise _reaches_out(spec, stored_in)
    if isinstance(file, str) and file and not whole.fitted:
        # A fusion without weights takes those that the file was fitted with.
        found = Components.load(os.path.expanduser(file))
        fitted = descriptor(found.base, stored_in=file)
        if not may_become(whole, fitted):
            raise ReductionError(
                f"the reduction {printable(file)} was fitted to {found.base}, and cannot reduce "
                f"{whole.spec}."
            )
        whole, arguments["components"] = fitted, found
    return Reduction(base=whole, method=method, length=length, **arguments)
