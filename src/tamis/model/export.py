"""A model as one ONNX graph, from pixels to probabilities, for programs without tamis."""

import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis import __version__
from tamis.classifiers.automatic import AutoClassifier
from tamis.classifiers.base import Classifier
from tamis.classifiers.identity import IdentityClassifier
from tamis.classifiers.knn import KNNClassifier
from tamis.classifiers.linear import LinearClassifier, LinearHead
from tamis.classifiers.network.served import NetworkView
from tamis.descriptors.base import Descriptor
from tamis.descriptors.fusion.fusion import Fusion
from tamis.descriptors.neural.backbone import Backbone
from tamis.descriptors.neural.external import ExternalNetwork
from tamis.descriptors.neural.onnx_descriptor import OnnxDescriptor
from tamis.descriptors.neural.runtime import run, session
from tamis.descriptors.reduction import Reduction
from tamis.descriptors.registry import BEHIND_AUTO
from tamis.errors import InvalidParameterError, ModelError
from tamis.files.atomic import check_output, write_whole
from tamis.files.kinds import ONNX
from tamis.images.pixels import Square, fit
from tamis.model.onnx_graph import PIXELS, OnnxGraph
from tamis.trust.calibration import LEAST

TOLERANCE: Final = 1e-4
"""Largest difference of a probability between the graph and the model."""

_DISTANCES: Final = ("l2", "sqeuclidean", "cosine")
_CHECKED: Final = 8  # images
_NEAREST: Final = 1e-300  # takes the place of a distance of 0, by which nothing is divided


def write_onnx(
    path: str | os.PathLike[str],
    descriptor: Descriptor,
    classifier: Classifier,
    *,
    icc: bool = True,
    about: Mapping[str, str] | None = None,
) -> float:
    """Write a model as an ONNX graph, once its answers are those of the model.

    Parameters
    ----------
    path : str or os.PathLike
        Replaced if it is a graph that tamis wrote; any other file is left alone.
    descriptor : Descriptor
        A neural network, or a fusion or a reduction (pca, whiten) of such.
    classifier : Classifier
        Any but k-NN by another distance than l2, sqeuclidean and cosine.
    icc, about
        As `to_onnx` takes them.

    Returns
    -------
    float
        Largest difference of a probability between the graph and the model, on 8 images
        of noise and of plain colours; at most 1e-4.

    Raises
    ------
    InvalidParameterError
        There is no graph of such a descriptor or classifier.
    ModelError
        The graph answers otherwise than the model; nothing is written.
    DestinationError
        The file cannot be written, or is there already and is something else.
    MissingExtraError
        `onnx` or `onnxruntime` is not installed.
    """
    check_output(path, ONNX)
    graph = to_onnx(descriptor, classifier, icc=icc, about=about)
    found = difference(graph, descriptor, classifier)
    if not found <= TOLERANCE:
        raise ModelError(
            f"the graph answers otherwise than the model: probabilities differ by {found:.2g}, and "
            f"{TOLERANCE:g} is allowed. Nothing was written. Another version of ONNX Runtime may "
            "do better; please report it."
        )
    with write_whole(path, ONNX) as file:
        file.write(graph)
    return found


def to_onnx(
    descriptor: Descriptor,
    classifier: Classifier,
    *,
    icc: bool = True,
    about: Mapping[str, str] | None = None,
) -> bytes:
    """Build a graph, as `write_onnx` writes it.

    Parameters
    ----------
    descriptor, classifier
        As `write_onnx` takes them.
    icc : bool
        Whether images are to be converted to sRGB by their colour profiles.
    about : mapping from str to str, optional
        More metadata.

    Returns
    -------
    bytes
        One input, ``pixels``, (n, height, width, 3) uint8 RGB; if networks take images of
        several sizes, an input for each, such as ``pixels_224`` and ``pixels_240``. One output,
        ``probabilities``, (n, n_classes) float32. Its metadata hold ``classes`` (JSON, in
        the order of the output), ``preprocessing`` (JSON: for each input how an image becomes
        such pixels), ``descriptor`` (spec), ``tamis`` (version) and what `about` says.
    """
    inputs = inputs_of(descriptor)
    graph = OnnxGraph(inputs)
    answers = _classifier(graph, classifier, _descriptor(graph, descriptor))
    classes = [str(name) for name in classifier.classes_]
    return graph.finish(
        graph.cast(answers, "float32"),
        n_classes=len(classes),
        metadata={
            "tamis": __version__,
            "descriptor": descriptor.spec,
            "classes": classes,
            "preprocessing": preprocessing_of(descriptor, icc=icc),
            **(about or {}),
        },
    )


