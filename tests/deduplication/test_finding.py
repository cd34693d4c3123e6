"""Groups of the same picture: what is found, what is not, what is remembered, what is moved."""

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import tamis
from tamis.deduplication.groups import make_groups
from tamis.deduplication.hashing import near_hashes
from tamis.deduplication.links import Link
from tamis.deduplication.neighbours import SCALE, Cells
from tamis.deduplication.sketches import Thumbnails
from tamis.errors import InvalidParameterError, UnknownNameError


def scene(number, height=120, width=160):
    """A picture of blobs and edges, different for each number."""
    chance = np.random.default_rng(number)
    image = np.full((height, width, 3), chance.integers(40, 200, 3), np.uint8)
    for _ in range(25):
        colour = [int(v) for v in chance.integers(0, 255, 3)]
        at = (int(chance.integers(width)), int(chance.integers(height)))
        size = (int(chance.integers(4, 30)), int(chance.integers(4, 30)))
        cv2.ellipse(image, at, size, float(chance.integers(180)), 0, 360, colour, -1)
    return cv2.GaussianBlur(image, (0, 0), 1)


def write(path, image, quality=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return path


def captioned(image):
    out = image.copy()
    out[-15:] //= 4
    cv2.putText(out, "holiday", (4, len(out) - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255,) * 3)
    return out


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Thirty scenes, and copies of some of them; a picture that is no file of pictures."""
    root = tmp_path_factory.mktemp("dup") / "photos"
    for i in range(30):
        write(root / "a" / f"{i:02}.jpg", scene(i))
    shutil.copy(root / "a" / "00.jpg", root / "a" / "copy.jpg")
    write(root / "b" / "half.jpg", cv2.resize(scene(1), None, fx=0.5, fy=0.5))
    write(root / "b" / "saved.jpg", scene(2), quality=30)
    write(root / "b" / "light.jpg", np.clip(scene(3) * 1.2, 0, 255).astype(np.uint8))
    write(root / "b" / "grey.jpg", cv2.cvtColor(scene(4), cv2.COLOR_BGR2GRAY))
    write(root / "b" / "cut.jpg", scene(5)[6:, 8:])
    write(root / "b" / "caption.jpg", captioned(scene(6)))
    write(root / "c" / "mirrored.jpg", scene(7)[:, ::-1])
    write(root / "c" / "turned.jpg", np.rot90(scene(8)))
    for name in ("black", "black2"):
        write(root / "c" / f"{name}.jpg", np.full((50 + len(name), 60, 3), 3, np.uint8))
    (root / "c" / "broken.jpg").write_bytes(b"no picture")
    return root


def named(found):
    return {
        (group.kind, *(Path(path).name for path in group.paths))
        for group in found
        if group.kind != "burst"
    }


def test_copies_in_all_forms_are_found_and_the_best_comes_first(photos):
    found = tamis.duplicates(photos)
    pairs = {one[0]: set() for one in named(found)}
    for kind, *names in named(found):
        pairs[kind].add(frozenset(names))
    assert pairs == {
        "copy": {frozenset({"00.jpg", "copy.jpg"})},
        "same": {
            frozenset(two)
            for two in (
                ("01.jpg", "half.jpg"), ("02.jpg", "saved.jpg"), ("03.jpg", "light.jpg"),
                ("04.jpg", "grey.jpg"), ("05.jpg", "cut.jpg"), ("06.jpg", "caption.jpg"),
            )
        },
    }  # fmt: skip
    best = {Path(group.best).name for group in found}
    assert {"01.jpg", "04.jpg", "05.jpg"} <= best
    assert len(found.extra) == 7
    assert [Path(failure.path).name for failure in found.failures] == ["broken.jpg"]
    assert 0.85 <= found.thresholds["same"] <= 0.97
    assert found.thresholds["burst"] < found.thresholds["same"]
    assert "among 42 images" in repr(found)


def test_mirrored_and_turned_on_request(photos):
    found = tamis.duplicates(photos, kinds=["mirrored", "turned"])
    assert {one[0]: set(one[1:]) for one in named(found)} == {
        "mirrored": {"07.jpg", "mirrored.jpg"},
        "turned": {"08.jpg", "turned.jpg"},
    }


def test_the_result_is_the_same_by_any_number_of_threads(photos):
    one, other = (tamis.duplicates(photos, jobs=jobs) for jobs in (1, 3))
    assert one.to_dict() == other.to_dict()


def test_byte_copies_alone_are_found_without_reading_a_picture(photos, monkeypatch):
    monkeypatch.setattr("tamis.deduplication.finding.sketch", None)
    (group,) = tamis.duplicates(photos, kinds=["copy"])
    assert group.kind == "copy" and len(group) == 2


def test_an_unknown_kind_is_refused_with_the_nearest(photos):
    with pytest.raises(UnknownNameError, match="burst"):
        tamis.duplicates(photos, kinds=["bursts"])


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_pictures(tmp_path, n):
    paths = [write(tmp_path / f"{i}.jpg", scene(i)) for i in range(n)]
    assert len(tamis.duplicates([str(path) for path in paths] or tamis.ImageTable((), (), ()))
               if n else ()) == 0  # fmt: skip


def test_as_tables(photos, tmp_path):
    found = tamis.duplicates(photos)
    columns = found.columns()
    assert sum(columns["best"]) == len(found)
    found.to_csv(tmp_path / "groups.csv")
    with open(tmp_path / "groups.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == columns["path"]
    assert found.to_dict()["n_extra"] == 7


def test_a_decision_is_remembered(photos, tmp_path):
    file = tmp_path / "decisions.csv"
    pair = (str(photos / "a" / "05.jpg"), "b/cut.jpg")
    first = tamis.duplicates(photos, apart=[pair], decisions=file)
    again = tamis.duplicates(photos, decisions=file)
    for found in (first, again):
        assert not any("05.jpg" in one for one in named(found))
        assert found.n_decided == 1
    with pytest.raises(InvalidParameterError, match=r"nothing\.jpg"):
        tamis.duplicates(photos, apart=[("nothing.jpg", "b/cut.jpg")], decisions=file)


def test_the_others_move_and_come_back(photos, tmp_path):
    root = shutil.copytree(photos, tmp_path / "photos")
    before = sorted(path.relative_to(root) for path in root.rglob("*.jpg"))
    plan = tamis.keep_best(tamis.duplicates(root))
    assert "move 7 pictures" in repr(plan)
    assert sorted(path.relative_to(root) for path in root.rglob("*.jpg")) == before
    assert plan.apply().done == 7
    assert (root / "_duplicates" / "b" / "half.jpg").exists()
    assert (root / "a" / "01.jpg").exists() and not (root / "b" / "half.jpg").exists()
    assert len(tamis.open(root)) == len(before) - 7  # what was moved is no class
    assert not tamis.duplicates(root).extra
    tamis.undo(root / "_duplicates")
    assert sorted(path.relative_to(root) for path in root.rglob("*.jpg")) == before
    assert not (root / "_duplicates").exists()


def test_a_split_keeps_groups_on_one_side(photos, tmp_path):
    for seed in range(3):
        plan = tamis.split(
            photos, tmp_path / "parts", ratio=(0.5, 0, 0.5), groups="duplicates", seed=seed
        )
        part = {
            Path(one.source).name: one.destination.partition("/")[0]
            for one in plan.placements.transfers
        }
        for pair in (("01.jpg", "half.jpg"), ("06.jpg", "caption.jpg"), ("00.jpg", "copy.jpg")):
            assert part[pair[0]] == part[pair[1]]


# The parts


def test_hashes_that_differ_in_up_to_seven_bits_are_found():
    chance = np.random.default_rng(0)
    hashes = chance.integers(0, 1 << 63, 500, dtype=np.uint64)
    for i in range(8):
        flips = chance.permutation(64)[:i]
        changed = hashes[i] ^ np.bitwise_or.reduce(
            np.uint64(1) << flips.astype(np.uint64), initial=np.uint64(0)
        )
        hashes[100 + i] = changed
    found = near_hashes(hashes)
    for i in range(8):
        assert 100 + i in found[i] and i in found[100 + i]
    assert (found >= 0).sum() == 16


def test_neighbours_by_cells_are_those_of_all_pairs():
    chance = np.random.default_rng(0)
    base = chance.normal(size=(1500, 144))
    near = base + 0.3 * chance.normal(size=base.shape)
    vectors = np.concatenate([base, near])
    vectors = np.rint(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * SCALE)
    cells = Cells.of(vectors.astype(np.int8))
    found, likeness = cells.nearest(k=3)
    partner = (np.arange(3000) + 1500) % 3000
    assert (found[:, 0] == partner).mean() > 0.99
    assert likeness[0, 0] == pytest.approx(vectors[0] @ vectors[1500] / SCALE**2, abs=1e-4)


def test_pairs_decided_apart_are_never_in_one_group():
    links = [Link(0, 1, "same", 0.99), Link(1, 2, "same", 0.98), Link(3, 4, "copy", 1.0)]
    assert make_groups(links) == ([[0, 1, 2], [3, 4]], 0)
    assert make_groups(links, apart=[(0, 2)]) == ([[0, 1], [3, 4]], 1)


def test_many_thumbnails_lie_in_a_file():
    rows = np.random.default_rng(0).integers(0, 256, (50, 48, 48)).astype(np.uint8)
    for room in (50, 30_000):
        kept = Thumbnails(room)
        kept.append(rows[:20])
        kept.append(rows[20:])
        assert len(kept) == 50
        assert (kept.take(np.array([49, 3])) == rows[[49, 3]]).all()
