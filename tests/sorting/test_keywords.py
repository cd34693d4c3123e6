"""Keywords in XMP files: made, carried from run to run, and taken back."""

import os
from pathlib import Path

import pytest

from sorting_plans import files, predictions_of
from tamis.files.journal import journals
from tamis.files.transfer import Mode
from tamis.sorting import sort
from tamis.sorting.xmp import class_in, with_class
from tamis.table.sidecars import find_sidecars

RATED = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def run(paths: list[Path], columns: list[int], out: Path, mode: Mode = Mode.COPY, **how):
    how = {"keywords": True} | how
    plan = sort(predictions_of(paths, columns), out, mode=mode, **how)
    assert plan.apply().failures == ()
    return plan.placements


def classes(out: Path) -> dict[str, str | None]:
    return {
        path.relative_to(out).as_posix(): class_in(path.read_bytes())
        for path in sorted(out.rglob("*.xmp"))
    }


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".tamis" not in path.parts
    }


@pytest.mark.parametrize("mode", list(Mode))
def test_files_are_made_moved_with_their_pictures_and_taken_back(tmp_path: Path, mode: Mode):
    paths, out = files(tmp_path, "in/x.jpg", "in/b/x.jpg", "in/y.png"), tmp_path / "out"
    run(paths, [0, 0, 1], out, mode)
    first = {"ant/x.jpg.xmp": "ant", "ant/x-2.jpg.xmp": "ant", "bee/y.png.xmp": "bee"}
    assert classes(out) == first
    before = tree(out)
    if mode is Mode.MOVE:
        paths = [out / "ant/x.jpg", out / "ant/x-2.jpg", out / "bee/y.png"]
    run(paths, [1, 0, 1], out, mode, keywords=False)  # those that have one keep it right
    moved = {
        "bee/x.jpg.xmp": "bee", "ant/x-2.jpg.xmp": "ant", "bee/y.png.xmp": "bee",
        "_replaced/ant/x.jpg.xmp": "ant",
    }  # fmt: skip
    assert classes(out) == moved
    assert journals(str(out))[-1].undo().failures == ()
    assert tree(out) == before
    assert journals(str(out))[-1].undo().failures == ()
    assert not out.exists() or not any(out.rglob("*.xmp"))


def test_a_picture_that_changes_twice_and_one_under_its_old_name(tmp_path: Path):
    (path, other), out = files(tmp_path, "in/x.jpg", "in/b/x.jpg"), tmp_path / "out"
    run([path], [0], out)
    run([path], [1], out)
    run([path, other], [1, 0], out)
    found = {name: label for name, label in classes(out).items() if name[0] != "_"}
    assert found == {"bee/x.jpg.xmp": "bee", "ant/x.jpg.xmp": "ant"}
    run([path, other], [0, 0], out)
    found = {name: label for name, label in classes(out).items() if name[0] != "_"}
    assert set(found.values()) == {"ant"} and len(found) == 2
    for _ in range(4):
        assert journals(str(out))[-1].undo().failures == ()
    assert not out.exists() or not tree(out)


def test_removed_files_stay_removed_and_edited_ones_keep_what_was_written(tmp_path: Path):
    paths, out = files(tmp_path, "in/x.jpg", "in/y.jpg"), tmp_path / "out"
    run(paths, [0, 0], out)
    (out / "ant/x.jpg.xmp").unlink()
    rated = with_class(RATED, "ant")
    (out / "ant/y.jpg.xmp").write_bytes(rated)
    run(paths, [0, 0], out)
    assert classes(out) == {"ant/y.jpg.xmp": "ant"}
    assert (out / "ant/y.jpg.xmp").read_bytes() == rated
    run(paths, [1, 1], out)
    assert classes(out) == {"bee/y.jpg.xmp": "bee", "_replaced/ant/y.jpg.xmp": "ant"}
    assert b'xmp:Rating="4"' in (out / "bee/y.jpg.xmp").read_bytes()


def test_a_correction_by_hand_is_the_keyword(tmp_path: Path):
    paths, out = files(tmp_path, "in/x.jpg"), tmp_path / "out"
    run(paths, [0], out)
    (out / "cat").mkdir()
    os.rename(out / "ant/x.jpg", out / "cat/x.jpg")
    run(paths, [0], out)
    assert classes(out) == {"cat/x.jpg.xmp": "cat", "_replaced/ant/x.jpg.xmp": "ant"}
    again = tree(out)
    plan = run(paths, [0], out)
    assert not plan.keywords
    assert {k: v for k, v in tree(out).items() if k.endswith(".xmp")} == {
        k: v for k, v in again.items() if k.endswith(".xmp")
    }


@pytest.mark.parametrize("mode", [Mode.COPY, Mode.MOVE])
@pytest.mark.parametrize("name", ["in/x.xmp", "in/x.jpg.xmp"])
@pytest.mark.parametrize("sidecars", [False, True])
def test_the_xmp_of_a_picture_keeps_all_that_it_says(
    tmp_path: Path, mode: Mode, name: str, sidecars: bool
):
    paths, out = files(tmp_path, "in/x.jpg"), tmp_path / "out"
    own = tmp_path / name
    own.write_bytes(RATED)
    plan = run(paths, [0], out, mode, sidecars=sidecars)
    assert plan.sidecars == ((str(own),) if sidecars and mode is Mode.MOVE else ())
    made = out / "ant" / own.name
    assert class_in(made.read_bytes()) == "ant" and b'xmp:Rating="4"' in made.read_bytes()
    left = mode is Mode.COPY or not sidecars
    assert own.exists() == left
    if not left:
        assert (out / "_replaced/ant" / own.name).read_bytes() == RATED
    now = [out / "ant/x.jpg"] if mode is Mode.MOVE else paths
    run(now, [1], out, mode, sidecars=sidecars)
    made = out / "bee" / own.name
    assert class_in(made.read_bytes()) == "bee" and b'xmp:Rating="4"' in made.read_bytes()
    for _ in range(2):
        assert journals(str(out))[-1].undo().failures == ()
    assert own.read_bytes() == RATED and paths[0].exists()


def test_a_sidecar_that_an_earlier_run_placed_gets_the_keyword(tmp_path: Path):
    paths, out = files(tmp_path, "in/x.jpg"), tmp_path / "out"
    (tmp_path / "in/x.xmp").write_bytes(RATED)
    run(paths, [0], out, sidecars=True, keywords=False)
    assert (out / "ant/x.xmp").read_bytes() == RATED
    plan = run(paths, [1], out, sidecars=True)
    assert not plan.failures
    assert classes(out) == {"bee/x.xmp": "bee", "_replaced/bee/x.xmp": None}
    plan = run(paths, [1], out, sidecars=True)
    assert not plan.failures and not plan.keywords


def test_what_is_no_xmp_is_left_and_said(tmp_path: Path):
    paths, out = files(tmp_path, "in/x.jpg", "in/y.jpg"), tmp_path / "out"
    (tmp_path / "in/x.xmp").write_bytes(b"no xmp")
    plan = sort(predictions_of(paths, [0, 1]), out, keywords=True, sidecars=True).placements
    (failure,) = plan.failures
    assert "gets no keyword: its XMP file is no XML" in failure.reason
    assert list(plan.keywords) == ["bee/y.jpg.xmp"]


def test_nothing_is_asked_of_pictures_without_keywords(tmp_path: Path):
    paths, out = files(tmp_path, "in/x.jpg"), tmp_path / "out"
    run(paths, [0], out, keywords=False)
    run(paths, [1], out, keywords=False)
    assert not classes(out)
    assert find_sidecars(map(str, paths)) == {}
