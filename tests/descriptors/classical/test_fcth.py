import numpy as np
import pytest

from tamis.descriptors import descriptor
from tamis.descriptors.classical.fuzzycolor import PALETTE, palette_degrees

FCTH = descriptor("fcth(size=none)")
Y, X = np.mgrid[0:32, 0:48]


def picture(grey):
    return np.repeat(np.asarray(grey, np.uint8)[:, :, np.newaxis], 3, axis=2)


def naive(image):
    """Block by block, by the definition, with the Haar transform as a matrix."""
    image = image.astype(float)
    luma = image @ (0.299, 0.587, 0.114)
    low = np.array([[1, 1, 0, 0], [0, 0, 1, 1]]) / np.sqrt(2)
    high = np.array([[1, -1, 0, 0], [0, 0, 1, -1]]) / np.sqrt(2)
    out = np.zeros((8, 24))
    for y in range(0, image.shape[0] - 3, 2):
        for x in range(0, image.shape[1] - 3, 2):
            colors = np.zeros(24, np.float32)
            palette_degrees(*image[y : y + 4, x : x + 4].mean(axis=(0, 1)), colors)
            block = luma[y : y + 4, x : x + 4]
            bands = (high @ block @ low.T, low @ block @ high.T, high @ block @ high.T)
            activities = [np.sqrt((band**2).mean()) for band in bands]
            highs = [
                np.interp(activity, (20, limit), (0, 1))
                for activity, limit in zip(activities, (90, 90, 80), strict=True)
            ]
            for area in range(8):
                degree = 1.0
                for band in range(3):
                    degree *= highs[band] if area & (1 << band) else 1 - highs[band]
                out[area] += degree * colors
    return out.ravel() / out.sum()


def test_follows_the_definition():
    image = np.random.default_rng(9).integers(0, 256, (20, 26, 3), np.uint8)
    image[:10] //= 3
    found = FCTH.describe([image])[0]
    assert np.count_nonzero(found.reshape(8, 24).sum(axis=1)) == 8
    np.testing.assert_allclose(found, naive(image), atol=1e-5)


def test_a_flat_picture_has_no_texture():
    values = FCTH.describe([np.full((20, 20, 3), (0, 0, 255), np.uint8)])[0].reshape(8, 24)
    assert values[0, PALETTE.index("blue")] == pytest.approx(1)
    assert np.count_nonzero(values) == 1


@pytest.mark.parametrize(
    ("grey", "area"),
    [
        (3 * X, 0),  # a gentle slope
        (255 * (Y % 2), 1),
        (255 * (X % 2), 2),
        (255 * ((X + Y) % 2), 4),
    ],
)
def test_directions(grey, area):
    shares = FCTH.describe([picture(grey)])[0].reshape(8, 24).sum(axis=1)
    assert shares[area] == pytest.approx(1, abs=1e-5)


def test_length_and_sum():
    image = np.random.default_rng(10).integers(0, 256, (32, 48, 3), np.uint8)
    assert FCTH.dim == 192
    assert FCTH.describe([image])[0].sum() == pytest.approx(1, abs=1e-5)
