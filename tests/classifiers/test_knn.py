"""The vote by 1/distance: scikit-learn's answers, settled ties. The vote by a kernel."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from pictures import picture
from tamis.classifiers.knn import KNNClassifier
from tamis.classifiers.predictions import Predictions
from tamis.classifiers.votes import KernelVote
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.features.index import Matches
from tamis.metrics.calibration import calibration_error, log_loss

SKLEARN = {"l1": "manhattan", "l2": "euclidean", "cosine": "cosine"}
COLOR = descriptor("color(bins=4)")


@parametrize_with_checks([KNNClassifier(3, metric="cosine", n_jobs=1)])
def test_it_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


# The same answers as scikit-learn


def both(X, y, k, metric):
    """Ours and scikit-learn's, fitted to the same data."""
    ours = KNNClassifier(k, metric=metric, vote="inverse").fit(X, y)
    theirs = KNeighborsClassifier(
        k, weights="distance", algorithm="brute", metric=SKLEARN[metric]
    ).fit(X, y)
    return ours, theirs


@pytest.mark.parametrize("metric", SKLEARN)
@pytest.mark.parametrize("k", [1, 2, 5, 60])
def test_answers_on_random_data(metric, k):
    random = np.random.default_rng(k)
    X = random.random((60, 12), dtype=np.float32)
    y = random.integers(0, 5, 60)
    queries = random.random((200, 12), dtype=np.float32)
    ours, theirs = both(X, y, k, metric)
    assert (ours.predict(queries) == theirs.predict(queries)).all()
    # scikit-learn works in float64: a weight differs by the relative rounding of its distance.
    np.testing.assert_allclose(
        ours.predict_proba(queries), theirs.predict_proba(queries), rtol=0, atol=1e-4
    )
    assert (ours.kneighbors(queries).indices == theirs.kneighbors(queries)[1]).all()


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("k", [1, 3, 80])
def test_answers_where_examples_recur_among_the_queries(metric, k):
    # Whole numbers, so that both compute the distances exactly, and far enough apart that
    # no two are equal by chance; each example twice, at times with another class.
    random = np.random.default_rng(k)
    X = np.repeat(random.integers(0, 1000, (40, 20)), 2, axis=0).astype(np.float32)
    y = random.integers(0, 3, 80)
    queries = np.concatenate([X[::2], random.integers(0, 1000, (50, 20)).astype(np.float32)])
    ours, theirs = both(X, y, k, metric)
    assert (ours.kneighbors(queries).distances[:40, 0] == 0).all()
    if k == 80:  # else which of two equal examples votes is open in scikit-learn
        assert (ours.predict(queries) == theirs.predict(queries)).all()
        np.testing.assert_allclose(
            ours.predict_proba(queries), theirs.predict_proba(queries), rtol=0, atol=1e-6
        )
    else:
        distances = ours.kneighbors(queries).distances
        np.testing.assert_allclose(distances, theirs.kneighbors(queries)[0], rtol=1e-6)


def test_answers_by_cosine_where_examples_recur():
    # Four coordinates of +-1/2: units, whose products are exact in both.
    random = np.random.default_rng(0)
    X = np.zeros((50, 12), np.float32)
    for row in X:
        row[random.permutation(12)[:4]] = random.choice([-0.5, 0.5], 4)
    X[25:] = X[:25]
    y = random.integers(0, 3, 50)
    ours, theirs = both(X, y, 50, "cosine")
    assert (ours.kneighbors(X).distances[:, 1] == 0).all()
    assert (ours.predict(X) == theirs.predict(X)).all()
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-12)


def test_names_are_classes():
    X = np.eye(4, dtype=np.float32)
    y = ["été", "0.0", "\udce9", "été"]
    ours = KNNClassifier(1).fit(X, y)
    assert ours.classes_.tolist() == sorted(set(y))
    assert ours.predict(X).tolist() == y


def test_many_names_are_classes_without_a_warning():
    # scikit-learn takes more classes than half the samples for a sign of a regression.
    X = np.eye(30, dtype=np.float32)
    names = [f"person-{i:02}" for i in range(30)]
    assert KNNClassifier(1).fit(X, names).predict(X).tolist() == names


# Ties


