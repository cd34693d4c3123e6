import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2gray
from skimage.feature import hog

from tamis.descriptors.classical.hog import Hog, _direction, _grey, _luma
from tamis.descriptors.registry import descriptor
from tamis.errors import InvalidParameterError

ODD_SHAPES = [(1, 1), (1, 5000), (5000, 1), (2, 3), (11, 12), (13, 300)]
SPECS = ["hog", "hog(size=none)", "hog(variant=values)", "hog(variant=values,size=none)"]


def naive_values(image, regions):
    rows = np.round(np.linspace(0, image.shape[0], regions + 1)).astype(int)
    columns = np.round(np.linspace(0, image.shape[1], regions + 1)).astype(int)
    grey, vector = rgb2gray(image), []
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            values = hog(
                grey[top:bottom, left:right],
                orientations=8,
                pixels_per_cell=(2, 2),
                cells_per_block=(1, 1),
                block_norm="L2-Hys",
            )
            counts, _ = np.histogram(values, bins=10, range=(0, values.max()))
            vector.append(counts / counts.sum())
    return np.concatenate(vector) / regions**2


def naive_standard(image, cells):
    image = image.astype(float)
    height, width = image.shape[:2]
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    dx, dy = padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]
    votes = np.zeros((cells, cells, 9))
    for y in range(height):
        for x in range(width):
            channel = np.argmax(np.hypot(dx[y, x], dy[y, x]))
            length = math.hypot(dx[y, x, channel], dy[y, x, channel])
            angle = math.degrees(math.atan2(dy[y, x, channel], dx[y, x, channel]))
            for row in range(cells):
                for column in range(cells):
                    for k in range(9):
                        # Distances to the middles, in cells and in directions.
                        v = abs((y + 0.5) * cells / height - row - 0.5)
                        h = abs((x + 0.5) * cells / width - column - 0.5)
                        a = abs((angle - 20 * k - 10 + 90) % 180 - 90) / 20
                        share = max(1 - v, 0) * max(1 - h, 0) * max(1 - a, 0)
                        votes[row, column, k] += share * length
    votes *= cells**2 / (height * width)
    vector = []
    for row in range(cells - 1):
        for column in range(cells - 1):
            block = votes[row : row + 2, column : column + 2].ravel()
            length = np.linalg.norm(block)
            clipped = np.minimum(block / length, 0.2)
            vector.append(clipped / np.linalg.norm(clipped) * length / math.sqrt(length**2 + 1))
    return np.concatenate(vector)


@pytest.mark.parametrize("kind", ["corel", "square"])
def test_values_equal_the_original(oracle, kind):
    found = Hog(variant="values", size=None).describe(oracle.images(kind))
    np.testing.assert_allclose(found, oracle.vectors(kind, "hog"), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "regions"), [((80, 120), 6), ((60, 37), 6), ((24, 25), 6), ((9, 30), 3), ((8, 8), 1)]
)
def test_values_equal_scikit_image(photo, shape, regions):
    image = photo(*shape)
    found = Hog(variant="values", regions=regions, size=None).describe([image])[0]
    np.testing.assert_allclose(found, naive_values(image, regions), rtol=1e-5, atol=1e-8)


def test_values_of_a_flat_cell_are_all_in_its_last_tenth():
    tenths = Hog(variant="values").describe([np.full((60, 60, 3), 9, np.uint8)])[0].reshape(36, 10)
    np.testing.assert_allclose(tenths[:, 9], 1 / 36)
    assert not tenths[:, :9].any()


def test_grey_has_the_last_bit_of_scikit_image():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (200, 300, 3), np.uint8)
    exact = np.frompyfunc(_fused_grey, 3, 1)(*np.moveaxis(image[:20], 2, 0)).astype(float)
    np.testing.assert_array_equal(_grey(image, *_luma())[:20], exact)
    np.testing.assert_allclose(_grey(image, *_luma()), rgb2gray(image), rtol=0, atol=3e-16)


def _fused_grey(red, green, blue):
    from fractions import Fraction

    red, green, blue = (int(level) * (1 / 255) for level in (red, green, blue))
    value = float(Fraction(0.2125) * Fraction(red) + Fraction(0.7154 * green))
    return float(Fraction(0.0721) * Fraction(blue) + Fraction(value))


@given(
    st.floats(-1, 1, allow_subnormal=False).filter(bool),
    st.floats(-1, 1, allow_subnormal=False).filter(bool),
)
@settings(deadline=None)
def test_direction_is_that_of_the_arctangent_or_left_to_it(dx, dy):
    found = _direction(dx, dy)
    assert found in (-1, int(math.atan2(dy, dx) * (180 / math.pi) % 180 // 22.5))


@pytest.mark.parametrize("shape", [(24, 32), (17, 9), (6, 40), (3, 3)])
@pytest.mark.parametrize("cells", [2, 3, 5])
def test_standard_equals_a_naive_vote(photo, shape, cells):
    image = photo(*shape)
    found = Hog(regions=cells, size=None).describe([image])[0]
    np.testing.assert_allclose(found, naive_standard(image, cells), rtol=1e-3, atol=1e-5)


def test_standard_tells_directions_and_places():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 16:] = 200
    blocks = Hog(regions=4).describe([image])[0].reshape(3, 3, 4, 9)
    assert not blocks[:, 2].any()
    # A gradient along x lies between the last and the first direction.
    np.testing.assert_allclose(blocks[:, 0, :, 0], blocks[:, 0, :, 8], rtol=1e-4)
    assert not blocks[:, 0, :, 1:8].any()


def test_standard_mirrors_with_the_picture(photo):
    image = photo(64, 96)
    blocks, mirrored = Hog().describe([image, image[:, ::-1]]).reshape(2, 7, 7, 2, 2, 9)
    np.testing.assert_allclose(mirrored, blocks[:, ::-1, :, ::-1, ::-1], rtol=1e-3, atol=1e-5)


def test_standard_takes_noise_for_less_than_a_shape(photo):
    rng = np.random.default_rng(0)
    noise = np.full((128, 128, 3), 90, np.uint8)
    noise[::16, ::16] += rng.integers(0, 2, (8, 8, 3), np.uint8)
    lengths = np.linalg.norm(Hog().describe([photo(128, 128), noise]).reshape(2, 49, 36), axis=2)
    assert lengths[0].min() > 0.95
    assert lengths[1].max() < 0.2


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_any_shape_gives_a_finite_vector(spec, shape):
    rng = np.random.default_rng(0)
    kind = descriptor(spec)
    vector = kind.describe([rng.integers(0, 256, (*shape, 3), np.uint8)])[0]
    assert vector.shape == (kind.dim,)
    assert np.isfinite(vector).all()
    assert vector.min() >= 0
    assert vector.max() <= 1


def test_standard_of_one_colour_is_zero():
    assert not Hog().describe([np.full((50, 70, 3), 77, np.uint8)]).any()


def test_dimension_and_spec():
    assert Hog().dim == 1764
    assert Hog(variant="values").dim == 360
    assert Hog().spec == "hog(regions=8,size=128,variant=standard)"
    assert Hog(variant="values").spec == "hog(regions=6,size=128,variant=values)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regions": 1}, "regions must be an integer in"),
        ({"regions": 33}, "regions must be an integer in"),
        ({"variant": "fast"}, "variant must be one of standard, values"),
    ],
)
def test_refuses_other_parameters(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        Hog(**arguments)