def inputs_of(descriptor: Descriptor) -> dict[str, tuple[int, bool]]:
    """Return the inputs of an exported graph: for each name the side, and whether to crop.

    Raises
    ------
    InvalidParameterError
        A part is no network, or a network takes no squares.
    """
    squares = []
    for leaf in descriptor.leaves:
        if not isinstance(leaf, OnnxDescriptor):
            raise InvalidParameterError(
                f"the descriptor {leaf.spec} is no neural network and has no ONNX graph. Train a "
                f"model by networks alone, such as --by {BEHIND_AUTO}, and export that."
            )
        taken = leaf.preprocessing
        if not taken.height == taken.width == taken.square.side:
            raise InvalidParameterError(
                f"networks that take squares can be exported. Got {taken.height} x {taken.width}."
            )
        squares.append((taken.square.side, taken.square.crop))
    squares = list(dict.fromkeys(squares))
    if len(squares) == 1:
        return {PIXELS: squares[0]}
    return {f"{PIXELS}_{side}{'_crop' if crop else ''}": (side, crop) for side, crop in squares}


def preprocessing_of(descriptor: Descriptor, *, icc: bool) -> dict[str, dict[str, Any]]:
    """Say for each input of an exported graph, in plain types, how an image becomes it."""
    inputs = inputs_of(descriptor)
    return {name: _preprocessing(side, crop=crop, icc=icc) for name, (side, crop) in inputs.items()}


def _preprocessing(side: int, *, crop: bool, icc: bool) -> dict[str, Any]:
    return {
        "height": side,
        "width": side,
        "crop": "middle square" if crop else "none, stretched to a square",
        "resize": "area average to fewer pixels, linear to more",
        "channels": "RGB",
        "layout": "NHWC",
        "dtype": "uint8",
        "orientation": "as EXIF says",
        "icc": "converted to sRGB" if icc else "ignored",
        "normalized_inside": True,
    }


def difference(graph: bytes, descriptor: Descriptor, classifier: Classifier) -> float:
    """Compute the largest difference of a probability between a graph and its model."""
    inputs = inputs_of(descriptor)
    side = max(side for side, _ in inputs.values())
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (_CHECKED, side, side, 3)).astype(np.uint8)
    for row, image in enumerate(images[:4]):  # smooth, as photographs are
        image[:] = np.linspace(0, 255, side)[:, np.newaxis] * [1, row / 3, 1 - row / 3]
    images[4] = 255
    expected = classifier.predict_proba(descriptor.describe(list(images)))
    given = {
        name: np.stack([fit(image, Square(side, crop)) for image in images])
        for name, (side, crop) in inputs.items()
    }
    running = session(graph)
    batch = run(running, given)[0]
    single = run(running, {name: pixels[:1] for name, pixels in given.items()})[0]
    return float(max(abs(batch - expected).max(), abs(single - expected[:1]).max()))


# From pixels to vectors


def _descriptor(graph: OnnxGraph, whole: Descriptor) -> str:
    if isinstance(whole, Reduction):
        return _reduction(graph, whole)
    if isinstance(whole, Fusion):
        vectors = []
        for part, weight in zip(whole.parts, whole.weights or (), strict=True):
            x = _network(graph, part)
            if whole.unit != "none":
                lengths = graph.length(x, norm=1 if whole.unit == "l1" else 2)
                x = graph.cast(graph.add("Div", graph.cast(x, "float64"), lengths), "float32")
            vectors.append(x if whole.late else graph.add("Mul", x, np.array(weight, np.float32)))
        return graph.add("Concat", *vectors, axis=1)
    return _network(graph, whole)


