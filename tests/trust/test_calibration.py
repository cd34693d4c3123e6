"""Temperatures and pools: what they may change, and what they find."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.metrics.calibration import log_loss
from tamis.trust.calibration import as_logits, fit_pool, fit_scale, pool, tempered


def logits(seed, n=400, n_classes=5, sharp=1.0):
    """Logits and truths drawn by their very softmax, if `sharp` is 1."""
    random = np.random.default_rng(seed)
    values = 2 * random.normal(size=(n, n_classes))
    shares = tempered(values, 1.0).cumsum(axis=1)
    truth = (random.random((n, 1)) > shares).sum(axis=1).clip(0, n_classes - 1)
    return values * sharp, truth


@pytest.mark.parametrize("sharp", [0.1, 1.0, 8.0])
def test_the_temperature_is_found(sharp):
    values, truth = logits(0, n=4000, sharp=sharp)
    assert fit_scale(values, truth) * sharp == pytest.approx(1, abs=0.1)


@given(st.integers(0, 1000), st.floats(0.05, 20))
def test_no_answer_changes_and_the_loss_falls(seed, sharp):
    values, truth = logits(seed, sharp=sharp)
    scaled = tempered(values, fit_scale(values, truth))
    assert (scaled.argmax(axis=1) == values.argmax(axis=1)).all()
    assert log_loss(scaled, truth) <= log_loss(tempered(values, 1.0), truth) + 0.01


def test_a_few_right_answers_do_not_make_certain():
    values, truth = np.eye(3) * 5.0, np.arange(3)
    assert tempered(values, fit_scale(values, truth)).max() < 0.95


def test_nothing_to_fit():
    assert fit_scale(np.empty((0, 3)), np.empty(0, np.intp)) == 1
    assert fit_scale(np.ones((4, 1)), np.zeros(4, np.intp)) == 1
    assert fit_pool([np.empty((0, 3))] * 2, np.empty(0, np.intp)).tolist() == [0.5, 0.5]


def test_priors_are_not_scaled():
    values, truth = logits(3, n=2000)
    prior = np.log([0.6, 0.1, 0.1, 0.1, 0.1])
    rows = np.full(values.shape, prior)
    assert fit_scale(values, truth, offset=rows - rows) == pytest.approx(fit_scale(values, truth))


def test_a_pool_leaves_out_noise():
    good, truth = logits(1, n=2000)
    noise = np.random.default_rng(2).normal(size=good.shape)
    weights = fit_pool([good, noise], truth)
    assert weights[0] == pytest.approx(1, abs=0.1)
    assert weights[1] == 0


def test_a_pool_is_no_worse_than_its_members():
    values, truth = logits(4, n=1500)
    random = np.random.default_rng(5)
    members = [values + random.normal(size=values.shape) for _ in range(3)]
    weights = fit_pool(members, truth)
    losses = [log_loss(tempered(one, fit_scale(one, truth)), truth) for one in members]
    assert log_loss(tempered(pool(members, weights), 1.0), truth) < min(losses)


def test_logits_of_a_zero_are_finite():
    assert np.isfinite(as_logits(np.array([[0.0, 1.0]]))).all()
