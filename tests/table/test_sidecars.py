"""Which files go with a picture."""

from pathlib import Path

from tamis.table.sidecars import find_sidecars


def test_by_the_whole_name_or_the_stem(tmp_path: Path) -> None:
    for name in (
        "a.jpg a.jpg.xmp a.xmp a.MOV a.txt ab.xmp a.png.xmp .a.xmp b.jpg b.DNG b.xmp b.dng.xmp "
        "c.jpg c.png a.jpeg.d"
    ).split():
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a.dir").mkdir()
    (tmp_path / "c.xmp").symlink_to("a.xmp")
    pictures = [tmp_path / name for name in ("a.jpg", "b.jpg", "b.DNG", "c.jpg")]
    found = find_sidecars(map(str, pictures))
    names = {Path(p).name: [Path(s).name for s in found[p]] for p in found}
    assert names == {
        "a.jpg": ["a.MOV", "a.jpg.xmp", "a.txt", "a.xmp"],
        "b.DNG": ["b.xmp"],  # of two pictures with one stem the first
    }


def test_a_raw_file_that_cannot_be_read_goes_with_its_picture(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(b"")
    (tmp_path / "b.NEF").write_bytes(b"")
    picture = str(tmp_path / "b.jpg")
    assert find_sidecars([picture]) == {picture: (str(tmp_path / "b.NEF"),)}
