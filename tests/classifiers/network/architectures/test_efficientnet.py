"""EfficientNet-Lite for training: the features are those of its authors' module."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize("size", [224, 96])
def test_it_gives_the_features_of_the_reference(size):
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    from tamis.classifiers.network.architectures.efficientnet import efficientnet_lite
    from tamis.descriptors.neural.backbone import weights

    arrays = weights("efficientnet-lite0")
    *body, _ = efficientnet_lite("efficientnet-lite0", arrays, 5)
    ours = torch.nn.Sequential(*body).eval()
    theirs = reference.EfficientNet.from_name("efficientnet-lite0").eval()
    theirs.load_state_dict({name: torch.from_numpy(a) for name, a in arrays.items()})
    pictures = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, size, size))).float()
    with torch.no_grad():
        expected = theirs.extract_features(pictures).mean((2, 3))
        assert ours(pictures).numpy() == pytest.approx(expected.numpy(), abs=1e-4)
