"""A trained network as a descriptor, whose vector is the probabilities of the classes."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, final

from tamis.descriptors.neural.onnx_descriptor import Network, OnnxDescriptor
from tamis.descriptors.neural.preprocessing import Preprocessing
from tamis.descriptors.neural.runtime import get_session, session
from tamis.errors import InvalidParameterError, ModelError
from tamis.files.digest import digest_of
from tamis.images import Square


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkView(OnnxDescriptor):
    """A trained network on ONNX Runtime: images in, probabilities out.

    Parameters
    ----------
    net : str
        Name of the architecture, for people.
    graph : bytes
        Takes (n, size, size, 3) uint8 RGB and gives (n, n_classes) float32 that are
        positive and sum to 1: normalisation and softmax are inside.
    size : int
        Side of the square onto which an image is stretched, in pixels.
    n_classes : int
    """

    name: ClassVar[str] = "network"
    summary: ClassVar[str] = "a trained network"
    reference: ClassVar[str] = "one's own pictures"

    net: str
    graph: bytes
    size: int
    n_classes: int

    def __post_init__(self) -> None:
        if type(self.size) is not int or not 1 <= self.size <= 4096 or self.n_classes < 1:
            raise InvalidParameterError(
                f"a network needs a size of 1 to 4096 pixels and at least one class. Got "
                f"{self.size!r} and {self.n_classes}."
            )

    @property
    def dim(self) -> int:  # noqa: D102 - as Descriptor
        return self.n_classes

    @property
    def spec(self) -> str:
        """Name of the network and digest of its graph, from which it cannot be rebuilt."""
        return f"network({self.net},{self._digest})"

    @property
    def preprocessing(self) -> Preprocessing:  # noqa: D102 - as OnnxDescriptor
        square = Square(self.size)
        return Preprocessing(
            square=square, height=self.size, width=self.size, dtype="uint8", channels_last=True
        )

    @cached_property
    def _digest(self) -> str:
        return digest_of(self.graph)

    def _network(self) -> Network:
        return Network(get_session(self._digest, lambda: session(self.graph)))

    def _misfit(self, shape: tuple[int, ...], n: int) -> ModelError:
        return ModelError(
            f"the network answers with the shape {shape}, where ({n}, {self.n_classes}) is needed: "
            "it is not the one that belongs to its classes."
        )
