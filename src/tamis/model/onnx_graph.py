"""An ONNX graph that grows node by node, and takes whole graphs in."""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import InvalidParameterError, MissingExtraError

_LOWEST: Final = 13  # version of the operators; since it, ReduceSum takes its axes as an input
_HIGHEST: Final = 20
_IR: Final = 8

PIXELS: Final = "pixels"
PROBABILITIES: Final = "probabilities"


class OnnxGraph:
    """An ONNX graph from pixels to ``probabilities``.

    Parameters
    ----------
    inputs : mapping from str to (int, bool)
        Name of each input to the side of its images, which are squares, and to whether they
        are the middle of an image.

    Values are known by their names, which are what the methods take and return. Only
    operators that are the same in all versions from 13 to 20 are added here, so that the
    graphs taken in can be of any of them.

    Raises
    ------
    MissingExtraError
        `onnx` is not installed.
    """

    def __init__(self, inputs: Mapping[str, tuple[int, bool]]) -> None:
        try:
            import onnx
            import onnx.compose
        except ImportError:
            raise MissingExtraError.for_project("onnx", "an ONNX graph") from None
        self._onnx: Any = onnx
        self._inputs = dict(inputs)
        self._nodes: list[Any] = []
        self._tensors: list[Any] = []
        self._functions: list[Any] = []
        self._versions: dict[str, int] = {}
        self._ir = _IR

    def input_of(self, side: int, crop: bool) -> str:
        """Return the name of the input that takes such images."""
        return next(name for name, taken in self._inputs.items() if taken == (side, crop))

    def add(self, operator: str, *inputs: str | npt.NDArray[Any], **attributes: Any) -> str:
        """Add a node with one output; arrays among its inputs become constants."""
        names = [self.constant(x) if isinstance(x, np.ndarray) else x for x in inputs]
        (output,) = self.add_outputs(operator, names, 1, **attributes)
        return output

    def add_outputs(
        self, operator: str, inputs: list[str], n_outputs: int, **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs."""
        outputs = [f"{operator}.{len(self._nodes)}.{i}" for i in range(n_outputs)]
        self._nodes.append(self._onnx.helper.make_node(operator, inputs, outputs, **attributes))
        return outputs

    def constant(self, values: npt.NDArray[Any]) -> str:
        """Store an array in the graph."""
        name = f"constant.{len(self._tensors)}"
        values = np.ascontiguousarray(values).reshape(values.shape)  # keeps a scalar one
        self._tensors.append(self._onnx.numpy_helper.from_array(values, name))
        return name

    def cast(self, x: str, dtype: str) -> str:
        """Convert values to a type of numpy."""
        return self.add("Cast", x, to=self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def slice(self, x: str, start: int, end: int, *, axis: int = 1, step: int = 1) -> str:
        """Take a range along an axis."""
        return self.add("Slice", x, *(np.array([i], np.int64) for i in (start, end, axis, step)))

    def sum(self, x: str, axis: int, *, keepdims: int = 1) -> str:
        """Sum along an axis."""
        return self.add("ReduceSum", x, np.array([axis], np.int64), keepdims=keepdims)

    def length(self, x: str, *, norm: int = 2) -> str:
        """Compute the L2 or L1 norm of each row in float64, of shape (n, 1); 1 for a row of 0."""
        wide = self.cast(x, "float64")
        if norm == 1:
            lengths = self.sum(self.add("Abs", wide), 1)
        else:
            lengths = self.add("Sqrt", self.sum(self.add("Mul", wide, wide), 1))
        positive = self.add("Greater", lengths, np.array(0.0))
        return self.add("Where", positive, lengths, np.array(1.0))

    def take_in(self, model: Any, x: str, output: str | None = None) -> str:
        """Take the nodes of a whole graph in, and apply them to `x`.

        Parameters
        ----------
        model : onnx.ModelProto
            With a single input.
        x : str
        output : str, optional
            Name of the output to return; the first by default.

        Raises
        ------
        InvalidParameterError
            The graph takes a fixed number of images, or is of a version not known here.
        """
        stored = {tensor.name for tensor in model.graph.initializer}
        (taken,) = [value for value in model.graph.input if value.name not in stored]
        if taken.type.tensor_type.shape.dim[0].dim_value:
            raise InvalidParameterError(
                "a network that takes a fixed number of images at a time cannot be exported."
            )
        output = output or model.graph.output[0].name
        prefix = f"graph{len(self._nodes)}."
        inner = self._onnx.compose.add_prefix(model, prefix)
        self._count_versions(inner)
        self._nodes.append(self._onnx.helper.make_node("Identity", [x], [prefix + taken.name]))
        self._nodes += inner.graph.node
        self._tensors += inner.graph.initializer
        self._functions += inner.functions
        return prefix + output

    def _count_versions(self, model: Any) -> None:
        """Check that a graph's operators fit those of the graphs before it."""
        self._ir = max(self._ir, model.ir_version)
        for opset in model.opset_import:
            domain = "" if opset.domain == "ai.onnx" else opset.domain
            version = self._versions.setdefault(domain, opset.version)
            if version != opset.version:
                raise InvalidParameterError(
                    f"networks whose graphs are of different versions ({version} and "
                    f"{opset.version}) cannot be exported as one."
                )
        if not _LOWEST <= self._versions.get("", _LOWEST) <= _HIGHEST:
            raise InvalidParameterError(
                f"graphs of version {_LOWEST} to {_HIGHEST} can be exported. Got version "
                f"{self._versions['']}."
            )

    def finish(self, x: str, *, n_classes: int, metadata: Mapping[str, Any]) -> bytes:
        """Serialise the graph with `x`, (n, n_classes) float32, as its output.

        Parameters
        ----------
        x : str
        n_classes : int
        metadata : mapping from str to str, or to what JSON can hold

        Raises
        ------
        InvalidParameterError
            It is larger than a file of this format can be.
        """
        helper, types = self._onnx.helper, self._onnx.TensorProto
        self._nodes.append(helper.make_node("Identity", [x], [PROBABILITIES]))
        graph = helper.make_graph(
            self._nodes,
            "tamis",
            [
                helper.make_tensor_value_info(name, types.UINT8, ["n", side, side, 3])
                for name, (side, _) in self._inputs.items()
            ],
            [helper.make_tensor_value_info(PROBABILITIES, types.FLOAT, ["n", n_classes])],
            self._tensors,
        )
        versions = {"": _LOWEST} | self._versions
        model = helper.make_model(
            graph,
            producer_name="tamis",
            ir_version=self._ir,
            opset_imports=[helper.make_opsetid(*pair) for pair in versions.items()],
            functions=self._functions,
        )
        helper.set_model_props(
            model,
            {
                key: value if isinstance(value, str) else json.dumps(value)
                for key, value in metadata.items()
            },
        )
        try:
            return bytes(model.SerializeToString())
        except Exception as error:  # protobuf raises its own kinds
            raise InvalidParameterError(
                "the graph is larger than 2 GB, which an ONNX file cannot hold."
            ) from error
