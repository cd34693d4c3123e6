import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tamis.descriptors import descriptor
from tamis.descriptors.classical.colorspace import hsv_bin

# Few colours, so that equal ones meet.
PALETTE = np.array([(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)], np.uint8)
SMALL = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)
)
EVERY_COLOR = descriptor("correlogram(size=none)")


def naive(image):
    """By the definition, pixel by pixel."""
    height, width = image.shape[:2]
    colors = np.array([[hsv_bin(*map(int, pixel), 16, 4, 4) for pixel in row] for row in image])
    out = np.zeros((256, 4))
    for index, far in enumerate((1, 3, 5, 7)):
        alike, pairs = np.zeros(256), np.zeros(256)
        for y in range(height):
            for x in range(width):
                for i in (-far, 0, far):
                    for j in (-far, 0, far):
                        inside = 0 <= y + i < height and 0 <= x + j < width
                        if (i or j) and inside:
                            pairs[colors[y, x]] += 1
                            alike[colors[y, x]] += colors[y, x] == colors[y + i, x + j]
        out[:, index] = alike / np.maximum(pairs, 1)
    return out.ravel()


@given(SMALL)
def test_follows_the_definition(indices):
    image = PALETTE[indices]
    np.testing.assert_allclose(EVERY_COLOR.describe([image])[0], naive(image), atol=1e-6)


def test_follows_the_definition_on_noise():
    image = np.random.default_rng(5).integers(0, 256, (25, 33, 3), np.uint8)
    np.testing.assert_allclose(EVERY_COLOR.describe([image])[0], naive(image), atol=1e-6)


@given(SMALL)
def test_does_not_see_mirroring_or_turning(indices):
    image = PALETTE[indices]
    turned = [image, image[::-1], image[:, ::-1], image.swapaxes(0, 1), np.rot90(image)]
    values = EVERY_COLOR.describe(turned)
    np.testing.assert_array_equal(values, np.repeat(values[:1], len(turned), axis=0))


def test_one_colour_is_always_beside_itself():
    values = EVERY_COLOR.describe([np.full((9, 9, 3), (255, 0, 0), np.uint8)])[0].reshape(256, 4)
    red = hsv_bin(255, 0, 0, 16, 4, 4)
    np.testing.assert_array_equal(values[red], 1)
    assert np.count_nonzero(values) == 4


def test_a_distance_the_picture_is_too_small_for_gives_zero():
    values = EVERY_COLOR.describe([np.full((1, 4, 3), 255, np.uint8)])[0].reshape(256, 4)
    np.testing.assert_array_equal(values.max(axis=0), [1, 1, 0, 0])


def test_stripes():
    """Columns black and white in turn: alike at odd distances only straight up and down."""
    image = np.zeros((50, 50, 3), np.uint8)
    image[:, ::2] = 255
    values = EVERY_COLOR.describe([image])[0].reshape(256, 4)
    black = hsv_bin(0, 0, 0, 16, 4, 4)
    # Two of eight neighbours, a little more as borders take away more of the others.
    assert values[black, 0] == pytest.approx(1 / 4, abs=0.01)


def test_length():
    assert descriptor("correlogram").dim == 1024
    assert descriptor("correlogram(hues=8,saturations=2,values=2)").dim == 128
