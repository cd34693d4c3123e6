"""A trained network, as what looks at a picture: its vector is the answer itself."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from tamis.descriptors.base import Descriptor, Features
from tamis.descriptors.neural.runtime import only_input, run, session
from tamis.errors import InvalidParameterError, ModelError
from tamis.files.digest import digest_of
from tamis.images import Pixels, Square, as_rgb, fit

_lock = threading.Lock()


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkView(Descriptor):
    """A trained network on ONNX Runtime: pictures in, probabilities out.

    Parameters
    ----------
    net : str
        What kind of network it is, for people.
    graph : bytes
        Takes (n, size, size, 3) uint8 RGB and gives (n, n_classes) float32 that are
        positive and sum to 1: normalisation and softmax are inside.
    size : int
        Side of the square onto which a picture is stretched, in pixels.
    n_classes : int
    """

    name: ClassVar[str] = "network"
    summary: ClassVar[str] = "a trained network"
    source: ClassVar[str] = "one's own pictures"

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
        """Name of the network and digest of its graph; it cannot be rebuilt from it."""
        return f"network({self.net},{digest_of(self.graph)})"

    @property
    def view(self) -> Square:  # noqa: D102 - as Descriptor
        return Square(self.size)

    def describe(self, images: Sequence[Pixels]) -> Features:  # noqa: D102 - as Descriptor
        answers = np.empty((len(images), self.n_classes), np.float32)
        opened = self._session()
        taken = only_input(opened)
        # One at a time: then an answer cannot depend on the pictures beside it.
        for row, image in enumerate(images):
            square = fit(as_rgb(image), self.view)[np.newaxis]
            found, *_ = run(opened, {taken: square})
            if found.shape != (1, self.n_classes):
                raise ModelError(
                    f"the network answers with the shape {found.shape}, where (1, "
                    f"{self.n_classes}) is needed: it is not the one that belongs to its classes."
                )
            answers[row] = found[0]
        return answers

    def _session(self) -> Any:
        with _lock:
            if "_opened" not in self.__dict__:
                self.__dict__["_opened"] = session(self.graph)
            return self.__dict__["_opened"]

    def __reduce__(self) -> Any:
        """Travel without the session, which cannot."""
        return _rebuilt, (self.net, self.graph, self.size, self.n_classes)


def _rebuilt(net: str, graph: bytes, size: int, n_classes: int) -> NetworkView:
    return NetworkView(net=net, graph=graph, size=size, n_classes=n_classes)
