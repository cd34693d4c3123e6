import numpy as np
import pytest

from tamis.descriptors import descriptor
from tamis.descriptors.classical.fuzzycolor import PALETTE, palette_degrees

CEDD = descriptor("cedd(size=none)")
Y, X = np.mgrid[0:32, 0:48]


def picture(grey):
    return np.repeat(np.asarray(grey, np.uint8)[:, :, np.newaxis], 3, axis=2)


def textures(image):
    return CEDD.describe([image])[0].reshape(6, 24).sum(axis=1)


def naive(image):
    """Block by block, by the definition."""
    image = image.astype(float)
    out = np.zeros((6, 24))
    luma = image @ (0.299, 0.587, 0.114)
    for y in range(0, image.shape[0] - 3, 2):
        for x in range(0, image.shape[1] - 3, 2):
            degrees = np.zeros(24, np.float32)
            palette_degrees(*image[y : y + 4, x : x + 4].mean(axis=(0, 1)), degrees)
            (a, b), (c, d) = luma[y : y + 4, x : x + 4].reshape(2, 2, 2, 2).mean(axis=(1, 3))
            root = np.sqrt(2)
            responses = np.abs(
                [2 * (a - b - c + d), a + b - c - d, a - b + c - d, root * (a - d), root * (b - c)]
            )
            if responses.max() < 14:
                out[0] += degrees
                continue
            for area, response, least in zip(
                range(1, 6),
                responses / responses.max(),
                (0.68, 0.98, 0.98, 0.98, 0.98),
                strict=True,
            ):
                if response > least:
                    out[area] += degrees
    return out.ravel() / out.sum()


def test_follows_the_definition():
    rng = np.random.default_rng(7)
    smooth = 60 * np.sin(X[..., np.newaxis] / 5 + np.arange(3)) + 3 * Y[..., np.newaxis] + 90
    image = np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
    found = CEDD.describe([image])[0]
    assert np.count_nonzero(found.reshape(6, 24).sum(axis=1)) == 6
    np.testing.assert_allclose(found, naive(image), atol=1e-5)


def test_a_flat_picture_has_no_texture():
    values = CEDD.describe([np.full((20, 20, 3), (255, 0, 0), np.uint8)])[0].reshape(6, 24)
    assert values[0, PALETTE.index("red")] == pytest.approx(1)
    assert np.count_nonzero(values) == 1


@pytest.mark.parametrize(
    ("grey", "area"),
    [
        (100 + X // 24, 0),  # too faint a step
        (255 * ((X // 2 + Y // 2) % 2), 1),
        (255 * (Y // 2 % 2), 2),
        (255 * (X // 2 % 2), 3),
    ],
)
def test_directions(grey, area):
    assert textures(picture(grey))[area] == pytest.approx(1, abs=1e-5)


def test_diagonals():
    """A slope's edges run across it: equal grey from lower left to upper right is rising."""
    slope = 3 * (X + Y)
    shares = textures(picture(slope[:, :32]))
    assert shares[4] == pytest.approx(1, abs=1e-5)
    shares = textures(picture(slope[::-1, :32]))
    assert shares[5] == pytest.approx(1, abs=1e-5)


def test_length_and_sum():
    image = np.random.default_rng(8).integers(0, 256, (32, 48, 3), np.uint8)
    assert CEDD.dim == 144
    assert CEDD.describe([image])[0].sum() == pytest.approx(1, abs=1e-5)
