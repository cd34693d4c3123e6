"""`check`, and the plan that moves what it found."""

from pathlib import Path

import pytest

import tamis
from doubtful import make_doubtful
from tamis.errors import InvalidParameterError, JournalError, TableError, UnknownNameError


@pytest.fixture
def doubtful(tmp_path: Path) -> Path:
    """Three classes of colours, and a green picture among the red ones."""
    return make_doubtful(tmp_path / "colors")


def by_name(found: tamis.Checkup) -> list[str]:
    return [f"{Path(one.path).name}: {one.label} for {one.answer}" for one in found.suspects]


@pytest.mark.parametrize("classifier", ["auto", "probe"])
def test_a_wrong_class_is_found_with_the_neighbours_that_disagree(
    doubtful: Path, classifier: str
) -> None:
    found = tamis.check(doubtful, by="moments", classifier=classifier)
    assert by_name(found) == ["wrong.png: red for green"]
    (one,) = found.suspects
    assert one.neighbour_labels == ("green",) * 5 and one.disagreeing == 5
    assert one.belief < 0.2 < 0.7 < one.likelihood
    assert found.n_checked == 31 and found.noise == (("red", "green", 1),)
    assert found.to_dict()["suspects"][0]["to"] == "green"
    assert found.columns()["to"] == ["green"]


def test_damaged_files_and_single_examples_are_no_obstacle(doubtful: Path) -> None:
    (doubtful / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (doubtful / "one").mkdir()
    (doubtful / "green" / "9.png").rename(doubtful / "one" / "9.png")
    found = tamis.check(doubtful, by="moments")
    assert [Path(one.path).name for one in found.failures] == ["broken.png"]
    assert by_name(found) == ["wrong.png: red for green"]
    assert found.n_checked == 30
    assert [one.kind for one in found.classes] == ["tiny"]


def test_one_class_alone_can_still_be_looked_at(doubtful: Path) -> None:
    found = tamis.check(doubtful, classes=["red"], by="moments")
    assert len(found.table) == 11 and found.n_checked == 0 and not found.suspects


def test_a_collection_is_checked_by_its_vectors(doubtful: Path, tmp_path: Path) -> None:
    tamis.index(doubtful, tmp_path / "c.tamis", by="moments")
    found = tamis.check(tmp_path / "c.tamis", by="moments")
    assert by_name(found) == ["wrong.png: red for green"]
    doubtful.rename(tmp_path / "elsewhere")
    found = tamis.check(tmp_path / "c.tamis", by="moments")
    assert by_name(found) == ["wrong.png: red for green"]
    assert "none was looked at" in found.remarks[-1]


def test_moves_are_carried_out_and_taken_back(doubtful: Path) -> None:
    (doubtful / "green" / "wrong.png").write_bytes((doubtful / "green" / "1.png").read_bytes())
    plan = tamis.relabel(tamis.check(doubtful, by="moments"))
    assert [one.destination for one in plan.transfers] == ["green/wrong-2.png"]
    assert plan.apply().done == 1
    assert not (doubtful / "red" / "wrong.png").exists()
    assert not tamis.check(doubtful, by="moments").suspects
    tamis.undo(doubtful)
    assert (doubtful / "red" / "wrong.png").exists()


def test_a_folder_whose_examples_were_moved_is_still_a_source(doubtful: Path) -> None:
    tamis.relabel(tamis.check(doubtful, by="moments")).apply()
    assert len(tamis.open(doubtful.parent)) == 31
    assert len(tamis.open(doubtful)) == 31


def test_what_a_person_confirms_is_not_asked_again(doubtful: Path) -> None:
    plan = tamis.relabel(doubtful, {"red/wrong.png": "red"})
    assert not plan.transfers
    plan.remember()
    found = tamis.check(doubtful, by="moments")
    assert not found.suspects and found.n_confirmed == 1
    assert (doubtful.parent / "colors-confirmed.csv").read_text().splitlines() == [
        "path,label", "red/wrong.png,red"
    ]  # fmt: skip


def test_a_reviewed_table_decides(doubtful: Path, tmp_path: Path) -> None:
    table = tmp_path / "reviewed.csv"
    table.write_text(
        f"path,label,to\n{doubtful}/red/wrong.png,red,brown\nred/1.png,red,\nred/2.png,red,red\n"
    )
    plan = tamis.relabel(doubtful, table)
    assert [one.destination for one in plan.transfers] == ["brown/wrong.png"]
    assert plan.folders == ("brown",) and plan.confirmed == {"red/2.png": "red"}


def test_the_class_of_a_split_moves_within_its_part(doubtful: Path, tmp_path: Path) -> None:
    tamis.split(doubtful, tmp_path / "parts", ratio=(0.5, 0, 0.5)).apply()
    some = tamis.open(tmp_path / "parts", role="scored").table
    row = next(i for i, name in enumerate(some.names) if name.startswith("test/red"))
    plan = tamis.relabel(tmp_path / "parts", {some.names[row]: "blue"})
    assert plan.transfers[0].destination.startswith("test/blue/")


def test_an_interrupted_run_is_not_written_over(doubtful: Path, monkeypatch) -> None:
    from tamis.files.journal import Journal

    plan = tamis.relabel(doubtful, {"red/wrong.png": "green"})
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "carry_out", lambda self, progress=None: None)
        plan.apply()
    with pytest.raises(JournalError, match="was interrupted"):
        plan.apply()


def test_wrong_arguments_are_refused(doubtful: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="classifier"):
        tamis.check(doubtful, classifier="knn")
    with pytest.raises(InvalidParameterError, match="is no picture of"):
        tamis.relabel(doubtful, {"red/none.png": "green"})
    with pytest.raises(InvalidParameterError, match="nothing says"):
        tamis.relabel(doubtful)
    with pytest.raises(InvalidParameterError, match="class folders"):
        tamis.relabel(tamis.Checkup(tamis.ImageTable((), (), ())), {"x": "y"})
    with pytest.raises(TableError):
        tamis.check(doubtful / "red")
