"""Layers that torch does not bring. This module imports torch."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Input(nn.Module):
    """Pixels as they are stored, to numbers as a network takes them.

    Parameters
    ----------
    mean, std : sequence of float
        Per channel, on the scale of 0 to 255.

    Notes
    -----
    Takes (n, H, W, 3) uint8 and gives (n, 3, H, W) float32. The strides of the pictures
    are those that torch calls channels_last, so nothing is moved.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", 1 / torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Normalise a batch of pictures."""
        return (pictures.permute(0, 3, 1, 2).float() - self.mean) * self.scale


class Residual(nn.Module):
    """Add what some layers make of their input to it.

    References
    ----------
    .. [1] K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
       https://doi.org/10.1109/CVPR.2016.90
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers."""
        return x + self.layers(x)


class Served(nn.Module):
    """A trained network as it answers: pixels in, probabilities out.

    Parameters
    ----------
    network : Module
        (n, H, W, 3) uint8 to logits.
    flips : bool
        Average the probabilities of each picture and of its mirror image.
    """

    def __init__(self, network: nn.Module, flips: bool) -> None:
        super().__init__()
        self.network = network
        self.flips = flips

    def forward(self, pictures: Tensor) -> Tensor:
        """Answer for a batch of pictures."""
        probabilities = torch.softmax(self.network(pictures), 1)
        if self.flips:
            mirrored = torch.softmax(self.network(pictures.flip(2)), 1)
            probabilities = (probabilities + mirrored) / 2
        return probabilities
