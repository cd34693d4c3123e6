"""What the page says of promises and of calibration."""

import numpy as np

from tamis.classifiers.predictions import Predictions
from tamis.evaluation.classification import evaluate
from tamis.features.index import Matches
from tamis.report import render
from tamis.report.promises import promise_notes, set_notes
from tamis.report.reliability import Reliability
from tamis.trust.aside import set_aside
from tamis.trust.risk import promise


def predictions(sure, sets=None):
    n = len(sure)
    return Predictions(
        paths=tuple(f"/nowhere/{i}.jpg" for i in range(n)),
        classes=("a", "b"),
        probabilities=np.stack([sure, 1 - np.asarray(sure)], axis=1),
        neighbours=Matches(np.empty((n, 0), np.intp), np.empty((n, 0))),
        train_paths=(),
        train_labels=(),
        failures=(),
        settings={},
        by_vote=False,
        sets=sets,
    )


def kept_above(level, answers):
    """A promise by examples that are right at a level of confidence, and half of them at 0.6."""
    sure = np.repeat([level, 0.6], 400)
    return promise(
        sure, (np.arange(800) < 400) | (np.arange(800) % 2 > 0), answers.confidence, 0.05
    )


def test_a_promise_is_told_and_by_the_truth_whether_it_was_kept():
    answers = predictions([0.99] * 18 + [0.6] * 2)
    held = kept_above(0.98, answers)
    aside = set_aside(answers.confidence, held, None, None)
    told = " ".join(promise_notes(answers, aside, None))
    assert told.startswith("Of the pictures placed at most 5 % are wrong")
    assert "18 of 20 pictures go to the folder of their class." in told
    right = np.ones(20, bool)
    right[:3] = False
    broken = promise_notes(answers, aside, right)[-1]
    assert broken == "By the truth 3 of these 18 are wrong, 16.7%: the promise was not kept."
    assert "was kept" in promise_notes(answers, aside, np.ones(20, bool))[-1]
    assert promise_notes(answers, None, right) == []


def test_sets_are_told():
    answers = predictions([0.9, 0.6], np.array([[True, False], [True, True]]))
    truth = {"/nowhere/0.jpg": "b", "/nowhere/1.jpg": "b"}
    first, second = set_notes(answers, 0.9, truth)
    assert "90 % of which are to hold the true class: 1.50 classes on average, 50.0%" in first
    assert second == "By the truth 50.0% hold it; least often those of b, 50.0%."
    assert set_notes(predictions([0.9]), None) == []
    assert answers.set_labels == [("a",), ("a", "b")]
    assert answers.columns()["set"] == ["a", "a|b"]


def test_the_page_has_the_promise_the_diagram_and_the_figures():
    answers = predictions([0.99] * 18 + [0.6] * 2)
    truth = dict.fromkeys(answers.paths, "a")
    held = kept_above(0.98, answers)
    aside = set_aside(answers.confidence, held, None, None)
    html = render(answers, title="T", aside=aside)
    assert 'id="promises"' in html
    assert "_unsure" in html
    scored = evaluate(answers, truth)
    assert scored.to_dict()["calibration"]["n_images"] == 20
    html = render(answers, scored, truth=truth, title="T", aside=aside)
    assert "expected calibration error" in html
    assert html.count("<circle") == 2
    assert "the promise was kept" in html
    assert 'id="promises"' not in render(answers, title="T")


def test_a_diagram_without_answers():
    assert Reliability.of(np.empty(0), np.empty(0, bool)) is None
