"""Intervals: published ones, and a bootstrap that draws what it says."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import InvalidParameterError
from tamis.metrics.classification import averages, confusion_matrix
from tamis.metrics.intervals import (
    bootstrap_difference,
    bootstrap_intervals,
    bootstrap_means,
    wilson_interval,
)
from tamis.metrics.ranking import class_means, mean_of_classes

N_CLASSES = 5
pairs = st.lists(
    st.tuples(st.integers(0, N_CLASSES - 1), st.integers(0, N_CLASSES - 1)), min_size=1, max_size=60
)


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


# The bootstrap over images

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
    confusion = confusion_matrix(*zip(*answers, strict=True), N_CLASSES)
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


# The bootstrap over queries


def test_the_bootstrap_draws_queries_plainly():
    random = np.random.default_rng(3)
    values, classes = random.random((31, 3)), random.integers(0, 4, 31)
    over_queries, over_classes = bootstrap_means(values, classes, resamples=500, seed=5)
    # The same draws, one at a time.
    order = np.argsort(classes, kind="stable")
    draws = np.random.default_rng(5).integers(0, 31, (500, 31))
    plain, by_class = [], []
    for draw in draws:
        rows = order[draw]
        plain.append(values[rows].mean(axis=0))
        by_class.append(np.nanmean(class_means(values[rows], classes[rows], 4), axis=0))
    np.testing.assert_allclose(over_queries, np.quantile(plain, [0.025, 0.975], axis=0))
    np.testing.assert_allclose(over_classes, np.quantile(by_class, [0.025, 0.975], axis=0))


def test_the_bootstrap_interval_is_that_of_theory():
    # The mean of n coins: the normal approximation holds within a few percent.
    values = np.tile([0.0, 1.0], 500)[:, np.newaxis]
    over_queries, over_classes = bootstrap_means(values, np.zeros(1000, np.intp))
    reach = 1.96 * math.sqrt(0.25 / 1000)
    np.testing.assert_allclose(over_queries[:, 0], [0.5 - reach, 0.5 + reach], atol=0.003)
    np.testing.assert_array_equal(over_queries, over_classes)


def test_the_bootstrap_does_not_depend_on_its_batches(monkeypatch):
    values, classes = np.random.default_rng(0).random((20, 1)), np.arange(20) % 3
    once = bootstrap_means(values, classes, resamples=50)
    monkeypatch.setattr("tamis.metrics.intervals._BATCH_BYTES", 20 * 8 * 7)
    np.testing.assert_array_equal(once, bootstrap_means(values, classes, resamples=50))


@pytest.mark.parametrize("options", [{"confidence": 1}, {"resamples": 0}])
def test_a_bootstrap_out_of_range_is_refused(options):
    with pytest.raises(InvalidParameterError):
        bootstrap_means(np.ones((2, 1)), np.zeros(2, np.intp), **options)


def test_a_bootstrap_of_nothing_is_refused():
    with pytest.raises(InvalidParameterError, match="at least one query"):
        bootstrap_means(np.ones((0, 1)), np.zeros(0, np.intp))


# The bootstrap of a difference


def test_a_difference_is_drawn_query_by_query():
    random = np.random.default_rng(7)
    differences, classes = random.normal(0.1, 1, 40), random.integers(0, 4, 40)
    found = bootstrap_difference(differences, classes, resamples=500, seed=5)
    drawn = np.random.default_rng(5).multinomial(40, np.full(40, 1 / 40), size=500)
    means = [
        mean_of_classes(np.repeat(differences, times), np.repeat(classes, times)) for times in drawn
    ]
    np.testing.assert_allclose(found, np.quantile(means, [0.025, 0.975]), rtol=1e-12)


def test_the_interval_of_a_difference_is_that_of_the_means():
    random = np.random.default_rng(1)
    differences, classes = random.random(300), np.arange(300) % 6
    found = bootstrap_difference(differences, classes)
    _, plain = bootstrap_means(differences[:, np.newaxis], classes)
    # Two bootstraps of 2,000 draws each: an end varies by a few percent of the width.
    np.testing.assert_allclose(found, plain[:, 0], atol=0.06 * (found[1] - found[0]))


def test_a_difference_of_nothing_is_refused():
    with pytest.raises(InvalidParameterError, match="at least one query"):
        bootstrap_difference(np.ones(0), np.zeros(0, np.intp))
