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
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.backbones.entries import Entry
from tamis.backbones.origin import weights_of
from tamis.backbones.weights import Weights
from tamis.errors import MissingExtraError, WeightsError

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

_OPSET: Final = 17
_IR: Final = 8


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
    x = drawn.convolution("pixels", "_conv_stem", "_bn0", stride=2)
    x = drawn.clip(x)
    for i, (kernel, stride, expands) in enumerate(blocks(name)):
        block, skipped = f"_blocks.{i}", x
        if expands:
            x = drawn.clip(drawn.convolution(x, f"{block}._expand_conv", f"{block}._bn0"))
        x = drawn.convolution(
            x,
            f"{block}._depthwise_conv",
            f"{block}._bn1",
            stride=stride,
            depthwise=True,
            kernel=kernel,
        )
        x = drawn.convolution(drawn.clip(x), f"{block}._project_conv", f"{block}._bn2")
        if stride == 1 and drawn.channels[x] == drawn.channels[skipped]:
            x = drawn.add(x, skipped)
    x = drawn.clip(drawn.convolution(x, "_conv_head", "_bn1"))
    return drawn.finish(x)


class _Drawing:
    """An ONNX graph that grows by one node at a time."""

    def __init__(self, weights: Weights) -> None:
        try:
            import onnx
        except ImportError:
            raise MissingExtraError.for_extra("neural", "a backbone") from None
        self._onnx: Any = onnx
        self._weights = weights
        self._nodes: list[Any] = []
        self.channels = {"pixels": 3}
        self._values = [self._value("zero", 0.0), self._value("six", 6.0)]

    def convolution(
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
        scale = gamma / np.sqrt(variance + EPSILON)
        self._values += [
            self._value(f"{name}.weight", weight * scale[:, None, None, None]),
            self._value(f"{name}.bias", beta - mean * scale),
        ]
        return self._node(
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
        return self._node("Clip", [x, "zero", "six"], f"{x}.relu6", self.channels[x])

    def add(self, x: str, y: str) -> str:
        """Add what skipped a block to what came out of it."""
        return self._node("Add", [x, y], f"{x}.sum", self.channels[x])

    def finish(self, x: str) -> bytes:
        """Pool over the picture, and serialize."""
        pooled = self._node("GlobalAveragePool", [x], "pooled", self.channels[x])
        self._node("Flatten", [pooled], "features", self.channels[x])
        make = self._onnx.helper
        number = self._onnx.TensorProto.FLOAT
        graph = make.make_graph(
            self._nodes,
            "backbone",
            [make.make_tensor_value_info("pixels", number, ["n", 3, "height", "width"])],
            [make.make_tensor_value_info("features", number, ["n", self.channels[x]])],
            self._values,
        )
        model = make.make_model(
            graph, producer_name="tamis", opset_imports=[make.make_opsetid("", _OPSET)]
        )
        model.ir_version = _IR  # make_model takes the newest, which older runtimes refuse
        self._onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _node(self, kind: str, inputs: list[str], output: str, channels: int, **how: Any) -> str:
        # Named, since whoever quantizes it asks for the nodes by name.
        make = self._onnx.helper.make_node
        self._nodes.append(make(kind, inputs, [output], name=output, **how))
        self.channels[output] = channels
        return output

    def _value(self, name: str, values: float | npt.NDArray[Any]) -> Any:
        return self._onnx.numpy_helper.from_array(np.asarray(values, np.float32), name)
