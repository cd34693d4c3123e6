"""Scores of probabilities, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from tamis.errors import InvalidParameterError
from tamis.metrics.calibration import brier_score, calibration_error, log_loss, reliability


def answers(seed, n=50, n_classes=4):
    random = np.random.default_rng(seed)
    return random.dirichlet(np.ones(n_classes), n), random.integers(0, n_classes, n)


@given(st.integers(0, 2**32 - 1))
def test_log_loss_is_that_of_scikit_learn(seed):
    P, y = answers(seed)
    assert log_loss(P, y) == pytest.approx(sklearn_log_loss(y, P, labels=range(4)))


def test_the_brier_score_of_two_classes_is_twice_that_of_scikit_learn():
    P, y = answers(1, n_classes=2)
    assert brier_score(P, y) == pytest.approx(2 * brier_score_loss(y, P[:, 1]))


@given(st.integers(0, 2**32 - 1))
def test_bins_hold_every_answer_once(seed):
    P, y = answers(seed)
    rows = reliability(P.max(axis=1), P.argmax(axis=1) == y)
    assert sum(row.n for row in rows) == 50
    assert all(row.low < row.confidence <= row.high or not row.n for row in rows)
    assert 0 <= calibration_error(P, y) <= 1


def test_certain_answers():
    P = np.eye(3)
    assert calibration_error(P, [0, 1, 2]) == 0
    assert calibration_error(P, [1, 2, 0]) == 1
    assert brier_score(P, [1, 2, 0]) == 2


@pytest.mark.parametrize("truth", [[0], [0, 5], [-1, 0]])
def test_truth_must_fit(truth):
    with pytest.raises(InvalidParameterError):
        log_loss(np.full((2, 3), 1 / 3), truth)
    with pytest.raises(InvalidParameterError):
        reliability([0.5], [True], bins=0)
