"""Descriptors of other packages, announced by the entry-point group ``tamis.descriptors``.

A package announces one in its ``pyproject.toml``::

    [project.entry-points."tamis.descriptors"]
    sparkle = "sparkling.descriptor:Sparkle"

The class is a dataclass that derives from `tamis.descriptors.base.Descriptor`, and its
``name`` is the one announced. It is imported when it is first used.
"""

import dataclasses
import importlib.metadata
import inspect
from functools import cache
from typing import Final

from tamis.descriptors.base import Descriptor
from tamis.errors import PluginError

GROUP: Final = "tamis.descriptors"
"""Entry-point group."""


@dataclasses.dataclass(frozen=True, slots=True)
class Announced:
    """What one package announces.

    Attributes
    ----------
    name : str
    place : str
        ``module:Class``.
    package : str
        The distribution and its version.
    """

    name: str
    place: str
    package: str


@cache
def announced() -> dict[str, tuple[Announced, ...]]:
    """All that installed packages announce, by name; read once per process."""
    found: dict[str, tuple[Announced, ...]] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        package = f"{point.dist.name} {point.dist.version}" if point.dist else "a package"
        one = Announced(point.name, point.value, package)
        found[point.name] = (*found.get(point.name, ()), one)
    return dict(sorted(found.items()))


def load(name: str) -> type[Descriptor]:
    """Import the class that a package announces under `name`.

    Raises
    ------
    PluginError
        If two packages announce it, or it cannot be imported, or it is no descriptor
        of that name.
    """
    refuse_contested(name, ours=False)
    (one,) = announced()[name]
    try:
        point = importlib.metadata.EntryPoint(one.name, one.place, GROUP)
        kind: object = point.load()
    except Exception as error:
        raise broken(name, error) from error
    if not (isinstance(kind, type) and issubclass(kind, Descriptor)):
        raise _unfit(one, "it is no class that derives from tamis.descriptors.Descriptor")
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise _unfit(one, f"it does not define {missing}")
    if not dataclasses.is_dataclass(kind):
        raise _unfit(one, "it is no dataclass, whose fields are the arguments")
    if getattr(kind, "name", None) != name:
        raise _unfit(one, f"its name is {getattr(kind, 'name', None)!r}")
    return kind


def refuse_contested(name: str, *, ours: bool) -> None:
    """Raise PluginError if several packages, tamis included if `ours`, have `name`."""
    owners = ["tamis itself"] * ours + [
        f"{one.package} ({one.place})" for one in announced().get(name, ())
    ]
    if len(owners) > 1:
        raise PluginError(
            f"the descriptor {name} is claimed by {' and by '.join(owners)}. "
            "Uninstall all but one of the packages, or ask their authors for another name."
        )


def broken(name: str, error: Exception) -> PluginError:
    """Build the error for what the code of the package that announces `name` raised."""
    return _unfit(announced()[name][0], f"{type(error).__name__}: {error}")


def _unfit(one: Announced, why: str) -> PluginError:
    return PluginError(
        f"the descriptor {one.name} of {one.package} ({one.place}) cannot be used: {why}. "
        f"Update or uninstall {one.package.rpartition(' ')[0]}, or tell its authors."
    )