def _reduction(graph: OnnxGraph, reduction: Reduction) -> str:
    if reduction.components is None:
        raise InvalidParameterError(
            f"a reduction by {reduction.method} cannot be exported; those by pca and whiten can."
        )
    learned = reduction.components
    x = graph.add("Sub", _descriptor(graph, reduction.base), learned.mean)
    x = graph.add("MatMul", x, learned.columns)
    if reduction.method == "whiten":
        spread = np.sqrt(learned.variances)
        x = graph.add("Div", x, np.where(spread > 0, spread, 1).astype(np.float32))
    return x


def _network(graph: OnnxGraph, network: Descriptor) -> str:
    assert isinstance(network, OnnxDescriptor)  # as inputs_of has seen
    preprocessing = network.preprocessing
    x = pixels = graph.input_of(preprocessing.square.side, preprocessing.square.crop)
    if preprocessing.mean is not None and preprocessing.std is not None:
        mean, std = np.array([preprocessing.mean, preprocessing.std], np.float32)
        x = graph.add("Div", graph.add("Sub", graph.cast(x, "float32"), mean), std)
    if preprocessing.dtype not in ("uint8", "float32") or (x == pixels) != (
        preprocessing.dtype == "uint8"
    ):
        x = graph.cast(x, preprocessing.dtype)
    if network.flip:  # both in one batch, so that the network is in the graph once
        x = graph.add("Concat", x, graph.slice(x, -1, -(2**31), axis=2, step=-1), axis=0)
    if not preprocessing.channels_last:
        x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    model, output, rank = _inner(graph, network)
    x = graph.cast(graph.take_in(model, x, output), "float32")
    x = _pooled(graph, x, network, rank)
    if network.flip:
        halves = np.array([2, -1, network.dim], np.int64)
        x = graph.sum(graph.add("Reshape", x, halves), 0, keepdims=0)
        x = graph.add("Mul", x, np.array(0.5, np.float32))
    if isinstance(network, Backbone) and network.power != 1:
        power = np.array(network.power, np.float32)
        x = graph.add("Mul", graph.add("Sign", x), graph.add("Pow", graph.add("Abs", x), power))
    return x


def _inner(graph: OnnxGraph, network: OnnxDescriptor) -> tuple[Any, str | None, int]:
    """Read the graph of a network: the graph, the name of its output, its dimensions."""
    import onnx

    if isinstance(network, NetworkView):
        return onnx.load_from_string(network.graph), None, 2
    if isinstance(network, Backbone):
        return onnx.load_from_string(network.graph()), None, 2
    if isinstance(network, ExternalNetwork):
        shape, _ = network._shape()
        return onnx.load(network.path()), network.output, len(shape)
    raise InvalidParameterError(f"a network of the kind {network.name} cannot be exported.")


def _pooled(graph: OnnxGraph, x: str, network: OnnxDescriptor, rank: int) -> str:
    """Make one vector per image of an output, as `ExternalNetwork` does."""
    if not isinstance(network, ExternalNetwork) or rank == 2:
        return x
    if rank == 4 and network.preprocessing.channels_last:
        x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    if rank == 4:
        return graph.add("Flatten", graph.add("GlobalAveragePool", x))
    if network.pool == "class":
        return graph.add("Gather", x, np.array(0, np.int64), axis=1)
    columns = graph.add("Transpose", x, perm=[0, 2, 1])
    return graph.add("Flatten", graph.add("GlobalAveragePool", columns))


# From vectors to probabilities


def _classifier(graph: OnnxGraph, learner: Classifier, x: str) -> str:
    if isinstance(learner, IdentityClassifier):
        return x
    if isinstance(learner, LinearClassifier):
        return graph.add("Softmax", _scores(graph, learner.head_, x), axis=1)
    if isinstance(learner, AutoClassifier):
        return _pooled_heads(graph, learner, x)
    if not isinstance(learner, KNNClassifier):
        raise InvalidParameterError(f"the classifier {learner.name} cannot be exported.")
    if learner.metric not in _DISTANCES:
        raise InvalidParameterError(
            f"k-NN by the distance {learner.metric} cannot be exported. Train it by "
            f"{', '.join(_DISTANCES)}, or train a probe."
        )
    return _neighbours(graph, learner, x)


