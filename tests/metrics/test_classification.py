"""Confusion matrices and what follows from them: scikit-learn's numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from tamis.errors import InvalidParameterError
from tamis.metrics.classification import (
    averages,
    confusion_matrix,
    precision_recall_f1,
)

N_CLASSES = 5
pairs = st.lists(
    st.tuples(st.integers(0, N_CLASSES - 1), st.integers(0, N_CLASSES - 1)), min_size=1, max_size=60
)


def split(answers):
    """Turn pairs (truth, predicted) into two lists."""
    truth, predicted = zip(*answers, strict=True)
    return list(truth), list(predicted)


# The confusion matrix and what follows from it


@given(answers=pairs)
def test_confusion_matrix_as_scikit_learn(answers):
    truth, predicted = split(answers)
    ours = confusion_matrix(truth, predicted, N_CLASSES)
    assert ours.dtype == np.int64
    assert (ours == sk.confusion_matrix(truth, predicted, labels=range(N_CLASSES))).all()


def test_rows_are_true_classes():
    assert confusion_matrix([0, 0, 1], [1, 1, 0], 2).tolist() == [[0, 2], [1, 0]]


def test_no_answers_give_zeros():
    assert confusion_matrix([], [], 3).tolist() == [[0] * 3] * 3


@pytest.mark.parametrize(
    ("truth", "predicted"), [([0], [0, 1]), ([[0]], [[0]]), ([0], [2]), ([-1], [0]), ([2], [0])]
)
def test_answers_that_do_not_fit_are_refused(truth, predicted):
    with pytest.raises(InvalidParameterError):
        confusion_matrix(truth, predicted, 2)


@given(answers=pairs)
def test_scores_as_scikit_learn(answers):
    truth, predicted = split(answers)
    ours = precision_recall_f1(confusion_matrix(truth, predicted, N_CLASSES))
    theirs = sk.precision_recall_fscore_support(
        truth, predicted, labels=range(N_CLASSES), zero_division=0
    )
    for mine, reference in zip(ours, theirs, strict=False):
        np.testing.assert_allclose(mine, reference, rtol=0, atol=1e-12)


@given(answers=pairs)
def test_averages_as_scikit_learn(answers):
    # Without `labels` scikit-learn knows the classes that occur or are predicted, and no other.
    truth, predicted = split(answers)
    ours = averages(confusion_matrix(truth, predicted, N_CLASSES))
    report = sk.classification_report(truth, predicted, output_dict=True, zero_division=0)
    for row, name in zip(ours, ("macro avg", "weighted avg"), strict=True):
        theirs = [report[name][score] for score in ("precision", "recall", "f1-score")]
        np.testing.assert_allclose(row, theirs, rtol=0, atol=1e-12)


def test_scores_by_hand():
    # Class 2 is never predicted, class 3 neither occurs nor is predicted.
    confusion = np.array([[8, 2, 0, 0], [1, 4, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0]])
    precision, recall, f1 = precision_recall_f1(confusion)
    assert precision.tolist() == [8 / 10, 4 / 8, 0, 0]
    assert recall.tolist() == [8 / 10, 4 / 5, 0, 0]
    assert f1.tolist() == [16 / 20, 8 / 13, 0, 0]
    macro, weighted = averages(confusion)
    assert macro == pytest.approx([1.3 / 3, 1.6 / 3, (0.8 + 8 / 13) / 3])
    assert weighted == pytest.approx([10.5 / 18, 12 / 18, (8 + 40 / 13) / 18])


def test_leading_axes_are_separate_experiments():
    many = np.random.default_rng(0).integers(0, 9, (4, 3, N_CLASSES, N_CLASSES))
    scores, means = precision_recall_f1(many), averages(many)
    assert means.shape == (4, 3, 2, 3)
    for i, j in np.ndindex(4, 3):
        for all_of_them, alone in zip(scores, precision_recall_f1(many[i, j]), strict=True):
            assert (all_of_them[i, j] == alone).all()
        np.testing.assert_allclose(means[i, j], averages(many[i, j]), rtol=1e-14)


def test_averages_of_nothing_are_0():
    assert averages(np.zeros((3, 3), np.int64)).tolist() == [[0] * 3] * 2
