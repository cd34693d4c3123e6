"""Nearest neighbours: scipy's distances, exact zeros, a settled order."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, csr_array, csr_matrix
from scipy.spatial.distance import cdist

from tamis.distances import DISTANCES, Gallery, check_distance, nearest
from tamis.errors import InvalidParameterError, UnknownNameError


def over(above, below):
    """Divide; 0 / 0 is 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def plain(distance, a, b):
    """The formula as it is written, for one pair, in float64."""
    a, b = a.astype(float), b.astype(float)
    unit_a, unit_b = (x / (np.linalg.norm(x) or 1) for x in (a, b))
    match distance:
        case "l1":
            return abs(a - b).sum()
        case "l2":
            return np.sqrt(((a - b) ** 2).sum())
        case "sqeuclidean":
            return ((a - b) ** 2).sum()
        case "cosine":
            return ((unit_a - unit_b) ** 2).sum() / 2
        case "chi2":
            return over((a - b) ** 2, a + b).sum() / 2
        case "hellinger":
            return np.sqrt(((np.sqrt(a) - np.sqrt(b)) ** 2).sum() / 2)
        case "intersection":
            larger = max(a.sum(), b.sum())
            return 1 - np.minimum(a, b).sum() / larger if larger else 0.0
        case "canberra":
            return over(abs(a - b), abs(a) + abs(b)).sum()
        case "braycurtis":
            return abs(a - b).sum() / ((a + b).sum() or 1)
        case "jensenshannon":
            p, q = (x / (x.sum() or 1) for x in (a, b))
            m = (p + q) / 2
            left, right = (x[x > 0] * np.log(x[x > 0] / m[x > 0]) for x in (p, q))
            return np.sqrt(max(0.0, left.sum() + right.sum()) / 2)
    raise AssertionError(distance)


def plain_matrix(distance, queries, gallery):
    return np.array([[plain(distance, a, b) for b in gallery] for a in queries])


# The distances that scipy has, by its names.
SCIPY = {
    "l1": "cityblock",
    "l2": "euclidean",
    "sqeuclidean": "sqeuclidean",
    "cosine": "cosine",
    "canberra": "canberra",
    "braycurtis": "braycurtis",
    "jensenshannon": "jensenshannon",
}
SIGNED = [name for name, how in DISTANCES.items() if how.signed]
# Taking a root of a small sum shows what the sum rounds.
ROOTS = {"l2", "hellinger", "jensenshannon"}

shapes = st.tuples(st.integers(1, 20), st.integers(1, 30), st.integers(1, 70))


def vectors(rows, columns, seed=0):
    return np.random.default_rng(seed).random((rows, columns), dtype=np.float32)


