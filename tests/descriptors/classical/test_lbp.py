import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import local_binary_pattern

from tamis.descriptors import descriptor
from tamis.descriptors.classical.lbp import _BIN_OF_CODE

SMALL = arrays(np.uint8, st.tuples(st.integers(3, 9), st.integers(3, 9)))


def describe(grey, **arguments):
    arguments = {"size": "none", "scales": 1, **arguments}
    text = ",".join(f"{key}={value}" for key, value in arguments.items())
    return descriptor(f"lbp({text})").describe([grey])[0]


def naive_codes(grey):
    """Codes of the inner pixels, by the definition, ties judged to 1e-9."""
    image = grey.astype(float)
    codes = np.zeros((grey.shape[0] - 2, grey.shape[1] - 2), int)
    for y in range(1, grey.shape[0] - 1):
        for x in range(1, grey.shape[1] - 1):
            for point in range(8):
                down = -np.sin(2 * np.pi * point / 8)
                along = np.cos(2 * np.pi * point / 8)
                value = 0.0
                for i in (-1, 0, 1):
                    for j in (-1, 0, 1):
                        weight = max(0, 1 - abs(down - i)) * max(0, 1 - abs(along - j))
                        value += weight * image[y + i, x + j]
                codes[y - 1, x - 1] |= (value >= image[y, x] - 1e-9) << point
    return codes


def counts(codes):
    return np.bincount(_BIN_OF_CODE[codes].ravel(), minlength=59) / codes.size


@given(SMALL)
def test_follows_the_definition(grey):
    np.testing.assert_allclose(describe(grey, regions=1), counts(naive_codes(grey)), atol=1e-6)


def test_agrees_with_scikit_image():
    grey = np.random.default_rng(2).integers(0, 256, (60, 70), np.uint8)
    codes = local_binary_pattern(grey, 8, 1).astype(int)[1:-1, 1:-1]
    # It rounds the places of its points to five digits: a tie or two may differ.
    difference = np.abs(describe(grey, regions=1) - counts(codes)).sum()
    assert difference * codes.size <= 4


def test_regions_are_those_of_the_picture():
    grey = np.random.default_rng(3).integers(0, 256, (20, 31), np.uint8)
    codes = np.full(grey.shape, -1)
    codes[1:-1, 1:-1] = naive_codes(grey)
    values = describe(grey, regions=3).reshape(3, 3, 59)
    rows, columns = (0, 7, 13, 20), (0, 10, 21, 31)
    for row in range(3):
        for column in range(3):
            cell = codes[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            cell = cell[cell >= 0]
            np.testing.assert_allclose(
                values[row, column], counts(cell) * cell.size / (18 * 29), atol=1e-6
            )


def test_uniform_patterns_have_a_bin_each():
    assert sorted(set(_BIN_OF_CODE)) == list(range(59))
    assert np.count_nonzero(_BIN_OF_CODE == 58) == 256 - 58
    assert _BIN_OF_CODE[0] == 0
    assert _BIN_OF_CODE[0b11111111] == 57
    assert _BIN_OF_CODE[0b01010101] == 58
    assert _BIN_OF_CODE[0b10000011] != 58  # one run of ones, around the end


def test_a_flat_picture_is_at_least_as_bright_all_around():
    values = describe(np.full((20, 20), 77, np.uint8), regions=1)
    assert values[57] == pytest.approx(1)
    assert np.count_nonzero(values) == 1


@given(SMALL, st.integers(-255, 255))
def test_does_not_see_how_bright_it_is(grey, shift):
    shifted = np.clip(grey.astype(int) + shift, 0, 255)
    if (shifted - grey == shift).all():
        np.testing.assert_array_equal(describe(shifted.astype(np.uint8)), describe(grey))


def test_each_scale_is_the_picture_at_half_the_size():
    grey = np.random.default_rng(4).integers(0, 256, (40, 60), np.uint8)
    both = describe(grey, scales=2).reshape(2, -1)
    quarters = grey.astype(float).reshape(20, 2, 30, 2).mean(axis=(1, 3))
    half = np.floor(quarters + 0.5).astype(np.uint8)
    np.testing.assert_allclose(both[0], describe(grey) / 2, atol=1e-7)
    np.testing.assert_allclose(both[1], describe(half) / 2, atol=1e-7)
    assert both.sum() == pytest.approx(1)


def test_length():
    assert descriptor("lbp").dim == 2 * 9 * 59
    assert descriptor("lbp(regions=1,scales=1)").dim == 59
