"""The kinds of files that tamis writes, and how it knows one that it wrote.

A file is replaced only by a newer one of its own kind. So an option that is given the
name of a picture, a list or a text by mistake destroys nothing.
"""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

GENERATOR: Final = "generator"
"""First key of every JSON file; its value begins with ``tamis``."""

_HEAD: Final = 2048
_JSON: Final = re.compile(rb'\s*\{\s*"generator":\s*"tamis\b')
_PAGE: Final = re.compile(rb'<meta name="generator" content="tamis\b')
_ONNX: Final = re.compile(rb"\x08.\x12\x05tamis", re.DOTALL)  # ir_version, producer_name
_MODEL: Final = re.compile(rb'\s*\{\s*"format":\s*"tamis model"')


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes
    ----------
    what : str
        Its name in a message, with the article.
    recognise : callable
        Tells from a path whether the file was written by tamis as this kind. May raise
        what a reader raises on foreign bytes.
    """

    what: str
    recognise: Callable[[str], bool]

    def wrote(self, path: str) -> bool:
        """Tell whether the file at `path` is one that tamis wrote, of this kind."""
        try:
            return self.recognise(path)
        # What zipfile raises on bytes that are something else.
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, NotImplementedError,
                zipfile.BadZipFile):  # fmt: skip
            return False


def _begins(pattern: re.Pattern[bytes]) -> Callable[[str], bool]:
    def recognise(path: str) -> bool:
        with open(path, "rb") as file:
            return pattern.match(file.read(_HEAD)) is not None

    return recognise


def _holds(pattern: re.Pattern[bytes]) -> Callable[[str], bool]:
    def recognise(path: str) -> bool:
        with open(path, "rb") as file:
            return pattern.search(file.read(_HEAD)) is not None

    return recognise


def _is_model(path: str) -> bool:
    with zipfile.ZipFile(path) as archive, archive.open("model.json") as manifest:
        return _MODEL.match(manifest.read(_HEAD)) is not None


def _has_arrays(*names: str) -> Callable[[str], bool]:
    def recognise(path: str) -> bool:
        with zipfile.ZipFile(path) as archive:
            return sorted(archive.namelist()) == sorted(f"{name}.npy" for name in names)

    return recognise


JSON: Final = Kind("a JSON file of tamis", _begins(_JSON))
PAGE: Final = Kind("a report of tamis", _holds(_PAGE))
ONNX: Final = Kind("an ONNX graph of tamis", _begins(_ONNX))
MODEL: Final = Kind("a model of tamis", _is_model)
CODEBOOK: Final = Kind("a codebook of tamis", _has_arrays("mean", "axes", "words"))
REDUCTION: Final = Kind("a reduction of tamis", _has_arrays("base", "mean", "axes", "variances"))
