"""EfficientNet-Lite as an ONNX graph.

The network is that of Tan & Le [1]_ as its authors trimmed it for devices without
fast squares and sigmoids [2]_: no squeeze-and-excitation, ReLU6 for swish, and a stem,
a first stage and a head that do not grow with the network.

References
----------
.. [1] M. Tan, Q. V. Le, "EfficientNet: Rethinking model scaling for convolutional
   neural networks", ICML 2019. https://doi.org/10.48550/arXiv.1905.11946
.. [2] R. Liu, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow
   blog, 2020. https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html
"""

import math
from typing import Final

import numpy as np

from tamis.descriptors.neural.catalog import Entry
from tamis.descriptors.neural.graphs.builder import Drawing
from tamis.descriptors.neural.weights.locate import weights_of
from tamis.descriptors.neural.weights.torch_file import Weights
from tamis.errors import WeightsError

# Table 1 of [1]: blocks in the stage, kernel, stride, expansion.
STAGES: Final = (
    (1, 3, 1, 1),
    (2, 3, 2, 6),
    (2, 5, 2, 6),
    (3, 3, 2, 6),
    (3, 5, 1, 6),
    (4, 5, 2, 6),
    (1, 3, 1, 6),
)
DEPTH: Final = {"efficientnet-lite0": 1.0, "efficientnet-lite1": 1.1, "efficientnet-lite2": 1.2}
EPSILON: Final = 1e-3
"""Of the batch normalisation."""


def blocks(name: str) -> list[tuple[int, int, bool]]:
    """List the blocks of a network: kernel, stride, and whether it expands its channels."""
    found = []
    for stage, (repeats, kernel, stride, expansion) in enumerate(STAGES):
        if 0 < stage < len(STAGES) - 1:
            repeats = math.ceil(repeats * DEPTH[name])
        found += [(kernel, stride if i == 0 else 1, expansion > 1) for i in range(repeats)]
    return found


def build(entry: Entry) -> bytes:
    """Make the graph of an EfficientNet-Lite, up to the pooled features.

    Its input, ``pixels``, is (n, 3, height, width) float32, already normalised; its
    output, ``features``, is (n, 1280) float32. The batch normalisation is folded into
    the convolutions.

    Raises
    ------
    MissingExtraError
        Its weights or `onnx` are not installed.
    WeightsError
        Its weights are not those of the entry.
    """
    return graph(entry.name, weights_of(entry))


def graph(name: str, weights: Weights) -> bytes:
    """Make the graph of the network `name` with some weights, such as fine-tuned ones.

    Parameters
    ----------
    name : str
        An EfficientNet-Lite among the entries.
    weights : dict of str to ndarray
        By the names that the package ``efficientnet-lite-pytorch`` gives them; those
        of the classifier are left out.

    Returns
    -------
    bytes
        As `build`.
    """
    drawn = _Drawing(weights)
    x = drawn.padded("pixels", "_conv_stem", "_bn0", stride=2)
    x = drawn.clip(x)
    for i, (kernel, stride, expands) in enumerate(blocks(name)):
        block, skipped = f"_blocks.{i}", x
        if expands:
            x = drawn.clip(drawn.padded(x, f"{block}._expand_conv", f"{block}._bn0"))
        x = drawn.padded(
            x,
            f"{block}._depthwise_conv",
            f"{block}._bn1",
            stride=stride,
            depthwise=True,
            kernel=kernel,
        )
        x = drawn.padded(drawn.clip(x), f"{block}._project_conv", f"{block}._bn2")
        if stride == 1 and drawn.channels[x] == drawn.channels[skipped]:
            x = drawn.add(x, skipped)
    x = drawn.clip(drawn.padded(x, "_conv_head", "_bn1"))
    return drawn.finish(x)


class _Drawing(Drawing):
    """A graph of convolutions that are padded as TensorFlow does it, and cut at 6."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights, epsilon=EPSILON)
        self._values += [self._value("zero", 0.0), self._value("six", 6.0)]

    def padded(
        self,
        x: str,
        name: str,
        norm: str,
        *,
        stride: int = 1,
        depthwise: bool = False,
        kernel: int | None = None,
    ) -> str:
        """Convolve, and normalise by what was learned, in one node."""
        try:
            weight = self._weights[f"{name}.weight"].astype(np.float64)
            gamma, beta, mean, variance = (
                self._weights[f"{norm}.{part}"].astype(np.float64)
                for part in ("weight", "bias", "running_mean", "running_var")
            )
        except KeyError as error:
            raise WeightsError(f"the weights lack {error}: they are of another network.") from None
        groups = self.channels[x] if depthwise else 1
        side = kernel or weight.shape[-1]
        expected = (len(gamma), self.channels[x] // groups, side, side)
        if weight.shape != expected:
            raise WeightsError(
                f"the weights of {name} have the shape {weight.shape}, not {expected}: they are "
                "of another network."
            )
        scale = gamma / np.sqrt(variance + self._epsilon)
        self._values += [
            self._value(f"{name}.weight", weight * scale[:, None, None, None]),
            self._value(f"{name}.bias", beta - mean * scale),
        ]
        return self.node(
            "Conv",
            [x, f"{name}.weight", f"{name}.bias"],
            name,
            len(gamma),
            kernel_shape=[side, side],
            strides=[stride, stride],
            group=groups,
            # As TensorFlow, where it was trained: an odd row is padded at the end.
            auto_pad="SAME_UPPER",
        )

    def clip(self, x: str) -> str:
        """Keep values to 0..6."""
        return self.node("Clip", [x, "zero", "six"], f"{x}.relu6")
