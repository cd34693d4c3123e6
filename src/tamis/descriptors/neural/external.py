"""Networks outside of the catalog: what is not given about one is read from its file."""

import os
from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Features, check_choice, check_int
from tamis.descriptors.grammar import spec_of
from tamis.descriptors.neural.graph_file import GraphFile, examine
from tamis.descriptors.neural.onnx_descriptor import Network, OnnxDescriptor
from tamis.descriptors.neural.preprocessing import Channels, Preprocessing
from tamis.descriptors.neural.runtime import get_session, run, session
from tamis.errors import InvalidParameterError, WeightsError, printable, sentence
from tamis.files.digest import DIGEST_LENGTH, is_digest
from tamis.images import Square

POOLS: Final = ("class", "mean", "plain")
"""How several vectors of a picture become one."""

IMAGENET: Final = ("0.485/0.456/0.406", "0.229/0.224/0.225")
"""Mean and standard deviation of ImageNet, of values from 0 to 1."""

_SIDE: Final = 224  # where a network takes any
_MOST: Final = 2048
# Of several outputs that which the exports of transformers mean for a whole picture.
_KNOWN: Final = ("image_embeds", "pooler_output", "last_hidden_state")

_Any = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ExternalNetwork(OnnxDescriptor):
    """A network in an ONNX file that is not in the catalog.

    A setting that is not given is read from the file, or from what comes with it, and
    becomes part of the spec. A subclass finds the file.
    """

    default_distance: ClassVar[str] = "cosine"
    summary: ClassVar[str] = "what the network in an ONNX file sees"
    reference: ClassVar[str] = "a file of yours"

    name: str  # type: ignore[misc]
    crop: int | None = None
    digest: str | None = None
    mean: str | float | None = None
    output: str | None = None
    pool: str | None = None
    size: int | None = None
    std: str | float | None = None

    def __post_init__(self) -> None:
        check_int("crop", self.crop, 0, 1, optional=True)
        check_int("flip", self.flip, 0, 1)
        check_int("size", self.size, 1, _MOST, optional=True)
        if self.pool is not None:
            check_choice("pool", self.pool, POOLS)
        if self.digest is not None and not is_digest(self.digest):
            raise InvalidParameterError(
                f"digest must be {DIGEST_LENGTH} hexadecimal digits, or left out. Got "
                f"{self.digest!r}."
            )
        if None in (self.crop, self.digest, self.mean, self.output, self.pool, self.size, self.std):
            self._find_out()
        for field in ("mean", "std"):
            values = _three(field, getattr(self, field))
            object.__setattr__(self, field, "/".join(f"{value:.6g}" for value in values))
        if not all(_three("std", self.std)):
            raise InvalidParameterError(f"std must not be 0. Got {self.std!r}.")

    @abstractmethod
    def path(self) -> str:
        """Find the file, or bring it here."""

    def read_config(self) -> dict[str, Any]:
        """Read what comes with the file about its preprocessing: crop, mean, size, std."""
        return {}

    @property
    def spec(self) -> str:  # noqa: D102 - as Descriptor
        return spec_of(self)

    @property
    def preprocessing(self) -> Preprocessing:  # noqa: D102 - as OnnxDescriptor
        graph = self._checked()
        assert self.size is not None
        return Preprocessing(
            square=Square(self.size, bool(self.crop)),
            height=graph.height or self.size,
            width=graph.width or self.size,
            mean=_grey_levels("mean", self.mean) if graph.dtype != "uint8" else None,
            std=_grey_levels("std", self.std) if graph.dtype != "uint8" else None,
            dtype=graph.dtype,
            channels_last=graph.channels_last,
        )

    @property
    def dim(self) -> int:  # noqa: D102 - as Descriptor
        return self._shape()[1]

    def _network(self) -> Network:
        graph = self._checked()
        return Network(_session(graph), self.output, graph.batch)

    def _run(self, network: Network, batch: _Any) -> _Any:
        try:
            return super()._run(network, batch)
        except WeightsError as error:
            raise _not_run(self.path(), batch, error) from error

    def _pool(self, output: _Any) -> _Any:
        if output.ndim == 1:
            return output[np.newaxis]
        if output.ndim == 4:
            axes = (1, 2) if self._checked().channels_last else (2, 3)
            return output.mean(axis=axes, dtype=np.float32)
        if output.ndim == 3:
            return output[:, 0] if self.pool == "class" else output.mean(axis=1, dtype=np.float32)
        return output

    def _finish(self, features: Features) -> Features:
        # A value beyond the range of half precision is no reason to stop a run.
        return np.nan_to_num(features, copy=False)

    def _checked(self) -> GraphFile:
        """Examine the file, which must be the one that the digest says."""
        graph = examine(self.path())
        if self.digest not in (None, graph.digest):
            raise WeightsError(
                f"{printable(graph.path)} has the digest {graph.digest}, and {self.digest} is "
                "asked for: it has changed, and its vectors cannot be compared with the former "
                "ones. Bring back the former file, or leave out digest= and describe all pictures "
                "again."
            )
        return graph

    def _find_out(self) -> None:
        """Set what was not given."""
        graph, config = self._checked(), self.read_config()
        fixed = graph.height and max(graph.height, graph.width or graph.height)
        if fixed and self.size not in (None, fixed):
            raise InvalidParameterError(
                f"{printable(graph.path)} takes pictures of {graph.height} x {graph.width} pixels "
                f"only. Got size={self.size}; leave it out."
            )
        output = self.output or _one_of(graph)
        if output not in graph.outputs:
            raise InvalidParameterError(
                f"output must be one of {', '.join(graph.outputs)}. Got {output!r}."
            )
        raw = graph.dtype == "uint8"
        found = {
            "crop": config.get("crop", 0),
            "digest": graph.digest,
            "mean": "0" if raw else config.get("mean", IMAGENET[0]),
            "output": output,
            "size": fixed or config.get("size", _SIDE),
            "std": f"{1 / 255:.6g}" if raw else config.get("std", IMAGENET[1]),
        }
        for key, value in found.items():
            if getattr(self, key) is None:
                object.__setattr__(self, key, value)
        shape, _ = self._shape()
        if self.pool is None:
            pool = {3: _pool_of(shape), 4: "mean"}.get(len(shape), "plain")
            object.__setattr__(self, "pool", pool)

    def _shape(self) -> tuple[tuple[int, ...], int]:
        """Give the shape of the output for one picture, and the length of the vectors."""
        graph = self._checked()
        side = self.size or _SIDE
        height, width = graph.height or side, graph.width or side
        shape = _tried(graph, str(self.output), height, width)
        return shape, shape[-1] if len(shape) < 4 or graph.channels_last else shape[1]


