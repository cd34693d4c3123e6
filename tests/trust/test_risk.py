"""Promises: kept for the batch that they are made for, and refused where they cannot be."""

import numpy as np
import pytest
from scipy.stats import betabinom

from tamis.errors import InvalidParameterError
from tamis.trust.risk import promise


def answers(seed, n, *, sharp=6.0):
    """Calibrated confidences, and whether each answer is right."""
    random = np.random.default_rng(seed)
    sure = random.beta(sharp, 1, n)
    return sure, random.random(n) < sure


@pytest.mark.parametrize("risk", [0.02, 0.05, 0.1])
def test_a_promise_is_kept_in_nine_of_ten_batches(risk):
    broken, placed = 0, []
    for seed in range(100):
        known, right = answers(seed, 800)
        batch, truth = answers(1000 + seed, 500)
        found = promise(known, right, batch, risk)
        above = batch >= found.threshold
        placed.append(above.mean())
        broken += above.any() and (~truth[above]).mean() > risk
    assert broken <= 10
    assert np.mean(placed) > risk / 2


def test_above_the_threshold_a_choice_made_without_looking_would_hold_too():
    known, right = answers(0, 240)
    batch, _ = answers(1, 150)
    found = promise(known, right, batch, 0.1)

    def holds(level):
        n, m = (known >= level).sum(), (batch >= level).sum()
        wrong = (~right[known >= level]).sum()
        return betabinom.cdf(np.floor(0.1 * m), m, wrong + 0.5, n - wrong + 0.5) >= 0.9

    assert found.kept
    assert holds(found.threshold)
    lower = promise(known, right, batch, 0.1, confidence=0.6)
    assert lower.threshold <= found.threshold
    assert found.n_above == (known >= found.threshold).sum()
    assert found.n_wrong == (~right[known >= found.threshold]).sum()
    assert "at most 10 % are wrong" in str(found)


def test_too_few_examples_say_what_they_can_promise():
    found = promise([0.9] * 6, [True] * 6, [0.9] * 100, 0.01)
    assert not found.kept
    assert 0.01 < found.least_risk < 0.5
    assert found.needed > 6
    assert "6 examples cannot promise" in str(found)
    assert f"About {found.needed} examples would do." in str(found)
    assert promise([0.9] * 6, [True] * 6, [0.9] * 100, found.least_risk).kept
    assert promise([0.9] * found.needed, [True] * found.needed, [0.9] * 100, 0.01).kept


@pytest.mark.parametrize(
    ("known", "right", "batch"), [([], [], [0.5]), ([0.5], [True], []), ([0.2], [False], [0.9])]
)
def test_nothing_to_promise_from(known, right, batch):
    found = promise(known, np.array(right, bool), batch, 0.05)
    assert not found.kept
    assert found.least_risk <= 1


@pytest.mark.parametrize("risk", [0, 1, -0.1, np.nan])
def test_a_risk_is_a_share(risk):
    with pytest.raises(InvalidParameterError, match="risk and confidence must be in"):
        promise([0.5], [True], [0.5], risk)
    with pytest.raises(InvalidParameterError, match="of one length"):
        promise([0.5], [True, False], [0.5], 0.1)


def test_answers_surer_than_any_example_are_placed():
    found = promise([0.9] * 60, [True] * 60, [0.95] * 30, 0.1)
    assert found.threshold == 0.9
    assert found.n_above == 60


def test_no_error_among_few_examples_is_not_taken_for_never():
    # Nine right answers at the top, and below them confidences that are wrong half of the time.
    random = np.random.default_rng(0)
    known = np.concatenate([np.full(9, 0.97), random.uniform(0.3, 0.95, 300)])
    right = np.concatenate([np.ones(9, bool), random.random(300) < 0.5])
    assert not promise(known, right, np.full(50, 0.97), 0.05).kept
