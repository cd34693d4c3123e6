"""The curves of a training."""

import re

import numpy as np
import pytest

from tamis.classifiers.probe import ProbeClassifier
from tamis.descriptors import descriptor
from tamis.model import Model
from tamis.report import Course
from tamis.report.curves import _WIDTH


def model(history, **signature):
    looks = descriptor("moments")
    probe = ProbeClassifier().fit(np.eye(2, looks.dim), ["a", "b"])
    return Model(descriptor=looks, classifier=probe, history=history, signature=signature)


def epochs(n, *, validation=True):
    return [
        {
            "epoch": epoch,
            "loss": 2 / epoch,
            "accuracy": 1 - 1 / (epoch + 1),
            "val_loss": 2.5 / epoch if validation else None,
            "val_accuracy": 0.9 - 0.4 / epoch if validation else None,
        }
        for epoch in range(1, n + 1)
    ]


def points(curve):
    return [tuple(map(float, pair.split())) for pair in re.split("[ML]", curve.path)[1:]]


def test_the_curves_of_a_network_fall_and_rise_inside_of_their_frames():
    course = Course.of(model(epochs(10), best_epoch=7))
    loss, accuracy = course.charts
    assert [curve.name for curve in loss.curves] == ["training", "validation"]
    for chart, falls in ((loss, True), (accuracy, False)):
        for curve in chart.curves:
            xs, ys = zip(*points(curve), strict=True)
            assert len(xs) == 10
            assert (xs[0], xs[-1]) == (chart.left, chart.right)
            assert list(xs) == sorted(xs)
            assert list(ys) == sorted(ys, reverse=not falls)  # y grows downwards
            assert chart.top <= min(ys) <= max(ys) <= chart.bottom
    assert loss.curves[0].last == "0.200"
    assert accuracy.curves[1].last == "86.0 %"
    assert "epoch 7" in course.note
    assert loss.mark == pytest.approx(loss.left + 6 / 9 * (loss.right - loss.left))


def test_without_validation_there_is_one_curve():
    course = Course.of(model(epochs(3, validation=False)))
    assert [len(chart.curves) for chart in course.charts] == [1, 1]


def test_one_epoch_is_a_point():
    course = Course.of(model(epochs(1), best_epoch=1))
    (point,) = course.charts[0].curves[0].points
    assert 0 < point[0] < _WIDTH


def test_the_strengths_of_a_probe():
    history = [
        {"strength": 10.0**-i, "loss": loss, "accuracy": 1 - loss / 4}
        for i, loss in enumerate((2.0, 0.5, 0.9), 1)
    ]
    course = Course.of(model(history))
    assert "1e-02" in course.note
    assert [text for _, text in course.charts[0].x_ticks] == ["1e-01", "1e-02", "1e-03"]
    assert course.charts[0].mark == course.charts[0].x_ticks[1][0]


def test_a_loss_that_is_no_number_is_left_out():
    history = epochs(3)
    history[1]["loss"] = float("nan")
    assert len(Course.of(model(history)).charts[0].curves[0].points) == 2


def test_without_a_history_there_is_no_course():
    assert Course.of(model([])) is None
