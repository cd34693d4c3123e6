"""Extraction: the right vector for every picture, whatever else lies in the folder."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import simplejpeg

import tamis.features.extraction as module
from pictures import picture, write_kinds
from tamis.descriptors import descriptor
from tamis.descriptors.base import Descriptor
from tamis.errors import InvalidParameterError
from tamis.features import FeatureTable, available_processors, chunks, extract
from tamis.images import Decoders, digest_of, read_image
from tamis.table import ImageTable

COLOR = descriptor("color(bins=6,regions=2,size=24)")
CHUNK = module._CHUNK


def table_of(paths):
    paths = tuple(map(os.fspath, paths))
    labels = tuple(f"class-{i % 3}" if i % 4 else None for i in range(len(paths)))
    return ImageTable(paths, labels, (None,) * len(paths))


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """A hundred pictures, each another, with files that are none at 0, 31, 32, 50 and 99."""
    folder = tmp_path_factory.mktemp("features")
    made = []
    for i in range(100):
        file = folder / f"{i:03}.jpg"
        if i in (0, CHUNK - 1, CHUNK, 50, 99):
            file.write_bytes(b"" if i % 2 else b"no picture")
        else:
            pixels = picture(("bars", "sky", "tiles")[i % 3], i, height=8 + i % 5, width=12)
            file.write_bytes(simplejpeg.encode_jpeg(pixels))
        made.append(file)
    return made


def same(one: FeatureTable, other: FeatureTable) -> bool:
    return (
        one.paths == other.paths
        and one.labels == other.labels
        and one.spec == other.spec
        and one.failures == other.failures
        and one.features.dtype == other.features.dtype
        and np.array_equal(one.features, other.features)
    )


@pytest.mark.parametrize("jobs", [1, 3, None])
def test_every_picture_gets_its_own_vector(paths, jobs):
    table = table_of(paths)
    found = extract(table, COLOR, jobs=jobs)
    bad = (0, CHUNK - 1, CHUNK, 50, 99)
    good = [i for i in range(100) if i not in bad]
    assert found.paths == tuple(table.paths[i] for i in good)
    assert found.labels == tuple(table.labels[i] for i in good)
    assert [failure.path for failure in found.failures] == [table.paths[i] for i in bad]
    assert found.spec == COLOR.spec
    assert found.features.shape == (95, COLOR.dim) and found.features.dtype == np.float32
    for path, row in zip(found.paths, found.features, strict=True):
        assert (COLOR.describe([read_image(path, size=24)])[0] == row).all()
    assert len(np.unique(found.features, axis=0)) == 95


def test_each_failure_says_why(paths):
    reasons = {Path(f.path).name: f.reason for f in extract(table_of(paths), COLOR).failures}
    assert reasons["031.jpg"] == reasons["099.jpg"] == "is empty (0 bytes)"
    assert "picture" in reasons["050.jpg"]


def test_threads_do_not_change_the_result(paths):
    table = table_of(paths)
    alone = extract(table, COLOR, jobs=1)
    for jobs in (2, 3, 8):
        assert same(extract(table, COLOR, jobs=jobs), alone)


def test_the_order_is_that_of_the_table(paths):
    table = table_of(paths)
    rows = np.random.default_rng(0).permutation(100)
    forth, shuffled = extract(table, COLOR, jobs=3), extract(table.select(rows), COLOR, jobs=3)
    vector = dict(zip(forth.paths, forth.features, strict=True))
    assert list(shuffled.paths) == [table.paths[i] for i in rows if table.paths[i] in vector]
    for path, row in zip(shuffled.paths, shuffled.features, strict=True):
        assert (vector[path] == row).all()


@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
@pytest.mark.parametrize("jobs", [1, 3])
def test_where_chunks_end_does_not_matter(paths, n, jobs):
    table = table_of(paths)
    whole = extract(table, COLOR, jobs=1)
    part = extract(table.select(range(n)), COLOR, jobs=jobs)
    assert part.paths == whole.paths[: len(part)]
    assert (part.features == whole.features[: len(part)]).all()
    assert part.failures == whole.failures[: len(part.failures)]
    assert len(part) + len(part.failures) == n


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("n", [0, 1, CHUNK, CHUNK + 1, 100])
def test_progress_adds_up_and_comes_from_the_caller(paths, jobs, n):
    done, threads = [], set()

    def progress(pictures):
        done.append(pictures)
        threads.add(threading.get_ident())

    extract(table_of(paths[:n]), COLOR, jobs=jobs, progress=progress)
    assert sum(done) == n
    assert all(pictures > 0 for pictures in done)
    assert threads <= {threading.get_ident()}


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("n", [1, 70])
def test_nothing_but_bad_files_gives_no_rows(paths, jobs, n):
    found = extract(table_of([paths[0]] * n), COLOR, jobs=jobs)
    assert len(found) == 0 and found.paths == found.labels == ()
    assert found.features.shape == (0, COLOR.dim) and found.features.dtype == np.float32
    assert len(found.failures) == n


def test_an_empty_table_gives_no_rows():
    found = extract(ImageTable((), (), ()), COLOR)
    assert len(found) == 0 and found.failures == ()
    assert found.features.shape == (0, COLOR.dim)


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_threads_are_refused(jobs):
    with pytest.raises(InvalidParameterError, match=rf"at least 1\. Got {jobs}"):
        extract(ImageTable((), (), ()), COLOR, jobs=jobs)


def test_the_limit_of_pixels_is_passed_on(paths):
    found = extract(table_of(paths[1:5]), COLOR, max_pixels=12 * 10)
    assert [Path(p).name for p in found.paths] == ["001.jpg", "002.jpg"]
    assert [Path(f.path).name for f in found.failures] == ["003.jpg", "004.jpg"]


# What stops it


@dataclass
class Counting(Descriptor):
    """Counts the pictures it has seen; fails from the `fails`-th call on."""

    name: ClassVar[str] = "counting"
    summary: ClassVar[str] = ""
    dim: ClassVar[int] = 1
    spec: ClassVar[str] = "counting"
    size: int | None = 16
    fails: int = 10**9

    def __post_init__(self):
        self.lock, self.seen, self.calls = threading.Lock(), 0, 0

    def describe(self, images):
        with self.lock:
            self.calls += 1
            self.seen += len(images)
            if self.calls >= self.fails:
                raise RuntimeError("broken descriptor")
        return np.ones((len(images), 1), np.float32)


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_interrupt_leaves_the_rest_undone(paths, jobs):
    counting, n = Counting(), 100 * CHUNK
    table = table_of([paths[1]] * n)

    def progress(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(table, counting, jobs=jobs, progress=progress)
    assert counting.seen < n
    assert not [t for t in threading.enumerate() if t.name.startswith("tamis-extract")]


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_defect_of_a_descriptor_is_not_taken_for_a_bad_file(paths, jobs):
    with pytest.raises(RuntimeError, match="broken descriptor"):
        extract(table_of([paths[1]] * 5 * CHUNK), Counting(fails=3), jobs=jobs)


# Tables


def test_rows_can_be_taken(paths):
    found = extract(table_of(paths), COLOR)
    for rows in ([5, 2, 2], np.array([5, 2, 2])):
        some = found.select(rows)
        assert some.paths == tuple(found.paths[i] for i in (5, 2, 2))
        assert some.labels == tuple(found.labels[i] for i in (5, 2, 2))
        assert (some.features == found.features[[5, 2, 2]]).all()
        assert (some.spec, some.failures) == (found.spec, found.failures)
    assert found.select([]).features.shape == (0, COLOR.dim)


@pytest.mark.parametrize(
    ("n", "expected"), [(0, []), (1, [1]), (4, [4]), (5, [4, 1]), (8, [4, 4]), (9, [4, 4, 1])]
)
def test_pieces_of_a_table(n, expected):
    table = table_of(f"{i}.jpg" for i in range(n))
    pieces = list(chunks(table, 4))
    assert [len(piece) for piece in pieces] == expected
    assert tuple(path for piece in pieces for path in piece.paths) == table.paths


def test_there_is_a_processor():
    assert available_processors() >= 1


def test_several_descriptors_see_what_each_would_see_alone(paths):
    """One reading of each file, and no influence of the company."""
    specs = ("color(bins=4)", "color(bins=4,size=none)", "edge(size=64)", "edge(size=200)")
    several = [descriptor(spec) for spec in specs]
    chunks = list(module.describe_chunks(table_of(paths), several, jobs=2, digest=True))
    for i, one in enumerate(several):
        alone = extract(table_of(paths), one)
        together = np.concatenate([chunk.features[i] for chunk in chunks])
        assert np.array_equal(together, alone.features)
        failed = [failure for chunk in chunks for failure in chunk.failures.values()]
        assert tuple(failed) == alone.failures
    rows = [row for chunk in chunks for row in chunk.rows]
    shapes = [shape for chunk in chunks for shape in chunk.shapes]
    digests = [digest for chunk in chunks for digest in chunk.digests]
    assert shapes == [(8 + row % 5, 12) for row in rows]
    assert digests == [digest_of(paths[row]) for row in rows]


def test_each_file_is_read_once_for_all_descriptors(paths, monkeypatch):
    read = []
    real = Decoders.read

    def counted(self, paths, *words, **more):
        read.extend(paths)
        return real(self, paths, *words, **more)

    monkeypatch.setattr(Decoders, "read", counted)
    several = [COLOR, descriptor("edge"), descriptor("gist")]
    list(module.describe_chunks(table_of(paths), several, jobs=2))
    assert sorted(read) == sorted(map(os.fspath, paths))


def test_only_a_few_chunks_are_under_way_however_slowly_they_are_taken(paths):
    table = table_of(paths * 20)
    described = Counting()
    chunks = module.describe_chunks(table, [described], jobs=2)
    next(chunks)
    time.sleep(0.3)
    assert described.seen <= 2 * CHUNK * module._WAITING + CHUNK
    chunks.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("tamis-extract")]


def test_large_pictures_are_not_gathered(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PIXEL_BYTES", 3 * 40 * 60 - 1)  # less than one picture
    made = list(write_kinds(tmp_path, 4))
    one = descriptor("edge(size=none)")
    found = extract(table_of(made), one)
    monkeypatch.undo()
    assert same(found, extract(table_of(made), one))
