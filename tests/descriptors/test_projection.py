"""Products with a matrix: right, and each row by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.descriptors import projection
from tamis.descriptors.projection import project


def plain(row, matrix):
    """The product of one row, in the order that is promised."""
    total = np.zeros(matrix.shape[1], np.float32)
    for start in range(0, len(row), 256):
        part = np.zeros_like(total)
        end = min(start + 256, len(row))
        whole = end - (end - start) % 4
        for i in range(start, whole, 4):
            p, q, r, s = row[i : i + 4, np.newaxis] * matrix[i : i + 4]
            part += (p + q) + (r + s)
        for i in range(whole, end):
            part += row[i] * matrix[i]
        total += part
    return total


@given(n=st.integers(0, 9), dim=st.integers(1, 600), length=st.integers(1, 40))
def test_each_row_is_added_in_a_fixed_order(n, dim, length):
    random = np.random.default_rng([n, dim, length])
    vectors = random.normal(size=(n, dim)).astype(np.float32)
    matrix = random.normal(size=(dim, length)).astype(np.float32)
    found = project(vectors, matrix)
    assert found.shape == (n, length) and found.dtype == np.float32
    for row, vector in zip(found, vectors, strict=True):
        assert (row == plain(vector, matrix)).all()
    np.testing.assert_allclose(found, vectors.astype(float) @ matrix, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 3, 64])
def test_blocks_of_rows_change_nothing(monkeypatch, rows):
    random = np.random.default_rng(0)
    vectors, mean = random.normal(size=(70, 30)).astype(np.float32), np.float32(np.arange(30))
    matrix = random.normal(size=(30, 7)).astype(np.float32)
    whole = project(vectors, matrix, mean=mean)
    assert (whole == project(vectors - mean, matrix)).all()
    monkeypatch.setattr(projection, "_ROWS", rows)
    assert (project(vectors, matrix, mean=mean) == whole).all()
    assert (project(vectors[:, ::-1], matrix[::-1], mean=mean[::-1])).shape == whole.shape
