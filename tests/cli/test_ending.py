"""How commands end: one line for what a system does, a traceback for what nobody foresaw."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command import tamis
from pictures import write_kinds
from tamis.cli import console, ending
from tamis.cli.progress import progress
from tamis.errors import DestinationError, InvalidParameterError


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Make `tamis descriptors color` end by an exception."""

    def set_to(error: BaseException) -> "subprocess.CompletedProcess[str]":
        def fail(*_args: object, **_options: object) -> None:
            raise error

        monkeypatch.setattr("tamis.descriptors.catalog.entries", fail)
        return tamis("descriptors", check=False)

    return set_to


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EACCES, "permission denied. Choose another place"),
        (errno.EROFS, "read-only"),
        (errno.ENAMETOOLONG, "too long for the disk. Choose a shorter"),
        (errno.ENOTDIR, "a file is where a folder should be"),
        (errno.EEXIST, "in the way"),
        (errno.EMFILE, "too many files are open. Raise the limit (ulimit -n)"),
        (errno.EIO, "the disk reported an error. Check the disk"),
        (errno.ENOTRECOVERABLE, "State not recoverable"),
    ],
)
def test_what_a_system_does_is_one_line(failing, number, reason):
    done = failing(OSError(number, os.strerror(number), "/some/\x1b[31mplace"))
    assert done.returncode == 1
    assert done.stderr.startswith("tamis: cannot use /some/\\x1b[31mplace: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


class _FromStoreError(ValueError):
    __module__ = "lance.something"


class _Panic(BaseException):
    __module__ = "pyo3_runtime"


@pytest.mark.parametrize(
    ("error", "says", "code"),
    [
        (MemoryError("Unable to allocate 3. GiB"), "not enough memory (Unable to allocate 3.", 1),
        (MemoryError(), "not enough memory. Lower --jobs", 1),
        (OSError("LanceError(IO): x: No space left on device (os error 28), a.rs:1"), "full", 1),
        (
            _FromStoreError("odd\nlines"),
            "the collection cannot be used (_FromStoreError: odd lines)",
            1,
        ),
        (_Panic("index out of bounds"), "index out of bounds", 1),
        (InvalidParameterError("two\nlines \x1b[2J"), "two lines \\x1b[2J", 2),
        (DestinationError("cannot write x: why."), "tamis: cannot write x: why.", 1),
        (KeyboardInterrupt(), "tamis: stopped.", 130),
    ],
)
def test_errors_of_libraries_and_of_ours_are_one_line(failing, error, says, code):
    done = failing(error)
    assert done.returncode == code
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("error", [RuntimeError("odd \x1b[31m"), KeyError("x"), OSError("bare")])
def test_what_nobody_foresaw_keeps_its_traceback_under_a_request(failing, error):
    done = failing(error)
    assert done.returncode == 1
    first, second, *rest = done.stderr.splitlines()
    assert first.startswith(f"tamis: an error of tamis itself: {type(error).__name__}: ")
    assert "Please report it" in first
    assert "Python 3." in first
    assert second == "Traceback (most recent call last):"
    assert "in fail" in "\n".join(rest)
    assert "\x1b" not in done.stderr


def test_a_broken_pipe_that_is_not_the_output_is_told(failing):
    done = failing(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert done.returncode == 1
    assert "Broken pipe" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["search", "--no\x1b[31m[red]such", "x"],
        ["\x1b[31mfoo"],
        ["sort", "--input", "x", "--out", "y", "--mode", "\x1b[31m"],
        ["search"],
        ["search", "-k", "many\x1b", "x", "y"],
        ["descriptors", "\x1b[31m\u202e"],
        ["descriptors", "color(\x1b=1)"],
    ],
)
def test_wrong_words_are_one_printable_line(words):
    done = tamis(*words, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("tamis: ")
    assert done.stderr.rstrip("\n").isprintable()


def run(*words: object, **options: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tamis", *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_command_says_how_to_go_on(tmp_path, number, code):
    write_kinds(tmp_path / "photos", 2)
    os.mkfifo(tmp_path / "truth.csv")  # the command waits here for as long as the test wants
    # A shell starts jobs in the background with SIGINT ignored, and children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = run("evaluate", tmp_path / "photos", "--truth", tmp_path / "truth.csv")
    signal.signal(signal.SIGINT, before)
    with process:
        with open(tmp_path / "truth.csv", "w"):  # opens when the command reads
            time.sleep(0.2)
            process.send_signal(number)
            process.wait(60)
        out, err = process.communicate()
    assert process.returncode == code
    assert out == ""
    assert err.splitlines()[-1].startswith("tamis: stopped. Nothing was written.")
    assert "Traceback" not in err


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_leaves_ends_a_command_silently():
    with run("descriptors") as process:
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["descriptors"], ["--version"]])
def test_an_output_that_is_full_is_told(words):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "tamis", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_user_without_a_name_is_given_one(monkeypatch):
    import getpass

    pwd = pytest.importorskip("pwd")

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGNAME", "")
    console.prepare()
    assert getpass.getuser() == f"uid-{os.getuid()}"


def test_every_command_that_writes_says_how_to_go_on():
    from tamis.cli import app

    names = ending._commands(app)
    assert names >= ending._GO_ON.keys()
    assert {"sort", "split", "undo", "index", "train", "demo"} == ending._GO_ON.keys()


HOSTILE = "\x1b[31m\x07\x9b\u202e\u2066\udce9[red]x\r\nline"


@pytest.mark.parametrize("to", ["say", "warn", "screen", "failures", "json"])
def test_nothing_printed_commands_the_terminal(capsys, to):
    from tamis.errors import Failure

    if to == "say":
        console.say(f"first\tsecond\n{HOSTILE}")
    elif to == "warn":
        console.warn(HOSTILE)
    elif to == "failures":
        console.warn_failures([Failure(HOSTILE, HOSTILE)])
    elif to == "json":
        console.write_json("-", {HOSTILE: HOSTILE})
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table(HOSTILE)
        table.add_row(HOSTILE, Text(HOSTILE))
        console.screen().print(table, HOSTILE)
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert text
    assert all(c.isprintable() or c in "\n\t" for c in text), text
    if to == "failures":
        assert text.count("\n") == 1
    if to in ("say", "warn", "screen", "failures"):
        assert "\\x1b[31m" in text
        assert "[red]" in text
    if to == "say":
        assert text.startswith("first\tsecond\n")


def test_a_bar_shows_names_as_they_are(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with progress("[red]\x07na\x1b]0;me", 2) as advance:
        advance(1)
    text = capsys.readouterr().err
    assert "[red]\\x07na\\x1b]0;me" in text
    assert "\x07" not in text
    assert "\x1b]0" not in text


def test_hostile_class_names_in_an_evaluation_are_printable(tmp_path: Path) -> None:
    write_kinds(tmp_path / "photos", 3)
    kinds = sorted((tmp_path / "photos").iterdir())
    kinds[0].rename(tmp_path / "photos" / "fox\x1b[31m[red]")
    for words in (["evaluate", tmp_path / "photos", "--depth", 1, "--by", "moments"],
                  ["compare", tmp_path / "photos", "--by", "moments", "--folds", 2]):  # fmt: skip
        done = tamis(*words)
        assert "\x1b" not in done.stdout + done.stderr
