"""`edge`: plain loops give the same, and directions are what they are called."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.descriptors.classical.edge import Edge, _mpeg7

VERTICAL, HORIZONTAL, RISING, FALLING, NONE = range(5)
ROOT = math.sqrt(2)
KERNELS = np.array(
    [
        [[1, -1], [1, -1]],
        [[1, 1], [-1, -1]],
        [[ROOT, 0], [0, -ROOT]],
        [[0, ROOT], [-ROOT, 0]],
        [[2, -2], [-2, 2]],
    ]
)
"""As in C. S. Won, D. K. Park, S.-J. Park, and as in the original system."""


def mpeg7(image, block=4, threshold=5, regions=4):
    """The same in plain steps, with an integer threshold.

    Responses to sums instead of means, and squared: integers, so that equal ones are.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(int)
    signs = np.sign(KERNELS).astype(int)
    factors = (KERNELS**2).max(axis=(1, 2)).round().astype(int)
    height, width = grey.shape
    half = block // 2
    edges, blocks = np.zeros((regions, regions, 5)), np.zeros((regions, regions, 1))
    for y in range(0, height - block + 1, 2):
        for x in range(0, width - block + 1, 2):
            quarters = grey[y : y + block, x : x + block].reshape(2, half, 2, half).sum(axis=(1, 3))
            squares = factors * (signs * quarters).sum(axis=(1, 2)) ** 2
            row = int((y + half) / height * regions)
            column = int((x + half) / width * regions)
            blocks[row, column] += 1
            strongest = int(np.argmax(squares))  # of equal ones the first
            if squares[strongest] >= (threshold * half**2) ** 2 and squares[strongest] > 0:
                edges[row, column, strongest] += 1
    return (edges / np.maximum(blocks, 1)).ravel()


def absolute(image, regions=10):
    """The original system's sums, of absolute responses."""
    height, width = image.shape[:2]
    rows = np.round(np.linspace(0, height, regions + 1)).astype(int)
    columns = np.round(np.linspace(0, width, regions + 1)).astype(int)
    result = np.zeros((regions, regions, 5))
    for i in range(regions):
        for j in range(regions):
            part = image[rows[i] : rows[i + 1], columns[j] : columns[j + 1]].astype(float)
            for y in range(0, part.shape[0] - 1, 2):
                for x in range(0, part.shape[1] - 1, 2):
                    square = part[y : y + 2, x : x + 2]
                    for direction, kernel in enumerate(KERNELS):
                        response = np.abs(np.einsum("ij,ijc->c", kernel, square))
                        result[i, j, direction] += response.sum()
            if result[i, j].sum() > 0:
                result[i, j] /= result[i, j].sum()
    return (result / (result.sum() or 1)).ravel()


def random_image(height, width, seed):
    random = np.random.default_rng(seed)
    # Coarse levels on odd seeds, so that there are flat places and equal responses.
    levels = random.integers(0, 256, (height, width, 3))
    return (levels // 64 * 64 if seed % 2 else levels).astype(np.uint8)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    block=st.sampled_from([2, 4, 6, 8]),
    threshold=st.sampled_from([0, 5, 60, 510]),
    regions=st.integers(1, 6),
    seed=st.integers(0, 99),
)
@example(height=20, width=23, block=6, threshold=60, regions=1, seed=1)
@settings(max_examples=50)
def test_mpeg7_in_plain_steps(height, width, block, threshold, regions, seed):
    image = random_image(height, width, seed)
    one = Edge(block=block, threshold=threshold, regions=regions, size=None)
    (values,) = one.describe([image])
    assert len(values) == one.dim == 5 * regions**2
    expected = mpeg7(image, block, threshold, regions)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    regions=st.integers(1, 12),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_absolute_in_plain_steps(height, width, regions, seed):
    image = random_image(height, width, seed)
    one = Edge(variant="absolute", regions=regions, size=None)
    (values,) = one.describe([image])
    assert len(values) == one.dim == 5 * regions**2
    np.testing.assert_allclose(values, absolute(image, regions), rtol=0, atol=1e-6)


VARIANTS = pytest.mark.parametrize("variant", ["mpeg7", "absolute"])
SIZES = pytest.mark.parametrize("size", [None, 128])


@VARIANTS
@SIZES
@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_flat_picture_has_no_edges(variant, size, level):
    for shape in ((80, 120), (1, 1), (3, 500), (7, 5)):
        image = np.full((*shape, 3), level, np.uint8)
        (values,) = Edge(variant=variant, size=size, threshold=0).describe([image])
        assert (values == 0).all()


