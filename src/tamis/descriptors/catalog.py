"""The entries of `tamis descriptors`: what a descriptor is, and what it costs."""

import dataclasses
import inspect
import re
import statistics
import time
from typing import Any, Final, Self

import cv2
import numpy as np

from tamis.descriptors import plugins
from tamis.descriptors.base import Descriptor
from tamis.descriptors.grammar import written
from tamis.descriptors.registry import DESCRIPTORS, descriptor, list_descriptors
from tamis.errors import TamisError
from tamis.images import DEFAULT_SIZE, Pixels

SHAPE: Final = (DEFAULT_SIZE * 3 // 4, DEFAULT_SIZE)
"""Height and width of the picture that is described, in pixels."""

_LEAST_ROUNDS: Final = 5


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
            source=getattr(one, "reference", ""),
            package="tamis" if one.name in DESCRIPTORS or not others else others[0].package,
            text=f"{said}\n\n{about}" if about else said,
            missing=getattr(one, "missing", ""),
            download=getattr(one, "download_size", ""),
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
    for name in list_descriptors():
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


def cost(descriptor: Descriptor, *, seconds: float = 0.1) -> float:
    """Measure what a picture costs, in milliseconds of one thread.

    The median of several rounds, at least five, over a made picture of 96 x 128
    pixels, without its decoding. The first round, which loads and compiles, does not
    count. OpenCV is kept to one thread meanwhile.

    Parameters
    ----------
    descriptor : Descriptor
    seconds : float
        How long to measure, roughly; a slow descriptor takes longer.
    """
    images = [sample_image()]
    rounds: list[float] = []
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        descriptor.describe(images)
        end = time.perf_counter() + seconds
        while len(rounds) < _LEAST_ROUNDS or time.perf_counter() < end:
            start = time.perf_counter()
            descriptor.describe(images)
            rounds.append(time.perf_counter() - start)
    finally:
        cv2.setNumThreads(threads)
    return 1000 * statistics.median(rounds)


def sample_image() -> Pixels:
    """Make a picture of `SHAPE` with structure at all scales; always the same one.

    Its amplitudes fall with the frequency, as those of photographs do.
    """
    height, width = SHAPE
    rng = np.random.default_rng(0)
    y, x = np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)
    falling = 1 / np.maximum(np.hypot(y, x), 1 / width)
    # Light, and less of colour.
    light, *colours = (
        np.fft.irfft2(np.fft.rfft2(rng.normal(size=SHAPE)) * falling, SHAPE) for _ in range(4)
    )
    channels = np.stack([light + 0.3 * colour for colour in colours], axis=-1)
    channels -= channels.mean()
    return np.clip(128 + 50 / channels.std() * channels, 0, 255).astype(np.uint8)
