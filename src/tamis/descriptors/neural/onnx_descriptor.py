"""Networks from elsewhere as descriptors: shown pictures as they want them."""

import os
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Descriptor, Features, check_choice, check_int
from tamis.descriptors.grammar import spec_of
from tamis.descriptors.neural.onnx_file import GraphFile, examine
from tamis.descriptors.neural.runtime import on_gpu, opened, run, session
from tamis.errors import InvalidParameterError, WeightsError, printable, sentence
from tamis.files.digest import DIGEST_LENGTH, is_digest
from tamis.images import Pixels, Square, as_rgb, fit
from tamis.images.pixels import resize

POOLS: Final = ("class", "mean", "plain")
"""How several vectors of a picture become one."""

IMAGENET: Final = ("0.485/0.456/0.406", "0.229/0.224/0.225")
"""Mean and standard deviation of ImageNet, of values from 0 to 1."""

_SIDE: Final = 224  # where a network takes any
_MOST: Final = 2048
_GPU_BATCH: Final = 32
# Of several outputs that which the exports of transformers mean for a whole picture.
_KNOWN: Final = ("image_embeds", "pooler_output", "last_hidden_state")

_Any = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Foreign(Descriptor):
    """A network in an ONNX file. What is not given is found out, and becomes part of the spec.

    A subclass finds the file.
    """

    own_distance: ClassVar[str] = "cosine"
    summary: ClassVar[str] = "what the network in an ONNX file sees"
    source: ClassVar[str] = "a file of yours"

    name: str  # type: ignore[misc]
    crop: int | None = None
    digest: str | None = None
    flip: int = 0
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

    def wishes(self) -> dict[str, Any]:
        """Say what is known of how the network wants its pictures: crop, mean, size, std."""
        return {}

    @property
    def spec(self) -> str:  # noqa: D102 - as Descriptor
        return spec_of(self)

    @property
    def view(self) -> Square:  # noqa: D102 - as Descriptor
        assert self.size is not None
        return Square(self.size, bool(self.crop))

    @property
    def dim(self) -> int:  # noqa: D102 - as Descriptor
        return self._shape()[1]

    def describe(self, images: Sequence[Pixels]) -> Features:  # noqa: D102 - as Descriptor
        features = np.empty((len(images), self.dim), np.float32)
        graph = self._checked()
        running = opened(f"{graph.path}:{graph.digest}", lambda: session(graph.path))
        # Alone, a picture's vector cannot depend on others; some networks want several.
        step = graph.batch or (_GPU_BATCH if on_gpu(running) else 1)
        for start in range(0, len(images), step):
            part = images[start : start + step]
            batch = self._prepare(graph, part)
            found = self._run(graph, running, batch)
            if self.flip:
                axis = 2 if graph.channels_last else 3
                mirrored = np.ascontiguousarray(np.flip(batch, axis))
                found = np.float32(0.5) * (found + self._run(graph, running, mirrored))
            if found.shape[1:] != (self.dim,) or len(found) < len(part):
                raise WeightsError(
                    f"{printable(graph.path)} gave vectors of {self.dim} values, and now gives the "
                    f"shape {found.shape}."
                )
            features[start : start + step] = found[: len(part)]
        # What half-precision cannot hold is no reason to stop a run.
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
        graph, wishes = self._checked(), self.wishes()
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
            "crop": wishes.get("crop", 0),
            "digest": graph.digest,
            "mean": "0" if raw else wishes.get("mean", IMAGENET[0]),
            "output": output,
            "size": fixed or wishes.get("size", _SIDE),
            "std": f"{1 / 255:.6g}" if raw else wishes.get("std", IMAGENET[1]),
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

    def _prepare(self, graph: GraphFile, images: Sequence[Pixels]) -> _Any:
        view, height, width = self.view, graph.height or self.size, graph.width or self.size
        assert height is not None and width is not None
        rows = graph.batch or len(images)
        batch = np.zeros((rows, height, width, 3), np.float32)
        for image, out in zip(images, batch, strict=False):
            out[:] = resize(fit(as_rgb(image), view), height, width)
        if graph.dtype != "uint8":
            mean, std = (
                np.array(_three(key, getattr(self, key)), np.float32) for key in ("mean", "std")
            )
            batch -= 255 * mean
            batch /= 255 * std
        if not graph.channels_last:
            batch = batch.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(batch, graph.dtype)

    def _run(self, graph: GraphFile, running: Any, batch: _Any) -> Features:
        found = _answer(graph, running, str(self.output), batch)
        if found.ndim == 1:
            found = found[np.newaxis]
        if found.ndim == 4:
            found = found.mean(axis=(1, 2) if graph.channels_last else (2, 3), dtype=np.float32)
        elif found.ndim == 3:
            found = found[:, 0] if self.pool == "class" else found.mean(axis=1, dtype=np.float32)
        return found.astype(np.float32, copy=False)


@lru_cache(maxsize=64)
def _tried(graph: GraphFile, output: str, height: int, width: int) -> tuple[int, ...]:
    """Run a network once, on a black picture, and give the shape of an output."""
    running = opened(f"{graph.path}:{graph.digest}", lambda: session(graph.path))
    shape = [graph.batch or 1, 3, height, width]
    if graph.channels_last:
        shape = [graph.batch or 1, height, width, 3]
    found = _answer(graph, running, output, np.zeros(shape, graph.dtype))
    given: tuple[int, ...] = (1, *found.shape) if found.ndim == 1 else found.shape
    if not 2 <= len(given) <= 4 or 0 in given or given[0] != shape[0]:
        raise WeightsError(
            f"the output {output} of {printable(graph.path)} has the shape {found.shape} for "
            f"{shape[0]} picture(s), and cannot be made one vector each. Those that can are "
            "(n, values), (n, tokens, values) and (n, values, height, width). Name another by "
            f"output=, of {', '.join(graph.outputs)}."
        )
    return given


def _answer(graph: GraphFile, running: Any, output: str, batch: _Any) -> _Any:
    try:
        (found,) = run(running, {graph.pixels: batch}, [output])
    except WeightsError as error:
        raise WeightsError(
            f"{printable(graph.path)} cannot be run on pictures of shape {batch.shape}: "
            f"{sentence(error)} Try another size=, such as the one it was trained on."
        ) from error
    return found


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


def _three(name: str, value: Any) -> tuple[float, float, float]:
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
