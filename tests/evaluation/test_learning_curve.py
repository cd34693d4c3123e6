"""The gain of a doubling, and what it foretells."""

import numpy as np
import pytest

from tamis.evaluation.learning_curve import learning_curve
from tamis.features import FeatureTable


class OfPower:
    """Answers wrongly as often as a power law of the number of its examples says."""

    def __init__(self, vectors, codes):
        self.n = len(codes) / 2
        self.codes = codes

    def predict(self, vectors):
        # The first value of each vector is its place among the test images, the second its class.
        wrong = vectors[:, 0] < 0.8 * self.n**-0.5
        return np.where(wrong, 1 - vectors[:, 1], vectors[:, 1]).astype(int)


def table(n, ordered):
    places = (np.arange(n) + 0.5) / n if ordered else np.zeros(n)
    values = np.concatenate([np.stack([places, np.full(n, c)], axis=1) for c in (0, 1)])
    labels = tuple("ab"[c] for c in (0, 1) for _ in range(n))
    paths = tuple(f"{i}.png" for i in range(2 * n))
    return FeatureTable(paths, labels, values.astype(np.float32), "x")


def test_a_power_law_is_foretold():
    found = learning_curve(table(64, False), table(2000, True), ["a", "b"], OfPower)
    assert [point.x for point in found.points] == [1, 2, 5, 10, 20, 32, 50, 64]
    assert found.points[-1].accuracy == pytest.approx(1 - 0.8 / 8, abs=1e-3)
    assert found.doubling.accuracy == pytest.approx(0.8 * (32**-0.5 - 64**-0.5), abs=1e-3)
    assert found.next_doubling.x == 128
    assert found.next_doubling.accuracy == pytest.approx(0.8 * (64**-0.5 - 128**-0.5), abs=2e-3)
    assert found.next_doubling.low <= found.next_doubling.accuracy <= found.next_doubling.high


def test_one_example_of_each_class_has_no_double():
    found = learning_curve(table(1, False), table(5, True), ["a", "b"], OfPower)
    assert [point.x for point in found.points] == [1]
    assert found.doubling is None and found.next_doubling is None
