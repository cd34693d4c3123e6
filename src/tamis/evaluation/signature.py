"""The signature of a result: all that its numbers depend on."""

import contextlib
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from tamis import __version__
from tamis.images import default_reading

Signature = dict[str, str | int]
"""Names to plain values, for JSON."""

_PACKAGES: Final = ("numpy", "numba", "simplejpeg", "opencv-python-headless", "pillow")


def program() -> Signature:
    """Name this version of tamis: the signature of results that hold no numbers."""
    return {"tamis": __version__}


def versions(*packages: str) -> Signature:
    """Name the programs that numbers depend on, with versions, and how colours are read.

    Parameters
    ----------
    *packages : str
        Named too, if they are installed.

    Returns
    -------
    dict from str to str

    Examples
    --------
    >>> sorted(versions())[:3]
    ['icc', 'numba', 'numpy']
    """
    named: Signature = {
        "python": platform.python_version(),
        "icc": "applied" if default_reading().icc else "ignored",
    }
    named |= program()
    named |= {name: version(name) for name in _PACKAGES}
    if runtime := sys.modules.get("onnxruntime"):  # loaded: a network was run
        named["onnxruntime"] = runtime.__version__
    for name in packages:
        with contextlib.suppress(PackageNotFoundError):
            named[name] = version(name)
    return named
