"""The cache of pixels: what is in it, what is not, and what it costs in memory."""

import errno
import os
import tempfile

import numpy as np
import pytest

from pictures import picture, write_kinds
from tamis.classifiers.network import pixel_cache as cache_module
from tamis.classifiers.network.pixel_cache import PixelCache, digest_of_pixels, read_all
from tamis.errors import DestinationError, InvalidParameterError
from tamis.images import Square, read_image


def test_pictures_are_those_of_the_opener_in_order(tmp_path):
    paths = sorted(write_kinds(tmp_path, 5))
    cache, good, failures = read_all(paths, 32, jobs=2)
    with cache:
        assert good.tolist() == list(range(15))
        assert failures == ()
        for row, path in enumerate(paths):
            assert np.array_equal(cache.pixels[row], read_image(path, size=Square(32)))


def test_an_unreadable_file_is_named_and_shifts_nothing(tmp_path):
    paths = sorted(write_kinds(tmp_path, 3))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff no picture")
    paths[4:4] = [str(bad), str(tmp_path / "missing.png")]
    cache, good, failures = read_all(paths, 32)
    with cache:
        assert good.tolist() == [0, 1, 2, 3, 6, 7, 8, 9, 10]
        assert [failure.path for failure in failures] == paths[4:6]
        assert np.array_equal(cache.pixels[6], read_image(paths[6], size=Square(32)))


def test_arrays_are_brought_to_size(tmp_path):
    photos = np.stack([picture("sky", seed) for seed in range(4)])
    cache, good, _ = read_all(photos, 24, folder=str(tmp_path))
    with cache:
        assert cache.pixels.shape == (4, 24, 24, 3)
        assert len(good) == 4


def test_nothing_is_lost_when_memory_is_given_back(tmp_path):
    random = np.random.default_rng(0)
    with PixelCache(60, 512, folder=str(tmp_path)) as cache:  # 47 MB
        for row in range(60):
            cache.pixels[row] = random.integers(0, 256, (512, 512, 3), np.uint8)
            cache.touch(1)
        again = np.random.default_rng(0)
        for row in range(60):
            expected = again.integers(0, 256, (512, 512, 3), np.uint8)
            assert np.array_equal(cache.pixels[row], expected)
            cache.touch(1)


def test_the_file_is_gone_with_the_cache(tmp_path):
    with PixelCache(4, 32, folder=str(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_digest_knows_pictures_and_their_order():
    photos = np.stack([picture("sky", seed) for seed in range(3)])
    cache, good, _ = read_all(photos, 24)
    with cache:
        same = digest_of_pixels(cache, good)
        assert digest_of_pixels(cache, good) == same
        assert digest_of_pixels(cache, good[::-1]) != same


@pytest.mark.parametrize(
    "pictures",
    [
        "one/path.jpg",
        7,
        [b"bytes"],
        [None],
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((3, 8, 8, 3), np.float32),
        np.zeros((3, 0, 8, 3), np.uint8),
    ],
    ids=repr,
)
def test_what_is_no_picture_is_refused(pictures):
    with pytest.raises(InvalidParameterError, match="pictures"):
        read_all(pictures, 32)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EMFILE])
def test_a_temporary_folder_without_room_is_told_before_anything_is_read(
    tmp_path, monkeypatch, number
):
    def fail(*_args, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cache_module, "_reserve", fail)
    with pytest.raises(DestinationError, match=r"need 12 MB of temporary space.*set TMPDIR"):
        PixelCache(1, 2000, folder=str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_the_next_folder_is_taken_where_the_first_has_no_room(tmp_path, monkeypatch):
    first = tmp_path / "first"
    monkeypatch.setattr(tempfile, "tempdir", str(first))  # not there
    with PixelCache(2, 32, spare=str(tmp_path)) as cache:
        cache.pixels[:] = 7
        assert cache.pixels.shape == (2, 32, 32, 3)
    with pytest.raises(DestinationError, match="first: there is no such file or folder"):
        PixelCache(2, 32)
    with pytest.raises(DestinationError, match="TMPDIR"):  # one that was named is the only one
        PixelCache(2, 32, folder=str(first), spare=str(tmp_path))


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP])
def test_space_is_reserved_where_the_system_has_no_call_for_it(tmp_path, monkeypatch, number):
    def fail(*_args):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", fail, raising=False)
    with PixelCache(3, 700, folder=str(tmp_path)) as cache:
        assert not cache.pixels.any()
        assert os.fstat(cache._file.fileno()).st_blocks * 512 >= 3 * 700 * 700 * 3