def _pooled_heads(graph: OnnxGraph, auto: AutoClassifier, x: str) -> str:
    """Add the logarithms of all answers, each by its weight."""
    total = ""
    for weight, head in auto.heads_:
        answers = graph.add("Softmax", _scores(graph, head, x), axis=1)
        logs = graph.add("Log", graph.add("Max", answers, np.array(LEAST, np.float32)))
        logs = graph.add("Mul", logs, np.array(weight, np.float32))
        total = graph.add("Add", total, logs) if total else logs
    return graph.add("Softmax", total, axis=1)


def _scores(graph: OnnxGraph, head: LinearHead, x: str) -> str:
    """Compute the logits of a linear head."""
    blocks, start = [], 0
    if head.power != 1:
        roots = graph.add("Pow", graph.add("Abs", x), np.array(head.power, np.float32))
        x = graph.add("Mul", graph.add("Sign", x), roots)
    for length in head.blocks:
        block = graph.slice(x, start, start + length)
        norm = graph.cast(graph.length(block), "float32")
        blocks.append(graph.add("Div", block, norm))
        start += length
    x = graph.add("Concat", *blocks, axis=1) if len(blocks) > 1 else blocks[0]
    return graph.add("Add", graph.add("MatMul", x, head.weights), head.bias)


def _neighbours(graph: OnnxGraph, knn: KNNClassifier, x: str) -> str:
    """Vote by the nearest examples: found by products, their distances measured exactly."""
    _, arrays = knn.to_arrays()
    examples: npt.NDArray[Any] = arrays["vectors"].astype(np.float64)
    x = graph.cast(x, "float64")
    if knn.metric == "cosine":
        lengths = np.linalg.norm(examples, axis=1, keepdims=True)
        examples = examples / np.where(lengths > 0, lengths, 1)
        x = graph.add("Div", x, graph.length(x))
    # The square of |x| is the same for all examples, and does not change their order.
    products = graph.add("MatMul", x, np.ascontiguousarray(examples.T) * -2)
    order = graph.add("Add", products, (examples**2).sum(axis=1))
    k = graph.constant(np.array([knn.n_neighbors_], np.int64))
    _, rows = graph.add_outputs("TopK", [order, k], 2, axis=1, largest=0)
    near = graph.add("Gather", examples, rows, axis=0)
    apart = graph.add("Sub", near, graph.add("Unsqueeze", x, np.array([1], np.int64)))
    distances = graph.sum(graph.add("Mul", apart, apart), 2, keepdims=0)
    if knn.metric == "l2":
        distances = graph.add("Sqrt", distances)
    nearest = graph.slice(distances, 0, 1)
    if knn.kernel_ is None:
        # Scaled by the nearest, so that no weight is infinite.
        least = np.array(_NEAREST)
        distances, nearest = (graph.add("Max", d, least) for d in (distances, nearest))
        weights = graph.add("Div", nearest, distances)
    else:
        nearer = graph.add("Sub", nearest, distances)
        weights = graph.add("Exp", graph.add("Div", nearer, np.array(knn.kernel_.width)))
        zero = np.array(0.0)
        votes = graph.add(
            "Or", graph.add("Greater", nearest, zero), graph.add("Equal", distances, zero)
        )
        weights = graph.add("Mul", weights, graph.cast(votes, "float64"))
    weights = graph.add("Unsqueeze", weights, np.array([2], np.int64))
    targets = graph.add("Gather", arrays["targets"], rows, axis=0)
    voters = graph.add("Gather", np.eye(len(knn.classes_)), targets, axis=0)
    votes = graph.sum(graph.add("Mul", weights, voters), 1, keepdims=0)
    votes = graph.add("Div", votes, graph.sum(votes, 1))
    if knn.kernel_ is None:
        return votes
    share, uniform = 1 - knn.kernel_.smoothing, knn.kernel_.smoothing / len(knn.classes_)
    smoothed = graph.add("Add", graph.add("Mul", votes, np.array(share)), np.array(uniform))
    powers = graph.add("Pow", smoothed, np.array(knn.kernel_.exponent))
    return graph.add("Div", powers, graph.sum(powers, 1))
