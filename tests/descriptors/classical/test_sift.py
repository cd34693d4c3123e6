"""Patches against a naive SIFT, and where they lie."""

import itertools
import math

import cv2
import numpy as np
import pytest

from tamis.descriptors.classical.sift import CELLS, root_sift


def naive(image):
    """All patches by their definition: each value a sum over all pixels."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)
    height, width = grey.shape
    framed = np.pad(grey, 1, mode="edge")
    dx = (framed[1:-1, 2:] - framed[1:-1, :-2]) / 2
    dy = (framed[2:, 1:-1] - framed[:-2, 1:-1]) / 2
    length, angle = np.hypot(dx, dy), np.arctan2(dy, dx) * 4 / math.pi
    # The distance to each direction, around the circle: it takes what is nearer than 1.
    away = np.abs((angle[..., np.newaxis] - np.arange(8) + 4) % 8 - 4)
    votes = length[..., np.newaxis] * np.maximum(0, 1 - away)
    for cell in CELLS:
        rows, columns = (max(1, (n - 1) // cell - 3) for n in (height, width))
        for row, column in itertools.product(range(rows), range(columns)):
            patch = np.zeros((4, 4, 8))
            for i, j in itertools.product(range(4), repeat=2):
                y = (height - 1) / 2 + (row + i - (rows + 2) / 2) * cell
                x = (width - 1) / 2 + (column + j - (columns + 2) / 2) * cell
                down = np.maximum(0, 1 - np.abs(np.arange(height) - y) / cell)
                along = np.maximum(0, 1 - np.abs(np.arange(width) - x) / cell)
                window = math.exp(-((i - 1.5) ** 2 + (j - 1.5) ** 2) / 8)
                patch[i, j] = window * np.einsum("y,x,yxd->d", down, along, votes) / cell**2
            norm = np.linalg.norm(patch)
            if norm >= 0.5:
                clipped = np.minimum(patch.ravel() / norm, 0.2)
                yield np.sqrt(clipped / clipped.sum())


@pytest.mark.parametrize("shape", [(30, 41), (33, 17), (9, 60), (3, 5), (1, 30)])
def test_patches_are_those_of_the_definition(photo, shape):
    image = photo(*shape)
    found = np.concatenate(list(root_sift(image)))
    np.testing.assert_allclose(found, list(naive(image)), atol=2e-6)


def test_a_patch_is_of_length_one(photo):
    for patches in root_sift(photo(80, 120)):
        np.testing.assert_allclose(np.linalg.norm(patches, axis=1), 1, rtol=1e-5)
        assert (patches >= 0).all()


@pytest.mark.parametrize("level", [0, 93, 255])
def test_a_flat_picture_has_no_patch(level):
    assert not sum(len(p) for p in root_sift(np.full((50, 70, 3), level, np.uint8)))


def test_a_flat_half_is_left_out(photo):
    image = photo(64, 128)
    image[:, 64:] = 128
    both, half = (sum(len(p) for p in root_sift(i)) for i in (image, image[:, :64]))
    assert half < both < 1.3 * half


def test_a_large_picture_comes_in_pieces(photo):
    image = photo(300, 400)
    pieces = [len(patches) for patches in root_sift(image)]
    assert len(pieces) > 3
    assert max(pieces) <= 4096
    assert sum(pieces) > 20_000
