"""Ranked lists: values worked by hand, brute force, and scikit-learn's numbers."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from tamis.errors import InvalidParameterError
from tamis.metrics.ranking import (
    average_precision,
    class_means,
    first_tier,
    first_wrong,
    mean_of_classes,
    ndcg_at,
    precision_at,
    recall_at,
)

lists = st.lists(st.booleans(), min_size=1, max_size=30)
# A list cut off somewhere: what was found, and how many more there are.
cut = st.tuples(lists, st.integers(0, 9))


def many(n=40, k=12, more=5, seed=0):
    random = np.random.default_rng(seed)
    relevant = random.random((n, k)) < random.random((n, 1))
    return relevant, relevant.sum(axis=1) + random.integers(0, more, n)


# By hand

YES, NO = True, False
BY_HAND = {
    # relevant, n_relevant: AP over hits, AP over all, P, R, nDCG
    "all right": ([YES, YES], 2, 1, 1, 1, 1, 1),
    "all right, one not found": ([YES, YES], 3, 1, 2 / 3, 1, 2 / 3, 1),
    "nothing right": ([NO, NO], 3, 0, 0, 0, 0, 0),
    "first and third": (
        *([YES, NO, YES], 4),
        *((1 + 2 / 3) / 2, (1 + 2 / 3) / 4, 2 / 3, 1 / 2),
        1.5 / (1 + 1 / math.log2(3) + 1 / 2),
    ),
    "only the last": ([NO, NO, NO, YES], 1, 1 / 4, 1 / 4, 1 / 4, 1, 1 / math.log2(5)),
    "one result": ([YES], 5, 1, 1 / 5, 1, 1 / 5, 1),
    "only the first of many": ([YES, NO, NO, NO], 4, 1, 1 / 4, 1 / 4, 1 / 4, None),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case):
    relevant, n_relevant, over_hits, over_all, precision, recall, ndcg = BY_HAND[case]
    assert average_precision(relevant) == pytest.approx(over_hits)
    assert average_precision(relevant, n_relevant=n_relevant) == pytest.approx(over_all)
    assert precision_at(relevant) == pytest.approx(precision)
    assert recall_at(relevant, n_relevant) == pytest.approx(recall)
    if ndcg is not None:
        assert ndcg_at(relevant, n_relevant) == pytest.approx(ndcg)
    assert first_wrong(relevant) == (not relevant[0])


def test_first_tier_by_hand():
    assert first_tier([YES, NO, YES, YES], 3) == pytest.approx(2 / 3)
    assert first_tier([YES, NO, YES, YES], 4) == pytest.approx(3 / 4)
    assert first_tier([NO, YES], 1) == 0
    assert first_tier([[YES, YES], [NO, YES]], [2, 1]).tolist() == [1, 0]


def test_the_first_tier_needs_as_many_results():
    with pytest.raises(InvalidParameterError, match=r"relevant pictures, 5\. Got 2"):
        first_tier([YES, NO], 5)


# Brute force


def slow_ap(relevant, n_relevant=None):
    """As written in a textbook; without `n_relevant` as torchmetrics has it with `top_k`."""
    precisions = [sum(relevant[: i + 1]) / (i + 1) for i, hit in enumerate(relevant) if hit]
    if n_relevant is None:
        return sum(precisions) / len(precisions) if precisions else 0
    return sum(precisions) / n_relevant if n_relevant else math.nan


@given(found=cut)
def test_average_precision_by_brute_force(found):
    relevant, more = found
    total = sum(relevant) + more
    assert average_precision(relevant) == pytest.approx(slow_ap(relevant))
    ours = average_precision(relevant, n_relevant=total)
    assert ours == pytest.approx(slow_ap(relevant, total), nan_ok=True)


@given(found=cut)
def test_gains_by_brute_force(found):
    relevant, more = found
    total = sum(relevant) + more
    gain = sum(1 / math.log2(i + 2) for i, hit in enumerate(relevant) if hit)
    ideal = sum(1 / math.log2(i + 2) for i in range(min(total, len(relevant))))
    expected = gain / ideal if ideal else math.nan
    assert ndcg_at(relevant, total) == pytest.approx(expected, nan_ok=True)


def test_depths_are_read_in_one_pass():
    relevant, n_relevant = many()
    depths = [1, 3, 12, 5]
    for function in (
        average_precision,
        precision_at,
        partial(average_precision, n_relevant=n_relevant),
        partial(recall_at, n_relevant=n_relevant),
        partial(ndcg_at, n_relevant=n_relevant),
    ):
        at_once = function(relevant, depths=depths)
        assert at_once.shape == (40, 4)
        for column, depth in enumerate(depths):
            np.testing.assert_allclose(at_once[:, column], function(relevant[:, :depth]))


def test_leading_axes_are_separate_queries():
    relevant, n_relevant = many()
    for function in (
        lambda r, n: average_precision(r),
        lambda r, n: average_precision(r, n_relevant=n),
        lambda r, n: precision_at(r),
        recall_at,
        ndcg_at,
        lambda r, n: first_tier(np.concatenate([r, np.zeros_like(r)], axis=-1), n),
        lambda r, n: first_wrong(r),
    ):
        together = function(relevant, n_relevant)
        alone = [function(row, n) for row, n in zip(relevant, n_relevant, strict=True)]
        np.testing.assert_allclose(together, alone)
        cube = function(relevant.reshape(4, 10, -1), n_relevant.reshape(4, 10))
        np.testing.assert_array_equal(cube.ravel(), together)


# Where definitions meet


@given(relevant=lists)
def test_a_full_ranking_scores_as_with_scikit_learn(relevant):
    # Both definitions of AP are one where everything was found.
    n = sum(relevant)
    scores = -np.arange(len(relevant))
    if n:
        theirs = average_precision_score(relevant, scores)
        assert average_precision(relevant, n_relevant=n) == pytest.approx(theirs)
        assert average_precision(relevant) == pytest.approx(theirs)
        assert first_tier(relevant, n) == precision_at(relevant, depths=[n])
    if n and len(relevant) > 1:
        for depth in {1, 2, len(relevant)}:
            theirs = ndcg_score([relevant], [scores], k=depth)
            assert ndcg_at(relevant, n, depths=[depth]) == pytest.approx(theirs)


@given(found=cut)
def test_figures_lie_between_0_and_1_and_over_hits_flatters(found):
    relevant, more = found
    total = sum(relevant) + more
    if not total:
        return
    over_all = average_precision(relevant, n_relevant=total)
    assert 0 <= over_all <= average_precision(relevant) <= 1
    assert over_all <= len(relevant) / total
    for figure in (recall_at(relevant, total), ndcg_at(relevant, total), precision_at(relevant)):
        assert 0 <= figure <= 1 + 1e-12


# Nothing to find, and what is refused


def test_where_nothing_is_relevant_a_share_of_it_is_not_a_number():
    relevant, n_relevant = [[NO, NO], [YES, NO]], [0, 1]
    for figures in (
        average_precision(relevant, n_relevant=n_relevant),
        recall_at(relevant, n_relevant),
        ndcg_at(relevant, n_relevant),
        first_tier(relevant, n_relevant),
    ):
        assert np.isnan(figures).tolist() == [True, False]
        assert figures[1] == 1
    # What does not depend on it stays a number.
    assert average_precision(relevant).tolist() == [0, 1]
    assert precision_at(relevant).tolist() == [0, 0.5]


@pytest.mark.parametrize(
    "call",
    [
        lambda: average_precision([YES, YES], n_relevant=1),
        lambda: recall_at([[YES], [YES]], [1, 0]),
        lambda: ndcg_at([YES], -1),
        lambda: average_precision([]),
        lambda: precision_at(np.zeros((3, 0), bool)),
        lambda: precision_at([YES, NO], depths=[3]),
        lambda: precision_at([YES, NO], depths=[0]),
    ],
)
def test_arguments_out_of_range_are_refused(call):
    with pytest.raises(InvalidParameterError):
        call()


# Means over queries and over classes


def test_means_of_classes():
    values = np.array([[1.0, 0], [0, 0], [0.5, 1], [1, 1]])
    means = class_means(values, np.array([2, 0, 2, 2]), 4)
    np.testing.assert_allclose(means[[0, 2]], [[0, 0], [2.5 / 3, 2 / 3]])
    assert np.isnan(means[[1, 3]]).all()


def test_the_mean_of_classes_leaves_out_absent_ones():
    values = np.array([1.0, 0.5, 0.25])
    assert mean_of_classes(values, np.array([3, 0, 3])) == (0.5 + 0.625) / 2
