import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.descriptors import descriptor

PICTURE = np.random.default_rng(13).gamma(2, 30, (31, 47, 3)).clip(0, 255).astype(np.uint8)


def describe(image, regions=1):
    """Means, deviations and skews, (regions, regions, 3 channels, 3)."""
    values = descriptor(f"moments(regions={regions},size=none)").describe([image])[0]
    return values.reshape(regions, regions, 3, 3)


def naive(cell):
    red, green, blue = cell.reshape(-1, 3).astype(float).T / 255
    rows = []
    for channel in ((red + green + blue) / 3, red - green, (red + green) / 2 - blue):
        rest = channel - channel.mean()
        rows.append((channel.mean(), 2 * channel.std(), 0.5 * np.cbrt((rest**3).mean())))
    return rows


def test_follows_the_definition():
    found = describe(PICTURE, regions=2)
    rows, columns = (0, 16, 31), (0, 24, 47)
    for row in range(2):
        for column in range(2):
            cell = PICTURE[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            np.testing.assert_allclose(found[row, column], naive(cell), atol=1e-6)


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (1, 254, 3), (200, 30, 90)])
def test_a_flat_picture_has_means_alone(color):
    found = describe(np.full((37, 41, 3), color, np.uint8))[0, 0]
    red, green, blue = np.array(color) / 255
    means = [(red + green + blue) / 3, red - green, (red + green) / 2 - blue]
    np.testing.assert_allclose(found[:, 0], means, atol=1e-6)
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-6)


def test_greys_have_no_opponent_colour():
    found = describe(np.repeat(PICTURE[:, :, :1], 3, axis=2))[0, 0]
    np.testing.assert_allclose(found[1:], 0, atol=1e-6)
    assert (found[0] > 0.01).all()


@given(st.integers(-60, 60))
def test_more_light_moves_the_mean_of_intensity_alone(shift):
    dim = PICTURE // 2 + 64
    found, shifted = describe(dim)[0, 0], describe((dim.astype(int) + shift).astype(np.uint8))[0, 0]
    expected = found.copy()
    expected[0, 0] += shift / 255
    np.testing.assert_allclose(shifted, expected, atol=1e-6)


def test_the_negative_turns_means_and_skews():
    found, negative = describe(PICTURE)[0, 0], describe(255 - PICTURE)[0, 0]
    np.testing.assert_allclose(negative[:, 1], found[:, 1], atol=1e-6)
    np.testing.assert_allclose(negative[:, 2], -found[:, 2], atol=1e-6)
    np.testing.assert_allclose(negative[1:, 0], -found[1:, 0], atol=1e-6)


def test_cells_without_pixels_are_zero():
    found = describe(PICTURE[:1, :1], regions=5)
    assert np.count_nonzero(found.any(axis=(2, 3))) == 1
    assert descriptor("moments").dim == 225
