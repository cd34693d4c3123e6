"""ResNet against torch, with random weights: no real ones can be had here."""

import numpy as np
import pytest

from tamis.descriptors.neural.graphs.resnet import BOTTLENECK, STAGES, graph
from tamis.descriptors.neural.runtime import session
from tamis.errors import WeightsError

pytest.importorskip("onnxruntime")


def random_weights(name, seed=0):
    """Weights of the right shapes under torchvision's names, that keep the values in range."""
    rng = np.random.default_rng(seed)
    made = {}

    def convolution(key, norm, out, into, side):
        scale = np.sqrt(2 / (into * side * side))
        made[f"{key}.weight"] = rng.normal(0, scale, (out, into, side, side)).astype(np.float32)
        made[f"{norm}.weight"] = rng.uniform(0.5, 1.5, out).astype(np.float32)
        made[f"{norm}.bias"] = rng.normal(0, 0.1, out).astype(np.float32)
        made[f"{norm}.running_mean"] = rng.normal(0, 0.1, out).astype(np.float32)
        made[f"{norm}.running_var"] = rng.uniform(0.5, 1.5, out).astype(np.float32)

    convolution("conv1", "bn1", 64, 3, 7)
    into = 64
    # The last of a block adds little, so that fifty of them stay in range.
    for stage, count in enumerate(STAGES[name], start=1):
        width = 32 << stage
        out = 4 * width if name in BOTTLENECK else width
        for i in range(count):
            block = f"layer{stage}.{i}"
            shapes = [(width, into, 3), (width, width, 3)]
            if name in BOTTLENECK:
                shapes = [(width, into, 1), (width, width, 3), (out, width, 1)]
            for j, (a, b, side) in enumerate(shapes, start=1):
                convolution(f"{block}.conv{j}", f"{block}.bn{j}", a, b, side)
            made[f"{block}.bn{len(shapes)}.weight"] *= 0.1
            if i == 0 and (stage > 1 or into != out):
                convolution(f"{block}.downsample.0", f"{block}.downsample.1", out, into, 1)
            into = out
    return made


def in_torch(name, weights, pixels):
    """The same network, written out in torch without looking at the graph."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)  # on a busy machine more wait for each other
    f = torch.nn.functional
    held = {key: torch.from_numpy(value) for key, value in weights.items()}

    def convolved(x, key, norm, stride=1, padding=0):
        x = f.conv2d(x, held[f"{key}.weight"], stride=stride, padding=padding)
        parts = [held[f"{norm}.{part}"] for part in ("running_mean", "running_var")]
        return f.batch_norm(x, *parts, held[f"{norm}.weight"], held[f"{norm}.bias"])

    with torch.no_grad():
        x = f.relu(convolved(torch.from_numpy(pixels), "conv1", "bn1", 2, 3))
        x = f.max_pool2d(x, 3, 2, 1)
        for stage, count in enumerate(STAGES[name], start=1):
            for i in range(count):
                block, stride = f"layer{stage}.{i}", 2 if i == 0 and stage > 1 else 1
                y = x
                if name in BOTTLENECK:
                    steps = [(1, 0), (stride, 1), (1, 0)]
                else:
                    steps = [(stride, 1), (1, 1)]
                for j, (step, padding) in enumerate(steps, start=1):
                    y = convolved(y, f"{block}.conv{j}", f"{block}.bn{j}", step, padding)
                    y = f.relu(y) if j < len(steps) else y
                if f"{block}.downsample.0.weight" in held:
                    x = convolved(x, f"{block}.downsample.0", f"{block}.downsample.1", stride)
                x = f.relu(x + y)
        return x.mean(dim=(2, 3)).numpy()


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", pytest.param("resnet152", marks=pytest.mark.slow)]
)
def test_it_computes_what_torch_does(name):
    weights = random_weights(name)
    pixels = np.random.default_rng(1).normal(size=(2, 3, 64, 96)).astype(np.float32)
    expected = in_torch(name, weights, pixels)
    (found,) = session(graph(name, weights)).run(None, {"pixels": pixels})
    assert found.shape == (2, 2048 if name in BOTTLENECK else 512)
    assert np.isfinite(expected).all() and 0.01 < expected.std() < 100
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_weights_of_another_network_are_refused():
    weights = random_weights("resnet18")
    with pytest.raises(WeightsError, match=r"layer1\.0\.conv1\.weight have the shape"):
        graph("resnet50", weights)
    del weights["layer3.1.bn2.running_var"]
    with pytest.raises(WeightsError, match=r"lack layer3\.1\.bn2\.running_var"):
        graph("resnet18", weights)
