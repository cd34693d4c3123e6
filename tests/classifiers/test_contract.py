"""What every classifier must do; a new entry of the table is tested by being in it."""

import json
import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from pictures import KINDS, picture
from tamis.classifiers.base import CLASSIFIERS, Classifier, classes_from, classifier_type
from tamis.classifiers.identity import IdentityClassifier
from tamis.classifiers.network.registry import NETWORKS
from tamis.errors import InvalidParameterError, ModelError, UnknownNameError
from tamis.files.arrays import read_npz

ON_VECTORS = [name for name in CLASSIFIERS if name not in NETWORKS]
DIM = 12

# Checks of scikit-learn that a classifier cannot pass, and why. None so far.
EXPECTED_TO_FAIL: dict[str, dict[str, str]] = {}


def data(n=90, n_classes=3, seed=0):
    random = np.random.default_rng(seed)
    centers = random.normal(size=(n_classes, DIM))
    labels = np.arange(n) % n_classes
    X = (centers[labels] + 0.4 * random.normal(size=(n, DIM))).astype(np.float32)
    return X, np.array([f"class {label}" for label in labels])


@pytest.fixture(params=ON_VECTORS)
def new(request):
    return classifier_type(request.param)()


# The table


def test_each_name_leads_to_a_class():
    for name in ON_VECTORS:
        kind = classifier_type(name)
        assert issubclass(kind, Classifier)
        assert kind.name == name
        assert kind.__doc__


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown classifier 'prob'\. Did you mean probe"):
        classifier_type("prob")


def test_every_network_is_in_the_table():
    assert set(NETWORKS) <= set(CLASSIFIERS)


# Answers


def test_shapes_types_and_sums(new):
    X, y = data()
    assert new.fit(X[:60], y[:60]) is new
    answers = new.predict_proba(X[60:])
    assert answers.shape == (30, 3)
    assert answers.dtype == np.float64
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert new.classes_.tolist() == ["class 0", "class 1", "class 2"]
    assert new.n_features_in_ == DIM
    found = new.predict(X[60:])
    assert (found == new.classes_[answers.argmax(axis=1)]).all()
    assert (found == y[60:]).mean() > 0.9


def test_the_same_data_give_the_same_answers(new):
    X, y = data()
    one = new.fit(X[:60], y[:60]).predict_proba(X)
    assert np.array_equal(clone(new).fit(X[:60], y[:60]).predict_proba(X), one)


def test_a_row_does_not_depend_on_the_others(new):
    X, y = data(n=150)
    whole = new.fit(X[:60], y[:60]).predict_proba(X)
    for rows in (slice(0, 1), slice(3, 70), slice(149, None), [5, 5, 140]):
        assert np.array_equal(new.predict_proba(X[rows]), whole[rows])


def test_what_explains_an_answer_are_rows_of_the_training(new):
    X, y = data()
    new.fit(X[:60], y[:60])
    answers, matches = new.answer(X[60:])
    assert np.array_equal(answers, new.predict_proba(X[60:]))
    alone = new.explain(X[60:])
    assert (alone is None) == (matches is None)
    if matches is not None:
        assert np.array_equal(matches.indices, alone.indices)
        assert matches.indices.shape[0] == 30
        assert (matches.indices < 60).all()


def test_it_says_what_its_answers_depend_on(new):
    X, y = data()
    new.fit(X, y)
    assert json.loads(json.dumps(new.settings)) == new.settings
    assert all(isinstance(value, str | int) for value in new.settings.values())
    assert json.loads(json.dumps(new.history)) == new.history


# Groups


