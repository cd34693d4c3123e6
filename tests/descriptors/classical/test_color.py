"""`color`: the original system's numbers, and plain counting."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.descriptors.classical.color import Color

ORACLE = Path(
    os.environ.get("TAMIS_ORACLE", Path(__file__).parents[4] / "shared/oracle/cbir_reference.npz")
)


@pytest.fixture(scope="module")
def oracle():
    if not ORACLE.is_file():
        pytest.skip(f"the original system's numbers are not at {ORACLE} (set TAMIS_ORACLE)")
    with np.load(ORACLE, allow_pickle=False) as file:
        return dict(file)


def counted(image, bins, regions):
    """The same in plain steps."""
    height, width = image.shape[:2]
    rows = np.round(np.linspace(0, height, regions + 1)).astype(int)
    columns = np.round(np.linspace(0, width, regions + 1)).astype(int)
    result = np.zeros((regions, regions, bins, bins, bins))
    for i in range(regions):
        for j in range(regions):
            part = image[rows[i] : rows[i + 1], columns[j] : columns[j + 1]].reshape(-1, 3)
            edges = [np.arange(bins + 1) * 256 / bins] * 3
            result[i, j] = np.histogramdd(part.astype(float), bins=edges)[0]
    return result.ravel() / (height * width)


@pytest.mark.parametrize("kind", ["corel", "square"])
def test_the_values_are_those_of_the_original(oracle, kind):
    expected = oracle[f"{kind}_color"]
    images = [oracle[f"{kind}_image_{i}"] for i in range(len(expected))]
    np.testing.assert_allclose(Color(size=None).describe(images), expected, rtol=0, atol=1e-6)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    bins=st.integers(1, 12),
    regions=st.integers(1, 6),
    seed=st.integers(0, 99),
)
@settings(max_examples=60)
def test_the_values_are_counts(height, width, bins, regions, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    one = Color(bins=bins, regions=regions, size=None)
    (values,) = one.describe([image])
    assert len(values) == one.dim == regions**2 * bins**3
    np.testing.assert_allclose(values, counted(image, bins, regions), rtol=1e-6, atol=0)
    assert values.sum(dtype=float) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 2), (2, 1), (1, 5000), (5000, 1), (3, 3)]
)
def test_a_picture_smaller_than_its_regions_still_sums_to_1(height, width):
    image = np.full((height, width, 3), 77, np.uint8)
    (values,) = Color(bins=2, regions=16, size=None).describe([image])
    assert values.sum(dtype=float) == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(values, counted(image, 2, 16), rtol=1e-6)


@pytest.mark.parametrize("size", [None, 64, 128])
def test_every_vector_sums_to_1(size):
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    (values,) = Color(size=size).describe([image])
    assert (values >= 0).all()
    assert values.sum(dtype=float) == pytest.approx(1, rel=1e-6)


def test_red_runs_first_then_green_then_blue():
    image = np.full((1, 1, 3), (255, 100, 0), np.uint8)  # bins 3, 1, 0 of 4
    (values,) = Color(bins=4, regions=1, size=None).describe([image])
    assert np.flatnonzero(values).tolist() == [(3 * 4 + 1) * 4 + 0]


def test_every_level_falls_into_its_bin():
    for bins in range(1, 33):
        levels = np.arange(256, dtype=np.uint8).reshape(256, 1, 1).repeat(3, axis=2)
        (values,) = Color(bins=bins, regions=1, size=None).describe([levels])
        diagonal = values.reshape(bins, bins, bins)[(np.arange(bins),) * 3] * 256
        expected = np.bincount((np.arange(256) / (256 / bins)).astype(int), minlength=bins)
        np.testing.assert_allclose(diagonal, expected, rtol=1e-6)


def test_regions_are_in_row_major_order():
    image = np.zeros((30, 30, 3), np.uint8)
    image[10:20, 20:] = 255  # middle row, last column
    (values,) = Color(bins=2, regions=3, size=None).describe([image])
    white = values.reshape(9, 8)[:, 7]
    assert np.flatnonzero(white).tolist() == [5]
    assert white[5] == pytest.approx(1 / 9)


def test_the_global_histogram_does_not_see_places():
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    forms = [image, image[::-1], image[:, ::-1], np.rot90(image), np.rot90(image, 2)]
    values = Color(regions=1, size=None).describe(forms)
    assert (values == values[0]).all()


def test_one_colour_may_fill_more_pixels_than_float32_counts():
    # 17.6 million: counting by ones in float32 would stop at 2**24, 16.8 million.
    image = np.broadcast_to(np.uint8(255), (4200, 4200, 3))
    (values,) = Color(bins=2, regions=1, size=None).describe([image])
    assert values.tolist() == [0, 0, 0, 0, 0, 0, 0, 1]


def test_the_working_size_makes_pictures_of_any_size_alike():
    small = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    image = small.repeat(16, axis=0).repeat(16, axis=1)
    large = image.repeat(4, axis=0).repeat(4, axis=1)
    values = Color().describe([image, large])
    assert np.abs(values[0] - values[1]).sum() < 0.02
