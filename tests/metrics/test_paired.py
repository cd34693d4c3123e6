"""Paired comparisons: published values, and a level that is kept where nothing differs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import InvalidParameterError
from tamis.metrics.paired import (
    adjusted,
    compare_hits,
    corrected_resampled_t,
    holm,
    mcnemar_exact,
)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (0, 6, 2 / 2**6),
        (1, 5, 2 * 7 / 2**6),
        # M. W. Fagerland et al., BMC Medical Research Methodology 13:91, 2013: table 1 (airway
        # hyper-responsiveness), exact conditional test.
        (1, 7, 0.0703125),
    ],
)
def test_exact_p_values(only_first, only_second, p):
    assert mcnemar_exact(only_first, only_second) == pytest.approx(p, rel=1e-12)
    assert mcnemar_exact(only_second, only_first) == pytest.approx(p, rel=1e-12)


def test_hits_are_paired():
    rng = np.random.default_rng(0)
    first, second = rng.random(400) < 0.9, rng.random(400) < 0.8
    found = compare_hits(first, second)
    assert found.only_first == (first & ~second).sum()
    assert found.difference == pytest.approx(first.mean() - second.mean())
    low, high = found.interval
    assert low < found.difference < high
    # The standard error of a paired difference.
    values = first.astype(float) - second
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert found.shown == (found.p_value < 0.05)
    assert found.to_dict()["interval"] == [low, high]
    back = compare_hits(second, first)
    assert back.difference == -found.difference and back.p_value == found.p_value


def test_the_same_answers_do_not_differ():
    found = compare_hits([True, False, True], [True, False, True])
    assert (found.difference, found.interval, found.p_value) == (0, (0, 0), 1)
    assert not found.shown


def test_other_images_are_refused():
    with pytest.raises(InvalidParameterError, match="same images"):
        compare_hits([True], [True, False])
    with pytest.raises(InvalidParameterError):
        mcnemar_exact(-1, 2)


# Differences of ROC AUC, in 25ths: radial against linear SVC in ten times ten folds, of the
# example "Statistical comparison of models using grid search" of scikit-learn, which gives a
# corrected t of 0.750 and a one-sided p of 0.227.
FOLDS = [(-3, 1), (-2, 2), (-1, 10), (0, 53), (1, 29), (2, 4), (5, 1)]


def test_the_corrected_t_is_that_of_the_example_of_scikit_learn():
    values = np.repeat([value / 25 for value, _ in FOLDS], [count for _, count in FOLDS])
    assert len(values) == 100
    found = corrected_resampled_t(values, n_train=90, n_test=10)
    assert round(found.t, 3) == 0.750
    assert round(found.p_value / 2, 3) == 0.227
    low, high = found.interval
    assert low < 0 < found.difference < high
    assert not found.shown


def test_many_splits_of_few_images_show_nothing_that_is_not_there():
    """Two ways that are right equally often, on twenty splits of 100 images: 400 times."""
    rng = np.random.default_rng(3)
    plain = corrected = 0
    for _ in range(400):
        easier = rng.normal(0, 0.3, 100)  # of each image, for one of the ways
        tests = [rng.permutation(100)[:30] for _ in range(20)]
        values = np.array([easier[rows].mean() for rows in tests])
        t = values.mean() / (values.std(ddof=1) / np.sqrt(20))
        plain += abs(t) > 2.093
        corrected += corrected_resampled_t(values, n_train=70, n_test=30).shown
    assert corrected / 400 < 0.08
    assert plain / 400 > 0.3


def test_splits_that_agree():
    found = corrected_resampled_t([0.1, 0.1, 0.1], n_train=2, n_test=1)
    assert (found.p_value, found.interval) == (0, pytest.approx((0.1, 0.1)))
    assert corrected_resampled_t([0, 0], n_train=2, n_test=1).p_value == 1
    for values, sizes in (([1.0], (2, 1)), ([1.0, 2.0], (0, 1))):
        with pytest.raises(InvalidParameterError):
            corrected_resampled_t(values, n_train=sizes[0], n_test=sizes[1])


def test_holm_steps_down():
    # As p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") of R.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_adjusted_p_values_only_grow_and_keep_their_order(p):
    found = holm(p)
    assert all(a >= b for a, b in zip(found, p, strict=True))
    order = np.argsort(p, kind="stable")
    assert all(np.diff(np.array(found)[order]) >= 0)
    if p:
        assert min(found) == pytest.approx(min(1, len(p) * min(p)))


def test_differences_are_adjusted_together():
    ways = [compare_hits([True] * n + [False] * (20 - n), [True] * 12 + [False] * 8)
            for n in (20, 19, 13)]  # fmt: skip
    found = adjusted(ways)
    assert [one.difference for one in found] == [one.difference for one in ways]
    assert [one.p_value for one in found] == holm([one.p_value for one in ways])
