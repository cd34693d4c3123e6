"""Networks that are trained on one's own pictures (torch, extra ``train``).

``report`` is the network of the report that tamis descends from; ``small`` is a modern
one of similar cost, for few pictures, from nothing; ``finetune`` starts from weights
that have seen a million pictures.
"""

from typing import TYPE_CHECKING, Final

from tamis.classifiers.network.recipe import NetworkEntry, Recipe
from tamis.errors import InvalidParameterError, MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NETWORKS", "NetworkEntry", "Recipe", "build", "network"]

_IMAGENET: Final = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))

NETWORKS: Final = {
    entry.name: entry
    for entry in (
        NetworkEntry(
            name="report",
            summary="four convolutions and a dense layer, as in the report",
            size=120,
            least_size=76,
            mean=(0.0, 0.0, 0.0),
            std=(255.0, 255.0, 255.0),
            recipe=Recipe(),
        ),
        NetworkEntry(
            name="small",
            summary="a modern network of similar cost, trained from nothing",
            size=96,
            least_size=32,
            mean=_IMAGENET[0],
            std=_IMAGENET[1],
            recipe=Recipe(
                epochs=40,
                lr=2e-3,
                schedule="cosine",
                warmup=3,
                weight_decay=0.05,
                label_smoothing=0.1,
                ema=0.99,
                augment="strong",
                flips=True,
            ),
        ),
        NetworkEntry(
            name="finetune",
            summary="EfficientNet-Lite0, which has seen ImageNet: the last layer, then all",
            size=224,
            least_size=64,
            mean=(127.0, 127.0, 127.0),
            std=(128.0, 128.0, 128.0),
            recipe=Recipe(
                epochs=12,
                lr=2e-3,
                schedule="cosine",
                warmup=1,
                weight_decay=0.01,
                label_smoothing=0.1,
                ema=0.98,
                augment="strong",
                frozen=3,
                backbone_lr=0.1,
                flips=True,
            ),
            pretrained="efficientnet-lite0",
        ),
    )
}
"""Name to entry."""


def network(name: str) -> NetworkEntry:
    """Find a network by its name.

    Raises
    ------
    UnknownNameError
        There is none of that name.
    """
    if name not in NETWORKS:
        raise UnknownNameError.among("network", str(name), NETWORKS)
    return NETWORKS[name]


def build(name: str, n_classes: int, *, size: int | None = None) -> "nn.Sequential":
    """Build a network with weights drawn from torch's generator.

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    n_classes : int
    size : int, optional
        Height and width of the pictures in pixels; the network's own by default.

    Returns
    -------
    torch.nn.Sequential
        Of three parts: ``input``, ``body``, ``head`` (the last layer). It takes pictures
        of shape (n, size, size, 3) uint8 and gives logits of shape (n, n_classes).

    Raises
    ------
    UnknownNameError
        There is none of that name.
    InvalidParameterError
        `size` is too small for the layers.
    MissingExtraError
        torch, or the weights to start from, are not installed.
    """
    entry = network(name)
    size = entry.size if size is None else size
    if size < entry.least_size:
        raise InvalidParameterError(
            f"the network {name} needs pictures of at least {entry.least_size} pixels. Got size "
            f"{size}."
        )
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError.for_extra("train", "training a network") from error
    from tamis.classifiers.network.architectures import plain
    from tamis.classifiers.network.architectures.layers import Input

    if entry.pretrained is not None:
        from tamis.classifiers.network.architectures.efficientnet import efficientnet_lite
        from tamis.descriptors.neural.backbone import weights

        *body, head = efficientnet_lite(entry.pretrained, weights(entry.pretrained), n_classes)
    else:
        make = {"report": plain.report, "small": plain.small}[name]
        *body, head = make(n_classes, size)
    parts = torch.nn.Sequential()
    parts.add_module("input", Input(entry.mean, entry.std))
    parts.add_module("body", torch.nn.Sequential(*body))
    parts.add_module("head", head)
    parts.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return parts
