"""Every error that tamis raises on purpose.

::

    TamisError
    ├── InvalidParameterError (ValueError)      an argument out of its range
    │   └── UnknownNameError (LookupError)      a name that no registry holds
    ├── ImageReadError (OSError)                one file that is not a readable picture
    ├── TableError (ValueError)                 a folder or list that makes no usable table
    ├── DestinationError (OSError)              a place that must not be written to, or cannot be
    ├── JournalError (RuntimeError)             a journal that cannot be resumed or undone
    ├── FileFormatError (ValueError)            a file that is not what it should be
    │   ├── CodebookError (ValueError)              the codebook it should be
    │   ├── ReductionError (ValueError)             the reduction it should be
    │   ├── WeightsError (ValueError)               weights or a network that can be used
    │   └── ModelError (ValueError)                 the trained model it should be
    ├── PluginError (ImportError)               a descriptor of another package that does not work
    ├── TrainingError (RuntimeError)            a training that cannot begin, go on or be resumed
    ├── CollectionError (RuntimeError)          a collection on disk that cannot be used
    └── MissingExtraError (ImportError)         an optional library that is not installed

Each leaf also inherits the builtin it refines, so ``except ValueError`` works as
a caller expects, while ``except TamisError`` catches all that has a message
meant for a person.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


class TamisError(Exception):
    """Base of all errors that tamis raises on purpose."""


class InvalidParameterError(TamisError, ValueError):
    """An argument is outside of what is allowed."""


class UnknownNameError(InvalidParameterError, LookupError):
    """A name (of a descriptor, a distance) that no registry holds."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> Self:
        """Build the error for `name`, with the nearest of the `known` names."""
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        return cls(f"unknown {kind} {name!r}. {hint}Known: {', '.join(names)}.")


class ImageReadError(TamisError, OSError):
    """A file could not be opened as a picture.

    Attributes
    ----------
    path : str
        The file, as it was asked for.
    reason : str
        Why, in a few words, for a person.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{printable(path)}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Rebuild from both arguments, so that it survives a trip between processes."""
        return type(self), (self.path, self.reason)


class TableError(TamisError, ValueError):
    """A folder, a list or a manifest from which no usable table can be made."""


class DestinationError(TamisError, OSError):
    """A file or folder that must not be written to, or cannot be."""


class JournalError(TamisError, RuntimeError):
    """A journal that cannot be read, resumed or undone."""


class FileFormatError(TamisError, ValueError):
    """A file is missing, damaged, of another kind, or holds what it must not hold."""


class CodebookError(FileFormatError):
    """A codebook that is missing, damaged, or not the one that was asked for."""


class ReductionError(FileFormatError):
    """A fitted reduction that is missing, damaged, or not the one that was asked for."""


class WeightsError(FileFormatError):
    """The weights or the graph of a network: damaged, or not the ones that were asked for."""


class ModelError(FileFormatError):
    """A trained model that is missing, damaged, foreign or of a newer tamis."""


class PluginError(TamisError, ImportError):
    """A descriptor that another package announces and that cannot be used."""


class TrainingError(TamisError, RuntimeError):
    """A training that cannot begin, cannot go on, or cannot be resumed."""


class CollectionError(TamisError, RuntimeError):
    """A collection on disk that is missing, damaged, too new, or lacks what is asked for."""


class MissingExtraError(TamisError, ImportError):
    """An optional library is needed and not installed."""

    @classmethod
    def for_extra(cls, extra: str, what: str) -> Self:
        """Build the error that names the command which installs `extra`."""
        return cls(f'{what} needs an optional library. Install it: pip install "tamis[{extra}]"')

    @classmethod
    def for_project(cls, project: str, what: str) -> Self:
        """Build the error that names the command which installs one project of PyPI."""
        return cls(f"{what} needs a package that is not installed: pip install {project}")


@dataclass(frozen=True, slots=True)
class Failure:
    """One file that could not be used, and why."""

    path: str
    reason: str


def printable(path: str, *, keep: str = "") -> str:
    r"""Write a path so that any terminal, page or log can show it.

    File names are bytes: those that are not UTF-8 arrive in Python as lone
    surrogates, which cannot be encoded. They, control characters (a newline in a name
    would split a line of output, an escape would command the terminal) and characters
    that change the direction of writing are shown escaped.

    Parameters
    ----------
    path : str
    keep : str
        Characters that are left as they are.

    Examples
    --------
    >>> printable("chat\udce9.jpg")
    'chat\\xe9.jpg'
    >>> printable("two\nlines.jpg")
    'two\\nlines.jpg'
    """
    if path.isprintable():
        return path
    return "".join(c if c.isprintable() or c in keep else _escaped(c) for c in path)


def sentence(error: Exception) -> str:
    """Give the text of an error as a sentence that another may follow."""
    text = printable(" ".join(str(error).split()))
    return text if text.endswith(".") else f"{text}."


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte, as os.fsdecode hides it
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
