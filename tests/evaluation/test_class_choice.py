"""Subsets of classes are scored as a classifier on them alone would score."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import silhouette_score
from sklearn.neighbors import KNeighborsClassifier

from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.evaluation.class_choice import study_classes
from tamis.features import FeatureTable

NAMES = "ant bee cat dog eel".split()


def table(counts, seed, distance="l1"):
    rng = np.random.default_rng(seed)
    labels = [name for name, n in zip(NAMES, counts, strict=True) for _ in range(n)]
    centres = {name: np.random.default_rng(i).normal(0, 1, 6) for i, name in enumerate(NAMES)}
    values = np.array([rng.normal(centres[label], 1.0) for label in labels], np.float32)
    order = rng.permutation(len(labels))
    paths = tuple(f"{labels[i]}/{seed}-{i}.png" for i in order)
    return FeatureTable(paths, tuple(labels[i] for i in order), values[order], "x", (), distance)


EXAMPLES, TEST = table([12, 9, 30, 4, 20], 1), table([10, 8, 12, 5, 9], 2)


def of(features, classes):
    rows = [i for i, label in enumerate(features.labels) if label in classes]
    return features.features[rows], np.array(features.labels)[rows]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_each_draw_is_the_vote_of_the_neighbours_on_these_classes_alone(size):
    found = study_classes(EXAMPLES, TEST, size=size, k=5)
    assert [draw.classes for draw in found.draws] == list(combinations(NAMES, size))
    for draw in found.draws:
        vote = KNeighborsClassifier(5, weights="distance", metric="manhattan", algorithm="brute")
        vote.fit(*of(EXAMPLES, draw.classes))
        vectors, truth = of(TEST, draw.classes)
        assert draw.accuracy == (vote.predict(vectors) == truth).mean()


def test_the_measures_are_those_of_scikit_learn():
    for draw in study_classes(EXAMPLES, TEST, size=3).draws:
        vectors, labels = of(EXAMPLES, draw.classes)
        one = KNeighborsClassifier(1, metric="manhattan", algorithm="brute")
        wrong = [
            one.fit(np.delete(vectors, i, 0), np.delete(labels, i)).predict(vectors[i : i + 1])[0]
            != labels[i]
            for i in range(len(labels))
        ]
        assert draw.one_nn_error == np.mean(wrong)
        assert draw.silhouette == pytest.approx(
            silhouette_score(vectors, labels, metric="manhattan"), abs=1e-6
        )


def test_the_choice_stands_among_the_draws():
    found = study_classes(EXAMPLES, TEST, size=4, chosen=["cat", "ant"])
    assert found.size == 2
    assert found.chosen.classes == ("ant", "cat")
    assert found.chosen in found.draws
    values = sorted(found.accuracies)
    assert values[0] <= found.chosen.accuracy <= values[-1]
    assert 0 < found.percentile < 100
    assert found.to_dict()["n_draws"] == 10
    errors = [error for _, _, error in found.pairs]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == 10


def test_a_classifier_is_fitted_to_each_subset():
    found = study_classes(EXAMPLES, TEST, size=3, classifier=RidgeClassifier)
    for draw in found.draws:
        ridge = RidgeClassifier().fit(*of(EXAMPLES, draw.classes))
        vectors, truth = of(TEST, draw.classes)
        assert draw.accuracy == (ridge.predict(vectors) == truth).mean()


def test_curves():
    found = study_classes(EXAMPLES, TEST, size=2)
    assert [point.x for point in found.by_size] == [2, 3, 4, 5]
    points = found.learning.points
    assert [point.x for point in points] == [1, 2, 5, 6, 10, 12, 30]
    assert points[-1].accuracy == found.by_size[-1].accuracy
    for point in points:
        assert point.low <= point.accuracy <= point.high
    assert points[0].accuracy < points[-1].accuracy
    assert (found.learning.doubling.x, found.learning.next_doubling.x) == (12, 24)


def test_curves_of_a_fitted_classifier_are_its_own():
    found = study_classes(EXAMPLES, TEST, size=4, classifier=RidgeClassifier, draws=100)
    vectors, truth = of(TEST, NAMES)
    whole = RidgeClassifier().fit(*of(EXAMPLES, NAMES)).score(vectors, truth)
    assert found.by_size[-1].accuracy == pytest.approx(whole)
    assert found.learning.points[-1].accuracy == pytest.approx(whole)


def test_the_learning_curve_is_that_of_the_chosen_classes():
    found = study_classes(EXAMPLES, TEST, chosen=["ant", "dog"])
    last = found.learning.points[-1]
    assert last.accuracy == found.chosen.accuracy and last.x == 12


def test_draws_are_seeded_and_few():
    first, again, other = (
        study_classes(EXAMPLES, TEST, size=2, draws=4, seed=s) for s in (3, 3, 4)
    )
    assert [d.classes for d in first.draws] == [d.classes for d in again.draws]
    assert [d.classes for d in first.draws] != [d.classes for d in other.draws]
    assert len(first.draws) == 4


def test_examples_that_are_equal_to_a_test_image_decide():
    both = study_classes(EXAMPLES, EXAMPLES, size=5)
    assert both.draws[0].accuracy == 1


@pytest.mark.parametrize("size", [1, 6])
def test_sizes_out_of_range(size):
    with pytest.raises(InvalidParameterError, match=rf"must be 2 to 5.*Got {size}"):
        study_classes(EXAMPLES, TEST, size=size)


def test_an_unknown_class_is_named():
    with pytest.raises(UnknownNameError, match="beee"):
        study_classes(EXAMPLES, TEST, chosen=["ant", "beee"])
