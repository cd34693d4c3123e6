import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2hsv

from tamis.descriptors import descriptor

PICTURE = np.random.default_rng(1).integers(0, 256, (31, 47, 3), np.uint8)


def describe(image, **arguments):
    text = ",".join(f"{key}={value}" for key, value in {"size": "none", **arguments}.items())
    return descriptor(f"hsv({text})").describe([image])[0]


def test_is_the_histogram_of_each_region():
    # 5, 3 and 7 intervals: no colour of 8 bits lies on a border by rounding alone
    values = describe(PICTURE, hues=5, saturations=3, values=7, regions=2).reshape(2, 2, 5, 3, 7)
    hue, saturation, _ = np.moveaxis(rgb2hsv(PICTURE), -1, 0)
    value = PICTURE.max(axis=2) / 256
    rows, columns = (0, 16, 31), (0, 24, 47)  # halves round to even
    for row in range(2):
        for column in range(2):
            cell = np.s_[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            expected, _ = np.histogramdd(
                [hue[cell].ravel(), saturation[cell].ravel(), value[cell].ravel()],
                bins=(5, 3, 7),
                range=((0, 1), (0, 1), (0, 1)),
            )
            np.testing.assert_allclose(values[row, column], expected / (31 * 47), atol=1e-7)


def test_one_colour_fills_one_bin_of_each_region():
    image = np.full((30, 30, 3), (0, 0, 255), np.uint8)
    values = describe(image).reshape(9, 16, 4, 4)
    np.testing.assert_allclose(values[:, 10, 3, 3], 1 / 9, atol=1e-6)
    assert np.count_nonzero(values) == 9


def test_length():
    assert descriptor("hsv").dim == 9 * 16 * 4 * 4
    assert descriptor("hsv(hues=8,saturations=3,values=2,regions=1)").dim == 48


@given(st.integers(0, 2**32 - 1))
def test_adds_up_to_one_and_forgets_places_within_a_region(seed):
    pixels = np.random.default_rng(seed).permutation(PICTURE.reshape(-1, 3))
    shuffled = pixels.reshape(PICTURE.shape)
    values = describe(shuffled, regions=1)
    np.testing.assert_array_equal(values, describe(PICTURE, regions=1))
    assert abs(values.sum() - 1) < 1e-5
