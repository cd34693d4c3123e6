"""EfficientNet-Lite for training, from weights that have seen ImageNet. Imports torch.

The same network as `tamis.descriptors.neural.graphs.efficientnet` draws for ONNX Runtime,
where it is described; here its batch normalisations are kept, so that it can go on learning.
"""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from tamis.classifiers.network.architectures.layers import Residual
from tamis.descriptors.neural.graphs.efficientnet import EPSILON, blocks

_MOMENTUM = 0.01  # of the running figures of batch normalisation, as it was trained


class SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow does: an odd row goes to the end."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        if stride == 1:
            return functional.conv2d(x, self.weight, None, 1, kernel // 2, 1, self.groups)
        pads = []
        for length in (x.shape[3], x.shape[2]):
            whole = max((-(-int(length) // stride) - 1) * stride + kernel - int(length), 0)
            pads += [whole // 2, whole - whole // 2]
        x = functional.pad(x, pads)
        return functional.conv2d(x, self.weight, None, stride, 0, 1, self.groups)


def efficientnet_lite(
    name: str, weights: Mapping[str, npt.NDArray[Any]], n_classes: int
) -> nn.Sequential:
    """Build an EfficientNet-Lite with a new last layer.

    Parameters
    ----------
    name : str
        ``efficientnet-lite0``, ``1`` or ``2``.
    weights : mapping from str to ndarray
        As `tamis.descriptors.neural` has them, by the names of ``efficientnet-lite-pytorch``.
    n_classes : int

    Returns
    -------
    Sequential
        (n, 3, H, W) float32 to (n, n_classes) logits. The new layer begins at zero: at
        first every class is equally likely.
    """

    def conv(at: str, norm: str, *, stride: int = 1, depthwise: bool = False) -> list[nn.Module]:
        weight = torch.from_numpy(weights[f"{at}.weight"])
        width, each, kernel, _ = weight.shape
        groups = width if depthwise else 1
        layer = SameConv(each * groups, width, kernel, stride, groups=groups, bias=False)
        normed = nn.BatchNorm2d(width, eps=EPSILON, momentum=_MOMENTUM)
        layer.load_state_dict({"weight": weight})
        learned = ("weight", "bias", "running_mean", "running_var")
        values = {part: torch.from_numpy(weights[f"{norm}.{part}"]) for part in learned}
        normed.load_state_dict(values, strict=False)  # all but how many batches it has seen
        return [layer, normed]

    layers = [*conv("_conv_stem", "_bn0", stride=2), nn.ReLU6()]
    width = weights["_conv_stem.weight"].shape[0]
    for i, (_, stride, expands) in enumerate(blocks(name)):
        at = f"_blocks.{i}"
        block: list[nn.Module] = []
        if expands:
            block += [*conv(f"{at}._expand_conv", f"{at}._bn0"), nn.ReLU6()]
        block += conv(f"{at}._depthwise_conv", f"{at}._bn1", stride=stride, depthwise=True)
        block += [nn.ReLU6(), *conv(f"{at}._project_conv", f"{at}._bn2")]
        before, width = width, weights[f"{at}._project_conv.weight"].shape[0]
        skips = stride == 1 and before == width
        layers.append(Residual(*block) if skips else nn.Sequential(*block))
    layers += [*conv("_conv_head", "_bn1"), nn.ReLU6()]
    head = nn.Linear(weights["_conv_head.weight"].shape[0], n_classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), head)
