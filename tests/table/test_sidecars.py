"""Which files go with a picture."""

from pathlib import Path

from tamis.table.sidecars import find_sidecars, name_beside


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


def test_what_takeout_writes_beside_a_picture(tmp_path: Path) -> None:
    names = "a.jpg a.jpg.supplemental-metadata.json a.jpg.supplemental-me.json a.jpgx.json".split()
    for name in names:
        (tmp_path / name).write_bytes(b"")
    (found,) = find_sidecars([str(tmp_path / "a.jpg")]).values()
    assert [Path(path).name for path in found] == [
        "a.jpg.supplemental-me.json", "a.jpg.supplemental-metadata.json"
    ]  # fmt: skip
    assert name_beside("a.jpg.x.json", "a.jpg", "a-2.jpg") == "a-2.jpg.x.json"
