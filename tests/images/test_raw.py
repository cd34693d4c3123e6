"""Raw files of cameras, by their preview."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raw_files import dng
from tamis.errors import ImageReadError
from tamis.images import default_reading, has_signature, read_image, read_picture
from tamis.images.decoding import decode_file
from tamis.images.limits import Host
from tamis.images.listing import Listing
from tamis.images.signature import raw_kind
from tamis.table import ImageTable

rawpy = pytest.importorskip("rawpy", reason="needs the extra raw")


def preview(**how) -> tuple[bytes, np.ndarray]:
    """Make a JPEG of four colours, so that every orientation shows."""
    picture = np.zeros((48, 96, 3), np.uint8)
    picture[:24, :48], picture[:24, 48:] = (200, 0, 0), (0, 200, 0)
    picture[24:, :48], picture[24:, 48:] = (0, 0, 200), (200, 200, 200)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=95, subsampling=0, **how)
    return file.getvalue(), picture


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_the_preview_is_shown_upright(tmp_path: Path, orientation: int, turns: int) -> None:
    jpeg, picture = preview()
    file = tmp_path / "a.dng"
    file.write_bytes(dng(jpeg, orientation=orientation))
    expected = np.rot90(picture, turns)
    shown = read_image(file, size=None)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).max() < 12
    read = read_picture(file, [64], digest=True)
    assert (read.height, read.width) == expected.shape[:2]
    assert len(read.digest) == 16 and max(read.at(64).shape) == 64


def test_a_preview_that_says_how_it_lies_is_not_turned_twice(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg, picture = preview(exif=exif)
    file = tmp_path / "a.dng"
    file.write_bytes(dng(jpeg, orientation=6))
    shown = read_image(file, size=None)
    assert np.abs(shown.astype(int) - np.rot90(picture, 3)).max() < 12


def test_any_name_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a\udcff.NEF"
    file.write_bytes(dng(preview()[0]))
    assert read_image(file, size=None).shape == (48, 96, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (dng(None), r"is a camera's raw picture \(DNG\) without a preview. Convert it"),
        (dng(preview()[0])[:300], r"raw picture \(DNG\) (without a|whose) preview"),
        (dng(b"\xff\xd8\xff" + bytes(400)), "is |damaged"),
    ],
)
def test_what_has_no_preview_is_a_failure_with_its_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "a.dng"
    file.write_bytes(content)
    with pytest.raises(ImageReadError, match=reason):
        read_image(file)


def test_without_libraw_the_extra_is_named_or_the_tiff_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    host = Host(lambda needed: None)

    def decode(name: str, data: bytes):
        file = tmp_path / name
        file.write_bytes(data)
        return decode_file(str(file), [None], how=default_reading(), digest=False, host=host)

    with pytest.raises(ImageReadError, match=r'pip install "tamis\[raw\]"'):
        decode("a.RAF", b"FUJIFILMCCD-RAW 0201".ljust(200, b"\0"))
    tiff = io.BytesIO()
    Image.fromarray(np.full((6, 8, 3), 9, np.uint8)).save(tiff, "TIFF")
    assert decode("a.nef", tiff.getvalue()).decoded[None].shape == (6, 8, 3)


def test_kinds_are_told_by_their_content_or_their_name() -> None:
    head = dng(None)[:64]
    assert raw_kind(head, "a.Dng") == "DNG" and raw_kind(head, "a.tif") is None
    assert raw_kind(b"\xff\xd8\xff" + bytes(60), "a.nef") is None
    assert has_signature(head)


def test_a_raw_file_beside_the_picture_that_shows_it_goes_with_it(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/1.CR3", "a/2.CR3", "b/1.CR3", "b/1.dng", "a/1.x.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = Listing(str(tmp_path))
    names = {Path(path).relative_to(tmp_path).as_posix() for _, path in found.files}
    assert names == {"a/1.jpg", "a/1.x.jpg", "a/2.CR3", "b/1.CR3", "b/1.dng"}
    assert [Path(path).name for path in found.ignored] == ["1.CR3"]
    assert len(ImageTable.from_folder(tmp_path)) == 5
