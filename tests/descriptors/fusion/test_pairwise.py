"""Weights learned from pictures whose classes are known, and the distances they come from."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from tamis.descriptors.fusion.learned_weights import learn_weights
from tamis.descriptors.fusion.pairwise import (
    by_rank,
    distance_matrix,
    median_of,
    nearest_by_sum,
)
from tamis.errors import TableError
from tamis.metrics.ranking import average_precision, mean_of_classes

CODES = np.arange(60) % 4


@pytest.fixture(scope="module")
def matrices():
    """A part that tells the classes apart, one that does so a little, and noise."""
    random = np.random.default_rng(4)
    centres = random.normal(0, 1, (4, 5))
    found = []
    for spread in (1.0, 2.5, None):
        vectors = random.normal(0, spread or 1.0, (60, 5))
        vectors += 0 if spread is None else centres[CODES]
        found.append(cdist(vectors, vectors).astype(np.float32))
    return np.stack(found)


def score(matrices, weights, depth=10):
    """MMAP over the hits found, by sorting."""
    total = sum(w * m.astype(np.float64) for w, m in zip(weights, matrices, strict=True))
    np.fill_diagonal(total, np.inf)
    near = np.argsort(total, axis=1, kind="stable")[:, :depth]
    return mean_of_classes(average_precision(CODES[near] == CODES[:, np.newaxis]), CODES)


def test_learned_weights_retrieve_better_and_say_how_well(matrices):
    start = np.array([1 / median_of(one) for one in matrices])
    learned = learn_weights(matrices, CODES, start)
    assert learned.score > score(matrices, start) + 0.02
    assert learned.score == pytest.approx(score(matrices, learned.weights), abs=1e-6)
    ratios = learned.weights / start
    assert ratios[0] > 4 * max(ratios[1:])
    assert (abs(np.log2(ratios)) <= 3).all()


def test_no_single_step_improves_what_was_learned(matrices):
    start = np.array([1 / median_of(one) for one in matrices])
    learned = learn_weights(matrices, CODES, start)
    for part in range(3):
        for factor in (2**0.5, 2**-0.5):
            tried = np.array(learned.weights)
            tried[part] *= factor
            if abs(np.log2(tried[part] / start[part])) <= 3:
                assert score(matrices, tried) < learned.score + 2e-4 + 1e-9


def test_threads_change_nothing(matrices):
    start = np.ones(3)
    assert learn_weights(matrices, CODES, start, jobs=3) == learn_weights(matrices, CODES, start)


def test_classes_of_one_picture_say_nothing(matrices):
    codes = CODES.copy()
    codes[0] = 9
    rows = np.arange(1, 60)
    some = matrices[:, 1:, 1:]
    with_it = learn_weights(matrices, codes, np.ones(3))
    assert with_it.score <= 1
    assert learn_weights(some, codes[rows], np.ones(3)).score == pytest.approx(
        with_it.score, abs=0.05
    )
    for useless in (np.zeros(60, int), np.arange(60)):
        with pytest.raises(TableError, match="two classes"):
            learn_weights(matrices, useless, np.ones(3))


def test_the_nearest_by_a_sum(matrices):
    weights = np.array([0.5, 2.0])
    queries, gallery = np.arange(0, 60, 7), np.arange(10, 60)
    found = nearest_by_sum(
        matrices, weights, parts=(2, 0), queries=queries, gallery=gallery, depth=6, jobs=2
    )
    total = 0.5 * matrices[2].astype(np.float64) + 2.0 * matrices[0]
    np.fill_diagonal(total, np.inf)
    expected = gallery[np.argsort(total[np.ix_(queries, gallery)], axis=1, kind="stable")[:, :6]]
    assert (found == expected).all()


@pytest.mark.parametrize("distance", ["l1", "cosine"])
def test_all_distances(distance):
    vectors = np.random.default_rng(0).random((130, 9), dtype=np.float32)
    expected = cdist(vectors, vectors, "cityblock" if distance == "l1" else distance)
    found = distance_matrix(vectors, distance=distance, jobs=2)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert median_of(found) == pytest.approx(np.median(expected[np.triu_indices(130, 1)]))


def test_what_has_no_median_has_1():
    assert median_of(np.zeros((4, 4), np.float32)) == 1
    assert median_of(np.zeros((1, 1), np.float32)) == 1


def test_ranks_leave_out_the_picture_itself(matrices):
    found = by_rank(matrices[0])
    for row in range(60):
        others = np.arange(60) != row
        ranks = rankdata(matrices[0][row][others], "ordinal")
        assert found[row][others] == pytest.approx(-1 / (60 + ranks), rel=1e-6)
        assert found[row][row] == 0
