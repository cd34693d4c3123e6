"""Vision transformers from the hub, whose files are ONNX already: cut to one vector a picture.

The files give several outputs. Of DINOv2 it is the first token of the last layer, which
its authors compare pictures by; of CLIP the embedding that is compared with those of
captions, so that text can be searched by with the vectors that are stored.
"""

from typing import Any, Final

from tamis.descriptors.neural.catalog import Entry
from tamis.descriptors.neural.weights.locate import file_of
from tamis.errors import MissingExtraError, WeightsError, printable

OUTPUTS: Final = {
    "dinov2-small": ("last_hidden_state",),
    "clip-vit-b32": ("image_embeds",),
}
"""Names of the output in each file."""


def build(entry: Entry) -> bytes:
    """Make the graph of a transformer, which is downloaded if need be.

    Its input is (n, 3, 224, 224) float32, already normalised; its output, ``features``,
    is (n, dim) float32.

    Raises
    ------
    MissingExtraError
        `onnx` or huggingface_hub is not installed.
    WeightsError
        It is not here and cannot be downloaded, or is not what it should be.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError.for_project("onnx", "a backbone") from None
    path = file_of(entry)
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf raises its own kinds
        raise WeightsError(f"{printable(str(path))} is no ONNX file: {error}.") from error
    return cut(onnx, model, OUTPUTS[entry.name])


def cut(onnx: Any, model: Any, names: tuple[str, ...]) -> bytes:
    """Leave one output, ``features``, of one vector a picture.

    Parameters
    ----------
    onnx : module
    model : onnx.ModelProto
        Is changed.
    names : tuple of str
        Of outputs, the first that it has is taken; (n, values), or (n, tokens, values), of
        which the first token is.

    Raises
    ------
    WeightsError
        It has none of them.
    """
    make, graph = onnx.helper, model.graph
    outputs = {one.name: one for one in graph.output}
    name = next((name for name in names if name in outputs), None)
    if name is None:
        raise WeightsError(
            f"the network has no output {' or '.join(names)}; it has {', '.join(outputs)}. It is "
            "another one than expected."
        )
    if len(outputs[name].type.tensor_type.shape.dim) == 3:
        first = make.make_tensor("features.first", onnx.TensorProto.INT64, [], [0])
        graph.initializer.append(first)
        graph.node.append(make.make_node("Gather", [name, first.name], ["features"], axis=1))
    else:
        graph.node.append(make.make_node("Identity", [name], ["features"]))
    del graph.output[:]
    graph.output.append(make.make_tensor_value_info("features", onnx.TensorProto.FLOAT, None))
    return bytes(model.SerializeToString())
