"""Late fusion: each part of a vector by its own distance, against brute force."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from tamis.distances import Part, fused_name, gallery_of, nearest, read_fused, reciprocal_ranks
from tamis.errors import InvalidParameterError, UnknownNameError

PARTS = (Part("l1", 5, 0.5), Part("cosine", 7, 2.0), Part("l2", 3, 1.25))
SCIPY = {"l1": "cityblock", "cosine": "cosine", "l2": "euclidean"}


@pytest.fixture(scope="module")
def vectors():
    found = np.random.default_rng(5).random((60, 15), dtype=np.float32)
    found[31] = found[12]  # a copy
    return found


def apart(queries, gallery):
    cuts = np.cumsum([part.dim for part in PARTS])[:-1]
    pairs = zip(np.split(queries, cuts, axis=1), np.split(gallery, cuts, axis=1), strict=True)
    return [
        cdist(a.astype(np.float64), b.astype(np.float64), SCIPY[part.distance])
        for part, (a, b) in zip(PARTS, pairs, strict=True)
    ]


def by_ranks(matrices, skip):
    """One over the sum of weight / (60 + rank), the skipped row having no rank."""
    total = np.zeros_like(matrices[0])
    for part, matrix in zip(PARTS, matrices, strict=True):
        for query, row in enumerate(matrix):
            others = np.arange(len(row)) != skip[query]
            total[query, others] += part.weight / (60 + rankdata(row[others], "ordinal"))
            total[query, ~others] = 1e-9
    return 1 / total


def test_its_name_says_all_and_is_read_again():
    name = fused_name("sum", PARTS)
    assert name == "sum(0.5*l1[5],2*cosine[7],1.25*l2[3])"
    assert read_fused(name) == ("sum", list(PARTS))
    assert read_fused("l1") is None
    assert gallery_of(np.zeros((2, 15), np.float32), distance=name).distance == name


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 6, 59])
@pytest.mark.parametrize("method", ["sum", "rrf"])
def test_the_nearest_are_those_of_brute_force(vectors, method, k, jobs):
    skip = np.arange(60)
    skip[::7] = -1
    gallery = gallery_of(vectors, distance=fused_name(method, PARTS))
    indices, distances = gallery.nearest(vectors, k, jobs=jobs, skip=skip)
    matrices = apart(vectors, vectors)
    if method == "sum":
        expected = sum(p.weight * m for p, m in zip(PARTS, matrices, strict=True))
    else:
        expected = by_ranks(matrices, skip)
    rows = np.flatnonzero(skip >= 0)
    expected[rows, skip[rows]] = np.inf
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :k], rtol=1e-5, atol=1e-6)
    found = np.take_along_axis(expected, indices, axis=1)
    np.testing.assert_allclose(found, distances, rtol=1e-5, atol=1e-6)
    assert not (indices == skip[:, np.newaxis]).any()


def test_a_copy_is_at_distance_0_and_the_first_comes_first(vectors):
    gallery = gallery_of(vectors, distance=fused_name("sum", PARTS))
    indices, distances = gallery.nearest(vectors[[12, 31]], 2)
    assert indices.tolist() == [[12, 31], [12, 31]]
    assert (distances == 0).all()


def test_one_part_of_weight_1_is_that_distance(vectors):
    name = fused_name("sum", [Part("chi2", 15)])
    for mine, theirs in zip(
        gallery_of(vectors, distance=name).nearest(vectors, 5),
        nearest(vectors, vectors, 5, distance="chi2"),
        strict=True,
    ):
        assert (mine == theirs).all()


def test_equal_ranks_in_another_order_are_equal():
    """Sums of three reciprocal ranks must not differ by the order in which they are added."""
    ranks = reciprocal_ranks(np.arange(30.0)[np.newaxis], np.array([-1]))[0]
    for a, b, c in np.random.default_rng(0).choice(30, (500, 3)):
        assert ranks[a] + ranks[b] + ranks[c] == ranks[c] + ranks[a] + ranks[b]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("sum(l1[15])", InvalidParameterError, "cannot read the part 'l1\\[15\\]'"),
        ("sum(1*l3[15])", UnknownNameError, "Did you mean l2 or l1"),
        ("sum(1*l1[5],1*l2[9])", InvalidParameterError, r"14 values in all.*\(60, 15\)"),
        ("max(1*l1[15])", UnknownNameError, "unknown distance"),
    ],
)
def test_bad_names_say_so(vectors, name, error, message):
    with pytest.raises(error, match=message):
        gallery_of(vectors, distance=name)


def test_bad_searches_say_so(vectors):
    gallery = gallery_of(vectors, distance=fused_name("sum", PARTS))
    with pytest.raises(InvalidParameterError, match="k must be"):
        gallery.nearest(vectors, 61)
    with pytest.raises(InvalidParameterError, match="one dim"):
        gallery.nearest(vectors[:, :4], 1)
