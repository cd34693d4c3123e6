import math

import cv2
import numpy as np
import pytest

from tamis.descriptors.classical.phog import Phog
from tamis.descriptors.registry import descriptor
from tamis.errors import InvalidParameterError

ODD_SHAPES = [(1, 1), (1, 5000), (5000, 1), (2, 3), (7, 300)]


def naive(image, bins, levels):
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    dx, dy = cv2.Sobel(grey, cv2.CV_16S, 1, 0), cv2.Sobel(grey, cv2.CV_16S, 0, 1)
    contours = np.argwhere(cv2.Canny(dx, dy, 50, 100))
    vector = []
    for level in range(levels + 1):
        side = 2**level
        cells = np.zeros((side, side, bins))
        for y, x in contours:
            degrees = math.degrees(math.atan2(dy[y, x], dx[y, x]))
            for k in range(bins):
                middle = (k + 0.5) * 360 / bins
                distance = abs((degrees - middle + 180) % 360 - 180) / 360 * bins
                cells[y * side // grey.shape[0], x * side // grey.shape[1], k] += max(
                    1 - distance, 0
                ) * math.hypot(dx[y, x], dy[y, x])
        vector.append(cells.ravel())
    vector = np.concatenate(vector)
    return vector / vector.sum()


@pytest.mark.parametrize(("bins", "levels"), [(16, 3), (8, 2), (9, 0), (40, 1)])
@pytest.mark.parametrize("shape", [(32, 48), (21, 13), (5, 60)])
def test_equals_a_naive_vote(photo, shape, bins, levels):
    image = photo(*shape)
    found = Phog(bins=bins, levels=levels, size=None).describe([image])[0]
    np.testing.assert_allclose(found, naive(image, bins, levels), rtol=1e-4, atol=1e-8)


def test_each_level_adds_up_to_the_one_above(photo):
    vector = Phog(bins=8, levels=2).describe([photo(96, 128)])[0]
    whole, quarters, finest = np.split(vector, [8, 40])
    quarters, finest = quarters.reshape(4, 8), finest.reshape(2, 2, 2, 2, 8)
    np.testing.assert_allclose(quarters.sum(0), whole, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(finest.sum((1, 3)).reshape(4, 8), quarters, rtol=1e-5, atol=1e-8)


def test_a_negative_has_the_opposite_directions():
    image = np.zeros((64, 64, 3), np.uint8)
    image[20:44, 12:50] = 200
    cells, negative = Phog(bins=8, levels=0).describe([image, 255 - image])
    np.testing.assert_allclose(negative, np.roll(cells, 4), rtol=1e-4)


@pytest.mark.parametrize("spec", ["phog", "phog(size=none)", "phog(bins=40,levels=5)"])
@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_any_shape_gives_a_finite_vector(spec, shape):
    rng = np.random.default_rng(0)
    kind = descriptor(spec)
    vector = kind.describe([rng.integers(0, 256, (*shape, 3), np.uint8)])[0]
    assert vector.shape == (kind.dim,)
    assert np.isfinite(vector).all()
    assert vector.min() >= 0
    assert vector.sum() == pytest.approx(1) or not vector.any()


def test_no_contour_gives_zeros():
    assert not Phog().describe([np.full((50, 70, 3), 77, np.uint8)]).any()


def test_dimension_and_spec():
    assert Phog().dim == 16 * 85
    assert Phog(bins=8, levels=2).dim == 8 * 21
    assert Phog().spec == "phog(bins=16,levels=3,size=128)"


@pytest.mark.parametrize("arguments", [{"bins": 3}, {"bins": 41}, {"levels": -1}, {"levels": 6}])
def test_refuses_other_parameters(arguments):
    with pytest.raises(InvalidParameterError, match="must be an integer in"):
        Phog(**arguments)
