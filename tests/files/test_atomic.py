"""Writing files: whole or not at all, and nothing foreign is replaced."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tamis.descriptors.classical.codebook import Codebook
from tamis.descriptors.components import Components
from tamis.errors import DestinationError
from tamis.files import atomic
from tamis.files.atomic import check_output, write_whole
from tamis.files.kinds import CODEBOOK, JSON, MODEL, PAGE, REDUCTION
from tamis.model.file import write_archive

KINDS = {"json": JSON, "page": PAGE, "model": MODEL, "codebook": CODEBOOK, "reduction": REDUCTION}


def write_kind(path, kind):
    """Write a file of one kind as tamis writes it."""
    if kind == "model":
        write_archive(path, {}, {"part": b"x"})
    elif kind == "codebook":
        ones = np.ones((2, 128), np.float32)
        Codebook(mean=ones[0], axes=ones, words=np.ones((3, 2), np.float32)).save(path)
    elif kind == "reduction":
        ones = np.ones((2, 5), np.float32)
        Components(base="color", mean=ones[0], axes=ones, variances=ones[0, :2]).save(path)
    elif kind == "json":
        Path(path).write_bytes(b'{\n  "generator": "tamis 0.1"\n}\n')
    else:
        Path(path).write_bytes(b'<!DOCTYPE html>\n<meta name="generator" content="tamis">')


FOREIGN = {
    "picture": b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"x" * 50,
    "list": b"path,label\na.jpg,fox\n",
    "json": b'{"generator": "another"}',
    "page": b'<html><meta name="generator" content="tamistan">',
    "zip": b"PK\x03\x04" + bytes(40),
}


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_file_of_the_same_kind_is_replaced(tmp_path, kind):
    for other in KINDS:
        file = tmp_path / other
        write_kind(file, other)
        before = file.read_bytes()
        if other == kind:
            check_output(file, KINDS[kind])
            with write_whole(file, KINDS[kind]) as stream:
                stream.write(b"new")
            assert file.read_bytes() == b"new"
        else:
            with pytest.raises(DestinationError, match="left alone"):
                check_output(file, KINDS[kind])
            with pytest.raises(DestinationError), write_whole(file, KINDS[kind]) as stream:
                stream.write(b"new")
            assert file.read_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("linked", [False, True])
def test_a_foreign_file_is_left_alone(tmp_path, kind, what, linked):
    file = named = tmp_path / "file"
    file.write_bytes(FOREIGN[what])
    if linked:
        named = tmp_path / "link"
        named.symlink_to(file)
    with pytest.raises(DestinationError, match="left alone"):
        check_output(named, KINDS[kind])
    with pytest.raises(DestinationError), write_whole(named, KINDS[kind]):
        pass
    assert file.read_bytes() == FOREIGN[what]
    assert len(os.listdir(tmp_path)) == 1 + linked


def test_an_empty_file_is_free(tmp_path):
    file = tmp_path / "file"
    file.touch(0o600)
    with write_whole(file, JSON) as stream:
        stream.write(b"x")
    assert file.read_bytes() == b"x"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path):
    file = tmp_path / "file"
    with pytest.raises(DestinationError, match="left alone"), write_whole(file, JSON) as stream:
        stream.write(b"x")
        file.write_bytes(FOREIGN["picture"])
    assert file.read_bytes() == FOREIGN["picture"]
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_mode_follows_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        with write_whole(tmp_path / "file") as stream:
            stream.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to("far/file.json")
    for text in (b"1", b"2"):
        with write_whole(link) as stream:
            stream.write(text)
        assert link.is_symlink()
        assert (tmp_path / "far/file.json").read_bytes() == text
    assert os.listdir(tmp_path / "far") == ["file.json"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), OSError(28, "full")])
def test_a_failure_leaves_what_was_there(tmp_path, error):
    file = tmp_path / "file"
    file.write_bytes(b"before")
    expected = DestinationError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), write_whole(file) as stream:
        stream.write(b"half")
        raise error
    assert file.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EACCES, "permission denied. Choose another place"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "the disk reported an error"),
        (errno.EMFILE, "too many files are open"),
    ],
)
def test_a_failing_system_call_is_told_and_leaves_nothing(
    tmp_path, monkeypatch, call, number, says
):
    def fail(*_args, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic.os, call, fail)
    with pytest.raises(DestinationError, match=says) as caught, write_whole(tmp_path / "f") as file:
        file.write(b"x")
    monkeypatch.undo()
    assert caught.value.errno == number
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda top: top, "is a folder"),
        (lambda top: top / "nowhere/file", "does not exist"),
        (lambda top: top / "plain/file", "is not a folder"),
        (lambda top: f"{top}/new/", "folder"),
        (lambda top: top / "round", "circle"),
        (lambda top: top / ("x" * 300), "too long"),
        (lambda top: f"{top}/a\0b", "no file name"),
        (lambda _: "", "no file name"),
    ],
)
def test_what_cannot_be_a_file_is_refused_beforehand(tmp_path, make, says):
    (tmp_path / "plain").write_text("x")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(DestinationError, match=says):
        check_output(make(tmp_path), JSON)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused_beforehand(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(DestinationError, match="permission denied"):
        check_output(tmp_path / "file", JSON)
    tmp_path.chmod(0o755)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs POSIX")
@pytest.mark.parametrize("kind", [JSON, PAGE])
def test_devices_and_pipes_are_written_as_they_are(tmp_path, kind):
    check_output("/dev/null", kind)
    with write_whole("/dev/null", kind) as stream:
        stream.write(b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        with write_whole(pipe, kind) as stream:
            stream.write(b"through")
        assert reader.stdout.read() == b"through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="needs POSIX")
def test_dev_stdout_is_the_stream_and_not_its_file(tmp_path):
    code = (
        "from tamis.files.atomic import write_whole; from tamis.files.kinds import JSON\n"
        "print('first')\n"
        "with write_whole('/dev/stdout', JSON) as file: file.write(b'second\\n')\n"
        "print('third')"
    )
    with open(tmp_path / "log", "wb") as log:
        subprocess.run([sys.executable, "-c", code], stdout=log, check=True)
    assert (tmp_path / "log").read_text().split() == ["first", "second", "third"]
    assert os.path.islink("/dev/stdout")
