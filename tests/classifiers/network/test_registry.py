"""The networks: their form, and what cannot be built."""

import numpy as np
import pytest

from tamis.classifiers.network.registry import NETWORKS, build, network
from tamis.errors import InvalidParameterError, UnknownNameError

torch = pytest.importorskip("torch", reason="needs the extra train")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_takes_pixels_and_gives_logits(name):
    entry = network(name)
    for size in (entry.size, entry.least_size):
        parts = build(name, 7, size=size).eval()
        assert [part for part, _ in parts.named_children()] == ["input", "body", "head"]
        pictures = torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)
        with torch.no_grad():
            assert parts(pictures).shape == (2, 7)
    with pytest.raises(InvalidParameterError, match="at least"):
        build(name, 7, size=entry.least_size - 1)


def test_the_network_of_the_report_is_as_it_was():
    layers = [layer for part in build("report", 6).children() for layer in part.modules()]
    convolutions = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    shapes = [(layer.out_channels, layer.kernel_size, layer.padding) for layer in convolutions]
    assert shapes == [
        (16, (5, 5), (2, 2)),
        (32, (5, 5), (0, 0)),
        (64, (5, 5), (0, 0)),
        (128, (5, 5), (0, 0)),
    ]
    dense = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in dense] == [(2048, 128), (128, 6)]
    # Keras counts 533,158 weights of the same network.
    weights = sum(p.numel() for p in build("report", 6).parameters())
    assert weights == 1216 + 12832 + 51264 + 204928 + 262272 + 774


def multiplications(name):
    """Count those of the convolutions for one picture."""
    counted = []
    parts = build(name, 6).eval()
    for layer in parts.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(
                lambda layer, _, out: counted.append(out[0].numel() * layer.weight[0].numel())
            )
    size = network(name).size
    with torch.no_grad():
        parts(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    return sum(counted)


def test_small_costs_about_as_much_as_the_report_s():
    assert multiplications("small") < 1.5 * multiplications("report")


def test_pixels_are_normalised_in_the_first_part():
    parts = build("small", 6)
    pictures = np.full((1, 32, 32, 3), 200, np.uint8)
    found = parts.input(torch.from_numpy(pictures))
    entry = network("small")
    for channel in range(3):
        expected = (200 - entry.mean[channel]) / entry.std[channel]
        assert found[0, channel].numpy() == pytest.approx(expected, abs=1e-5)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_an_unknown_network_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean small"):
        build("smal", 3)
