"""Pictures of no class: found, at the stated rate of false alarms."""

import numpy as np
import pytest

from tamis.classifiers.automatic import AutoClassifier
from tamis.classifiers.knn import KNNClassifier
from tamis.errors import InvalidParameterError
from tamis.trust.novelty import Novelty, check_rate


def clusters(n, centres, seed):
    random = np.random.default_rng(seed)
    y = random.integers(0, len(centres), n)
    return (centres[y] + 0.5 * random.normal(size=(n, 8))).astype(np.float32), y


CENTRES = np.random.default_rng(3).normal(size=(5, 8)) * 1.5


def p_values(learner, X):
    answers, matches = learner.answer(X)
    return learner.novelty().p_values(matches.distances, matches.indices, answers.max(axis=1))


@pytest.mark.parametrize("learner", [KNNClassifier(metric="l2"), AutoClassifier()])
def test_another_class_and_another_kind_are_found_at_the_stated_rate(learner):
    X, y = clusters(400, CENTRES[:4], 0)
    learner.fit(X, y)
    alike = p_values(learner, clusters(2000, CENTRES[:4], 1)[0])
    for rate in (0.01, 0.05, 0.1):
        assert (alike <= rate).mean() == pytest.approx(rate, abs=0.015 + rate / 4)
    other = p_values(learner, clusters(500, CENTRES[4:], 2)[0])
    far = p_values(learner, np.random.default_rng(4).normal(size=(200, 8)) * 20 + 30)
    assert (other <= 0.05).mean() > 0.6
    if isinstance(learner, KNNClassifier):  # vectors of length 1 cannot be far
        assert (far <= 0.01).all()


def test_an_example_is_like_the_examples():
    X, y = clusters(100, CENTRES, 0)
    learner = KNNClassifier(metric="l2").fit(X, y)
    assert np.median(p_values(learner, X)) > 0.4


def test_none_can_be_left_out():
    with pytest.raises(InvalidParameterError, match="at least two of a class"):
        KNNClassifier().fit(np.eye(3), ["a", "b", "c"]).novelty()
    with pytest.raises(InvalidParameterError, match="Add examples"):
        Novelty.fit(np.empty((1, 0)), np.empty((1, 0), int), np.empty(0), np.empty(0, int))


@pytest.mark.parametrize("rate", [0, 1, -1, float("nan")])
def test_a_rate_is_a_share(rate):
    with pytest.raises(InvalidParameterError, match="rate of false alarms"):
        check_rate(rate)
