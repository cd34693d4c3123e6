"""Evaluations: scikit-learn's report, in keys that the project promises."""

import json
import platform
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, classification_report

from tamis import __version__
from tamis.classifiers.predictions import Predictions
from tamis.errors import Failure, TableError
from tamis.evaluation.classification import Evaluation, evaluate
from tamis.features.index import Matches
from tamis.metrics.intervals import wilson_interval

SETTINGS = {"descriptor": "color(size=128)", "distance": "l1", "k": 5, "n_train": 9}


def answers(labels, classes, failures=()):
    """Predictions of these labels."""
    n, number = len(labels), {name: i for i, name in enumerate(classes)}
    probabilities = np.zeros((n, len(classes)))
    for row, label in enumerate(labels):
        probabilities[row, number[label]] = 1
    return Predictions(
        paths=tuple(f"{i}.jpg" for i in range(n)),
        classes=tuple(classes),
        probabilities=probabilities,
        neighbours=Matches(np.zeros((n, 1), np.intp), np.ones((n, 1))),
        train_paths=("t.jpg",),
        train_labels=("a",),
        failures=tuple(failures),
        settings=dict(SETTINGS),
    )


def score(truth, labels, classes, **options) -> Evaluation:
    return evaluate(
        answers(labels, classes, **options), {f"{i}.jpg": t for i, t in enumerate(truth)}
    )


def assert_report(ours, truth, labels):
    """Ours has every row of scikit-learn's, and beyond them only classes that nobody met."""
    theirs = classification_report(truth, labels, output_dict=True, zero_division=0)
    assert ours["accuracy"] == pytest.approx(theirs.pop("accuracy"), abs=1e-12)
    for name, row in theirs.items():
        assert ours[name] == pytest.approx(row, abs=1e-12)
    for name in ours.keys() - theirs.keys() - {"accuracy"}:
        assert name not in {*truth, *labels}
        assert set(ours[name].values()) == {0}


CASES = {
    "all right": (list("aabbc"), list("aabbc"), "abc"),
    "some wrong": (list("aaabbbccc"), list("aabbbcaac"), "abc"),
    "a class never predicted": (list("aabbcc"), list("aabbab"), "abc"),
    "a class that training did not know": (list("aabbzz"), list("aabbab"), "ab"),
    "a class that the test lacks": (list("aabb"), list("aacb"), "abc"),
    "a class that nobody met": (list("aabb"), list("aabb"), "abc"),
    "nothing right": (list("ab"), list("ba"), "ab"),
    "one class": (list("aaa"), list("aaa"), "a"),
    "names of any kind": (
        ["0.0", "été", "\udce9"],
        ["0.0", "0.0", "\udce9"],
        ["0.0", "é", "\udce9"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_report_is_that_of_scikit_learn(case):
    truth, labels, classes = CASES[case]
    found = score(truth, labels, classes)
    assert_report(found.report, truth, labels)
    assert list(found.classes) == sorted({*truth, *classes})
    pairs = Counter(zip(truth, labels, strict=True))
    assert found.confusion.tolist() == [[pairs[t, p] for p in found.classes] for t in found.classes]
    assert found.accuracy == accuracy_score(truth, labels)
    assert found.n_images == len(truth)


@given(pairs=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abc")), min_size=1))
@settings(max_examples=25)
def test_any_report_is_that_of_scikit_learn(pairs):
    truth, labels = map(list, zip(*pairs, strict=True))
    assert_report(score(truth, labels, "abc").report, truth, labels)


def test_a_class_never_predicted_has_zeros():
    row = score(list("aabbcc"), list("aabbab"), "abc").report["c"]
    assert row == {"precision": 0, "recall": 0, "f1-score": 0, "support": 2}


def test_intervals_hold_their_figures():
    truth, labels, classes = CASES["some wrong"]
    found = score(truth * 10, labels * 10, classes)
    assert found.accuracy_ci == wilson_interval(50, 90)
    for average in ("macro avg", "weighted avg"):
        assert set(found.intervals[average]) == {"precision", "recall", "f1-score"}
        for name, (low, high) in found.intervals[average].items():
            assert 0 <= low < found.report[average][name] < high <= 1


def test_a_seed_settles_the_intervals():
    truth, labels, classes = CASES["some wrong"]
    predictions, known = answers(labels, classes), {f"{i}.jpg": t for i, t in enumerate(truth)}
    first = evaluate(predictions, known, seed=1)
    assert first.to_dict() == evaluate(predictions, known, seed=1).to_dict()
    assert first.intervals != evaluate(predictions, known, seed=2).intervals
    assert "seed 1" in first.signature["bootstrap"]


def test_in_plain_types_it_is_json():
    truth, labels, classes = CASES["a class that training did not know"]
    failures = [Failure("bad \udce9.jpg", "is empty (0 bytes)")]
    found = score(truth, labels, classes, failures=failures)
    plain = found.to_dict()
    # The keys that the project promises, wherever the same thing is said.
    assert {
        *("accuracy", "accuracy_ci", "report", "classes", "confusion_matrix"),
        *("signature", "n_images", "failures"),
    } <= plain.keys()
    back = json.loads(json.dumps(plain))
    assert back["accuracy"] == found.accuracy
    assert back["accuracy_ci"] == list(found.accuracy_ci)
    assert back["report"] == found.report
    assert back["classes"] == ["a", "b", "z"]
    assert back["confusion_matrix"] == found.confusion.tolist()
    assert back["signature"] == found.signature
    assert back["n_images"] == 6
    assert back["failures"] == [{"path": "bad \udce9.jpg", "reason": "is empty (0 bytes)"}]


def test_the_signature_says_what_the_numbers_depend_on():
    signature = score(*CASES["some wrong"]).signature
    assert signature.items() >= SETTINGS.items()
    assert signature["task"] == "classification"
    assert signature["n_test"] == 9
    assert signature["python"] == platform.python_version()
    assert signature["tamis"] == __version__
    assert signature["numpy"] == np.__version__


def test_pictures_that_could_not_be_read_count_in_no_number():
    truth, labels, classes = CASES["some wrong"]
    failures = [Failure("x.jpg", "is empty"), Failure("y.jpg", "is empty")]
    with_them = score(truth, labels, classes, failures=failures).to_dict()
    without = score(truth, labels, classes).to_dict()
    assert with_them.pop("failures") and not without.pop("failures")
    assert with_them == without


def test_the_truth_may_know_more_pictures():
    truth = {"0.jpg": "a", "1.jpg": "b", "gone.jpg": "zebra"}
    found = evaluate(answers(["a", "b"], "ab"), truth)
    assert found.classes == ("a", "b") and found.n_images == 2


def test_a_picture_without_truth_is_refused():
    with pytest.raises(TableError, match=r"of 2 pictures is not known, 1\.jpg for one"):
        evaluate(answers(["a", "b", "a"], "ab"), {"0.jpg": "a"})


def test_nothing_to_score_is_refused():
    with pytest.raises(TableError, match="no picture could be read"):
        evaluate(answers([], "ab", failures=[Failure("x.jpg", "is empty")]), {"x.jpg": "a"})