@lru_cache(maxsize=64)
def _tried(graph: GraphFile, output: str, height: int, width: int) -> tuple[int, ...]:
    """Run a network once, on a black picture, and give the shape of an output."""
    shape = [graph.batch or 1, 3, height, width]
    if graph.channels_last:
        shape = [graph.batch or 1, height, width, 3]
    black = np.zeros(shape, graph.dtype)
    try:
        (found,) = run(_session(graph), {graph.pixels: black}, [output])
    except WeightsError as error:
        raise _not_run(graph.path, black, error) from error
    given: tuple[int, ...] = (1, *found.shape) if found.ndim == 1 else found.shape
    if not 2 <= len(given) <= 4 or 0 in given or given[0] != shape[0]:
        raise WeightsError(
            f"the output {output} of {printable(graph.path)} has the shape {found.shape} for "
            f"{shape[0]} picture(s), and cannot be made one vector each. Those that can are "
            "(n, values), (n, tokens, values) and (n, values, height, width). Name another by "
            f"output=, of {', '.join(graph.outputs)}."
        )
    return given


def _session(graph: GraphFile) -> Any:
    return get_session(f"{graph.path}:{graph.digest}", lambda: session(graph.path))


def _not_run(path: str, batch: _Any, error: WeightsError) -> WeightsError:
    return WeightsError(
        f"{printable(path)} cannot be run on pictures of shape {batch.shape}: {sentence(error)} "
        "Try another size=, such as the one it was trained on."
    )


def _one_of(graph: GraphFile) -> str:
    """Choose the output: the only one, or one whose name says enough."""
    if len(graph.outputs) == 1:
        return graph.outputs[0]
    for name in _KNOWN:
        if name in graph.outputs:
            return name
    raise InvalidParameterError(
        f"{printable(graph.path)} has {len(graph.outputs)} outputs; name one by output=, of "
        f"{', '.join(graph.outputs)}."
    )


def _pool_of(shape: tuple[int, ...]) -> str:
    """Guess whether the first token stands for the whole: it comes before a square of them."""
    return "mean" if round(shape[1] ** 0.5) ** 2 == shape[1] else "class"


def _grey_levels(name: str, value: Any) -> Channels:
    """Scale values from 0 to 1 to 0 to 255, as float32 does."""
    red, green, blue = (255 * np.array(_three(name, value), np.float32)).tolist()
    return red, green, blue


def _three(name: str, value: Any) -> Channels:
    """Read one number for all channels, or three."""
    try:
        numbers = [float(part) for part in str(value).split("/")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3 or not np.isfinite(numbers).all():
        raise InvalidParameterError(
            f"{name} must be a number, or three for red, green and blue, of values from 0 to 1, as "
            f"{IMAGENET[name == 'std']}. Got {value!r}."
        )
    return numbers[0], numbers[1], numbers[2]


def check_printable(what: str, text: str) -> None:
    """Raise InvalidParameterError unless a text can be part of a spec."""
    if not text or not text.isprintable():
        raise InvalidParameterError(
            f"{what} must be text that can be printed, as it is part of the spec. Got "
            f"{printable(os.fspath(text))!r}."
        )