def test_of_exact_duplicates_only_they_vote_and_equally():
    X = np.array([[0], [0], [0], [0.001]], np.float32)
    voter = KNNClassifier(4, vote="inverse").fit(X, ["b", "a", "b", "c"])
    assert voter.predict_proba([[0]])[0] == pytest.approx([1 / 3, 2 / 3, 0])
    assert voter.predict([[0]]) == ["b"]


def test_a_near_duplicate_weighs_much_but_does_not_silence_the_others():
    X = np.array([[1e-4], [1]], np.float32)
    voter = KNNClassifier(2, vote="inverse").fit(X, ["a", "b"])
    assert voter.predict_proba([[0]])[0] == pytest.approx([1 / 1.0001, 0.0001 / 1.0001])


def test_of_equal_votes_the_first_class_in_sorted_order_wins():
    X = np.array([[1], [-1]], np.float32)
    for labels in (["b", "a"], ["a", "b"]):
        voter = KNNClassifier(2).fit(X, labels)
        assert voter.predict([[0]]) == ["a"]
        assert voter.predict_proba([[0]]).tolist() == [[0.5, 0.5]]


def test_of_equal_distances_the_first_example_votes():
    X = np.array([[1], [-1], [1]], np.float32)
    voter = KNNClassifier(1).fit(X, ["c", "b", "a"])
    assert voter.predict([[0]]) == ["c"]
    assert voter.predict([[1]]) == ["c"]
    assert voter.kneighbors([[0]]).indices.tolist() == [[0]]


def test_the_weights_are_the_inverse_distances():
    X = np.array([[0], [3], [7]], np.float32)
    voter = KNNClassifier(3, vote="inverse").fit(X, ["a", "b", "b"])
    weights = np.array([1 / 1, 1 / 2 + 1 / 6])
    assert voter.predict_proba([[1]])[0] == pytest.approx(weights / weights.sum())


def test_threads_do_not_change_the_answers():
    random = np.random.default_rng(0)
    X, queries = random.random((2, 50, 8), dtype=np.float32)
    y = random.integers(0, 3, 50)
    alone = KNNClassifier(5, n_jobs=1).fit(X, y).predict_proba(queries)
    assert (KNNClassifier(5, n_jobs=3).fit(X, y).predict_proba(queries) == alone).all()


# The kernel


