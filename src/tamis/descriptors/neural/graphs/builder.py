"""Making ONNX graphs of convolutional networks from their weights."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.descriptors.neural.weights.torch_file import Weights
from tamis.errors import MissingExtraError, WeightsError

_OPSET: Final = 17
_IR: Final = 8


class Drawing:
    """An ONNX graph that grows by one node at a time.

    Its input, ``pixels``, is (n, 3, height, width) float32, already normalised. Values
    are known by their names, which are what the methods take and give.

    Parameters
    ----------
    weights : dict of str to ndarray
        By the names that the authors of the network gave them.
    epsilon : float
        Of the batch normalisation.

    Raises
    ------
    MissingExtraError
        `onnx` is not installed.
    """

    def __init__(self, weights: Weights, *, epsilon: float = 1e-5) -> None:
        try:
            import onnx
        except ImportError:
            raise MissingExtraError.for_project("onnx", "a backbone") from None
        self._onnx: Any = onnx
        self._weights = weights
        self._epsilon = epsilon
        self._nodes: list[Any] = []
        self._values: list[Any] = []
        self.channels = {"pixels": 3}

    def convolution(
        self,
        x: str,
        name: str,
        norm: str | None = None,
        *,
        side: int,
        stride: int = 1,
        pad: int = 0,
    ) -> str:
        """Convolve, and normalise by what was learned if there is a `norm`, in one node.

        Raises
        ------
        WeightsError
            The weights lack it, or have it in another shape.
        """
        weight = self._weight(f"{name}.weight", None, self.channels[x], side, side)
        width = len(weight)
        if norm is None:
            bias = self._weight(f"{name}.bias", width)
        else:
            gamma, beta, mean, variance = (
                self._weight(f"{norm}.{part}", width)
                for part in ("weight", "bias", "running_mean", "running_var")
            )
            scale = gamma / np.sqrt(variance + self._epsilon)
            weight = weight * scale[:, None, None, None]
            bias = beta - mean * scale
        self._values += [
            self._value(f"{name}.weight", weight),
            self._value(f"{name}.bias", bias),
        ]
        return self.node(
            "Conv",
            [x, f"{name}.weight", f"{name}.bias"],
            name,
            width,
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[pad] * 4,
        )

    def relu(self, x: str) -> str:
        """Set negative values to 0."""
        return self.node("Relu", [x], f"{x}.relu")

    def add(self, x: str, y: str) -> str:
        """Add what skipped a block to what came out of it."""
        return self.node("Add", [x, y], f"{x}.sum")

    def largest(self, x: str, side: int, *, stride: int = 2, pad: int = 0) -> str:
        """Keep the largest value of each square of positions."""
        how: dict[str, Any] = {
            "kernel_shape": [side] * 2,
            "strides": [stride] * 2,
            "pads": [pad] * 4,
        }
        return self.node("MaxPool", [x], f"{x}.largest", **how)

    def node(
        self, kind: str, inputs: list[str], output: str, channels: int | None = None, **how: Any
    ) -> str:
        """Add a node; as many channels come out as go in, unless said otherwise."""
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [output], output, **how))
        self.channels[output] = self.channels[inputs[0]] if channels is None else channels
        return output

    def finish(self, x: str) -> bytes:
        """Average over the picture, and serialize; the output is ``features``, (n, channels)."""
        self.node("Flatten", [self.node("GlobalAveragePool", [x], "pooled")], "features")
        make, number = self._onnx.helper, self._onnx.TensorProto.FLOAT
        width = self.channels[x]
        graph = make.make_graph(
            self._nodes,
            "backbone",
            [make.make_tensor_value_info("pixels", number, ["n", 3, "height", "width"])],
            [make.make_tensor_value_info("features", number, ["n", width])],
            self._values,
        )
        model = make.make_model(
            graph, producer_name="tamis", opset_imports=[make.make_opsetid("", _OPSET)]
        )
        model.ir_version = _IR  # make_model takes the newest, which older runtimes refuse
        self._onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _weight(self, name: str, *shape: int | None) -> npt.NDArray[np.float64]:
        if name not in self._weights:
            raise WeightsError(f"the weights lack {name}: they are of another network.")
        values = self._weights[name].astype(np.float64)
        if len(values.shape) != len(shape) or any(
            wanted not in (None, found) for wanted, found in zip(shape, values.shape, strict=True)
        ):
            wanted = tuple("any" if length is None else length for length in shape)
            raise WeightsError(
                f"the weights {name} have the shape {values.shape}, not "
                f"({', '.join(map(str, wanted))}): they are of another network."
            )
        return values

    def _value(self, name: str, values: float | npt.NDArray[Any]) -> Any:
        return self._onnx.numpy_helper.from_array(np.asarray(values, np.float32), name)
