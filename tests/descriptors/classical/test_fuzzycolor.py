import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.descriptors.classical.fuzzycolor import (
    PALETTE,
    block_degrees,
    palette_degrees,
    quarter_means,
)

CHANNEL = st.floats(0, 255)


def degrees(red, green, blue):
    out = np.zeros(24, np.float32)
    palette_degrees(float(red), float(green), float(blue), out)
    return {name: float(degree) for name, degree in zip(PALETTE, out, strict=True) if degree > 0}


@given(CHANNEL, CHANNEL, CHANNEL)
def test_degrees_add_up_to_one(red, green, blue):
    found = degrees(red, green, blue)
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)
    assert len(found) <= 9


@pytest.mark.parametrize(
    ("color", "name"),
    [
        ((0, 0, 0), "black"),
        ((10, 0, 0), "black"),
        ((128, 128, 128), "grey"),
        ((255, 255, 255), "white"),
        ((255, 0, 0), "red"),
        ((255, 0, 60), "red"),
        ((255, 128, 0), "orange"),
        ((255, 255, 0), "yellow"),
        ((0, 255, 0), "green"),
        ((0, 255, 255), "cyan"),
        ((0, 0, 255), "blue"),
        ((255, 0, 255), "magenta"),
    ],
)
def test_plain_colours(color, name):
    assert degrees(*color) == {name: 1}


def test_dark_colours_are_partly_black():
    assert degrees(0, 0, 62) == pytest.approx({"black": 0.2, "dark blue": 0.8})


def test_pale_colours_are_light_ones():
    # A saturation of 80, of 255: past grey (75), hardly within plain (68 to 188).
    assert degrees(255, 175, 175) == pytest.approx({"light red": 0.9, "red": 0.1})


def test_half_way_between_two_hues():
    # 7.5 degrees, of 5 to 10
    assert degrees(240, 30, 0) == pytest.approx({"red": 0.5, "orange": 0.5})


def test_the_circle_of_hues_closes():
    # 322.5 degrees, of 315 to 330
    found = degrees(240, 0, 150)
    assert found == pytest.approx({"magenta": 0.5, "red": 0.5})


def test_blocks_overlap_by_half():
    image = np.random.default_rng(6).integers(0, 256, (9, 12, 3), np.uint8)
    quarters = quarter_means(image)
    assert quarters.shape == (4, 6, 3)  # the ninth row fills no square
    found = np.empty(24, np.float32)
    block_degrees(quarters, 1, 2, found)
    block = image[2:6, 4:8].reshape(16, 3).mean(axis=0)
    expected = np.zeros(24, np.float32)
    palette_degrees(*block, expected)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (9, 1, 3), (3, 3, 3)])
def test_the_smallest_pictures_have_a_block(shape):
    quarters = quarter_means(np.full(shape, 200, np.uint8))
    assert min(quarters.shape) >= 2
    np.testing.assert_array_equal(quarters, 200)
