"""The grammar of specs: ``name(key=value,key="a value, quoted")``.

A value is a number, ``none`` or text. Text that holds anything but letters, digits and
``_-./:@~`` stands in double quotes; a double quote in it is written twice. So does what
comes after the colon of a name: ``onnx:"/a path/model.onnx"``.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from tamis.errors import InvalidParameterError, UnknownNameError

Value = int | float | str | None

_SPEC: Final = re.compile(
    r'(?P<name>[^()"\s]+(?:(?<=:)"(?:[^"]|"")+")?)\s*'
    r'(?:\((?P<arguments>(?:"[^"]*"|[^()"])*)\))?',
    re.ASCII,
)
_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"')
_PLAIN: Final = re.compile(r"[\w\-./:@~]+")
_WORD: Final = re.compile(r"([A-Za-z_]+)(\d*)", re.ASCII)

WEIGHT: Final = re.compile(r"([0-9.]+)\s*\*")
"""Begins a part of a fusion that has a weight."""


def split_specs(text: str, separator: str = ",") -> list[str]:
    """Cut a list of specs, but not inside of brackets or quotes.

    Examples
    --------
    >>> split_specs("color(bins=8,regions=1), lbp")
    ['color(bins=8,regions=1)', 'lbp']
    >>> split_specs('vlad(codebook="a),b.npz"),lbp')
    ['vlad(codebook="a),b.npz")', 'lbp']
    """
    parts, depth, quoted = [""], 0, False
    for character in text:
        quoted ^= character == '"'
        if not quoted:
            depth += (character == "(") - (character == ")")
        if character == separator and not quoted and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def split_reduction(spec: str) -> tuple[str, str, str]:
    """Cut a spec at its last ``>`` that is outside of brackets and quotes.

    Returns
    -------
    base, arrow, reduction : str
        The arrow is empty if the spec has no reduction.

    Examples
    --------
    >>> split_reduction("color+lbp>pca64")
    ('color+lbp', '>', 'pca64')
    """
    *before, last = split_specs(f"{spec} ", ">") or [""]
    if not before and ">" not in (spec.strip()[:1], spec.strip()[-1:]):
        return spec, "", ""
    return ">".join(before), ">", last


def read_word(word: str, methods: Sequence[str]) -> tuple[str, int]:
    """Cut ``pca64`` into the method, one of `methods`, and the length.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InvalidParameterError
        If there is no length.
    """
    match = _WORD.fullmatch(word)
    if match is None:
        raise InvalidParameterError(
            f"cannot read the reduction {word!r}. Write one of {', '.join(methods)} with a length, "
            "as color>pca64. It reduces all that stands before it, as color+lbp>pca64. "
            "Reductions cannot be fused."
        )
    if match[1] not in methods:
        raise UnknownNameError.among("reduction", match[1], methods)
    if not match[2]:
        raise InvalidParameterError(f"{word} needs a length, such as {word}64.")
    return match[1], int(match[2])


def read(spec: str) -> tuple[str, str]:
    """Cut a spec into its name and the text of its arguments.

    Raises
    ------
    InvalidParameterError
        If it cannot be read.
    """
    match = _SPEC.fullmatch(spec.strip())
    if match is None:
        raise InvalidParameterError(
            f"cannot read the descriptor {spec!r}. Write a name, or a name with arguments such as "
            "color(bins=12,regions=3); text with other characters than letters, digits and "
            "_-./:@~ needs double quotes."
        )
    name, quote, rest = match["name"].partition('"')
    return name + rest.removesuffix(quote).replace('""', '"'), match["arguments"] or ""


def spec_of(one: Any) -> str:
    """Write the spec of a descriptor that is a dataclass: its name and its fields, sorted."""
    values = {f.name: getattr(one, f.name) for f in dataclasses.fields(one) if f.name != "name"}
    arguments = ",".join(f"{key}={written(value)}" for key, value in sorted(values.items()))
    return f"{written_name(one.name)}({arguments})"


def written_name(name: str) -> str:
    """Write a name so that `read` gives it back; what is after a colon in quotes if need be.

    Examples
    --------
    >>> written_name("onnx:/a path/model.onnx")
    'onnx:"/a path/model.onnx"'
    """
    scheme, colon, rest = name.partition(":")
    if _PLAIN.fullmatch(rest or scheme):
        return name
    return f'{scheme}{colon}"' + rest.replace('"', '""') + '"'


def read_arguments(name: str, text: str, allowed: Iterable[str]) -> dict[str, Value]:
    """Read the arguments of `name`.

    Raises
    ------
    InvalidParameterError
        If one is not among the `allowed`, is given twice, or has stray quotes.
    """
    known = sorted(allowed)
    arguments: dict[str, Value] = {}
    for part in split_specs(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in known:
            raise InvalidParameterError(
                f"{name} has no argument {part!r}. Write key=value with a key among: "
                f"{', '.join(known)}."
            )
        if key in arguments:
            raise InvalidParameterError(f"{name} is given {key} twice.")
        arguments[key] = read_value(value)
    return arguments


def read_value(text: str) -> Value:
    """Read what `written` writes: a number, none, or text.

    Raises
    ------
    InvalidParameterError
        If there are quotes, but not around it all.

    Examples
    --------
    >>> [read_value(text) for text in ("8", "0.5", "none", "mpeg7", '"8"', '"a ""b"" c"')]
    [8, 0.5, None, 'mpeg7', '8', 'a "b" c']
    """
    if '"' in text:
        match = _QUOTED.fullmatch(text)
        if match is None:
            raise InvalidParameterError(
                f"cannot read the value {text}. Put quotes around all of it, and write a double "
                'quote in it twice: "a ""b"" c".'
            )
        return match[1].replace('""', '"')
    if text.lower() == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def written(value: object) -> str:
    """Write a value so that `read_value` gives it back; in quotes where it needs them."""
    if value is None:
        return "none"
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.fullmatch(value) and read_value(value) == value:
        return value
    return '"' + value.replace('"', '""') + '"'
