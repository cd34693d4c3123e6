"""The graphs against the same networks in torch, on photos."""

import numpy as np
import pytest

from tamis.descriptors import descriptor
from tamis.descriptors.neural.backbone import weights
from tamis.descriptors.neural.weights.locate import file_of

torch = pytest.importorskip("torch", reason="needs the extra train")
package = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the dev group")

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def photos():
    from skimage import data

    return [data.astronaut(), data.chelsea(), data.coffee(), data.rocket(), data.camera()]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_features_are_those_of_torch(number, photos):
    name = f"efficientnet-lite{number}"
    one = descriptor(f"{name}(power=1)")
    if one.missing:
        pytest.skip(f"{name} is not installed: {one.missing}")
    network = package.EfficientNet.from_name(name).eval()
    state = torch.load(file_of(one.entry), weights_only=True)
    network.load_state_dict(state)
    with torch.no_grad():
        pixels = torch.from_numpy(one.prepare(photos))
        expected = network.extract_features(pixels).mean((2, 3)).numpy()
    assert expected.max() > 1
    np.testing.assert_allclose(one.describe(photos), expected, rtol=0, atol=1e-4)
    ours = weights(name)
    assert list(ours) == list(state)
    for key, tensor in state.items():
        np.testing.assert_array_equal(ours[key], tensor.numpy())
