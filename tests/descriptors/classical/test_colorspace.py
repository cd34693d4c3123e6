import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2hsv

from tamis.descriptors.classical.colorspace import hsv, hsv_bin

CHANNEL = st.integers(0, 255)


@given(CHANNEL, CHANNEL, CHANNEL)
def test_hsv_is_that_of_scikit_image(red, green, blue):
    hue, saturation, value = hsv(float(red), float(green), float(blue))
    expected = rgb2hsv(np.array([[[red, green, blue]]]) / 255)[0, 0]
    assert (hue / 6, saturation, value / 255) == pytest.approx(tuple(expected), abs=1e-9)
    assert 0 <= hue < 6
    assert 0 <= saturation <= 1


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((0, 0, 0), (0, 0, 0)),
        ((255, 255, 255), (0, 0, 3)),
        ((63, 63, 63), (0, 0, 0)),
        ((64, 64, 64), (0, 0, 1)),
        ((255, 0, 0), (0, 3, 3)),
        ((255, 255, 0), (2, 3, 3)),
        ((0, 255, 0), (5, 3, 3)),  # 120 degrees, of bins 22.5 degrees wide
        ((0, 0, 255), (10, 3, 3)),
        ((255, 0, 1), (15, 3, 3)),
        ((200, 100, 100), (0, 2, 3)),  # a saturation of 1/2 begins the third bin
    ],
)
def test_bins(color, expected):
    hue, saturation, value = expected
    assert hsv_bin(*color, 16, 4, 4) == (hue * 4 + saturation) * 4 + value


@given(CHANNEL, CHANNEL, CHANNEL, st.integers(1, 64), st.integers(1, 16), st.integers(1, 16))
def test_bins_stay_in_their_range(red, green, blue, hues, saturations, values):
    found = hsv_bin(red, green, blue, hues, saturations, values)
    assert 0 <= found < hues * saturations * values
