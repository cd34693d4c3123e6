import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2gray
from skimage.filters import gabor_kernel

from tamis.descriptors.classical.gabor import Gabor
from tamis.descriptors.registry import descriptor
from tamis.errors import InvalidParameterError

ODD_SHAPES = [(1, 1), (1, 5000), (5000, 1), (2, 3), (7, 300)]


def kernels():
    for theta in range(4):
        for frequency in (0.1, 0.5, 0.8):
            for sigma in (1, 3, 5):
                yield gabor_kernel(frequency, theta=theta / 4 * np.pi, sigma_x=sigma, sigma_y=sigma)
            for bandwidth in (0.3, 0.7, 1):
                yield gabor_kernel(frequency, theta=theta / 4 * np.pi, bandwidth=bandwidth)


def magnitudes(image):
    """Convolve in the plane, one kernel after the other, in complex128."""
    grey = rgb2gray(image)
    grey = (grey - grey.mean()) / grey.std()
    height, width = grey.shape
    for kernel in kernels():
        folded = np.zeros(grey.shape, complex)
        rows = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
        columns = np.arange(kernel.shape[1]) - kernel.shape[1] // 2
        np.add.at(folded, (rows[:, None] % height, columns % width), kernel)
        yield np.abs(np.fft.ifft2(np.fft.fft2(grey) * np.fft.fft2(folded)))


def naive(image, regions):
    rows = np.round(np.linspace(0, image.shape[0], regions + 1)).astype(int)
    columns = np.round(np.linspace(0, image.shape[1], regions + 1)).astype(int)
    responses = np.array(list(magnitudes(image)))
    vector = []
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            cell = responses[:, top:bottom, left:right]
            means, variances = cell.mean((1, 2)), cell.var((1, 2))
            vector += [means / means.sum(), variances / variances.sum()]
    vector = np.concatenate(vector)
    return vector / vector.sum()


@pytest.mark.parametrize("kind", ["corel", "square"])
def test_equals_the_original(oracle, kind):
    found = Gabor(regions=1, size=None).describe(oracle.images(kind))
    np.testing.assert_allclose(found, oracle.vectors(kind, "gabor"), rtol=0, atol=1e-6)


@pytest.mark.parametrize("regions", [1, 2, 3])
@pytest.mark.parametrize("shape", [(40, 61), (23, 9), (5, 130)])
def test_equals_a_naive_convolution(photo, shape, regions):
    image = photo(*shape)
    found = Gabor(size=None, regions=regions).describe([image])[0]
    np.testing.assert_allclose(found, naive(image, regions), rtol=2e-4, atol=1e-7)


def test_wide_pictures_are_cut_into_strips_without_a_trace(photo):
    image = photo(12, 600)
    found = Gabor(size=None, regions=2).describe([image])[0]
    np.testing.assert_allclose(found, naive(image, 2), rtol=2e-4, atol=1e-7)


@given(st.integers(0, 29), st.integers(0, 39))
@settings(deadline=None, max_examples=15)
def test_does_not_depend_on_where_the_picture_begins(photo, down, right):
    image = photo(30, 40)
    same, moved = Gabor(regions=1, size=None).describe(
        [image, np.roll(image, (down, right), (0, 1))]
    )
    np.testing.assert_allclose(moved, same, rtol=1e-4, atol=1e-7)


def test_a_quarter_turn_exchanges_the_orientations(photo):
    image = photo(33, 48)
    vector, turned = (
        Gabor(regions=1, size=None).describe([image, np.rot90(image)]).reshape(2, 2, 4, 18)
    )
    np.testing.assert_allclose(turned, vector[:, [2, 3, 0, 1]], rtol=1e-4, atol=1e-7)


def test_contrast_and_brightness_do_not_count(photo):
    image = photo(30, 40) // 2
    vector, brighter = Gabor(regions=1, size=None).describe([image, 2 * image + 1])
    np.testing.assert_allclose(brighter, vector, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    "spec", ["gabor", "gabor(regions=1,size=none)", "gabor(regions=3,size=none)"]
)
@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_any_shape_gives_a_finite_vector(spec, shape):
    rng = np.random.default_rng(0)
    kind = descriptor(spec)
    vector = kind.describe([rng.integers(0, 256, (*shape, 3), np.uint8)])[0]
    assert vector.shape == (kind.dim,)
    assert np.isfinite(vector).all()
    assert vector.min() >= 0
    assert vector.sum() == pytest.approx(1) or not vector.any()


@pytest.mark.parametrize("level", [0, 1, 77, 255])
def test_one_colour_gives_zeros(level):
    assert not Gabor().describe([np.full((50, 70, 3), level, np.uint8)]).any()


def test_a_pattern_of_one_frequency_has_no_variances():
    image = np.zeros((24, 32, 3), np.uint8)
    image[(np.indices((24, 32)).sum(0) % 2).astype(bool)] = 255
    means, variances = Gabor(regions=1, size=None).describe([image])[0].reshape(2, 72)
    assert means.sum() == pytest.approx(1)
    assert not variances.any()


def test_dimension_and_spec():
    assert Gabor(regions=1).dim == 144
    assert Gabor(regions=2).dim == 576
    assert Gabor().spec == "gabor(regions=3,size=128)"
    assert descriptor(Gabor(regions=2, size=None).spec) == Gabor(regions=2, size=None)


@pytest.mark.parametrize("regions", [0, 17, 1.5, None])
def test_refuses_other_regions(regions):
    with pytest.raises(InvalidParameterError, match="regions must be an integer"):
        Gabor(regions=regions)
