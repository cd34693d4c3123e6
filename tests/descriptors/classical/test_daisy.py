import itertools

import numpy as np
import pytest
from skimage.color import rgb2gray
from skimage.feature import daisy

from tamis.descriptors.classical.daisy import Daisy
from tamis.descriptors.registry import descriptor
from tamis.errors import InvalidParameterError

ODD_SHAPES = [(1, 1), (1, 5000), (5000, 1), (2, 3), (3, 3), (61, 60), (62, 2000)]


def naive(image, regions=1):
    rows = np.round(np.linspace(0, image.shape[0], regions + 1)).astype(int)
    columns = np.round(np.linspace(0, image.shape[1], regions + 1)).astype(int)
    vector = []
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            cell = rgb2gray(image[top:bottom, left:right])
            daisies = daisy(
                cell,
                step=10,
                radius=min(30, (min(cell.shape) - 1) // 2),
                rings=2,
                histograms=6,
                orientations=8,
            )
            vector.append(daisies.mean((0, 1)))
    vector = np.concatenate(vector)
    return vector / vector.sum()


@pytest.mark.parametrize(("kind", "regions"), [("corel", 1), ("square", 2)])
def test_equals_the_original(oracle, kind, regions):
    found = Daisy(size=None, regions=regions).describe(oracle.images(kind))
    np.testing.assert_allclose(found, oracle.vectors(kind, "daisy"), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "regions"),
    [
        ((80, 120), 1),
        ((61, 61), 1),
        ((75, 400), 1),
        ((400, 75), 1),  # more rows than the ring of maps holds
        ((150, 170), 2),
        ((60, 90), 1),  # from here on too small for a radius of 30
        ((84, 128), 2),
        ((84, 128), 3),
        ((7, 50), 1),
        ((3, 3), 1),
    ],
)
def test_equals_scikit_image(photo, shape, regions):
    image = photo(*shape)
    found = Daisy(size=None, regions=regions).describe([image])[0]
    np.testing.assert_allclose(found, naive(image, regions), rtol=1e-4, atol=1e-7)


def test_a_negative_has_the_opposite_orientations(photo):
    image = photo(80, 100)
    vector, negative = Daisy(size=None).describe([image, 255 - image]).reshape(2, 13, 8)
    np.testing.assert_allclose(negative, np.roll(vector, 4, axis=1), rtol=1e-5)


def test_contrast_and_brightness_do_not_count(photo):
    image = photo(70, 90) // 2
    vector, brighter = Daisy(size=None).describe([image, 2 * image + 1])
    np.testing.assert_allclose(brighter, vector, rtol=1e-4)


@pytest.mark.parametrize("spec", ["daisy", "daisy(size=none)", "daisy(regions=2,size=none)"])
@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_any_shape_gives_a_finite_vector(spec, shape):
    rng = np.random.default_rng(0)
    kind = descriptor(spec)
    vector = kind.describe([rng.integers(0, 256, (*shape, 3), np.uint8)])[0]
    assert vector.shape == (kind.dim,)
    assert np.isfinite(vector).all()
    assert vector.min() >= 0
    assert vector.sum() == pytest.approx(1) or not vector.any()


def test_one_colour_gives_zeros():
    assert not Daisy(regions=2).describe([np.full((50, 70, 3), 77, np.uint8)]).any()


def test_a_cell_of_one_colour_gives_zeros_and_spoils_no_other(photo):
    image = photo(128, 128)
    image[:64, :64] = 9
    cells = Daisy(regions=2).describe([image])[0].reshape(4, 104)
    assert not cells[0].any()
    np.testing.assert_allclose(cells[1:].sum(1), 1 / 3, rtol=1e-5)


def test_dimension_and_spec():
    assert Daisy().dim == 104
    assert Daisy(regions=2).dim == 416
    assert Daisy().spec == "daisy(regions=1,size=128)"


@pytest.mark.parametrize("regions", [0, 17, 1.5, None])
def test_refuses_other_regions(regions):
    with pytest.raises(InvalidParameterError, match="regions must be an integer"):
        Daisy(regions=regions)
