"""Arrays from files that others made: exactly what is announced, or one line."""

import io
import os
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from tamis.errors import FileFormatError
from tamis.files.arrays import read_npz

FIELDS = {"a": ("float32", 2)}
GOOD = np.arange(6, dtype=np.float32).reshape(2, 3)


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(header, values=b"", version=1):
    text = header.encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + values


def zipped(parts, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return buffer.getvalue()


def header_of(shape="(2, 3)", descr="'<f4'", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_numpy_writes_is_read(tmp_path, order):
    values = np.asarray(GOOD, order=order)
    (tmp_path / "a.npz").write_bytes(npz(a=values, other=np.array(["text"])))
    for source in (tmp_path / "a.npz", npz(a=values)):
        found = read_npz(source, FIELDS)
        assert found.keys() == {"a"}
        assert found["a"].dtype == np.float32
        assert (found["a"] == GOOD).all()
        assert found["a"].flags.writeable


def test_numbers_without_dimensions_and_empty_arrays_are_read():
    data = npz(n=np.float64(0.5), empty=np.empty((0, 4), np.int64))
    found = read_npz(data, {"n": ("float64", 0), "empty": ("int64", 2)})
    assert found["n"] == 0.5
    assert found["empty"].shape == (0, 4)


VALUES = GOOD.tobytes()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no zip file"),
        (b"PK\x03\x04" + bytes(40), "no zip file"),
        (npz(a=GOOD)[:-30], "no zip file"),
        (npz(b=GOOD), "holds no array a"),
        (npz(a=GOOD.astype(np.float64)), "must be float32"),
        (npz(a=GOOD.astype(">f4")), "must be float32"),
        (npz(a=GOOD[0]), "with 2 dimensions"),
        (npz(a=np.array([[1, np.nan]], np.float32)), "NaN or infinity"),
        (npz(a=np.array([[1, np.inf]], np.float32)), "NaN or infinity"),
        (npz(a=np.array([[None, 1]], object)), "header that cannot be read"),
        (zipped([("a.npy", b"text")]), "no array of numpy"),
        (zipped([("a.npy", npy(header_of("(999999999, 999999999)"), VALUES))]), "announces"),
        (zipped([("a.npy", npy(header_of("(2, 2)"), VALUES))]), "announces"),
        (zipped([("a.npy", npy(header_of("(-2, -3)"), VALUES))]), "header that cannot be read"),
        (zipped([("a.npy", npy(header_of("(" + "9" * 9000 + ",)")))]), "header that cannot"),
        (zipped([("a.npy", npy("[" * 9000))]), "header that cannot be read"),
        (zipped([("a.npy", npy(header_of(descr="'<f99'"), VALUES))]), "unknown type"),
        (zipped([("a.npy", npy(header_of(descr="[('x', '<f4')]")))]), "header that cannot"),
        (zipped([("../a.npy", b""), ("a.npy", npy(header_of(), VALUES))]), "the name ../a.npy"),
        (zipped([("/a.npy", b""), ("a.npy", npy(header_of(), VALUES))]), "the name /a.npy"),
    ],
)
def test_what_is_not_as_announced_is_refused(data, reason):
    with pytest.raises(FileFormatError, match=reason.replace("(", r"\(")):
        read_npz(data, FIELDS)


def test_a_name_that_stands_twice_is_refused():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped([("a.npy", npy(header_of(), VALUES))] * 2)
    with pytest.raises(FileFormatError, match="twice"):
        read_npz(data, FIELDS)


def test_a_bomb_is_refused_before_it_unfolds():
    bomb = zipped([("a.npy", npy(header_of("(25000000, 1)"), bytes(100_000_000)))], 8)
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        for limit in (None, 50_000_000):
            with pytest.raises(FileFormatError, match="unfold to more than"):
                read_npz(bomb, FIELDS, limit=limit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_a_bomb_that_understates_its_size_is_refused():
    bomb = bytearray(zipped([("a.npy", npy(header_of("(1000000, 1)"), bytes(4_000_000)))], 8))
    size = struct.pack("<I", 4_000_000 + len(npy(header_of("(1000000, 1)"))))
    assert bomb.count(size) == 2
    with pytest.raises(FileFormatError):
        read_npz(bytes(bomb.replace(size, struct.pack("<I", 1000))), FIELDS, limit=10_000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), ("/dev/zero", "a device")):
        with pytest.raises(FileFormatError, match=f"is {kind}, not a regular file"):
            read_npz(path, FIELDS)
    with pytest.raises(FileFormatError, match="holds a NUL"):
        read_npz("a\0b", FIELDS)
    with pytest.raises(IsADirectoryError):
        read_npz(tmp_path, FIELDS)
    (tmp_path / "link").symlink_to("a.npz")
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "link", FIELDS)
    (tmp_path / "a.npz").write_bytes(npz(a=GOOD))
    assert read_npz(tmp_path / "link", FIELDS)["a"].shape == (2, 3)
