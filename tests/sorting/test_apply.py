"""Sorting in Python: nothing is touched before apply, and undo takes it back."""

import os

import pytest

from pictures import write_kinds
from tamis.dataset import Dataset
from tamis.errors import DestinationError, JournalError
from tamis.files.journal import journals
from tamis.files.undoing import undo
from tamis.model import fit
from tamis.sorting import sort


@pytest.fixture
def answers(tmp_path):
    write_kinds(tmp_path / "examples", 3)
    write_kinds(tmp_path / "photos", 2, first=50, flat=True)
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    model = fit(Dataset.open(tmp_path / "examples"), by="moments")
    return model.predict(tmp_path / "photos")


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("mode", ["copy", "move", "symlink", "hardlink"])
def test_plan_apply_undo(answers, tmp_path, mode):
    before = files(tmp_path)
    out = tmp_path / "sorted"
    plan = sort(answers, out, mode=mode)
    assert not out.exists()
    verb = mode if mode in ("copy", "move") else "link"
    assert repr(plan) == f"SortPlan({verb} 6 files into 3 folders; below {out})"
    outcome = plan.apply()
    assert (outcome.done, outcome.failures) == (9, ())
    placed = [name for name in files(out) if not name.startswith(".tamis")]
    assert len([name for name in placed if name.endswith(".jpg")]) == 6
    assert {"predictions.csv", "report.html", "failures.csv"} <= set(placed)
    assert undo(out).failures == ()
    assert files(tmp_path) == before
    with pytest.raises(JournalError, match="nothing to undo"):
        undo(out)


def test_a_plan_is_made_again_when_it_is_applied(answers, tmp_path):
    first, second = (sort(answers, tmp_path / "sorted") for _ in range(2))
    first.apply()
    second.apply()
    assert len(list((tmp_path / "sorted").rglob("*.jpg"))) == 6  # none twice
    assert len(journals(os.fspath(tmp_path / "sorted"))) == 2


def test_a_folder_that_cannot_receive_is_refused_before(answers, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DestinationError, match="is a file"):
        sort(answers, tmp_path / "file")
    with pytest.raises(ValueError, match="teleport"):
        sort(answers, tmp_path / "sorted", mode="teleport")