@VARIANTS
@SIZES
@given(height=st.integers(1, 60), width=st.integers(1, 60), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_values_are_shares(variant, size, height, width, seed):
    one = Edge(variant=variant, size=size)
    (values,) = one.describe([random_image(height, width, seed)])
    assert np.isfinite(values).all()
    assert (values >= 0).all() and (values <= 1).all()
    cells = values.reshape(-1, 5).sum(axis=1, dtype=float)
    if variant == "mpeg7":
        assert (cells <= 1 + 1e-6).all()
    else:
        assert values.sum(dtype=float) == pytest.approx(1, rel=1e-5) or not values.any()
        np.testing.assert_allclose(cells[cells > 0], cells.max(), rtol=1e-5)


def waves(direction, height=96, width=96):
    """A picture whose edges all run in one direction."""
    y, x = np.mgrid[:height, :width]
    phase = {VERTICAL: x, HORIZONTAL: y, RISING: x + y, FALLING: x - y}[direction]
    grey = (127.5 + 100 * np.sin(phase / 4)).round().astype(np.uint8)
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


@VARIANTS
@pytest.mark.parametrize("direction", [VERTICAL, HORIZONTAL, RISING, FALLING])
def test_directions_are_what_they_are_called(variant, direction):
    image = waves(direction)
    (values,) = Edge(variant=variant, size=None).describe([image])
    cells = values.reshape(-1, 5)
    assert (cells.argmax(axis=1) == direction).all()
    if variant == "mpeg7":
        assert (cells[:, direction] > 2 * np.delete(cells, direction, axis=1).max(axis=1)).all()


@VARIANTS
def test_a_chessboard_has_no_direction(variant):
    side = 2 if variant == "mpeg7" else 1  # half a block
    y, x = np.mgrid[:64, :64]
    image = np.repeat((255 * ((x // side + y // side) % 2))[:, :, np.newaxis], 3, axis=2)
    (values,) = Edge(variant=variant, regions=1, size=None).describe([image.astype(np.uint8)])
    assert values.tolist() == [0, 0, 0, 0, 1]


@VARIANTS
def test_a_transposed_picture_swaps_vertical_and_horizontal(variant):
    image = random_image(64, 64, 0)
    one = Edge(variant=variant, regions=4, size=None)
    straight, transposed = one.describe([image, image.transpose(1, 0, 2)]).reshape(2, 4, 4, 5)
    swapped = straight.transpose(1, 0, 2)[:, :, [HORIZONTAL, VERTICAL, RISING, FALLING, NONE]]
    np.testing.assert_allclose(transposed, swapped, rtol=1e-6)


@VARIANTS
def test_light_and_dark_may_change_places(variant):
    grey = random_image(48, 60, 0)[:, :, :1].repeat(3, axis=2)
    values = Edge(variant=variant, size=None).describe([grey, 255 - grey])
    np.testing.assert_allclose(values[0], values[1], rtol=1e-6)


def test_an_edge_counts_in_its_region():
    image = np.zeros((64, 64, 3), np.uint8)
    image[16:32, 33:48] = waves(VERTICAL)[16:32, 33:48]  # second row, third column
    (values,) = Edge(size=None).describe([image])
    cells = values.reshape(4, 4, 5)
    assert cells[1, 2].argmax() == VERTICAL
    assert cells[1, 2, VERTICAL] > 0.5


def test_what_stays_below_the_threshold_is_no_edge():
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, 16:] = 10  # the halves of a block differ by 10, twice: response 20
    moved = image[:, 1:]  # each block at the edge has half of it: response 10
    for threshold, whole, half in ((9, True, True), (10, True, True), (11, True, False)):
        one = Edge(threshold=threshold, regions=1, size=None)
        assert [vector.any() for vector in one.describe([image, moved])] == [whole, half]
    assert Edge(threshold=20, regions=1, size=None).describe([image]).any()
    assert not Edge(threshold=21, regions=1, size=None).describe([image]).any()


def test_more_blocks_than_float32_counts():
    # 16.8 million blocks in one region, edges in the lower half: by ones, float32 stops at 2**24.
    grey = np.zeros((8200, 8200), np.uint8)
    grey[4100:, 2::4] = grey[4100:, 3::4] = 255
    out = np.zeros((1, 1, 5), np.float32)
    _mpeg7(grey, 4, 5.0, out)
    rows = 4099  # of blocks; the one across the middle is stronger as a diagonal than upright
    assert out[0, 0, VERTICAL] == pytest.approx(2049 / rows, rel=1e-6)
    assert out.sum() == pytest.approx(2050 / rows, rel=1e-6)
