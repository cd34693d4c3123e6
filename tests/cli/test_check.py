"""`tamis check`."""

import json
from pathlib import Path

import pytest

from command import tamis
from doubtful import make_doubtful

BY = ("--by", "moments")


@pytest.fixture
def colors(tmp_path: Path) -> Path:
    """Three classes of colours, and a green picture among the red ones."""
    return make_doubtful(tmp_path / "colors")


def test_the_doubtful_are_printed_written_and_shown(colors: Path, tmp_path: Path) -> None:
    (colors / "none").mkdir()
    done = tamis(
        "check", colors, *BY, "--csv", tmp_path / "d.csv", "--report", tmp_path / "d.html",
        "--json", tmp_path / "d.json",
    )  # fmt: skip
    first, *rest = done.stdout.splitlines()
    assert first.split("\t")[:2] == ["red", "green"] and first.endswith("red/wrong.png")
    assert "  1 of red for green" in rest and "  none holds no picture" in rest
    assert "1 of 31 examples are doubtful" in done.stderr
    assert (tmp_path / "d.csv").read_text().startswith("path,label,to,belief,likelihood,neighbours")
    page = (tmp_path / "d.html").read_text()
    assert page.count("data:image/") == 6 and "none holds no picture" in page
    found = json.loads((tmp_path / "d.json").read_text())
    assert found["noise"] == [{"label": "red", "to": "green", "n_images": 1}]
    assert len(found["suspects"][0]["neighbours"]) == 5


def test_a_table_that_was_gone_through_is_carried_out_and_taken_back(
    colors: Path, tmp_path: Path
) -> None:
    table = tmp_path / "d.csv"
    tamis("check", colors, *BY, "--csv", table)
    done = tamis("check", colors, "--apply", table, "--dry-run")
    assert done.stdout.endswith("green/wrong.png\n") and (colors / "red" / "wrong.png").exists()
    done = tamis("check", colors, "--apply", table, "--json", "-")
    assert json.loads(done.stdout)["moved"] == {
        "dry_run": False, "n_moved": 1, "n_confirmed": 0, "failures": []
    }  # fmt: skip
    assert (colors / "green" / "wrong.png").exists()
    tamis("undo", colors)
    assert (colors / "red" / "wrong.png").exists()


def test_what_is_confirmed_is_left_out(colors: Path, tmp_path: Path) -> None:
    table = tmp_path / "d.csv"
    table.write_text("path,to\nred/wrong.png,red\n")
    done = tamis("check", colors, "--apply", table)
    assert "confirmed 1 picture," in done.stderr
    done = tamis("check", colors, *BY)
    assert "0 of 31 examples are doubtful" in done.stderr
    assert "1 more would be, and is confirmed" in done.stderr


def test_all_moves_every_doubtful_example(colors: Path) -> None:
    done = tamis("check", colors, *BY, "--apply", "all")
    assert "moved 1 picture to another class" in done.stderr
    assert (colors / "green" / "wrong.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--dry-run",), "--dry-run belongs to --apply"),
        (("--apply", "d.csv", "--csv", "e.csv"), "--apply FILE carries out"),
        (("--classifier", "knn"), "unknown classifier 'knn'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    colors: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = tamis("check", colors, *words, check=False)
    assert done.returncode and said in done.stderr
