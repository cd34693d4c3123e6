"""ResNet as an ONNX graph, up to the average over the picture.

That of He et al. [1]_ with the stride of a bottleneck in its 3 x 3 convolution, as
torchvision has it and its weights need it.

References
----------
.. [1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition",
   CVPR 2016. https://doi.org/10.1109/CVPR.2016.90
"""

from typing import Final

from tamis.descriptors.neural.catalog import Entry
from tamis.descriptors.neural.graphs.builder import Drawing
from tamis.descriptors.neural.weights.locate import weights_of
from tamis.descriptors.neural.weights.torch_file import Weights

# Table 1 of [1]: blocks in each stage.
STAGES: Final = {
    "resnet18": (2, 2, 2, 2),
    "resnet50": (3, 4, 6, 3),
    "resnet152": (3, 8, 36, 3),
}
BOTTLENECK: Final = frozenset({"resnet50", "resnet152"})
"""Those whose blocks are 1 x 1, 3 x 3, 1 x 1; the blocks of the others are two 3 x 3."""


def build(entry: Entry) -> bytes:
    """Make the graph of a ResNet, which is downloaded if need be.

    Its input, ``pixels``, is (n, 3, height, width) float32, already normalised; its
    output, ``features``, is (n, 512) or, with bottlenecks, (n, 2048) float32. The batch
    normalisation is folded into the convolutions.

    Raises
    ------
    MissingExtraError
        `onnx` or huggingface_hub is not installed.
    WeightsError
        Its weights are not here and cannot be downloaded, or are not those of the entry.
    """
    return graph(entry.name, weights_of(entry, lambda name: not name.startswith("fc.")))


def graph(name: str, weights: Weights) -> bytes:
    """Make the graph of the network `name` with some weights.

    Parameters
    ----------
    name : str
        A key of `STAGES`.
    weights : dict of str to ndarray
        By the names that torchvision and timm give them: ``layer1.0.conv1.weight``.

    Returns
    -------
    bytes
        As `build`.
    """
    drawn = Drawing(weights)
    x = drawn.relu(drawn.convolution("pixels", "conv1", "bn1", side=7, stride=2, pad=3))
    x = drawn.largest(x, 3, pad=1)
    block = _bottleneck if name in BOTTLENECK else _basic
    for stage, count in enumerate(STAGES[name], start=1):
        for i in range(count):
            x = block(drawn, x, f"layer{stage}.{i}", 2 if i == 0 and stage > 1 else 1)
    return drawn.finish(x)


def _basic(drawn: Drawing, x: str, name: str, stride: int) -> str:
    y = drawn.convolution(x, f"{name}.conv1", f"{name}.bn1", side=3, stride=stride, pad=1)
    y = drawn.convolution(drawn.relu(y), f"{name}.conv2", f"{name}.bn2", side=3, pad=1)
    return drawn.relu(drawn.add(y, _skipped(drawn, x, y, name, stride)))


def _bottleneck(drawn: Drawing, x: str, name: str, stride: int) -> str:
    y = drawn.convolution(x, f"{name}.conv1", f"{name}.bn1", side=1)
    y = drawn.relu(y)
    y = drawn.convolution(y, f"{name}.conv2", f"{name}.bn2", side=3, stride=stride, pad=1)
    y = drawn.convolution(drawn.relu(y), f"{name}.conv3", f"{name}.bn3", side=1)
    return drawn.relu(drawn.add(y, _skipped(drawn, x, y, name, stride)))


def _skipped(drawn: Drawing, x: str, y: str, name: str, stride: int) -> str:
    """Give what goes past a block, brought to the shape of what comes out."""
    if stride == 1 and drawn.channels[x] == drawn.channels[y]:
        return x
    name = f"{name}.downsample"
    return drawn.convolution(x, f"{name}.0", f"{name}.1", side=1, stride=stride)
