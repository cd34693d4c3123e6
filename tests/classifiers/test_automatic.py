"""`AutoClassifier`: what it chooses, and what it promises from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.classifiers.automatic import AutoClassifier
from tamis.errors import InvalidParameterError, ModelError
from tamis.metrics.calibration import log_loss


def data(n=60, dim=10, n_classes=3, seed=0, noise=0.6):
    random = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    X = random.normal(size=(n_classes, dim))[y] + noise * random.normal(size=(n, dim))
    return X.astype(np.float32), y


def test_the_pool_is_no_worse_out_of_fold_than_the_best_learner():
    auto = AutoClassifier().fit(*data(noise=1.2))
    *learners, pool = auto.scores_
    assert pool["learner"] == "pool"
    assert pool["loss"] <= min(row["loss"] for row in learners) + 0.01
    assert set(auto.members_) <= {row["learner"] for row in learners}


def test_its_answers_out_of_fold_tell_what_it_is_worth():
    X, y = data(n=900, noise=1.6)
    auto = AutoClassifier().fit(X[:300], y[:300])
    told = auto.cross_validation()
    assert told["n_images"] == 300
    low, high = told["accuracy_ci"]
    assert low - 0.03 < auto.score(X[300:], y[300:]) < high + 0.03
    answers = auto.predict_proba(X[300:])
    assert abs(log_loss(answers, y[300:]) - told["log_loss"]) < 0.15


@settings(max_examples=8)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 99))
def test_any_numbers_of_examples_can_be_learned_from(counts, seed):
    random = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    X = random.normal(size=(len(y), 7)).astype(np.float32)
    auto = AutoClassifier().fit(X, y)
    answers = auto.predict_proba(X)
    np.testing.assert_allclose(answers.sum(axis=1), 1)
    assert len(auto.out_of_fold_) == sum(n for n in counts if n > 1)


def test_one_example_of_each_class_leaves_nothing_to_choose_by():
    X, y = data()
    auto = AutoClassifier().fit(X[:3], y[:3])
    assert list(auto.members_) == ["class-means"]
    assert auto.cross_validation() == {}
    assert auto.predict(X[:3]).tolist() == [0, 1, 2]


def test_one_example_of_one_class_and_many_of_another():
    X, y = data(n=300, n_classes=2)
    rows = np.append(np.flatnonzero(y == 0), 1)
    auto = AutoClassifier().fit(X[rows], y[rows])
    assert len(auto.out_of_fold_) == 150


def test_copies_do_not_vouch_for_each_other():
    X, y = data(noise=3.0)
    auto = AutoClassifier().fit(np.concatenate([X, X[:30]]), np.concatenate([y, y[:30]]))
    assert len(auto.out_of_fold_) == 30  # the others have a copy


def test_blocks_must_fit():
    with pytest.raises(InvalidParameterError, match=r"blocks must sum .* 10\. Got \(3, 3\)"):
        AutoClassifier(blocks=(3, 3)).fit(*data())


def two_views(n=120, seed=0):
    """Make vectors of which two blocks tell halves of the classes each."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 4
    first = random.normal(size=(2, 6))[y // 2] + 0.6 * random.normal(size=(n, 6))
    second = random.normal(size=(2, 5))[y % 2] + 0.6 * random.normal(size=(n, 5))
    return np.hstack([first, second]).astype(np.float32), y


def test_a_second_view_is_pooled_with_the_first():
    X, y = two_views()
    alone = AutoClassifier(blocks=[6]).fit(X[:80, :6], y[:80]).score(X[80:, :6], y[80:])
    both = AutoClassifier(blocks=[6, 5], views=[0, 1]).fit(X[:80], y[:80])
    assert "discriminant of colour and texture" in both.members_
    assert both.score(X[80:], y[80:]) > alone + 0.2


def test_neighbours_are_those_by_the_first_view():
    X, y = two_views()
    both = AutoClassifier(blocks=[5, 6], views=[1, 0]).fit(np.hstack([X[:, 6:], X[:, :6]]), y)
    alone = AutoClassifier(blocks=[6]).fit(X[:, :6], y)
    found = both.explain(np.hstack([X[:, 6:], X[:, :6]]))
    assert (found.indices == alone.explain(X[:, :6]).indices).all()


def test_views_survive_a_file():
    X, y = two_views()
    fitted = AutoClassifier(blocks=[6, 5], views=[0, 1]).fit(X, y)
    again = AutoClassifier.from_arrays(*fitted.to_arrays())
    assert (again.predict_proba(X) == fitted.predict_proba(X)).all()
    assert (again.explain(X).distances == fitted.explain(X).distances).all()
    config, arrays = fitted.to_arrays()
    with pytest.raises(ModelError, match="views do not fit"):
        AutoClassifier.from_arrays(config, arrays | {"views": np.array([1, 1])})


@pytest.mark.parametrize("views", [[0], [1, 1], [0, 2]])
def test_views_that_do_not_fit_are_refused(views):
    with pytest.raises(InvalidParameterError, match="views must be"):
        AutoClassifier(blocks=[6, 5], views=views).fit(*two_views())
