"""Nearest neighbours: scipy's distances, exact zeros, a settled order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from tamis.distances import DISTANCES, check_distance, nearest
from tamis.errors import InvalidParameterError, UnknownNameError

SCIPY = {"l1": "cityblock", "l2": "euclidean", "cosine": "cosine"}

shapes = st.tuples(st.integers(1, 20), st.integers(1, 30), st.integers(1, 70))


def vectors(rows, columns, seed=0):
    return np.random.default_rng(seed).random((rows, columns), dtype=np.float32)


def test_every_distance_is_compared():
    assert set(SCIPY) == set(DISTANCES)


@pytest.mark.parametrize("distance", DISTANCES)
@given(shape=shapes, seed=st.integers(0, 1000), data=st.data())
@settings(max_examples=40)
def test_distances_are_those_of_scipy(distance, shape, seed, data):
    n_queries, n, dim = shape
    k = data.draw(st.integers(1, n))
    queries, gallery = vectors(n_queries, dim, seed), vectors(n, dim, seed + 1)
    expected = cdist(queries.astype(float), gallery.astype(float), SCIPY[distance])
    indices, distances = nearest(queries, gallery, k, distance=distance)
    assert indices.shape == distances.shape == (n_queries, k)
    # float32 rounds each of the dim terms, and a cosine its two units, by 2**-24; scipy's
    # 1 - cos loses as much near 0.
    tolerance = (dim + 4) * 2.0**-24 * max(1.0, float(expected.max()))
    np.testing.assert_allclose(
        distances, np.take_along_axis(expected, indices, axis=1), rtol=0, atol=tolerance
    )
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :k], rtol=0, atol=tolerance)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert all(len(set(row)) == k for row in indices.tolist())


@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_distances_of_whole_numbers_are_exact(distance):
    random = np.random.default_rng(0)
    queries, gallery = random.integers(0, 256, (2, 30, 100)).astype(np.float32)
    expected = cdist(queries.astype(float), gallery.astype(float), SCIPY[distance])
    indices, distances = nearest(queries, gallery, 30, distance=distance)
    assert (distances == np.sort(expected, axis=1)).all()
    assert (indices == np.argsort(expected, axis=1, kind="stable")).all()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dim", [1, 7, 64, 1000])
def test_a_picture_is_its_own_nearest_neighbour(distance, dim):
    gallery = vectors(200, dim, seed=dim) - np.float32(0.3)
    indices, distances = nearest(gallery, gallery, 2, distance=distance)
    assert (distances[:, 0] == 0).all()
    assert (distances >= 0).all()
    if dim > 1:
        assert (indices[:, 0] == np.arange(200)).all()


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_vectors_of_any_scale_are_at_distance_0(distance):
    # |a|^2 + |b|^2 - 2ab would leave rounding errors here.
    for scale in (1e-12, 1e-3, 1.0, 1e6, 1e12):
        gallery = vectors(20, 50) * np.float32(scale)
        _, distances = nearest(gallery, gallery, 1, distance=distance)
        assert (distances == 0).all()


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_distances_keep_the_order_of_the_gallery(distance):
    one = vectors(1, 9)
    gallery = np.repeat(vectors(3, 9, seed=2), 5, axis=0)
    gallery[[3, 8, 11]] = one
    indices, distances = nearest(one, gallery, 15, distance=distance)
    assert indices[0, :3].tolist() == [3, 8, 11]
    assert (distances[0, :3] == 0).all()
    order = np.lexsort((indices[0], distances[0]))
    assert (order == np.arange(15)).all()
    # A smaller k gives the beginning of the same list.
    for k in range(1, 15):
        assert (nearest(one, gallery, k, distance=distance)[0] == indices[:, :k]).all()


@given(
    n_queries=st.integers(0, 40),
    n=st.integers(1, 30),
    jobs=st.integers(2, 5),
    seed=st.integers(0, 99),
)
@settings(max_examples=30)
def test_threads_do_not_change_the_result(n_queries, n, jobs, seed):
    random = np.random.default_rng(seed)
    # Few values, so that there are ties.
    queries = random.integers(0, 3, (n_queries, 3)).astype(np.float32)
    gallery = random.integers(0, 3, (n, 3)).astype(np.float32)
    k = min(n, 5)
    alone, together = nearest(queries, gallery, k), nearest(queries, gallery, k, jobs=jobs)
    assert (alone[0] == together[0]).all() and (alone[1] == together[1]).all()


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_neighbours_of_a_query_do_not_depend_on_the_other_queries(distance):
    queries, gallery = vectors(19, 333), vectors(50, 333, seed=1)
    together = nearest(queries, gallery, 7, distance=distance)
    for row in range(19):
        alone = nearest(queries[row : row + 1], gallery, 7, distance=distance)
        assert (alone[0][0] == together[0][row]).all()
        assert (alone[1][0] == together[1][row]).all()


def test_the_cosine_of_zero_vectors():
    zero, some = np.zeros((1, 4), np.float32), np.eye(4, dtype=np.float32)[:1]
    assert nearest(zero, some, 1, distance="cosine")[1][0, 0] == 0.5
    assert nearest(some, zero, 1, distance="cosine")[1][0, 0] == 0.5
    assert nearest(zero, zero, 1, distance="cosine")[1][0, 0] == 0.0


def test_the_cosine_does_not_see_lengths():
    gallery = vectors(10, 30)
    _, distances = nearest(gallery * np.float32(4), gallery, 1, distance="cosine")
    assert (distances == 0).all()  # by a power of two, so that nothing is rounded


def test_the_layout_in_memory_does_not_matter():
    queries, gallery = vectors(5, 12), vectors(9, 12, seed=1)
    expected = nearest(queries, gallery, 3)
    got = nearest(np.asfortranarray(queries), np.repeat(gallery, 2, axis=1)[:, ::2], 3)
    assert (expected[0] == got[0]).all() and (expected[1] == got[1]).all()


def test_the_arguments_are_not_changed():
    queries, gallery = vectors(5, 12), vectors(9, 12, seed=1)
    before = queries.copy(), gallery.copy()
    nearest(queries, gallery, 3, distance="cosine")
    assert (queries == before[0]).all() and (gallery == before[1]).all()


def test_no_queries_give_no_rows():
    indices, distances = nearest(np.empty((0, 4), np.float32), vectors(3, 4), 2)
    assert indices.shape == distances.shape == (0, 2)


# What is refused


@pytest.mark.parametrize("k", [-1, 0, 4])
def test_k_is_bounded_by_the_gallery(k):
    with pytest.raises(InvalidParameterError, match=rf"at least 1 and at most .* 3\. Got {k}"):
        nearest(vectors(2, 4), vectors(3, 4), k)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["queries", "gallery"])
def test_values_that_are_not_finite_are_refused(distance, value, which):
    sides = {"queries": vectors(2, 4), "gallery": vectors(3, 4)}
    sides[which][1, 2] = value
    with pytest.raises(InvalidParameterError, match=f"{which} must be finite"):
        nearest(**sides, k=1, distance=distance)


def test_infinities_that_would_cancel_are_refused():
    queries = vectors(2, 4)
    queries[0, :2] = np.inf, -np.inf
    with pytest.raises(InvalidParameterError, match="finite"):
        nearest(queries, vectors(3, 4), 1)


@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_distances_beyond_float32_are_refused(distance):
    large = np.full((1, 4), 3e38, np.float32)
    with pytest.raises(InvalidParameterError, match="too large"):
        nearest(large, -large, 1, distance=distance)


@pytest.mark.parametrize(
    ("left", "right"), [((2, 4), (3, 5)), ((4,), (3, 4)), ((2, 4), (4,)), ((1, 2, 4), (3, 4))]
)
def test_shapes_that_do_not_fit_are_refused(left, right):
    with pytest.raises(InvalidParameterError, match="one dim"):
        nearest(np.zeros(left, np.float32), np.zeros(right, np.float32), 1)


def test_no_threads_are_refused():
    with pytest.raises(InvalidParameterError, match=r"jobs must be at least 1\. Got 0"):
        nearest(vectors(2, 4), vectors(3, 4), 1, jobs=0)


def test_an_unknown_distance_is_answered_with_the_nearest_names():
    with pytest.raises(UnknownNameError, match=r"'cosin'\. Did you mean cosine"):
        check_distance("cosin")
    with pytest.raises(UnknownNameError, match="Known: cosine, l1, l2"):
        nearest(vectors(2, 4), vectors(3, 4), 1, distance="chebyshev")
