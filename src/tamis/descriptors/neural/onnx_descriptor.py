"""The one path from images through a graph on ONNX Runtime to vectors."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.base import Descriptor, Features, check_images
from tamis.descriptors.neural.preprocessing import Preprocessing
from tamis.descriptors.neural.runtime import on_gpu, only_input, run
from tamis.errors import WeightsError, printable
from tamis.images import Pixels, Square

GPU_BATCH: Final = 32
"""Images per run on a GPU. On a processor it is one: see `OnnxDescriptor`."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An open graph.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
    output : str or None
        Name of the output that holds the vectors; None for the first.
    batch : int or None
        Images that the graph takes at a time; None for any number.
    """

    session: Any
    output: str | None = None
    batch: int | None = None


@dataclass(frozen=True, kw_only=True)
class OnnxDescriptor(Descriptor):
    """A network in the ONNX format as a descriptor.

    A subclass says how the network takes images (`preprocessing`) and opens its graph
    (`_network`). It may pool the output (`_pool`) and transform the vectors (`_finish`).

    Parameters
    ----------
    flip : int
        1 averages the vectors of the image and of its mirror image, in twice the time.

    Notes
    -----
    On a processor, an image costs as much alone as in a batch. There, images are run one by
    one, so that a vector cannot depend on the images beside it.
    """

    flip: int = 0

    @property
    @abstractmethod
    def preprocessing(self) -> Preprocessing:
        """How the network takes images."""

    @abstractmethod
    def _network(self) -> Network:
        """Open the graph, or return it if it is open already."""

    @property
    def input_size(self) -> Square:
        """The square to which an image is brought."""
        return self.preprocessing.square

    def prepare(self, images: Sequence[Pixels]) -> npt.NDArray[Any]:
        """Bring images to the form that the network takes.

        Returns
        -------
        ndarray of shape (len(images), 3, height, width) or (len(images), height, width, 3)
            As `preprocessing` says.
        """
        return self.preprocessing.apply(images)

    def describe(self, images: Sequence[Pixels]) -> Features:  # noqa: D102 - as Descriptor
        check_images(images)
        features = np.empty((len(images), self.dim), np.float32)
        if not len(images):
            return features
        network, preprocessing = self._network(), self.preprocessing
        step = network.batch or (GPU_BATCH if on_gpu(network.session) else 1)
        for start in range(0, len(images), step):
            part = images[start : start + step]
            batch = preprocessing.apply(part, rows=network.batch)
            vectors = self._vectors(network, batch)
            if self.flip:
                mirrored = self._vectors(network, preprocessing.mirror(batch))
                vectors = np.float32(0.5) * (vectors + mirrored)
            features[start : start + step] = vectors[: len(part)]
        return self._finish(features)

    def _vectors(self, network: Network, batch: npt.NDArray[Any]) -> Features:
        vectors = self._pool(self._run(network, batch))
        if vectors.shape != (len(batch), self.dim):
            raise self._misfit(vectors.shape, len(batch))
        return vectors.astype(np.float32, copy=False)

    def _run(self, network: Network, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Run the graph, and give the output that holds the vectors."""
        outputs = None if network.output is None else [network.output]
        output: npt.NDArray[Any] = run(
            network.session, {only_input(network.session): batch}, outputs
        )[0]
        return output

    def _pool(self, output: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Make one vector per image of the output."""
        return output

    def _finish(self, features: Features) -> Features:
        """Transform the vectors of all images; may do so in place."""
        return features

    def _misfit(self, shape: tuple[int, ...], n: int) -> Exception:
        """Build the error for an output of another shape than (n, dim)."""
        return WeightsError(
            f"the graph of {printable(self.name)} must give ({n}, {self.dim}) values. Got the "
            f"shape {shape}."
        )
