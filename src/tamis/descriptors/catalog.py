"""What is to be said about a descriptor: one entry of `tamis descriptors`."""

import dataclasses
import inspect
import re
from typing import Any, Self

from tamis.descriptors import plugins
from tamis.descriptors.base import Descriptor
from tamis.descriptors.grammar import written
from tamis.descriptors.registry import DESCRIPTORS, descriptor, names
from tamis.errors import TamisError


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a descriptor.

    Attributes
    ----------
    name : str
    default : str or None
        As a spec writes it; None if it must be given.
    kind : str
        What may be given, such as ``int or None``.
    text : str
        What it does.
    """

    name: str
    default: str | None
    kind: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A descriptor, for a person.

    Attributes
    ----------
    name : str
    dim : int
    spec : str
    captures : str
        Its summary.
    source : str
        Authors, year, DOI.
    package : str
        That which it comes from: ``tamis``, or a distribution and its version.
    text : str
        What it computes: its docstring up to the first section.
    missing : str
        The command that brings what it needs; empty if all is there.
    download : str
        How much that command downloads from the Hugging Face hub; empty if nothing.
    parameters : tuple of Parameter
    """

    name: str
    dim: int
    spec: str
    captures: str
    source: str
    package: str
    text: str
    missing: str
    download: str
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, one: Descriptor) -> Self:
        """Collect the entry from a descriptor's class and its docstring."""
        text = inspect.getdoc(type(one)) or ""
        said = re.split(r"\n\n\w[\w ]*\n-{3,}\n", text, maxsplit=1)[0]
        about = getattr(one, "about", "")  # what differs between those of one class
        others = plugins.announced().get(one.name, ())
        return cls(
            name=one.name,
            dim=one.dim,
            spec=one.spec,
            # Only ours are sure to say these.
            captures=getattr(one, "summary", ""),
            source=getattr(one, "source", ""),
            package="tamis" if one.name in DESCRIPTORS or not others else others[0].package,
            text=f"{said}\n\n{about}" if about else said,
            missing=getattr(one, "missing", ""),
            download=getattr(one, "download", ""),
            parameters=tuple(_parameters(one, text)),
        )


def entries() -> tuple[list[Entry], dict[str, str]]:
    """List all descriptors.

    Returns
    -------
    entries : list of Entry
        Those that can be used, each with its defaults.
    failures : dict of str to str
        The names of the others, and why.
    """
    listed, failures = [], {}
    for name in names():
        try:
            listed.append(Entry.of(descriptor(name)))
        except TamisError as error:
            failures[name] = str(error)
        except Exception as error:
            if name in DESCRIPTORS:
                raise
            failures[name] = str(plugins.broken(name, error))
    return listed, failures


def _parameters(one: Descriptor, text: str) -> list[Parameter]:
    said = _said(text)
    return [
        Parameter(field.name, _default(field), *said.get(field.name, ("", "")))
        for field in dataclasses.fields(one)  # type: ignore[arg-type]
        if field.init and field.name != "name"
    ]


def _default(field: "dataclasses.Field[Any]") -> str | None:
    if field.default is not dataclasses.MISSING:
        return written(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return written(field.default_factory())
    return None


def _said(text: str) -> dict[str, tuple[str, str]]:
    """Read the section Parameters of a numpydoc docstring: type and text by name."""
    match = re.search(r"(?:^|\n)Parameters\n-{3,}\n(.*?)(?=\n\n\w[\w ]*\n-{3,}\n|$)", text, re.S)
    said: dict[str, tuple[str, str]] = {}
    for part in re.split(r"\n(?=\w)", match[1]) if match else []:
        first, _, rest = part.partition("\n")
        name, _, kind = first.partition(" : ")
        said[name.strip()] = (kind.strip(), " ".join(rest.split()))
    return said
