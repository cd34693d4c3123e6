"""The closed forms against a fit without each row, and against scikit-learn."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tamis.classifiers.class_means import ClassMeansClassifier
from tamis.classifiers.discriminant import DiscriminantClassifier, _Scatter
from tamis.classifiers.linear import normalised
from tamis.errors import InvalidParameterError


def data(n=40, dim=6, n_classes=4, seed=0):
    random = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    X = random.normal(size=(n_classes, dim))[y] + 0.7 * random.normal(size=(n, dim))
    return X.astype(np.float32), y


@pytest.mark.parametrize("dim", [6, 70])  # fewer values than rows, and more
def test_leaving_a_row_out_is_fitting_without_it(dim):
    X, y = data(dim=dim)
    scatter = _Scatter.of(normalised(X, (dim,), 1.0), y, 4)
    quick, _ = scatter.left_out(0.4)
    for row in (0, 5, 39):
        rest = np.arange(len(X)) != row
        other = normalised(X, (dim,), 1.0).astype(np.float64)
        means = np.stack([other[rest & (y == c)].mean(axis=0) for c in range(4)])
        about = other[rest] - means[y[rest]]
        covariance = 0.6 * about.T @ about / (len(X) - 1) + 0.4 * scatter.variance * np.eye(dim)
        away = other[row] - means
        slow = -np.einsum("ci,ij,cj->c", away, np.linalg.inv(covariance), away) / 2
        if dim > len(X):  # what is common to all classes is left out
            slow, fast = slow - slow.max(), quick[row] - quick[row].max()
        else:
            fast = quick[row]
        np.testing.assert_allclose(fast, slow, rtol=1e-6, atol=1e-6)


def test_the_intensity_is_that_of_ledoit_and_wolf():
    X, y = data(dim=15)
    rows = normalised(X, (15,), 1.0).astype(np.float64)
    means = np.stack([rows[y == c].mean(axis=0) for c in range(4)])
    expected = ledoit_wolf_shrinkage(rows - means[y], assume_centered=True)
    assert _Scatter.of(normalised(X, (15,), 1.0), y, 4).ledoit_wolf == pytest.approx(expected)


@pytest.mark.parametrize("dim", [6, 70])
def test_the_answers_are_those_of_scikit_learn(dim):
    X, y = data(n=60, dim=dim)
    rows = normalised(X, (dim,), 1.0).astype(np.float64)
    ours = DiscriminantClassifier(shrinkage=1.0).fit(X, y)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1.0).fit(rows, y)
    assert (ours.predict(X) == theirs.predict(rows)).all()


def test_every_shrinkage_is_tried_by_leaving_out():
    X, y = data(dim=70)
    chosen = DiscriminantClassifier().fit(X, y)
    loss = -log_softmax(chosen.left_out_, axis=1)[np.arange(40), y].mean()
    intensity = _Scatter.of(normalised(X, (70,), 1.0), y, 4).ledoit_wolf
    for shrinkage in (s for s in (intensity, 0.5, 0.7, 0.85) if s >= intensity):
        other = DiscriminantClassifier(shrinkage=shrinkage).fit(X, y)
        assert loss <= -log_softmax(other.left_out_, axis=1)[np.arange(40), y].mean() + 1e-9


@pytest.mark.parametrize("kind", [DiscriminantClassifier, ClassMeansClassifier])
def test_one_example_of_each_class_is_enough(kind):
    X, y = data()
    one = kind().fit(X[:4], y[:4])
    assert one.alone_.all()
    assert (one.predict(X[:4]) == y[:4]).all()
    assert np.isfinite(one.predict_proba(X)).all()


@pytest.mark.parametrize("kind", [DiscriminantClassifier, ClassMeansClassifier])
def test_one_and_many_examples(kind):
    X, y = data(n=200, n_classes=2)
    rows = np.append(np.flatnonzero(y == 0), 1)
    fitted = kind().fit(X[rows], y[rows])
    assert fitted.alone_.sum() == 1
    assert (fitted.predict(X[y == 0]) == 0).mean() > 0.8
    assert np.isfinite(fitted.left_out_).all()


def test_class_means_without_a_row():
    X, y = data()
    fitted = ClassMeansClassifier().fit(X, y)
    rows = normalised(X, (6,), 1.0).astype(np.float64)
    for row in (0, 7):
        rest = np.arange(40) != row
        means = np.stack([rows[rest & (y == c)].sum(axis=0) for c in range(4)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        np.testing.assert_allclose(fitted.left_out_[row], fitted.scale_ * means @ rows[row])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"blocks": (2, 2)}, r"blocks must sum to the length of the vectors, 6\. Got \(2, 2\)"),
        ({"power": 0.0}, r"power must be in \]0, 1\]"),
        ({"shrinkage": 0.0}, r"shrinkage must be in \]0, 1\]\. Got 0\.0"),
    ],
)
def test_what_is_out_of_range_is_refused(options, text):
    with pytest.raises(InvalidParameterError, match=text):
        DiscriminantClassifier(**options).fit(*data())
