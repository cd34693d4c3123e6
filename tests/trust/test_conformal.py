"""Sets: how often they hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import InvalidParameterError
from tamis.trust.conformal import prediction_sets, set_thresholds


def answers(seed, n=2000, n_classes=4):
    random = np.random.default_rng(seed)
    P = random.dirichlet(np.full(n_classes, 0.4), n)
    y = (random.random((n, 1)) > P.cumsum(axis=1)).sum(axis=1).clip(0, n_classes - 1)
    return P, y


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.99])
def test_sets_cover_as_often_as_promised(coverage):
    P, y = answers(0, n=8000)
    known, rest = slice(0, 4000), slice(4000, None)
    thresholds = set_thresholds(P[known][np.arange(4000), y[known]], coverage, n_classes=4)
    sets = prediction_sets(P[rest], thresholds)
    assert abs(sets[np.arange(4000), y[rest]].mean() - coverage) < 0.02


def test_each_class_is_covered():
    P, y = answers(1, n=8000)
    P = P[:, :] ** np.array([1, 1, 1, 3.0])
    P /= P.sum(axis=1, keepdims=True)
    known, rest = slice(0, 4000), slice(4000, None)
    true = P[known][np.arange(4000), y[known]]
    thresholds = set_thresholds(true, 0.9, n_classes=4, classes=y[known])
    sets = prediction_sets(P[rest], thresholds)
    for c in range(4):
        assert sets[y[rest] == c, c].mean() > 0.86


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.99))
def test_at_least_the_share_of_the_examples_themselves_is_covered(true, coverage):
    (threshold,) = set_thresholds(true, coverage, n_classes=1)
    if true:
        assert (np.array(true) >= threshold).mean() >= coverage - 1e-9
    else:
        assert threshold == 0


def test_too_few_examples_of_a_class_put_it_into_every_set():
    thresholds = set_thresholds([0.9] * 20 + [0.9], 0.9, n_classes=2, classes=[0] * 20 + [1])
    assert thresholds.tolist() == [0.9, 0.0]


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90])
def test_a_coverage_is_a_share(coverage):
    with pytest.raises(InvalidParameterError, match=r"coverage must be in \]0, 1\["):
        set_thresholds([0.5], coverage, n_classes=1)
