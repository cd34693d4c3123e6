"""Small ONNX files of many forms, with known weights."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KINDS = {"float": TensorProto.FLOAT, "half": TensorProto.FLOAT16, "bytes": TensorProto.UINT8}


def network(
    *,
    shape=("n", 3, "height", "width"),
    kind="float",
    outputs=("vector",),
    values=6,
    seed=0,
):
    """A convolution of the picture, and of what comes out what `outputs` name.

    ``vector`` is (n, values), ``map`` (n, values, h, w), ``tokens`` (n, h w, values) and
    ``tokens+1`` the same with a token before them; ``label`` is the number of the largest.
    Other names are more vectors.
    """
    rng = np.random.default_rng(seed)
    held = {
        "weight": rng.normal(0, 0.5, (values, 3, 4, 4)).astype(np.float32),
        "bias": rng.normal(0, 0.1, values).astype(np.float32),
        "flat": np.array([0, values, -1]),
        "first": rng.normal(0, 1, (1, 1, values)).astype(np.float32),
    }
    nodes, x = [], "pixels"
    if kind != "float":
        nodes.append(helper.make_node("Cast", [x], ["cast"], to=TensorProto.FLOAT))
        x = "cast"
    if shape[-1] == 3:
        nodes.append(helper.make_node("Transpose", [x], ["turned"], perm=[0, 3, 1, 2]))
        x = "turned"
    nodes += [
        helper.make_node("Conv", [x, "weight", "bias"], ["conv"], strides=[4, 4]),
        helper.make_node("Relu", ["conv"], ["map"]),
    ]
    if any("tokens" in name for name in outputs):
        nodes += [
            helper.make_node("Reshape", ["map", "flat"], ["columns"]),
            helper.make_node("Transpose", ["columns"], ["tokens"], perm=[0, 2, 1]),
        ]
    infos = []
    for name in outputs:
        form, number = ["n", values], TensorProto.FLOAT
        match name:
            case "map":
                form = ["n", values, None, None]
            case "tokens":
                form = ["n", None, values]
            case "tokens+1":
                # The mean of all, as a network would make it of attention, comes first.
                form = ["n", None, values]
                nodes += [
                    helper.make_node("ReduceMean", ["tokens"], ["all"], axes=[1]),
                    helper.make_node("Mul", ["all", "first"], ["head"]),
                    helper.make_node("Concat", ["head", "tokens"], [name], axis=1),
                ]
            case "label":
                form, number = ["n"], TensorProto.INT64
                nodes += [
                    helper.make_node("ReduceMean", ["map"], ["scores"], axes=[2, 3], keepdims=0),
                    helper.make_node("ArgMax", ["scores"], [name], axis=1, keepdims=0),
                ]
            case _:
                nodes += [
                    helper.make_node("GlobalAveragePool", ["map"], [f"{name}.pooled"]),
                    helper.make_node("Flatten", [f"{name}.pooled"], [name]),
                ]
        infos.append(helper.make_tensor_value_info(name, number, form))
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("pixels", KINDS[kind], list(shape))],
        infos,
        [numpy_helper.from_array(value, name) for name, value in held.items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write(path, model=None, *, apart=None, **form):
    """Write a network into a file, its weights into another beside it if `apart` names one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model = model or network(**form)
    if apart:
        onnx.save_model(model, path, save_as_external_data=True, location=apart, size_threshold=0)
    else:
        onnx.save(model, path)
    return path


def expected(pixels, *, values=6, seed=0):
    """The vectors of `network`, of normalised (n, 3, h, w): the map, by plain numpy."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, 0.5, (values, 3, 4, 4)).astype(np.float32)
    bias = rng.normal(0, 0.1, values).astype(np.float32)
    n, _, height, width = pixels.shape
    height, width = height // 4 * 4, width // 4 * 4
    blocks = pixels[:, :, :height, :width].reshape(n, 3, height // 4, 4, width // 4, 4)
    found = np.einsum("nchywx,vcyx->nvhw", blocks, weight) + bias[:, None, None]
    return np.maximum(found, 0)