def bursts(n_groups=24, size=5, dim=60, n_classes=3, seed=0):
    """Rows of a group are nearly equal, and say nothing of the other groups of their class."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), size)
    X = random.normal(size=(n_groups, dim))[groups] + 0.01 * random.normal(size=(len(groups), dim))
    order = random.permutation(len(groups))
    labels = np.array([f"class {group % n_classes}" for group in groups])
    return X[order].astype(np.float32), labels[order], groups[order]


def test_rows_of_a_group_are_left_out_together(new):
    X, y, groups = bursts()
    alone = clone(new).fit(X, y).out_of_fold_
    together = new.fit(X, y, groups).out_of_fold_
    assert alone.right.mean() > 0.9
    assert together.right.mean() < 0.7
    assert together.confidence.mean() < 0.8
    assert len(together) == len(alone) == len(X)
    fresh, _, _ = bursts(seed=1)  # the answers themselves are as careful
    assert new.predict_proba(fresh).max(axis=1).mean() < 0.8


def test_groups_of_one_row_change_nothing(new):
    X, y = data()
    one = clone(new).fit(X, y)
    new.fit(X, y, [f"row {i}" for i in range(len(y))])
    assert np.array_equal(new.predict_proba(X), one.predict_proba(X))
    assert np.array_equal(new.out_of_fold_.true, one.out_of_fold_.true)


def test_a_class_of_one_group_is_not_left_out(new):
    X, y, groups = bursts()
    groups[y == "class 2"] = 99
    known = new.fit(X, y, groups).out_of_fold_
    assert set(y[known.rows]) == {"class 0", "class 1"}


def test_groups_of_another_length_are_refused(new):
    X, y = data()
    with pytest.raises(InvalidParameterError, match=r"shape \(90,\)\. Got \(3,\)"):
        new.fit(X, y, [0, 0, 1])


# Odd data


def test_one_class_is_the_answer_or_is_refused(new):
    X, _ = data()
    try:
        new.fit(X, ["alone"] * len(X))
    except InvalidParameterError as error:
        assert "two classes" in str(error)
    else:
        assert (new.predict_proba(X) == 1).all()


def test_two_classes_have_two_columns(new):
    X, y = data(n_classes=2)
    answers = new.fit(X[:60], y[:60]).predict_proba(X[60:])
    assert answers.shape == (30, 2)
    assert (new.predict(X[60:]) == y[60:]).mean() > 0.9


def test_names_of_any_script_are_classes(new):
    names = np.array(["été", "猫", "\udce9 bytes"])  # the last as os.fsdecode makes it
    X, y = data()
    labels = names[[int(label[-1]) for label in y]]
    new.fit(X[:60], labels[:60])
    assert new.classes_.tolist() == sorted(names)
    assert (new.predict(X[60:]) == labels[60:]).mean() > 0.9
    config, arrays = new.to_arrays()
    again = type(new).from_arrays(json.loads(json.dumps(config)), arrays)
    assert again.classes_.tolist() == sorted(names)


def test_a_class_of_a_single_example(new):
    X, y = data()
    few = np.append(np.flatnonzero(y != "class 2"), 2)
    new.fit(X[few], y[few])
    assert new.predict_proba(X).shape == (90, 3)


def test_equal_vectors_of_different_classes(new):
    X = np.ones((20, DIM), np.float32)
    answers = new.fit(X, ["a", "b"] * 10).predict_proba(X)
    assert np.isfinite(answers).all()


def test_vectors_of_zeros_and_of_large_values(new):
    X, y = data()
    new.fit(X, y)
    odd = np.stack([np.zeros(DIM), np.full(DIM, 1e6)]).astype(np.float32)
    answers = new.predict_proba(odd)
    assert np.isfinite(answers).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(new, value):
    X, y = data()
    bad = X.copy()
    bad[3, 4] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        clone(new).fit(bad, y)
    new.fit(X, y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        new.predict_proba(bad)


def test_vectors_of_another_length_are_refused(new):
    X, y = data()
    new.fit(X, y)
    with pytest.raises(ValueError, match="features"):
        new.predict_proba(X[:, :-1])


# Copies and files


def test_clone_keeps_the_parameters(new):
    assert clone(new).get_params() == new.get_params()


def test_pickle_gives_the_same_answers(new):
    X, y = data()
    new.fit(X[:60], y[:60])
    again = pickle.loads(pickle.dumps(new))
    assert np.array_equal(again.predict_proba(X), new.predict_proba(X))


def test_arrays_give_the_same_answers(new, tmp_path):
    X, y = data()
    new.fit(X[:60], y[:60])
    config, arrays = new.to_arrays()
    np.savez(tmp_path / "arrays.npz", **arrays)
    read = read_npz(tmp_path / "arrays.npz", type(new).array_types)
    assert read.keys() == arrays.keys()
    again = type(new).from_arrays(json.loads(json.dumps(config)), read)
    assert np.array_equal(again.predict_proba(X), new.predict_proba(X))
    assert again.classes_.tolist() == new.classes_.tolist()
    assert again.n_features_in_ == DIM
    assert isinstance(again.predict(X), np.ndarray)
    one, two = again.explain(X), new.explain(X)
    if not new.keeps_examples:  # those that are not in its file cannot explain
        assert one is None
        return
    assert one is not None and two is not None
    if one is not None:
        assert np.array_equal(one.indices, two.indices)
        assert np.array_equal(one.distances, two.distances)
    # What was read can be written again.
    assert json.dumps(again.to_arrays()[0]) == json.dumps(config)


def test_arrays_of_whole_numbers_as_classes(new):
    X, y = data()
    numbers = np.array([int(label[-1]) for label in y])
    config, arrays = new.fit(X, numbers).to_arrays()
    again = type(new).from_arrays(config, arrays)
    assert again.predict(X).dtype == numbers.dtype


@pytest.mark.parametrize(
    "classes", [None, [], ["a"], ["a", "a", "b"], ["a", 1, "b"], [["a"], ["b"], ["c"]], "abc"]
)
def test_classes_that_do_not_fit_are_refused(new, classes):
    X, y = data()
    config, arrays = new.fit(X, y).to_arrays()
    with pytest.raises(ModelError):
        type(new).from_arrays({**config, "classes": classes}, arrays)


def test_arrays_that_do_not_fit_are_refused(new):
    X, y = data()
    config, arrays = new.fit(X, y).to_arrays()
    for name, values in arrays.items():
        if values.ndim:
            with pytest.raises(ModelError):
                type(new).from_arrays(config, {**arrays, name: values[:-1]})


# scikit-learn


def expected_to_fail(estimator):
    return EXPECTED_TO_FAIL.get(estimator.name, {})


@parametrize_with_checks(
    [classifier_type(name)() for name in ON_VECTORS], expected_failed_checks=expected_to_fail
)
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


# Networks answer from pixels; in a file they are a descriptor and the identity.


@pytest.mark.torch
@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra train")
def test_a_network_gives_what_a_model_holds():
    from tamis.classifiers.network.classifier import NetworkClassifier

    for name in NETWORKS:
        assert classifier_type(name) is NetworkClassifier
    X = np.stack([picture(kind, i, height=32, width=32) for kind in KINDS for i in range(4)])
    y = np.repeat(KINDS, 4)
    network = NetworkClassifier("small", epochs=1, size=32, augment="none", n_jobs=1).fit(X, y)
    view, identity = network.served()
    config, arrays = identity.to_arrays()
    again = IdentityClassifier.from_arrays(json.loads(json.dumps(config)), arrays)
    vectors = view.describe(list(X))
    assert again.classes_.tolist() == list(KINDS)
    assert np.array_equal(again.predict_proba(vectors), vectors)
    np.testing.assert_allclose(vectors, network.predict_proba(X), rtol=0, atol=1e-5)
    assert network.settings["epochs"] == 1
    assert len(network.history) == 1


def test_the_identity_takes_vectors_for_probabilities():
    same = IdentityClassifier().fit([[0.5, 0.5], [0.1, 0.9]], ["a", "b"])
    assert same.predict([[0.2, 0.8], [0.5, 0.5]]).tolist() == ["b", "a"]
    assert same.predict_proba(np.float32([[0.25, 0.75]])).tolist() == [[0.25, 0.75]]
    with pytest.raises(InvalidParameterError, match=r"one value per class, 2\. Got 3"):
        IdentityClassifier(["a", "b"]).fit([[0.2, 0.3, 0.5]], ["a"])
    with pytest.raises(ModelError, match="at least one name"):
        classes_from({})
