"""Networks that are one layer after the other. This module imports torch."""

from itertools import pairwise

from torch import nn


def report(n_classes: int, size: int) -> nn.Sequential:
    """Build the network of the report that tamis descends from.

    Four convolutions of 5x5, the first with padding, each followed by ReLU and a
    maximum over 2x2; a dense layer of 128; dropout of a quarter.

    Parameters
    ----------
    n_classes : int
    size : int
        Height and width of the pictures, at least 76.

    Returns
    -------
    Sequential
        (n, 3, size, size) float32 to (n, n_classes) logits.
    """
    layers: list[nn.Module] = []
    channels, side = 3, size
    for width, padding in ((16, 2), (32, 0), (64, 0), (128, 0)):
        # ReLU after the maximum gives the same, for a quarter of the work.
        layers += [nn.Conv2d(channels, width, 5, padding=padding), nn.MaxPool2d(2), nn.ReLU()]
        channels, side = width, (side - 4 + 2 * padding) // 2
    dense = nn.Linear(channels * side * side, 128)
    layers += [nn.Flatten(), dense, nn.ReLU(), nn.Dropout(0.25), nn.Linear(128, n_classes)]
    for layer in layers:  # as Keras starts them, which the report used
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def small(n_classes: int, size: int) -> nn.Sequential:
    """Build a modern network of the cost of `report`.

    A stem of stride 2, then stages that each halve the picture and double the
    channels: convolution of 3x3, maximum over 2x2, batch normalisation, SiLU. Global
    average pooling instead of dense layers: it has no more weights for a larger picture.

    Parameters
    ----------
    n_classes : int
    size : int
        Height and width of the pictures, at least 32.

    Returns
    -------
    Sequential
        (n, 3, size, size) float32 to (n, n_classes) logits.
    """
    widths = (32, 64, 128, 256)
    layers: list[nn.Module] = [_conv(3, widths[0], stride=2), nn.BatchNorm2d(widths[0]), nn.SiLU()]
    for before, width in pairwise(widths):
        layers += [_conv(before, width), nn.MaxPool2d(2), nn.BatchNorm2d(width), nn.SiLU()]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], n_classes)
    )


def _conv(channels: int, width: int, *, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
