"""The vote: scikit-learn's answers, settled ties, and nothing shifted by a damaged file."""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from pictures import picture, write_kinds
from tamis.classifiers.knn import KNNClassifier, classify
from tamis.classifiers.predictions import Predictions
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError, TableError, UnknownNameError
from tamis.features import FeatureTable, extract
from tamis.index import Matches
from tamis.table import ImageTable

SKLEARN = {"l1": "manhattan", "l2": "euclidean", "cosine": "cosine"}
COLOR = descriptor("color(bins=4)")


@parametrize_with_checks([KNNClassifier(3, metric="cosine", n_jobs=1)])
def test_it_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


# The same answers as scikit-learn


def both(X, y, k, metric):
    """Ours and scikit-learn's, fitted to the same data."""
    ours = KNNClassifier(k, metric=metric).fit(X, y)
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
    voter = KNNClassifier(4).fit(X, ["b", "a", "b", "c"])
    assert voter.predict_proba([[0]])[0] == pytest.approx([1 / 3, 2 / 3, 0])
    assert voter.predict([[0]]) == ["b"]


def test_a_near_duplicate_weighs_much_but_does_not_silence_the_others():
    X = np.array([[1e-4], [1]], np.float32)
    voter = KNNClassifier(2).fit(X, ["a", "b"])
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
    voter = KNNClassifier(3).fit(X, ["a", "b", "b"])
    weights = np.array([1 / 1, 1 / 2 + 1 / 6])
    assert voter.predict_proba([[1]])[0] == pytest.approx(weights / weights.sum())


def test_threads_do_not_change_the_answers():
    random = np.random.default_rng(0)
    X, queries = random.random((2, 50, 8), dtype=np.float32)
    y = random.integers(0, 3, 50)
    alone = KNNClassifier(5, n_jobs=1).fit(X, y).predict_proba(queries)
    assert (KNNClassifier(5, n_jobs=3).fit(X, y).predict_proba(queries) == alone).all()


# What is refused


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
        KNNClassifier().vote(Matches(np.zeros((1, 1), np.intp), np.ones((1, 1))))


