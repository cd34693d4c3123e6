"""Doubtful examples: those whose class the others deny."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import InvalidParameterError
from tamis.trust.suspects import pooled_opinion, suspect


def answers(codes: np.ndarray, n_classes: int, sure: float) -> np.ndarray:
    """Give probabilities that favour a class."""
    table = np.full((len(codes), n_classes), (1 - sure) / (n_classes - 1))
    table[np.arange(len(codes)), codes] = sure
    return table


def test_planted_wrong_classes_come_first_and_are_counted() -> None:
    truth = np.repeat(np.arange(3), 20)
    codes = truth.copy()
    codes[[4, 25]] = [2, 0]
    found = suspect(answers(truth, 3, 0.9), codes)
    assert sorted(found.ranked()[:2]) == [4, 25]
    assert np.flatnonzero(found.doubtful).tolist() == [4, 25]
    assert found.answers[[4, 25]].tolist() == [0, 1]
    assert np.allclose(found.belief[[4, 25]], 0.05) and np.allclose(found.likelihood[[4]], 0.9)


def test_right_classes_are_not_doubtful_however_unsure() -> None:
    codes = np.repeat(np.arange(4), 5)
    found = suspect(answers(codes, 4, 0.3), codes)
    assert not found.doubtful.any()


def test_of_classes_that_are_sure_a_weaker_denial_is_enough() -> None:
    truth = np.repeat([0, 1], 50)
    codes = truth.copy()
    codes[0] = 1
    table = answers(truth, 2, 0.999)
    table[0] = [0.85, 0.15]
    assert np.flatnonzero(suspect(table, codes).doubtful).tolist() == [0]


def test_neighbours_are_a_second_opinion() -> None:
    codes = np.array([0, 0, 0, 1, 1, 1])
    first, second = answers(codes, 2, 0.8), answers(codes, 2, 0.8)
    second[1] = [0.001, 0.999]
    first[1] = [0.5, 0.5]
    assert suspect(first, codes, second).ranked()[0] == 1


def test_an_unanswered_class_is_nobodys_answer() -> None:
    codes = np.array([0, 0, 1, 1])
    found = suspect(np.hstack([answers(codes, 2, 0.9), np.zeros((4, 1))]), codes)
    assert not found.doubtful.any()


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 40))
def test_whatever_the_answers_the_ranking_names_all_once(seed: int, k: int, n: int) -> None:
    chance = np.random.default_rng(seed)
    table = chance.dirichlet(np.full(k, 0.3), n)
    codes = chance.integers(0, k, n)
    found = suspect(table, codes)
    assert sorted(found.ranked()) == list(range(n))
    assert (found.answers != codes).all()
    assert found.doubt[found.doubtful].min(initial=1) > 0
    ranks = found.ranked()[: found.doubtful.sum()]
    assert set(ranks) == set(np.flatnonzero(found.doubtful))


def test_pooled_opinions_sum_to_one() -> None:
    chance = np.random.default_rng(0)
    pooled = pooled_opinion(chance.dirichlet([1, 1, 1], 5), np.eye(3)[[0, 1, 2, 0, 1]])
    assert np.allclose(pooled.sum(axis=1), 1)


@pytest.mark.parametrize(("shape", "n"), [((4, 1), 4), ((4, 2), 3)])
def test_what_does_not_fit_is_refused(shape: tuple[int, int], n: int) -> None:
    with pytest.raises(InvalidParameterError, match="two classes or more"):
        suspect(np.ones(shape), np.zeros(n, int))
