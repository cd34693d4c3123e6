"""The cache: made once, made again when damaged, and done without where it cannot be."""

import os
import sys

import pytest

from tamis.files.cache import cache_folder, cached


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "backbones"


class Made:
    def __init__(self, data=b"graph"):
        self.data, self.times = data, 0

    def __call__(self):
        self.times += 1
        return self.data


def test_it_is_made_once(cache):
    make = Made()
    assert [cached("net-v1", make) for _ in range(3)] == [b"graph"] * 3
    assert make.times == 1
    assert len(list(cache.iterdir())) == 1


def test_what_is_damaged_is_made_again(cache):
    make = Made()
    cached("net-v1", make)
    (file,) = cache.iterdir()
    file.write_bytes(b"graf")
    assert cached("net-v1", make) == b"graph"
    assert make.times == 2
    assert file.read_bytes() == b"graph"


def test_one_is_not_taken_for_another(cache):
    cached("net-v1", Made(b"one"))
    assert cached("net-v12", Made(b"two")) == b"two"
    assert cached("net", Made(b"three")) == b"three"
    assert cached("net-v1", Made(b"four")) == b"one"


def test_what_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "file"))
    make = Made()
    assert cached("net-v1", make) == b"graph"
    assert cached("net-v1", make) == b"graph"
    assert make.times == 2
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_nothing_is_left_of_what_could_not_be_finished(cache, monkeypatch):
    def refuse(*_):
        raise OSError("full")

    monkeypatch.setattr(os, "replace", refuse)
    assert cached("net-v1", Made()) == b"graph"
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x"}, "/x/tamis"),
        ({"TAMIS_CACHE": "~/mine"}, "home/mine"),
        ({}, "home/.cache/tamis"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_the_folder_is_where_the_system_has_it(variables, folder, tmp_path, monkeypatch):
    for name in ("TAMIS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == tmp_path / folder
