import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.fft import dctn

from tamis.descriptors import descriptor
from tamis.descriptors.classical.colorlayout import _ZIGZAG

ALL = descriptor("colorlayout(luma=64,chroma=64,size=none)")
PICTURE = np.random.default_rng(12).integers(0, 256, (40, 56, 3), np.uint8)


def layout(image):
    """The three spectra, (3, 64), the weight of chroma taken off."""
    return ALL.describe([image])[0].reshape(3, 64) / [[1], [2], [2]]


def test_follows_the_definition():
    red, green, blue = PICTURE.reshape(8, 5, 8, 7, 3).mean(axis=(1, 3)).transpose(2, 0, 1) / 255
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    channels = (
        luma,
        -0.168736 * red - 0.331264 * green + 0.5 * blue,
        0.5 * red - 0.418688 * green - 0.081312 * blue,
    )
    for found, channel in zip(layout(PICTURE), channels, strict=True):
        spectrum = dctn(channel, norm="ortho") / 8
        np.testing.assert_allclose(found, spectrum[_ZIGZAG[:, 0], _ZIGZAG[:, 1]], atol=1e-5)


def test_zigzag():
    assert _ZIGZAG[:10].tolist() == [
        *([0, 0], [0, 1], [1, 0], [2, 0], [1, 1], [0, 2], [0, 3], [1, 2], [2, 1], [3, 0])
    ]
    assert _ZIGZAG[-3:].tolist() == [[6, 7], [7, 6], [7, 7]]
    assert len({tuple(place) for place in _ZIGZAG.tolist()}) == 64


def test_one_colour_has_a_mean_and_nothing_else():
    found = layout(np.full((30, 20, 3), (255, 0, 0), np.uint8))
    np.testing.assert_allclose(found[:, 0], [0.299, -0.168736, 0.5], atol=1e-5)
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-6)


def test_mirroring_turns_the_odd_horizontal_waves():
    sign = np.where(_ZIGZAG[:, 1] % 2, -1, 1)
    np.testing.assert_allclose(layout(PICTURE[:, ::-1]), layout(PICTURE) * sign, atol=1e-6)


def test_keeps_the_first_coefficients():
    few = descriptor("colorlayout(luma=6,chroma=3,size=none)").describe([PICTURE])[0]
    every = ALL.describe([PICTURE])[0].reshape(3, 64)
    np.testing.assert_array_equal(few, np.concatenate([every[0, :6], every[1, :3], every[2, :3]]))
    assert descriptor("colorlayout").dim == 27


@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))))
def test_values_stay_in_their_range(image):
    assert np.abs(ALL.describe([image])).max() <= 2


@pytest.mark.parametrize(("height", "width"), [(1, 5), (5, 1), (3, 3)])
def test_empty_cells_take_the_nearest_pixel(height, width):
    image = PICTURE[:height, :width]
    found = layout(image)
    # Each pixel has a cell at least: spread to the cells, the picture is the same.
    starts = [np.round(np.arange(8) * (n / 8)).astype(int).clip(0, n - 1) for n in (height, width)]
    np.testing.assert_allclose(found, layout(image[np.ix_(*starts)]), atol=1e-6)
