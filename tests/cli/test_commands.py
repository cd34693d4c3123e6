"""The commands as a user types them, on small pictures."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import simplejpeg

import odd_files
from command import QUICK, answer, tamis
from pictures import KINDS, picture, write_kinds
from tamis.files.csvfile import read_csv
from tamis.files.journal import journals


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_kinds(tmp_path / "photos", 10)
    return tmp_path / "photos"


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_split_sort_evaluate_undo(photos: Path, tmp_path: Path) -> None:
    originals = bytes_below(photos)
    parts, out = tmp_path / "parts", tmp_path / "sorted"
    result = answer("split", photos, parts, "--ratio", 0.7, 0, 0.3, "--blind")
    assert result["parts"] == {
        "train": dict.fromkeys(KINDS, 7),
        "test": dict.fromkeys(KINDS, 3),
    }
    assert sorted(os.listdir(parts)) == [".tamis", "test", "test-truth.csv", "train"]
    assert sorted(os.listdir(parts / "test")) == [f"{i:04}.jpg" for i in range(1, 10)]
    truth = {row["path"]: row for row in read_csv(parts / "test-truth.csv", required=["path"])}
    for path, row in truth.items():
        assert (parts / path).read_bytes() == originals[row["original"]]
        assert row["original"].startswith(row["label"] + "/")

    result = answer(
        "sort", *QUICK, "--train", parts / "train", "--input", parts / "test", "--out", out
    )
    assert result["n_sorted"] == 9
    assert result["failures"] == []
    assert sorted(p.name for p in out.iterdir() if p.is_dir()) == [".tamis", *KINDS]
    rows = read_csv(out / "predictions.csv", required=["path", "class", "confidence"])
    assert {Path(row["path"]).name: row["class"] for row in rows} == {
        Path(path).name: row["label"] for path, row in truth.items()
    }
    for row in rows:
        assert (out / row["sorted_to"]).read_bytes() == Path(row["path"]).read_bytes()
        assert row["neighbour_1_class"] == row["class"]
    page = (out / "report.html").read_text()
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")

    where = (*QUICK, "--train", parts / "train", "--test", parts / "test")
    scored = answer("evaluate", *where, "--report", tmp_path / "report.html")
    assert scored["accuracy"] == 1.0
    assert scored["accuracy_ci"][0] < 1.0
    assert scored["confusion_matrix"] == [[3, 0, 0], [0, 3, 0], [0, 0, 3]]
    assert (tmp_path / "report.html").stat().st_size > 5_000
    text = tamis("evaluate", *where).stdout
    assert "accuracy 100.0% (95 % interval 70.1% to 100.0%): 9 of 9 pictures right" in text

    assert answer("undo", out)["restored"] == 11
    assert not out.exists()
    answer("undo", parts)
    assert not parts.exists()
    assert bytes_below(photos) == originals


def test_move_and_undo_put_everything_back(photos: Path, tmp_path: Path) -> None:
    write_kinds(tmp_path / "new", 4, first=50, flat=True)
    before = bytes_below(tmp_path / "new")
    out = tmp_path / "sorted"
    tamis(
        "sort",
        *QUICK,
        "--train",
        photos,
        "--input",
        tmp_path / "new",
        "--out",
        out,
        "--mode",
        "move",
    )
    assert bytes_below(tmp_path / "new") == {}
    assert {len(os.listdir(out / kind)) for kind in KINDS} == {4}
    tamis("undo", out)
    assert bytes_below(tmp_path / "new") == before
    done = tamis("undo", out, check=False)
    assert done.returncode == 1
    assert "nothing to undo" in done.stderr


def test_undo_refuses_to_touch_a_changed_file(photos: Path, tmp_path: Path) -> None:
    write_kinds(tmp_path / "new", 2, first=50, flat=True)
    out = tmp_path / "sorted"
    tamis(
        "sort",
        *QUICK,
        "--train",
        photos,
        "--input",
        tmp_path / "new",
        "--out",
        out,
        "--mode",
        "move",
    )
    changed = next((out / "sky").iterdir())
    changed.write_bytes(b"retouched")
    done = tamis("undo", out, check=False)
    assert done.returncode == 1
    assert f"keeping {changed}: was changed since" in done.stderr
    assert changed.read_bytes() == b"retouched"
    assert len(os.listdir(tmp_path / "new")) == 5


def test_dry_run_prints_the_plan_and_does_nothing(photos: Path, tmp_path: Path) -> None:
    made = write_kinds(tmp_path / "new", 2, first=50, flat=True)
    out = tmp_path / "sorted"
    done = tamis(
        "sort", *QUICK, "--train", photos, "--input", tmp_path / "new", "--out", out, "--dry-run"
    )
    assert not out.exists()
    planned = dict(line.split("\t") for line in done.stdout.splitlines() if ".jpg" in line)
    assert planned == {path: f"{kind}/{Path(path).name}" for path, kind in made.items()}


def test_sorting_again_adds_only_what_is_new(photos: Path, tmp_path: Path) -> None:
    new, out = tmp_path / "new", tmp_path / "sorted"
    write_kinds(new, 2, first=50, flat=True)
    tamis("sort", *QUICK, "--train", photos, "--input", new, "--out", out)
    write_kinds(new / "more", 1, first=90, flat=True)
    result = answer("sort", *QUICK, "--train", photos, "--input", new, "--out", out)
    assert (result["n_sorted"], result["n_present"]) == (3, 6)
    assert sum(len(os.listdir(out / kind)) for kind in KINDS) == 9
    assert (out / "predictions-2.csv").exists()


def test_the_result_inside_the_input_is_not_sorted_again(photos: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    write_kinds(new, 2, first=50, flat=True)
    for _ in range(2):
        result = answer("sort", *QUICK, "--train", photos, "--input", new, "--out", new / "sorted")
        assert result["n_images"] == 6


def test_odd_and_damaged_files_among_good_ones(photos: Path, tmp_path: Path) -> None:
    """One bad file stops nothing, shifts nothing, and is named with its reason."""
    new, out = tmp_path / "new", tmp_path / "sorted"
    good = write_kinds(new, 5, first=50, flat=True)
    (new / "odd").mkdir()
    odd = odd_files.write_all(new / "odd")
    assert len(odd) >= 40
    result = answer("sort", *QUICK, "--train", photos, "--input", new, "--out", out)
    classes = {row["path"]: row["class"] for row in result["predictions"]}
    assert {path: classes.get(path) for path in good} == good
    reasons = {failure["path"]: failure["reason"] for failure in result["failures"]}
    for file, path in odd:
        if file.reason is None:
            assert path in classes, (path, reasons.get(path))
        else:
            assert file.reason in reasons[path]
            assert path not in classes
    listed = read_csv(out / "failures.csv", required=["path", "reason"])
    assert {row["path"]: row["reason"] for row in listed} == reasons
    placed = [row["sorted_to"] for row in result["predictions"]]
    assert len(set(placed)) == len(placed)
    assert all(os.path.isfile(os.path.join(out, place)) for place in placed)
    tamis("undo", out)
    assert not out.exists()


def test_strict_makes_a_skipped_file_a_failure(photos: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    write_kinds(new, 1, first=50, flat=True)
    (new / "broken.jpg").write_bytes(b"")
    words = ("sort", *QUICK, "--train", photos, "--input", new, "--out", tmp_path / "out")
    done = tamis(*words)
    assert f"skipping {new / 'broken.jpg'}: is empty (0 bytes)" in done.stderr
    assert tamis(*words, "--strict", check=False).returncode == 1


def test_folds(photos: Path, tmp_path: Path) -> None:
    result = answer("split", photos, tmp_path / "parts", "--folds", 3, "--mode", "hardlink")
    assert len(result["parts"]) == 6
    tested = [p.name for i in (1, 2, 3) for p in (tmp_path / f"parts/fold-{i}/test").rglob("*.jpg")]
    assert len(tested) == len(set(tested)) == 30
    done = tamis("split", photos, tmp_path / "m", "--folds", 3, "--mode", "move", check=False)
    assert done.returncode == 2


def test_groups_stay_together(photos: Path, tmp_path: Path) -> None:
    names = sorted(str(p.relative_to(photos)) for p in photos.rglob("*.jpg"))
    lines = [f"{name},burst-{i // 5}" for i, name in enumerate(names)]
    (tmp_path / "groups.csv").write_text("path,group\n" + "\n".join(lines) + "\n")
    parts = tmp_path / "parts"
    tamis("split", photos, parts, "--ratio", 0.5, 0, 0.5, "--group-by", tmp_path / "groups.csv")
    for i in range(0, 30, 5):
        homes = {(parts / "test" / name).exists() for name in names[i : i + 5]}
        assert len(homes) == 1


def test_splits_never_mix(photos: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    tamis("split", photos, parts, "--seed", 1)
    first = set(bytes_below(parts))
    done = tamis("split", photos, parts, "--seed", 2, check=False)
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert set(bytes_below(parts)) == first
    tamis("split", photos, parts, "--seed", 2, "--force")
    pictures = list(parts.rglob("*.jpg"))
    assert len(pictures) == 30
    assert set(bytes_below(parts)) != first
    (parts / "test" / "sky" / "mine.jpg").write_bytes(b"a picture of someone else's")
    done = tamis("split", photos, parts, "--seed", 3, "--force", check=False)
    assert done.returncode == 1
    assert (parts / "test/sky/mine.jpg").exists()


def test_force_beside_foreign_files(photos: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "README.txt").write_text("notes")
    assert tamis("split", photos, parts, check=False).returncode == 1
    tamis("split", photos, parts, "--force")
    tamis("undo", parts)
    assert os.listdir(parts) == ["README.txt"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["sort", "--train", "{}", "--input", "nowhere", "--out", "o"], 1, "does not exist"),
        (["sort", "--train", "{}", "--input", "{}", "--out", "{}"], 1, "cannot sort into"),
        (["sort", "--train", "{}", "--input", ".", "--out", "o", "--by", "colour"], 2, "color"),
        (["sort", "--train", "{}", "--input", ".", "--out", "o", "--distance", "l3"], 2, "l1"),
        (["sort", "--train", "{}", "--input", ".", "--out", "o", "--vote", "loud"], 2, "kernel"),
        (["sort", "--train", "{}", "--input", "empty", "--out", "o"], 1, "holds no picture"),
        (["split", "{}", "o", "--ratio", "0.7", "0.1", "0.3"], 2, "sum to 1"),
        (["split", "{}", "o", "--classes", "bars,dogs"], 1, "dogs"),
        (["evaluate", "--train", "{}", "--test", "flat"], 1, "--truth"),
        (["undo", "."], 1, "nothing to undo"),
        (["polish"], 2, "polish"),
    ],
)
def test_errors_say_what_to_do(
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_kinds(tmp_path / "flat", 1, flat=True)
    done = tamis(*(word.format(photos) for word in words), check=False)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()


def test_ctrl_c_is_one_line(photos: Path, tmp_path: Path) -> None:
    script = "import tamis.cli as c, tamis.table as t, os, signal, time\n" + (
        "interrupt = lambda *a, **k: (os.kill(os.getpid(), signal.SIGINT), time.sleep(60))\n"
        "t.ImageTable.from_folder = interrupt\n"
        # A shell that starts the tests in the background has it ignored, which is inherited.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"import sys; sys.argv = ['tamis', 'split', {str(photos)!r}, {str(tmp_path / 'o')!r}]\n"
        "c.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("left", [400, 390, 300, 200, 100, 10])
def test_killed_while_moving(photos: Path, tmp_path: Path, left: int) -> None:
    """kill -9 once so many files are left to move; then resume, then undo."""
    new, out = tmp_path / "new", tmp_path / "sorted"
    new.mkdir()
    data = simplejpeg.encode_jpeg(picture("sky", 1))
    for i in range(400):  # JPEG ignores what follows its end: 400 different files
        (new / f"{i}.jpg").write_bytes(data + str(i).encode())
    before = bytes_below(new)
    words = ["sort", *QUICK, "--train", photos, "--input", new, "--out", out, "--mode", "move"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tamis", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    journal = out / ".tamis/run-0001.jsonl"
    while process.poll() is None and not (journal.exists() and len(os.listdir(new)) <= left):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    (run,) = journals(str(out))
    if not run.finished:  # it may have been quicker than this process
        tamis(*words)
    assert bytes_below(new) == {}
    found = {Path(n).name: d for n, d in bytes_below(out).items() if n.endswith(".jpg")}
    assert found == before
    assert (out / "predictions.csv").exists()
    tamis("undo", out)
    assert bytes_below(new) == before
    assert not out.exists()


def test_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.cli.answering.AUTO", "moments")  # two networks take a minute
    done = tamis("demo", tmp_path / "demo")
    assert len(list((tmp_path / "demo/photos").rglob("*.png"))) >= 300
    assert len(os.listdir(tmp_path / "demo/photos")) >= 8
    assert (tmp_path / "demo/report.html").exists()
    assert "accuracy" in done.stdout
    tamis("demo", tmp_path / "demo")


def test_descriptors_lists_them() -> None:
    listed = answer("descriptors")["descriptors"]
    assert {"color", "edge"} <= {row["name"] for row in listed}
    assert "color" in tamis("descriptors").stdout


def test_version() -> None:
    assert tamis("--version").stdout.startswith("tamis ")


@pytest.mark.parametrize(
    "name",
    [
        "demo",
        "split",
        "sort",
        "undo",
        "evaluate",
        "compare",
        "export",
        "index",
        "search",
        "descriptors",
    ],
)
def test_every_command_has_help_with_an_example_and_is_documented(name: str) -> None:
    page = tamis(name, "--help").stdout
    assert f"tamis {name}" in page.split("Usage:")[1].split("\n", 1)[1]
    root = Path(__file__).resolve().parents[2]
    documents = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    assert any(f"tamis {name}" in document.read_text() for document in documents)


def test_the_commands_tested_are_all_there_are() -> None:
    from tamis.cli import app

    registered = {command.callback.__name__ for command in app.registered_commands}
    assert registered == {
        "demo",
        "split",
        "sort",
        "undo",
        "evaluate",
        "compare",
        "export",
        "index",
        "search",
        "descriptors",
        "duplicates",
        "check",
        "study",
        "serve",
        "train",
    }
