"""More networks as far as a budget of time allows: here stand-ins that are quick."""

import itertools

import pytest

import tamis
from pictures import write_kinds
from tamis.dataset import Dataset, defaults
from tamis.errors import InvalidParameterError
from tamis.model import budget, fit_within, seconds_of


@pytest.fixture
def examples(tmp_path, monkeypatch):
    """Three kinds of pictures; the default is moments and a layout, the wider one edges."""
    monkeypatch.setattr(budget, "BEHIND_AUTO", "colorlayout")
    monkeypatch.setattr(budget, "TAUGHT", "colorlayout+edge@none")
    monkeypatch.setattr(defaults, "TAUGHT", "colorlayout+edge@none")
    monkeypatch.setattr(budget, "WIDER", ("moments",))
    write_kinds(tmp_path / "train", 6)
    return Dataset.open(tmp_path / "train", role="examples")


def ticking(step):
    """Make a clock on which every look takes some seconds."""
    return map(float, itertools.count(0, step)).__next__


def test_what_helps_within_the_budget_is_kept(examples):
    model = fit_within(examples, 1e6)
    said = model.signature["budget"]
    if "is kept" in said:
        assert [leaf.name for leaf in model.descriptor.leaves] == ["colorlayout", "moments", "edge"]
    else:
        assert "does not help" in said
        assert [leaf.name for leaf in model.descriptor.leaves] == ["colorlayout", "edge"]
    before, after = (float(word) for word in said.replace(",", "").split() if word[0].isdigit())
    assert before >= 0 and after >= 0
    assert len(model.predict(examples.table)) == 18


def test_what_would_take_longer_is_left_out_and_said(examples):
    model = fit_within(examples, 60, n_pictures=1000, clock=ticking(1))
    assert "moments would take" in model.signature["budget"]
    assert [leaf.name for leaf in model.descriptor.leaves] == ["colorlayout", "edge"]


def test_what_is_not_installed_is_said(examples, monkeypatch):
    from tamis.errors import MissingExtraError

    def missing(*words, **more):
        raise MissingExtraError("no weights")

    monkeypatch.setattr(budget, "_seconds_each", missing)
    model = fit_within(examples, 1e6)
    assert "pip install 'tamis[large]'" in model.signature["budget"]


def test_a_damaged_example_shifts_nothing(examples, tmp_path):
    (tmp_path / "train" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no")
    again = Dataset.open(tmp_path / "train", role="examples")
    assert len(fit_within(again, 1e6).examples) == 18


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), (" 10m ", 600)]
)
def test_times_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-3", "ten", "3d", "1m30"])
def test_other_words_are_no_times(text):
    with pytest.raises(InvalidParameterError, match="such as 10m"):
        seconds_of(text)


@pytest.mark.parametrize("words", [{"by": "moments"}, {"classifier": "knn"}, {"budget": 0.0}])
def test_a_budget_goes_with_the_default_alone(tmp_path, words):
    write_kinds(tmp_path, 2)
    with pytest.raises(InvalidParameterError, match="budget"):
        tamis.train(tmp_path, **{"budget": 60.0, **words})