def clusters(n=300, spread=0.6, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(0, 4, n)
    centres = np.random.default_rng(9).normal(size=(4, 6))
    return (centres[y] + spread * random.normal(size=(n, 6))).astype(np.float32), y


def test_the_kernel_is_calibrated_and_no_less_right_than_the_original_vote():
    X, y = clusters()
    queries, truth = clusters(2000, seed=1)
    kernel = KNNClassifier(metric="l2").fit(X, y)
    original = KNNClassifier(metric="l2", vote="inverse").fit(X, y)
    ours, theirs = kernel.predict_proba(queries), original.predict_proba(queries)
    assert log_loss(ours, truth) < 0.7 * log_loss(theirs, truth)
    assert calibration_error(ours, truth) < calibration_error(theirs, truth)
    assert kernel.score(queries, truth) > original.score(queries, truth) - 0.005
    told = kernel.cross_validation()
    assert told["n_images"] == 300
    assert abs(kernel.score(queries, truth) - told["accuracy"]) < 0.04


def test_an_example_is_answered_out_of_fold_without_itself():
    X, y = clusters(40)
    y = y.copy()
    y[7] = 3 - y[7]
    voter = KNNClassifier(metric="l2").fit(X, y)
    known = voter.out_of_fold_
    for row, answer in zip(known.rows, known.probabilities, strict=True):
        others = np.arange(40) != row
        alone = KNNClassifier(min(voter.n_neighbors_, 39), metric="l2").fit(X[others], y[others])
        matches = alone.kneighbors(X[[row]])
        by_hand = voter.kernel_.probabilities(matches.distances, alone._y[matches.indices], 4)
        np.testing.assert_allclose(answer, by_hand[0], rtol=1e-6)


def test_copies_and_examples_alone_in_their_class_are_not_left_out():
    X, y = clusters(30)
    X, y = np.concatenate([X, X[:5]]), np.concatenate([y, y[:5]])
    y[10] = 9
    rows = KNNClassifier(metric="l2").fit(X, y).out_of_fold_.rows
    assert rows.tolist() == [row for row in range(5, 30) if row != 10]


def test_a_query_that_is_an_example_has_its_class():
    X, y = clusters(60, spread=3.0)
    voter = KNNClassifier(metric="l2").fit(X, y)
    assert voter.predict(X).tolist() == y.tolist()


@pytest.mark.parametrize("labels", [["a"], ["a", "b"], ["a", "a"], ["a", "a", "b"]])
def test_few_examples_are_enough(labels):
    X = np.eye(3, dtype=np.float32)[: len(labels)]
    voter = KNNClassifier().fit(X, labels)
    assert voter.predict(X).tolist() == labels
    assert 1 <= voter.n_neighbors_ <= 3


def test_ten_right_answers_do_not_make_certain():
    X = np.concatenate([np.zeros((5, 2)), np.ones((5, 2))]) + 1e-3 * np.arange(10)[:, None]
    voter = KNNClassifier().fit(X, ["a"] * 5 + ["b"] * 5)
    assert voter.predict_proba([[0.5e-3, 0.5e-3]]).max() < 0.99


def test_many_examples_are_left_out_in_part(monkeypatch):
    monkeypatch.setattr("tamis.classifiers.knn._ASKED", 50)
    X, y = clusters()
    voter = KNNClassifier(metric="l2").fit(X, y)
    assert len(voter.out_of_fold_) == 50


@pytest.mark.parametrize(
    "change", [{"width": 0.0}, {"smoothing": 0.0}, {"exponent": np.nan}, {"k": 0}]
)
def test_a_kernel_out_of_range_is_refused(change):
    values = {"k": 3, "width": 0.1, "smoothing": 0.1, "exponent": 1.0} | change
    with pytest.raises(InvalidParameterError, match="must be"):
        KernelVote(**values)


# What is refused


def test_an_unknown_vote_is_refused():
    with pytest.raises(InvalidParameterError, match="kernel, inverse"):
        KNNClassifier(vote="loudest").fit(np.eye(2), ["a", "b"])


@pytest.mark.parametrize("k", [0, 4])
def test_the_number_of_neighbours_is_bounded(k):
    with pytest.raises(InvalidParameterError, match=rf"at most .* = 3\)\. Got {k}"):
        KNNClassifier(k).fit(np.eye(3), ["a", "b", "c"])


def test_an_unknown_distance_is_refused():
    with pytest.raises(UnknownNameError, match="cosine"):
        KNNClassifier(1, metric="cosines").fit(np.eye(2), ["a", "b"])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "kneighbors"])
def test_it_must_be_fitted_first(method):
    with pytest.raises(NotFittedError):
        getattr(KNNClassifier(), method)([[0]])
    with pytest.raises(NotFittedError):
        KNNClassifier().tally(Matches(np.zeros((1, 1), np.intp), np.ones((1, 1))))


# Predictions


def predictions(probabilities, classes=("a", "b", "c")):
    n = len(probabilities)
    return Predictions(
        paths=tuple(f"{i}.jpg" for i in range(n)),
        classes=classes,
        probabilities=np.array(probabilities, float).reshape(n, len(classes)),
        neighbours=Matches(np.zeros((n, 1), np.intp), np.ones((n, 1))),
        train_paths=("t.jpg",),
        train_labels=("a",),
        failures=(),
        settings={},
    )


def test_first_and_second_class_of_each_picture():
    found = predictions([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]])
    assert found.labels == ["b", "a", "c", "a"]
    assert found.confidence.tolist() == [0.5, 0.4, 1.0, 1 / 3]
    assert found.runners_up == [("c", 0.3), ("c", 0.4), ("a", 0.0), ("b", 1 / 3)]


def test_with_one_class_nobody_runs_up():
    found = predictions([[1], [1]], classes=("a",))
    assert found.labels == ["a", "a"]
    assert found.confidence.tolist() == [1, 1]
    assert found.runners_up == [("", 0.0)] * 2


def test_the_pictures_of_this_test_differ():
    # Else the tests above would show nothing.
    vectors = COLOR.describe([picture(kind, 0) for kind in ("bars", "sky", "tiles")])
    for i in range(3):
        assert np.abs(vectors - vectors[i]).sum(axis=1)[[j for j in range(3) if j != i]].min() > 0.5
