"""VGG as an ONNX graph: its convolutions, averaged over the picture.

The fully connected layers that follow are those of the 1000 classes of ImageNet, take most
of the weights, and say less about other pictures.

References
----------
.. [1] K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image
   recognition", ICLR 2015. https://doi.org/10.48550/arXiv.1409.1556
"""

from typing import Final

from tamis.descriptors.neural.catalog import Entry
from tamis.descriptors.neural.graphs.builder import Drawing
from tamis.descriptors.neural.weights.locate import weights_of
from tamis.descriptors.neural.weights.torch_file import Weights

# Table 1 of [1]: convolutions of each stage, configurations D and E.
STAGES: Final = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def layers(name: str) -> list[list[int]]:
    """Give the numbers of the convolutions of each stage; torchvision counts every step."""
    found, number = [], 0
    for count in STAGES[name]:
        found.append([number + 2 * i for i in range(count)])  # each is followed by its ReLU
        number += 2 * count + 1  # and the stage by its pooling
    return found


def build(entry: Entry) -> bytes:
    """Make the graph of a VGG, which is downloaded if need be.

    Its input, ``pixels``, is (n, 3, height, width) float32, already normalised; its
    output, ``features``, is (n, 512) float32.

    Raises
    ------
    MissingExtraError
        `onnx` or huggingface_hub is not installed.
    WeightsError
        Its weights are not here and cannot be downloaded, or are not those of the entry.
    """
    return graph(entry.name, weights_of(entry, lambda name: name.startswith("features.")))


def graph(name: str, weights: Weights) -> bytes:
    """Make the graph of the network `name` with some weights.

    Parameters
    ----------
    name : {"vgg16", "vgg19"}
    weights : dict of str to ndarray
        By the names that torchvision and timm give them: ``features.0.weight``.

    Returns
    -------
    bytes
        As `build`.
    """
    drawn, x = Drawing(weights), "pixels"
    for stage in layers(name):
        for number in stage:
            x = drawn.relu(drawn.convolution(x, f"features.{number}", side=3, pad=1))
        x = drawn.largest(x, 2)
    return drawn.finish(x)
