"""Metrics: scikit-learn's numbers, published intervals, an honest bootstrap."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tamis.errors import InvalidParameterError
from tamis.metrics.classification import (
    averages,
    bootstrap_intervals,
    confusion_matrix,
    precision_recall_f1,
    wilson_interval,
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


# Wilson's interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17, 857-872, 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(successes, n, low, high):
    got = wilson_interval(successes, n)
    assert [round(end, 4) for end in got] == [low, high]
    mirrored = wilson_interval(n - successes, n)
    assert mirrored == pytest.approx((1 - got[1], 1 - got[0]), abs=1e-12)


counts = st.integers(0, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.floats(0.01, 0.999)


@given(count=counts, confidence=confidences)
def test_an_interval_solves_its_equation(count, confidence):
    # Wilson's ends are the shares p for which (x/n - p)^2 = z^2 p (1 - p) / n.
    successes, n = count
    low, high = wilson_interval(successes, n, confidence=confidence)
    if n == 0:
        assert (low, high) == (0, 1)
        return
    share, z = successes / n, NormalDist().inv_cdf((1 + confidence) / 2)
    assert 0 <= low <= share <= high <= 1
    for p in (low, high):
        assert math.isclose((share - p) ** 2, z**2 * p * (1 - p) / n, abs_tol=1e-9)


@given(count=counts)
def test_more_confidence_is_wider_and_more_pictures_narrower(count):
    successes, n = count
    low, high = wilson_interval(successes, n, confidence=0.9)
    wider = wilson_interval(successes, n, confidence=0.99)
    assert wider[0] <= low and high <= wider[1]
    if n:
        more = wilson_interval(4 * successes, 4 * n, confidence=0.9)
        assert more[1] - more[0] < high - low


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (1, 0), (0, -1)])
def test_counts_that_cannot_be_are_refused(successes, n):
    with pytest.raises(InvalidParameterError, match="successes"):
        wilson_interval(successes, n)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, math.nan])
def test_a_confidence_outside_of_0_to_1_is_refused(confidence):
    with pytest.raises(InvalidParameterError, match="confidence"):
        wilson_interval(1, 2, confidence=confidence)
    with pytest.raises(InvalidParameterError, match="confidence"):
        bootstrap_intervals(np.eye(2, dtype=np.int64), averages, confidence=confidence)


def test_no_resamples_are_refused():
    with pytest.raises(InvalidParameterError, match="resamples"):
        bootstrap_intervals(np.eye(2, dtype=np.int64), averages, resamples=0)


# The bootstrap

CONFUSION = np.array([[30, 3, 2], [4, 10, 1], [0, 5, 5]])


def accuracy(confusion):
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum(axis=(-2, -1))


def test_a_seed_settles_the_bootstrap():
    first = bootstrap_intervals(CONFUSION, averages, seed=1)
    assert first.shape == (2, 2, 3)
    assert (first == bootstrap_intervals(CONFUSION, averages, seed=1)).all()
    assert (first != bootstrap_intervals(CONFUSION, averages, seed=2)).any()


def test_batches_do_not_change_the_bootstrap():
    # So many classes that the resamples come in several batches.
    confusion = np.zeros((300, 300), np.int64)
    confusion[:3, :3] = CONFUSION
    assert (16 << 20) // confusion.nbytes < 60
    large = bootstrap_intervals(confusion, averages, resamples=60)
    small = bootstrap_intervals(CONFUSION, averages, resamples=60)
    np.testing.assert_allclose(large, small, rtol=1e-12)


def test_a_perfect_result_has_no_width():
    ends = bootstrap_intervals(np.diag([5, 6, 7]), averages)
    np.testing.assert_allclose(ends, 1, rtol=1e-12)


def test_nothing_to_draw_from_gives_zeros():
    assert (bootstrap_intervals(np.zeros((2, 2), np.int64), averages) == 0).all()


@given(answers=pairs, seed=st.integers(0, 9))
@settings(max_examples=25)
def test_ends_are_in_order_and_in_range(answers, seed):
    confusion = confusion_matrix(*split(answers), N_CLASSES)
    low, high = bootstrap_intervals(confusion, averages, resamples=200, seed=seed)
    assert (low >= 0).all() and (low <= high).all() and (high <= 1 + 1e-12).all()


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95])
def test_the_bootstrap_is_that_of_drawing_pictures(confidence):
    resamples = 20_000
    ours = bootstrap_intervals(
        CONFUSION, averages, confidence=confidence, resamples=resamples, seed=0
    )
    # Draw the pictures themselves, one label with one answer each.
    answers = np.repeat(np.arange(9), CONFUSION.ravel())
    random = np.random.default_rng(1)
    drawn = answers[random.integers(0, len(answers), (resamples, len(answers)))]
    cells = (drawn + 9 * np.arange(resamples)[:, np.newaxis]).ravel()
    values = averages(np.bincount(cells, minlength=9 * resamples).reshape(-1, 3, 3))
    tail = (1 - confidence) / 2
    # If our end is the quantile it claims to be, the share of other draws below it is `tail`
    # but for chance in both samples; five standard deviations, 36 comparisons.
    chance = 5 * math.sqrt(tail * (1 - tail) * 2 / resamples)
    for end, share in zip(ours, (tail, 1 - tail), strict=True):
        assert ((values < end - 1e-12).mean(axis=0) <= share + chance).all()
        assert ((values <= end + 1e-12).mean(axis=0) >= share - chance).all()


def test_the_ends_are_quantiles_of_draws_of_all_pictures():
    drawn = []

    def recorded(confusions):
        drawn.append(confusions)
        return averages(confusions)

    ends = bootstrap_intervals(CONFUSION, recorded, confidence=0.9, resamples=999)
    all_of_them = np.concatenate(drawn)
    assert all_of_them.shape == (999, 3, 3)
    assert (all_of_them.sum(axis=(1, 2)) == CONFUSION.sum()).all()
    assert (all_of_them[:, CONFUSION == 0] == 0).all()
    expected = np.quantile(averages(all_of_them), [0.05, 0.95], axis=0)
    np.testing.assert_allclose(ends, expected, rtol=1e-12)


def test_the_interval_of_the_accuracy_is_near_its_normal_approximation():
    n, right = 60, 45
    low, high = bootstrap_intervals(CONFUSION, accuracy, resamples=20_000)
    deviation = math.sqrt(right / n * (1 - right / n) / n)
    # The accuracy moves in steps of 1/n: an end can be off by one step.
    assert low == pytest.approx(right / n - 1.96 * deviation, abs=1 / n)
    assert high == pytest.approx(right / n + 1.96 * deviation, abs=1 / n)