def histograms(rows, columns, seed=0, *, used=0.1):
    """Counts, mostly 0: the last row is empty, and some rows are equal."""
    random = np.random.default_rng(seed)
    made = random.integers(1, 20, (rows, columns)) * (random.random((rows, columns)) < used)
    made[rows // 2 : rows // 2 + 3] = made[0]
    made[-1] = 0
    return made.astype(np.float32)


def assert_same(left, right):
    """To the last bit."""
    assert (left[0] == right[0]).all()
    assert (left[1] == right[1]).all()


def assert_nearest(found, expected, k, tolerance):
    """Whether an answer fits a matrix of all distances."""
    indices, distances = found
    assert indices.shape == distances.shape == (len(expected), k)
    at = np.take_along_axis(expected, indices, axis=1)
    np.testing.assert_allclose(distances, at, rtol=1e-12, atol=tolerance)
    best = np.sort(expected, axis=1)[:, :k]
    np.testing.assert_allclose(distances, best, rtol=1e-12, atol=tolerance)
    order = np.sort(distances, axis=1)
    assert (order == distances).all()
    tied = np.diff(distances, axis=1) == 0
    assert (np.diff(indices, axis=1)[tied] > 0).all()
    assert all(len(set(row)) == k for row in indices.tolist())


@pytest.mark.parametrize("distance", DISTANCES)
@given(shape=shapes, seed=st.integers(0, 1000), data=st.data())
@settings(max_examples=25)
def test_distances_are_those_of_their_formulas(distance, shape, seed, data):
    n_queries, n, dim = shape
    k = data.draw(st.integers(1, n))
    queries, gallery = vectors(n_queries, dim, seed), vectors(n, dim, seed + 1)
    expected = plain_matrix(distance, queries, gallery)
    found = nearest(queries, gallery, k, distance=distance)
    assert_nearest(found, expected, k, 1e-7 if distance in ROOTS else 1e-13)


@pytest.mark.parametrize("distance", SCIPY)
@given(shape=shapes, seed=st.integers(0, 1000))
@settings(max_examples=25)
def test_distances_are_those_of_scipy(distance, shape, seed):
    n_queries, n, dim = shape
    queries, gallery = vectors(n_queries, dim, seed), vectors(n, dim, seed + 1)
    expected = cdist(queries.astype(float), gallery.astype(float), SCIPY[distance])
    expected = np.nan_to_num(expected)  # of the root of what rounds to less than 0
    found = nearest(queries, gallery, n, distance=distance)
    assert_nearest(found, expected, n, 1e-7 if distance in ROOTS else 1e-13)


@pytest.mark.parametrize("distance", SIGNED)
def test_negative_values_count(distance):
    queries, gallery = vectors(9, 40) - np.float32(0.5), vectors(31, 40, 1) - np.float32(0.5)
    expected = cdist(queries.astype(float), gallery.astype(float), SCIPY[distance])
    assert_nearest(nearest(queries, gallery, 31, distance=distance), expected, 31, 1e-13)
    sparse = nearest(csr_array(queries), csr_array(gallery), 31, distance=distance)
    assert_nearest(sparse, expected, 31, 1e-13)


@pytest.mark.parametrize("distance", DISTANCES)
@given(
    queries=arrays(np.float32, (5, 6), elements=st.sampled_from([0, 0, 0, 1, 2, 3])),
    gallery=arrays(np.float32, (9, 6), elements=st.sampled_from([0, 0, 0, 1, 2, 3])),
    k=st.integers(1, 9),
)
@settings(max_examples=40)
def test_zeros_and_ties(distance, queries, gallery, k):
    expected = plain_matrix(distance, queries, gallery)
    kernels = [
        nearest(queries, gallery, k, distance=distance),
        nearest(csr_array(queries), csr_array(gallery), k, distance=distance),
    ]
    assert_nearest(kernels[0], expected, k, 1e-7 if distance in ROOTS else 1e-13)
    assert_same(*kernels)
    equal = (queries[:, np.newaxis] == gallery).all(axis=2)
    found = np.take_along_axis(equal, kernels[0][0], axis=1)
    assert (kernels[0][1][found] == 0).all()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("n_queries", [1, 7, 64, 131])
def test_dense_and_sparse_kernels_agree_to_the_last_bit(distance, n_queries):
    queries, gallery = histograms(n_queries, 300), histograms(150, 300, seed=1)
    gallery[5] = queries[n_queries // 2]
    gallery[50:60, :200] += np.float32(1e-7)  # near each other, and not sparse
    by_itself = Gallery(gallery, distance=distance)
    assert by_itself.sparse
    dense = Gallery(gallery, distance=distance, sparse=False)
    assert not dense.sparse
    for k in (1, 10, 150):
        expected = dense.nearest(queries, k)
        assert_same(expected, by_itself.nearest(queries, k))
        assert_same(expected, by_itself.nearest(csr_array(queries), k))
        assert_same(expected, dense.nearest(csr_array(queries), k))
        assert_same(expected, nearest(queries, csr_matrix(gallery), k, distance=distance))


def test_any_layout_of_sparse_input_is_read():
    dense = histograms(12, 30)
    expected = nearest(dense, dense, 4)
    rows, columns = np.nonzero(dense)
    half = dense[rows, columns] / 2
    twice = coo_array(
        (np.tile(half, 2), (np.tile(rows, 2), np.tile(columns, 2))), shape=dense.shape
    )
    backwards = csr_array(dense)
    backwards.indices[: backwards.indptr[1]] = backwards.indices[: backwards.indptr[1]][::-1]
    backwards.data[: backwards.indptr[1]] = backwards.data[: backwards.indptr[1]][::-1]
    backwards.has_sorted_indices = False
    zeros = csr_array((dense.ravel(), np.tile(np.arange(30), 12), np.arange(13) * 30))
    for form in (twice, backwards, zeros, csr_array(dense).tocsc()):
        before = form.copy()
        assert_same(nearest(form, form, 4), expected)
        assert (form != before).nnz == 0 and form.nnz == before.nnz


@pytest.mark.parametrize("distance", ["l1", "l2", "sqeuclidean"])
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
    gallery = vectors(200, dim, seed=dim) - np.float32(0.3 if distance in SIGNED else 0)
    indices, distances = nearest(gallery, gallery, 2, distance=distance)
    assert (distances[:, 0] == 0).all()
    assert (distances >= 0).all()
    if dim > 1:
        assert (indices[:, 0] == np.arange(200)).all()
        assert (distances[:, 1] > 0).all()


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_vectors_of_any_scale_are_at_distance_0(distance):
    # |a|^2 + |b|^2 - 2ab would leave rounding errors here.
    for scale in (1e-42, 1e-30, 1e-12, 1e-3, 1.0, 1e6, 1e12):
        gallery = vectors(20, 50) * np.float32(scale)
        for form in (gallery, csr_array(gallery)):
            indices, distances = nearest(form, form, 1, distance=distance)
            assert (distances == 0).all()
            assert (indices[:, 0] == np.arange(20)).all()


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


@pytest.mark.parametrize("distance", DISTANCES)
@given(
    n_queries=st.integers(0, 40),
    n=st.integers(1, 30),
    jobs=st.integers(2, 5),
    seed=st.integers(0, 99),
)
@settings(max_examples=15)
def test_threads_do_not_change_the_result(distance, n_queries, n, jobs, seed):
    random = np.random.default_rng(seed)
    # Few values, so that there are ties.
    queries = random.integers(0, 3, (n_queries, 3)).astype(np.float32)
    gallery = random.integers(0, 3, (n, 3)).astype(np.float32)
    k = min(n, 5)
    for form in (gallery, csr_array(gallery)):
        here = Gallery(form, distance=distance)
        assert_same(here.nearest(queries, k), here.nearest(queries, k, jobs=jobs))
        with patch.object(Gallery, "_worth", 1):  # so that threads are used for so little
            assert_same(here.nearest(queries, k), here.nearest(queries, k, jobs=jobs))


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("distance", DISTANCES)
def test_rows_that_come_nearer_and_nearer_are_all_seen(distance, order):
    # The limit falls with each row, or never after the first: lists grow, or stay short.
    steps = np.linspace(0, 1, 1000)[::order, np.newaxis]
    gallery = (1 + steps * np.array([[1, 2, 0, 1, 3]])).astype(np.float32)
    query = np.ones((1, 5), np.float32)
    for form in (gallery, csr_array(gallery)):
        for skip in (None, [0 if order == 1 else 999]):
            indices, distances = nearest(query, form, 40, distance=distance, skip=skip)
            first = 0 if skip is None else 1
            expected = np.arange(first, first + 40)
            assert (indices[0] == (expected if order == 1 else 999 - expected)).all()
            assert (np.diff(distances[0]) > 0).all()


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_neighbours_of_a_query_do_not_depend_on_the_other_queries(distance):
    queries, gallery = vectors(19, 333), vectors(50, 333, seed=1)
    together = nearest(queries, gallery, 7, distance=distance)
    for row in range(19):
        alone = nearest(queries[row : row + 1], gallery, 7, distance=distance)
        assert_same((alone[0][0], alone[1][0]), (together[0][row], together[1][row]))


@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize(
    ("distance", "value"),
    [
        ("cosine", 0.5),
        ("chi2", 1.5),
        ("hellinger", np.sqrt(1.5)),
        ("intersection", 1.0),
        ("canberra", 2.0),
        ("braycurtis", 1.0),
        ("jensenshannon", np.sqrt(np.log(2) / 2)),
    ],
)
def test_distances_to_a_zero_vector(distance, value, form):
    zero, some = form(np.zeros((1, 4), np.float32)), form(np.array([[1, 0, 2, 0]], np.float32))
    assert nearest(zero, some, 1, distance=distance)[1][0, 0] == pytest.approx(value, rel=1e-15)
    assert nearest(some, zero, 1, distance=distance)[1][0, 0] == pytest.approx(value, rel=1e-15)
    assert nearest(zero, zero, 1, distance=distance)[1][0, 0] == 0.0


@pytest.mark.parametrize("distance", DISTANCES)
def test_distances_of_histograms_of_one_sum_are_known_multiples(distance):
    # Of vectors that share no bin all are at their largest.
    one, other = np.eye(2, dtype=np.float32)[:, np.newaxis]
    largest = {
        "l1": 2,
        "l2": np.sqrt(2),
        "sqeuclidean": 2,
        "canberra": 2,
        "jensenshannon": np.sqrt(np.log(2)),
    }
    found = nearest(one, other, 1, distance=distance)[1][0, 0]
    assert found == pytest.approx(largest.get(distance, 1), rel=1e-15)


def test_what_is_nearly_equal_is_told_apart():
    # By less than float32 rounds a sum of this many values.
    gallery = np.repeat(vectors(1, 5000), 40, axis=0)
    steps = np.random.default_rng(3).permutation(40)
    for row, step in enumerate(steps):
        for _ in range(step):
            gallery[row, 0] = np.nextafter(gallery[row, 0], np.float32(2))
    one = gallery[steps == 0]
    for form in (np.asarray, csr_array):
        for distance in DISTANCES:
            indices, distances = nearest(form(one), form(gallery), 3, distance=distance)
            assert steps[indices[0]].tolist() == [0, 1, 2], distance
            assert (np.diff(distances[0]) > 0).all(), distance


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_values_of_very_different_sizes(distance, form):
    random = np.random.default_rng(5)
    queries, gallery = (
        (10 ** random.uniform(-30, 8, (rows, 20))).astype(np.float32) for rows in (20, 200)
    )
    gallery[:100] = queries[0] * random.uniform(0.999, 1.001, (100, 20)).astype(np.float32)
    expected = plain_matrix(distance, queries, gallery)
    found = nearest(form(queries), form(gallery), 12, distance=distance)
    assert_nearest(found, expected, 12, 1e-7 if distance in ROOTS - {"l2"} else 1e-14)


# What a query must not find


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_leaving_one_out(distance, form):
    photos = histograms(90, 60, used=0.3)
    everything = nearest(form(photos), form(photos), 90, distance=distance)
    indices, distances = nearest(
        form(photos), form(photos), 89, distance=distance, skip=np.arange(90), jobs=2
    )
    for row in range(90):
        others = everything[0][row] != row
        assert (indices[row] == everything[0][row][others]).all()
        assert (distances[row] == everything[1][row][others]).all()


def test_some_queries_may_find_all():
    queries, gallery = vectors(3, 8), vectors(6, 8, seed=1)
    everything = nearest(queries, gallery, 5)
    skip = [-1, everything[0][1, 0], -1]
    indices, _ = nearest(queries, gallery, 4, skip=skip)
    assert (indices[[0, 2]] == everything[0][[0, 2], :4]).all()
    assert (indices[1] == everything[0][1, 1:]).all()
    # If no query skips one, k may be the size of the gallery.
    assert_same(nearest(queries, gallery, 6, skip=[-1] * 3), nearest(queries, gallery, 6))


@pytest.mark.parametrize(
    ("skip", "message"),
    [
        ([0, 1, 2], r"shape \(n_queries,\), \(2,\)"),
        ([[0], [1]], "shape"),
        ([0.0, 1.0], "whole numbers"),
        ([0, 3], r"0 to 2, or -1 for none\. Got 3"),
        ([-2, 0], r"Got -2"),
    ],
)
def test_what_cannot_be_skipped_is_refused(skip, message):
    with pytest.raises(InvalidParameterError, match=message):
        nearest(vectors(2, 4), vectors(3, 4), 1, skip=skip)


def test_k_leaves_room_for_what_is_skipped():
    with pytest.raises(InvalidParameterError, match=r"to choose from, 2\. Got 3"):
        nearest(vectors(2, 4), vectors(3, 4), 3, skip=[-1, 0])


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
    for distance in DISTANCES:
        nearest(queries, gallery, 3, distance=distance)
        nearest(csr_array(queries), csr_array(gallery), 3, distance=distance)
    assert (queries == before[0]).all() and (gallery == before[1]).all()


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_queries_give_no_rows(jobs):
    for form in (np.asarray, csr_array):
        none = form(np.empty((0, 4), np.float32))
        indices, distances = nearest(none, form(vectors(3, 4)), 2, jobs=jobs)
        assert indices.shape == distances.shape == (0, 2)


def test_vectors_of_no_values_are_all_equal():
    indices, distances = nearest(np.empty((2, 0), np.float32), np.empty((3, 0), np.float32), 3)
    assert (indices == np.arange(3)).all() and (distances == 0).all()


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
    sides[which] = csr_array(sides[which])
    with pytest.raises(InvalidParameterError, match=f"{which} must be finite"):
        nearest(**sides, k=1, distance=distance)


@pytest.mark.parametrize("distance", [name for name in DISTANCES if name not in SIGNED])
@pytest.mark.parametrize("which", ["queries", "gallery"])
def test_negative_values_without_a_meaning_are_refused(distance, which):
    sides = {"queries": vectors(2, 4), "gallery": vectors(3, 4)}
    sides[which][1, 2] = -0.25
    message = rf"{distance} needs .* not negative\. Got -0\.25 among the {which}"
    with pytest.raises(InvalidParameterError, match=message):
        nearest(**sides, k=1, distance=distance)


def test_infinities_that_would_cancel_are_refused():
    queries = vectors(2, 4)
    queries[0, :2] = np.inf, -np.inf
    with pytest.raises(InvalidParameterError, match="finite"):
        nearest(queries, vectors(3, 4), 1)


@pytest.mark.parametrize(
    ("distance", "value"), [("l1", 8e37), ("l2", 1e30), *((name, 3e38) for name in DISTANCES)]
)
def test_distances_beyond_float32_are_refused(distance, value):
    large = np.full((1, 8), value, np.float32)
    other = -large if distance in SIGNED else large / 2
    with pytest.raises(InvalidParameterError, match="too large"):
        nearest(large, other, 1, distance=distance)


@pytest.mark.parametrize(
    ("left", "right"), [((2, 4), (3, 5)), ((4,), (3, 4)), ((2, 4), (4,)), ((1, 2, 4), (3, 4))]
)
def test_shapes_that_do_not_fit_are_refused(left, right):
    with pytest.raises(InvalidParameterError, match="one dim"):
        nearest(np.zeros(left, np.float32), np.zeros(right, np.float32), 1)


def test_no_threads_are_refused():
    with pytest.raises(InvalidParameterError, match=r"jobs must be at least 1\. Got 0"):
        nearest(vectors(2, 4), vectors(3, 4), 1, jobs=0)


@pytest.mark.parametrize("scale", [2.0**-80, 2.0**-40, 1, 2.0**40, 2.0**80])
@pytest.mark.parametrize("dim", [1, 2, 33, 64])
def test_canberra_of_small_and_large_values(dim, scale):
    # Values near 1 share divisions; products of others would leave the range of float32.
    queries, gallery = histograms(6, dim, used=0.7), histograms(31, dim, 1, used=0.7)
    queries[:, 0] *= -scale
    gallery[:, 0] *= -scale
    expected = plain_matrix("canberra", queries, gallery)
    for form in (np.asarray, csr_array):
        found = nearest(form(queries), form(gallery), 31, distance="canberra")
        assert_nearest(found, expected, 31, 1e-13)


def test_an_unknown_distance_is_answered_with_the_nearest_names():
    with pytest.raises(UnknownNameError, match=r"'cosin'\. Did you mean cosine"):
        check_distance("cosin")
    with pytest.raises(UnknownNameError, match="Known: braycurtis, canberra, chi2, "):
        nearest(vectors(2, 4), vectors(3, 4), 1, distance="chebyshev")