# From pictures to predictions


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Examples of three kinds, and 75 pictures to sort with eight bad files among them."""
    top = tmp_path_factory.mktemp("classify")
    write_kinds(top / "train", 4)
    truth = write_kinds(top / "input", 25, first=100, flat=True)
    bad = []
    for number, (path, _) in enumerate(sorted(truth.items())):
        if number % 10 == 3:  # right before a good one, by name
            file = Path(path[: -len(".jpg")] + "!.jpg")
            file.write_bytes(b"" if number % 20 == 3 else Path(path).read_bytes()[:300])
            bad.append(os.fspath(file))
    return top, truth, bad


@pytest.fixture(scope="module")
def train(folders):
    return extract(ImageTable.from_folder(folders[0] / "train"), COLOR, jobs=1)


def equal(one, other):
    """Whether two predictions are the same, all of them."""
    return (
        one.paths == other.paths
        and one.classes == other.classes
        and (one.probabilities == other.probabilities).all()
        and (one.neighbours.indices == other.neighbours.indices).all()
        and (one.neighbours.distances == other.neighbours.distances).all()
        and one.failures == other.failures
        and one.settings == other.settings
    )


def test_bad_files_are_named_and_shift_nothing(folders, train):
    top, truth, bad = folders
    table = ImageTable.from_folder(top / "input")
    assert len(table) == len(truth) + len(bad) == 83
    found = classify(train, table, COLOR, k=3)
    assert [failure.path for failure in found.failures] == [p for p in table.paths if p in bad]
    assert {failure.reason for failure in found.failures}  # each says why
    assert all(failure.reason for failure in found.failures)
    assert list(found.paths) == [path for path in table.paths if path not in bad]
    assert found.labels == [truth[path] for path in found.paths]
    assert len(found) == len(found.confidence) == len(found.runners_up) == len(truth)
    # The same as each picture alone.
    for row in (0, 9, 40, 74):
        picked = table.select([table.paths.index(found.paths[row])])
        alone = classify(train, picked, COLOR, k=3)
        assert (alone.probabilities[0] == found.probabilities[row]).all()


def test_the_neighbours_lead_to_the_examples(folders, train):
    top, truth, _ = folders
    found = classify(train, ImageTable.from_folder(top / "input"), COLOR, k=3)
    assert found.train_paths == train.paths
    assert found.train_labels == train.labels
    assert found.neighbours.indices.shape == (len(truth), 3)
    for path, row in zip(found.paths, found.neighbours.indices, strict=True):
        assert {found.train_labels[i] for i in row} == {truth[path]}
        for i in row:
            assert os.path.basename(os.path.dirname(found.train_paths[i])) == truth[path]


def test_an_example_among_the_pictures_finds_itself(folders, train):
    table = ImageTable.from_folder(folders[0] / "train")
    found = classify(train, table, COLOR, k=4)
    assert found.labels == list(table.labels)
    assert (found.confidence == 1).all()
    assert (found.neighbours.distances[:, 0] == 0).all()


@pytest.mark.parametrize("jobs", [1, 3])
def test_piece_by_piece_is_as_in_one_piece(folders, train, monkeypatch, jobs):
    table = ImageTable.from_folder(folders[0] / "input")
    whole = classify(train, table, COLOR, k=3, jobs=1)
    lengths = []

    def counted(piece, *args, **kwargs):
        lengths.append(len(piece))
        return extract(piece, *args, **kwargs)

    monkeypatch.setattr("tamis.classifiers.knn.extract", counted)
    monkeypatch.setattr("tamis.classifiers.knn._CHUNK_BYTES", 0)
    done = []
    pieces = classify(train, table, COLOR, k=3, jobs=jobs, progress=done.append)
    assert lengths == [64, 19]
    assert sum(done) == 83
    assert equal(pieces, whole)


def test_a_piece_of_bad_files_only(folders, train, monkeypatch):
    top, _, bad = folders
    monkeypatch.setattr("tamis.classifiers.knn._CHUNK_BYTES", 0)
    good = ImageTable.from_folder(top / "input").select([0])
    paths = (*(bad * 9)[:64], *good.paths)
    table = ImageTable(paths, (None,) * 65, (None,) * 65)
    found = classify(train, table, COLOR)
    assert (len(found), len(found.failures)) == (1, 64)
    assert found.paths == good.paths


@pytest.mark.parametrize("n_bad", [0, 8])
def test_no_readable_picture_gives_no_rows(folders, train, n_bad):
    bad = tuple(folders[2][:n_bad])
    table = ImageTable(bad, (None,) * n_bad, (None,) * n_bad)
    found = classify(train, table, COLOR)
    assert len(found) == 0 and len(found.failures) == n_bad
    assert found.labels == found.runners_up == []
    assert found.confidence.shape == (0,)
    assert found.probabilities.shape == (0, 3)
    assert found.neighbours.indices.shape == found.neighbours.distances.shape == (0, 5)


def test_examples_without_a_class_are_passed_over(folders, train):
    table = ImageTable.from_folder(folders[0] / "input")
    known = [row for row, label in enumerate(train.labels) if label != "sky"]
    partly = FeatureTable(
        train.paths,
        tuple(None if label == "sky" else label for label in train.labels),
        train.features,
        train.spec,
    )
    found = classify(partly, table, COLOR, k=3)
    assert found.classes == ("bars", "tiles")
    assert found.settings["n_train"] == 8
    assert equal(found, classify(train.select(known), table, COLOR, k=3))


def test_what_the_answers_depend_on_is_said(folders, train):
    table = ImageTable.from_folder(folders[0] / "input").select([0])
    assert classify(train, table, COLOR, k=2, distance="cosine").settings == {
        "descriptor": COLOR.spec,
        "distance": "cosine",
        "k": 2,
        "vote": "1/distance",
        "n_train": 12,
    }


def test_one_example_for_each_of_many_classes_gives_no_warning(train):
    rows = [i % len(train) for i in range(24)]
    many = FeatureTable(
        tuple(train.paths[i] for i in rows),
        tuple(f"class-{i:02}" for i in range(24)),
        train.features[rows],
        train.spec,
    )
    assert len(classify(many, ImageTable((), (), ()), COLOR).classes) == 24


def test_nothing_to_learn_is_refused(train):
    unlabelled = FeatureTable(train.paths, (None,) * len(train), train.features, train.spec)
    for table in (unlabelled, train.select([])):
        with pytest.raises(TableError, match="nothing to learn"):
            classify(table, ImageTable((), (), ()), COLOR)


def test_two_descriptors_are_refused(train):
    other = descriptor("color(bins=5)")
    with pytest.raises(InvalidParameterError, match=r"bins=4.*bins=5"):
        classify(train, ImageTable((), (), ()), other)


def test_more_neighbours_than_examples_are_refused(train):
    with pytest.raises(InvalidParameterError, match=r"of examples, 12\. Got 13"):
        classify(train, ImageTable((), (), ()), COLOR, k=13)


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
