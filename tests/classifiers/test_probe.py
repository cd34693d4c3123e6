"""The probe: against scikit-learn's own logistic regression, and as one of its estimators."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score

from tamis.classifiers.linear import LinearHead, normalised
from tamis.classifiers.out_of_fold import spread
from tamis.classifiers.probe import ProbeClassifier, blocks_of
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError, ModelError


def blobs(n=240, dim=12, classes=4, noise=1.0, seed=0):
    random = np.random.default_rng(seed)
    y = np.arange(n) % classes
    centres = random.normal(size=(classes, dim))
    X = np.abs(centres[y] + noise * random.normal(size=(n, dim))).astype(np.float32)
    return X, np.array(list("dbca"))[y]


@pytest.mark.parametrize("power", [1.0, 0.5])
@pytest.mark.parametrize("strength", [1e-1, 1e-3])
@pytest.mark.parametrize("weight", [None, "balanced"])
def test_it_finds_what_scikit_learn_finds(strength, weight, power):
    X, y = blobs()
    keep = (y != "a") | (np.arange(len(y)) % 3 == 0)  # one class is rarer
    X, y = X[keep], y[keep]
    probe = ProbeClassifier(l2=[strength], powers=[power], class_weight=weight).fit(X, y)
    # What the probe does to vectors before, as its docstring says.
    vectors = normalised(X, (X.shape[1],), power).astype(np.float64)
    vectors -= vectors.mean(axis=0)
    vectors /= np.sqrt((vectors**2).sum() / (len(vectors) - 1))
    other = LogisticRegression(C=1 / (strength * len(X)), class_weight=weight, tol=1e-10)
    other.set_params(max_iter=10_000).fit(vectors, y)
    assert list(probe.classes_) == list(other.classes_) == list("abcd")
    found = probe.predict_proba(X)
    assert np.abs(found - other.predict_proba(vectors)).max() < 5e-3
    # Nobody finds a lower loss than the minimum.
    assert log_loss(y, found) == pytest.approx(log_loss(y, other.predict_proba(vectors)), abs=2e-4)


def test_the_strength_with_the_lowest_loss_is_taken():
    X, y = blobs(noise=2.0)
    probe = ProbeClassifier().fit(X, y)
    losses = [row["loss"] for row in probe.scores_]
    best = int(np.argmin(losses))
    assert probe.l2_ == probe.scores_[best]["strength"]
    assert best < len(losses) - 1, "the noise was meant to make the weakest one worse"
    assert all(0 <= row["accuracy"] <= 1 for row in probe.scores_)
    assert [row["strength"] for row in probe.scores_] == sorted(
        (row["strength"] for row in probe.scores_), reverse=True
    )


def test_the_power_with_the_lowest_loss_is_taken():
    X, y = blobs(noise=2.0)
    alone = {
        power: min(row["loss"] for row in ProbeClassifier(powers=[power]).fit(X, y).scores_)
        for power in (1.0, 0.5)
    }
    probe = ProbeClassifier().fit(X, y)
    assert probe.power_ == min(alone, key=alone.get) == probe.head_.power
    assert min(row["loss"] for row in probe.scores_) == min(alone.values())


@pytest.mark.parametrize("powers", [[], [0.0], [2.0]])
def test_a_power_out_of_range_is_refused(powers):
    with pytest.raises(InvalidParameterError, match=r"powers must be in"):
        ProbeClassifier(powers=powers).fit(*blobs())


def test_noise_is_not_believed():
    random = np.random.default_rng(1)
    X, y = random.random((150, 30)), np.array(list("abc") * 50)
    assert ProbeClassifier().fit(X, y).predict_proba(X).max() < 0.6


def test_more_values_than_pictures_and_than_are_learned_from():
    random = np.random.default_rng(0)
    y = np.array(list("ab") * 20)
    X = random.random((40, 2500)).astype(np.float32)
    X[y == "a", :300] += 0.5
    probe = ProbeClassifier().fit(X[:30], y[:30])
    assert probe.head_.weights.shape == (2500, 2)
    assert probe.score(X[30:], y[30:]) == 1


def test_a_part_of_large_values_does_not_drown_the_others():
    X, y = blobs(noise=0.5)
    loud = np.random.default_rng(0).random((len(X), 12)).astype(np.float32) * 1e6
    both = np.hstack([X, loud])
    apart = ProbeClassifier(blocks=(12, 12)).fit(both[:160], y[:160]).score(both[160:], y[160:])
    as_one = ProbeClassifier().fit(both[:160], y[:160]).score(both[160:], y[160:])
    assert apart > 0.8 > as_one


def test_it_is_an_estimator_of_scikit_learn():
    X, y = blobs(noise=0.3)
    assert cross_val_score(ProbeClassifier(), X, y, cv=3).mean() > 0.95
    numbers = np.searchsorted(np.unique(y), y)
    probe = ProbeClassifier().fit(X, numbers)
    assert probe.n_features_in_ == 12
    assert set(probe.predict(X)) <= set(numbers)
    with pytest.raises(ValueError, match="features"):
        probe.predict(X[:, :3])


def test_the_same_data_give_the_same_probe():
    X, y = blobs()
    one, two = (ProbeClassifier(seed=3).fit(X, y) for _ in range(2))
    assert (one.head_.weights == two.head_.weights).all()
    assert one.scores_ == two.scores_


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"l2": []}, "l2 must be positive"),
        ({"l2": [0.0]}, "l2 must be positive"),
        ({"folds": 1}, "folds must be at least 2"),
        ({"blocks": (5, 5)}, "must sum to the length of the vectors, 12"),
    ],
)
def test_parameters_out_of_range_are_refused(options, said):
    with pytest.raises(InvalidParameterError, match=said):
        ProbeClassifier(**options).fit(*blobs())


def test_one_class_is_refused():
    X, _ = blobs()
    with pytest.raises(InvalidParameterError, match=r"at least two classes\. Got 1"):
        ProbeClassifier().fit(X, ["a"] * len(X))


def test_a_class_of_one_picture_is_learned_too():
    X, y = blobs(noise=0.3)
    y = y.astype("U5")
    y[0] = "alone"
    probe = ProbeClassifier().fit(X, y)
    assert "alone" in probe.classes_
    assert np.isfinite(probe.predict_proba(X)).all()


def test_folds_are_even_in_each_class():
    codes = np.repeat([0, 1, 2], [10, 7, 1])
    folds = spread(codes, 3, seed=5)
    for code in (0, 1):
        counts = np.bincount(folds[codes == code], minlength=3)
        assert counts.max() - counts.min() <= 1
    assert (folds == spread(codes, 3, seed=5)).all()
    assert (folds != spread(codes, 3, seed=6)).any()


def test_folds_of_whole_groups():
    random = np.random.default_rng(3)
    codes = np.repeat(np.arange(4), 30)
    groups = random.integers(0, 10, len(codes)) + 10 * codes
    folds = spread(codes, 5, seed=0, groups=groups)
    assert all(len(set(folds[groups == group])) == 1 for group in np.unique(groups))
    counts = np.array([np.bincount(codes[folds == fold], minlength=4) for fold in range(5)])
    assert counts.min() > 0
    assert (folds == spread(codes, 5, seed=0, groups=groups)).all()


def test_a_head_answers_each_row_alone():
    X, y = blobs()
    head = ProbeClassifier().fit(X, y).head_
    whole = head.probabilities(X)
    assert np.allclose(whole.sum(axis=1), 1)
    for rows in (slice(0, 1), slice(3, 80), slice(200, None)):
        assert (head.probabilities(X[rows]) == whole[rows]).all()
    assert head.probabilities(X[:0]).shape == (0, 4)


def test_a_black_picture_has_an_answer():
    X, y = blobs()
    answers = ProbeClassifier().fit(X, y).predict_proba(np.zeros((1, 12)))
    assert np.isfinite(answers).all()


def test_a_head_must_be_finite_and_fit():
    with pytest.raises(ModelError, match="finite"):
        LinearHead((1,), np.full((1, 2), np.nan, np.float32), np.zeros(2, np.float32))
    with pytest.raises(ModelError, match="shape"):
        LinearHead((2,), np.zeros((1, 2), np.float32), np.zeros(2, np.float32))


def test_the_parts_are_those_of_a_fusion():
    lbp, moments = descriptor("lbp").dim, descriptor("moments").dim
    assert blocks_of(descriptor("lbp+moments")) == (lbp, moments)
    assert blocks_of(descriptor("lbp")) == (lbp,)
    assert blocks_of(descriptor("lbp+moments>gauss16")) == (16,)
