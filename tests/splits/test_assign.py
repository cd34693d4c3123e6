"""Splits: exact shares, the same on every machine, groups whole, blind tests blind."""

import os
import random
import unicodedata
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import InvalidParameterError, TableError
from tamis.files.csvfile import read_csv
from tamis.splits.assign import PARTS, assign_folds, assign_parts, draw
from tamis.splits.labels import with_groups, with_truth, write_truth
from tamis.splits.plan import plan_split
from tamis.table import ImageTable

RATIOS = [(0.7, 0.0, 0.3), (0.5, 0.2, 0.3), (0.2, 0.2, 0.6), (1.0, 0.0, 0.0), (0.0, 0.5, 0.5)]


def make_table(sizes, groups=None):
    """A table of pictures that exist only by name: ``{"cat": 2}`` is cat/000.jpg, cat/001.jpg."""
    names = [f"{label}/{i:03}.jpg" for label, n in sizes.items() for i in range(n)]
    return ImageTable(
        paths=tuple(f"/pictures/{name}" for name in names),
        labels=tuple(name.split("/")[0] for name in names),
        groups=tuple(groups) if groups is not None else (None,) * len(names),
        root="/pictures",
    )


def part_of(table, parts):
    """From the name of each picture to its part."""
    return {table.names[row]: part for part, rows in parts.items() for row in rows}


def sizes_of(table, parts):
    """From (label, part) to the number of pictures."""
    return Counter((table.labels[row], part) for part, rows in parts.items() for row in rows)


# Shares


@pytest.mark.parametrize(
    ("ratio", "n", "expected"),
    [
        ((0.7, 0.0, 0.3), 1, [1, 0, 0]),
        ((0.7, 0.0, 0.3), 2, [1, 0, 1]),
        ((0.7, 0.0, 0.3), 3, [2, 0, 1]),
        ((0.7, 0.0, 0.3), 5, [4, 0, 1]),  # 3.5 and 1.5: of equal remainders train comes first
        ((0.5, 0.2, 0.3), 1, [1, 0, 0]),
        ((0.5, 0.2, 0.3), 2, [1, 0, 1]),
        ((0.5, 0.2, 0.3), 3, [1, 1, 1]),
        ((0.5, 0.2, 0.3), 4, [2, 1, 1]),
        ((0.2, 0.2, 0.6), 1, [1, 0, 0]),
        ((0.2, 0.2, 0.6), 2, [1, 0, 1]),
        ((0.2, 0.2, 0.6), 3, [1, 1, 1]),
        ((0.05, 0.05, 0.9), 3, [1, 1, 1]),
        ((0.9, 0.05, 0.05), 2, [1, 0, 1]),
        ((0.98, 0.01, 0.01), 10, [8, 1, 1]),
        ((0.0, 0.0, 1.0), 3, [0, 0, 3]),
        ((1 / 3, 1 / 3, 1 / 3), 7, [3, 2, 2]),
    ],
)
def test_a_class_gets_its_shares_by_largest_remainder(ratio, n, expected):
    parts = assign_parts(make_table({"cat": n}), ratio=ratio)
    assert [len(parts.get(name, [])) for name in PARTS] == expected


def test_the_six_classes_are_split_exactly():
    sizes = dict(zip("abcdef", (100, 200, 100, 100, 300, 100), strict=True))
    table = make_table(sizes)
    parts = assign_parts(table, ratio=(0.7, 0.0, 0.3))
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 630, "test": 270}
    assert sizes_of(table, parts) == Counter(
        {(label, "train"): n * 7 // 10 for label, n in sizes.items()}
        | {(label, "test"): n * 3 // 10 for label, n in sizes.items()}
    )


def test_only_parts_with_a_share_appear():
    table = make_table({"cat": 10})
    assert list(assign_parts(table, ratio=(0.7, 0.0, 0.3))) == ["train", "test"]
    assert list(assign_parts(table, ratio=(0.5, 0.2, 0.3))) == ["train", "val", "test"]
    assert list(assign_parts(table, ratio=(1.0, 0.0, 0.0))) == ["train"]


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    ratio=st.sampled_from(RATIOS),
    seed=st.integers(0, 5),
)
@settings(max_examples=60)
def test_every_picture_is_in_one_part_and_every_class_near_its_share(sizes, ratio, seed):
    table = make_table({f"class-{i}": n for i, n in enumerate(sizes)})
    parts = assign_parts(table, ratio=ratio, seed=seed)
    assert sorted(row for rows in parts.values() for row in rows) == list(range(len(table)))
    assert all(rows == sorted(rows) for rows in parts.values())
    counts, totals = sizes_of(table, parts), Counter(table.labels)
    n_shares = sum(share > 0 for share in ratio)
    for label, n in totals.items():
        for part, share in zip(PARTS, ratio, strict=True):
            count = counts[label, part]
            assert count == 0 or share > 0
            if n * min(filter(None, ratio)) >= 1:  # nobody must lend to a part that has none
                assert abs(count - n * share) < 1
            if n >= n_shares and share > 0:
                assert count >= 1


# Chance


def test_the_order_of_the_table_does_not_matter():
    table = make_table({"a": 20, "b": 33, "c": 7})
    rows = list(range(len(table)))
    random.Random(1).shuffle(rows)
    shuffled = table.select(rows)
    for assign in (
        lambda t: assign_parts(t, ratio=(0.5, 0.2, 0.3), seed=3),
        lambda t: {k: v for k, v in assign_folds(t, 4, seed=3).items() if k.endswith("test")},
    ):
        assert part_of(shuffled, assign(shuffled)) == part_of(table, assign(table))


def test_the_order_of_the_table_does_not_matter_with_groups():
    table = make_table({"a": 20, "b": 33}, [f"g{i % 9}" if i % 3 else None for i in range(53)])
    rows = list(range(len(table)))
    random.Random(1).shuffle(rows)
    shuffled = table.select(rows)
    assert part_of(shuffled, assign_parts(shuffled)) == part_of(table, assign_parts(table))


def test_the_way_a_system_stores_accents_does_not_matter():
    names = [f"été/crème-brûlée-{i}.jpg" for i in range(30)]

    def split(form):
        stored = [unicodedata.normalize(form, name) for name in names]
        table = ImageTable(
            paths=tuple(f"/p/{name}" for name in stored),
            labels=tuple(name.split("/")[0] for name in stored),
            groups=(None,) * len(names),
            root="/p",
        )
        parts = part_of(table, assign_parts(table))
        return {unicodedata.normalize("NFC", name): part for name, part in parts.items()}

    assert split("NFC") == split("NFD")


def test_two_names_that_differ_in_their_accents_only_are_split_alike_in_any_order():
    names = [
        unicodedata.normalize(form, f"c/é{i}.jpg") for i in range(9) for form in ("NFC", "NFD")
    ]
    n = len(names)
    table = ImageTable(tuple(f"/p/{name}" for name in names), ("c",) * n, (None,) * n, "/p")
    turned = table.select(reversed(range(n)))
    for seed in range(5):
        assert part_of(table, assign_parts(table, seed=seed)) == part_of(
            turned, assign_parts(turned, seed=seed)
        )


def test_names_that_are_not_utf8_are_split():
    paths = tuple(f"/p/c/{os.fsdecode(bytes([0xE9, 48 + i]))}.jpg" for i in range(10))
    parts = assign_parts(ImageTable(paths, ("c",) * 10, (None,) * 10, "/p"))
    assert [len(rows) for rows in parts.values()] == [7, 3]


def test_the_place_of_the_folder_does_not_matter():
    here = make_table({"a": 20})
    there = ImageTable(
        tuple(p.replace("/pictures", "/elsewhere") for p in here.paths),
        here.labels,
        here.groups,
        "/elsewhere",
    )
    assert assign_parts(here) == assign_parts(there)


def test_seeds_differ():
    table = make_table({"a": 40})
    splits = {tuple(assign_parts(table, seed=seed)["test"]) for seed in range(10)}
    assert len(splits) == 10


def test_classes_are_not_drawn_alike():
    # Each class has its own chance: 000.jpg is not in the test of all or of none.
    table = make_table({f"class-{i}": 10 for i in range(20)})
    tested = [table.names[row] for row in assign_parts(table)["test"]]
    assert 0 < sum(name.endswith("/000.jpg") for name in tested) < 20


def test_the_same_split_from_every_version():
    # A split made by one version must be made again by any other.
    table = make_table({"cat": 10, "dog": 7})
    assert assign_parts(table, ratio=(0.5, 0.2, 0.3), seed=0) == {
        "train": [1, 3, 5, 7, 9, 10, 13, 15, 16],
        "val": [0, 6, 12],
        "test": [2, 4, 8, 11, 14],
    }
    folds = assign_folds(table, 3, seed=0)
    assert [folds[f"fold-{i}/test"] for i in (1, 2, 3)] == [
        [1, 3, 5, 7, 13, 16],
        [0, 6, 9, 10, 12, 15],
        [2, 4, 8, 11, 14],
    ]
    grouped = make_table({"cat": 10, "dog": 7}, [f"g{i // 3}" for i in range(17)])
    assert assign_parts(grouped, ratio=(0.5, 0.2, 0.3), seed=0) == {
        "train": [0, 1, 2, 3, 4, 5, 12, 13, 14],
        "val": [9, 10, 11],
        "test": [6, 7, 8, 15, 16],
    }


@given(n=st.integers(2, 60), seed=st.integers(0, 3), data=st.data())
@settings(max_examples=50)
def test_a_picture_more_moves_one_other_at_most(n, seed, data):
    table = make_table({"cat": n})
    without = data.draw(st.integers(0, n - 1))
    fewer = table.select(row for row in range(n) if row != without)
    before = part_of(fewer, assign_parts(fewer, seed=seed))
    after = part_of(table, assign_parts(table, seed=seed))
    assert sum(after[name] != part for name, part in before.items()) <= 1


# What is refused


@pytest.mark.parametrize(
    "ratio", [(0.7, 0.0, 0.4), (1.2, -0.2, 0.0), (0.5, 0.5), (float("nan"), 0.5, 0.5), ()]
)
def test_a_bad_ratio_is_refused(ratio):
    with pytest.raises(InvalidParameterError, match="sum to 1"):
        assign_parts(make_table({"cat": 3}), ratio=ratio)


@pytest.mark.parametrize("assign", [assign_parts, lambda table: assign_folds(table, 2)])
def test_a_picture_without_a_class_is_refused(assign):
    table = ImageTable(("/p/a/1.jpg", "/p/2.jpg"), ("a", None), (None, None), "/p")
    with pytest.raises(TableError, match=r"needs a class .* /p/2\.jpg has none"):
        assign(table)


@pytest.mark.parametrize("assign", [assign_parts, lambda table: assign_folds(table, 2)])
def test_an_empty_table_is_refused(assign):
    with pytest.raises(TableError, match="no picture"):
        assign(ImageTable((), (), ()))


@pytest.mark.parametrize("n_folds", [-1, 0, 1, 4])
def test_a_bad_number_of_folds_is_refused(n_folds):
    with pytest.raises(InvalidParameterError, match=r"at least 2 and at most .* 3"):
        assign_folds(make_table({"cat": 3}), n_folds)


# Folds


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    n_folds=st.integers(2, 12),
    seed=st.integers(0, 5),
)
@settings(max_examples=60)
def test_each_picture_is_in_one_test_and_the_folds_are_even(sizes, n_folds, seed):
    table = make_table({f"class-{i}": n for i, n in enumerate(sizes)})
    n_folds = min(n_folds, max(2, len(table)))
    if len(table) < n_folds:
        return
    parts = assign_folds(table, n_folds, seed=seed)
    assert list(parts) == [
        f"fold-{i + 1}/{part}" for i in range(n_folds) for part in ("train", "test")
    ]
    tests = [parts[f"fold-{i + 1}/test"] for i in range(n_folds)]
    everything = list(range(len(table)))
    assert sorted(row for rows in tests for row in rows) == everything
    for i, rows in enumerate(tests):
        assert sorted(rows + parts[f"fold-{i + 1}/train"]) == everything
    assert max(map(len, tests)) - min(map(len, tests)) <= 1
    for label in table.classes:
        counts = [sum(table.labels[row] == label for row in rows) for rows in tests]
        assert max(counts) - min(counts) <= 1


def test_what_is_left_over_of_classes_goes_round():
    # Every second class leaves one over: the first fold must not get them all.
    table = make_table({f"class-{i}": 2 + (i % 2 == 0) for i in range(10)})
    parts = assign_folds(table, 2)
    assert [len(parts[f"fold-{i}/test"]) for i in (1, 2)] == [13, 12]


def test_folds_keep_groups_whole():
    table = make_table({"a": 30, "b": 30}, [f"g{i // 5}" for i in range(60)])
    parts = assign_folds(table, 3)
    fold_of = part_of(table, {k: v for k, v in parts.items() if k.endswith("test")})
    for group in set(table.groups):
        rows = [name for name, g in zip(table.names, table.groups, strict=True) if g == group]
        assert len({fold_of[name] for name in rows}) == 1
    assert [len(parts[f"fold-{i}/test"]) for i in (1, 2, 3)] == [20, 20, 20]


def test_of_equal_shortages_the_part_that_lacks_most_of_any_class_takes_a_group():
    # Else both large groups would go to the first fold, and two folds be empty.
    table = make_table({"a": 4, "b": 4}, ["a3", "a3", "a3", "a1", "b3", "b3", "b3", "b1"])
    parts = assign_folds(table, 4)
    tests = [len(rows) for name, rows in parts.items() if name.endswith("test")]
    assert sorted(tests) == [1, 1, 3, 3]


def test_a_fold_left_empty_by_groups_is_refused():
    table = make_table({"a": 6}, ["x", "x", "x", "y", "y", "y"])
    with pytest.raises(InvalidParameterError, match="fewer folds"):
        assign_folds(table, 3)


# Groups


@st.composite
def grouped_tables(draw):
    sizes = draw(st.lists(st.integers(1, 25), min_size=1, max_size=4))
    n = sum(sizes)
    names = st.one_of(st.none(), st.integers(0, 8).map(str))
    groups = draw(st.lists(names, min_size=n, max_size=n))
    return make_table({f"class-{i}": size for i, size in enumerate(sizes)}, groups)


@given(table=grouped_tables(), ratio=st.sampled_from(RATIOS), seed=st.integers(0, 3))
@settings(max_examples=80)
def test_groups_are_never_separated(table, ratio, seed):
    parts = assign_parts(table, ratio=ratio, seed=seed)
    assert sorted(row for rows in parts.values() for row in rows) == list(range(len(table)))
    where = part_of(table, parts)
    for group in set(table.groups) - {None}:
        members = [name for name, g in zip(table.names, table.groups, strict=True) if g == group]
        assert len({where[name] for name in members}) == 1


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=40),
    ratio=st.sampled_from(RATIOS),
    seed=st.integers(0, 3),
)
@settings(max_examples=80)
def test_shares_are_met_to_within_one_group(lengths, ratio, seed):
    groups = [str(number) for number, length in enumerate(lengths) for _ in range(length)]
    table = make_table({"cat": len(groups)}, groups)
    alone = assign_parts(make_table({"cat": len(groups)}), ratio=ratio, seed=seed)
    parts = assign_parts(table, ratio=ratio, seed=seed)
    for name, rows in parts.items():
        # A part takes a group only while it lacks most, so it exceeds its share by less than
        # one group; and what one lacks the others have too much.
        assert len(rows) - len(alone[name]) < max(lengths)
        assert len(alone[name]) - len(rows) <= max(lengths) * (len(parts) - 1)


def test_a_group_across_classes_stays_together_and_the_shares_hold():
    table = make_table({"a": 50, "b": 50}, [f"g{i % 20}" for i in range(100)])
    parts = assign_parts(table, ratio=(0.7, 0.0, 0.3))
    sizes = sizes_of(table, parts)
    assert sizes == {("a", "train"): 35, ("b", "train"): 35, ("a", "test"): 15, ("b", "test"): 15}


def test_a_picture_without_a_group_is_not_grouped_with_one_of_its_name():
    names = ["a/0.jpg", "a/1.jpg", "a/2.jpg", "a/3.jpg"]
    groups = ["a/3.jpg", "a/3.jpg", None, None]  # the name of a group is a name of a picture
    table = ImageTable(tuple(f"/p/{n}" for n in names), ("a",) * 4, tuple(groups), "/p")
    sizes = {len(rows) for rows in assign_parts(table, ratio=(0.5, 0.0, 0.5)).values()}
    assert sizes == {2}


def test_groups_come_from_a_csv_file(tmp_path):
    table = make_table({"a": 3, "é": 2})
    file = tmp_path / "groups.csv"
    nfd = unicodedata.normalize("NFD", "é")
    file.write_text(f"path,group\na/000.jpg,x\na/002.jpg,x\n{nfd}/001.jpg,y\n", encoding="utf-8")
    assert with_groups(table, file).groups == ("x", None, "x", None, "y")


def test_an_empty_group_is_none(tmp_path):
    file = tmp_path / "groups.csv"
    file.write_text("path,group\na/000.jpg,\n")
    assert with_groups(make_table({"a": 1}), file).groups == (None,)


def test_groups_of_strangers_are_refused(tmp_path):
    file = tmp_path / "groups.csv"
    file.write_text("path,group\na/000.jpg,x\nb/000.jpg,x\n")
    with pytest.raises(TableError, match=r"1 pictures that are not there, b/000\.jpg .*/pictures"):
        with_groups(make_table({"a": 2}), file)


def test_groups_without_their_column_are_refused(tmp_path):
    file = tmp_path / "groups.csv"
    file.write_text("path,label\na/000.jpg,x\n")
    with pytest.raises(TableError, match="lacks the column group"):
        with_groups(make_table({"a": 1}), file)


# Plans


@pytest.fixture
def folder(tmp_path):
    """Two classes with the same file names, one of them with folders inside."""
    root = tmp_path / "pictures"
    for name in [
        *(f"cat/{i}.jpg" for i in range(8)),
        *(f"dog/{i}.PNG" for i in range(8)),
        *("dog/beach/2019/0.JPEG", "dog/beach/1.jpeg", "dog/park/0.JPEG", "dog/park/1.jpeg"),
    ]:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def test_a_plan_keeps_classes_and_nested_folders(folder, tmp_path):
    table = ImageTable.from_folder(folder)
    parts = assign_parts(table)
    plan = plan_split(table, parts, str(tmp_path / "out"))
    expected = {
        f"{part}/{table.names[row]}": table.paths[row]
        for part, rows in parts.items()
        for row in rows
    }
    assert {t.destination: t.source for t in plan.transfers} == expected
    assert plan.truth == {}
    for number, name in enumerate(plan.folders):
        above = os.path.dirname(name)
        assert above == "" or above in plan.folders[:number]
    assert {os.path.dirname(t.destination) for t in plan.transfers} <= set(plan.folders)
    assert {(label, part): n for part, c in plan.counts.items() for label, n in c.items()} == (
        sizes_of(table, parts)
    )
    assert not (tmp_path / "out").exists()


def test_a_blind_test_says_nothing_of_classes_or_names(folder, tmp_path):
    table = ImageTable.from_folder(folder)
    parts = assign_parts(table)
    plan = plan_split(table, parts, str(tmp_path / "out"), blind=True)
    hidden = [t for t in plan.transfers if t.destination.startswith("test/")]
    assert len(hidden) == len(parts["test"])
    assert {t.source for t in hidden} == {table.paths[row] for row in parts["test"]}
    assert [t.destination for t in hidden] == [
        f"test/{i:04}{os.path.splitext(t.source)[1].lower()}" for i, t in enumerate(hidden, start=1)
    ]
    assert not [name for name in plan.folders if name.startswith("test/")]
    # The rest is as without.
    seen = plan_split(table, parts, str(tmp_path / "out"))
    assert [t for t in plan.transfers if t not in hidden] == [
        t for t in seen.transfers if t.destination.startswith("train/")
    ]


def test_the_manifest_leads_back(folder, tmp_path):
    table = ImageTable.from_folder(folder)
    plan = plan_split(table, assign_parts(table), str(tmp_path / "out"), blind=True)
    truth = {table.paths[row]: table.labels[row] for row in range(len(table))}
    (name, rows), *others = plan.truth.items()
    assert name == "test-truth.csv" and not others
    for path, label, original in rows:
        (source,) = [t.source for t in plan.transfers if t.destination == path]
        assert source == str(folder / original)
        assert label == truth[source]

    # And as a person would: written, listed, labelled.
    out = tmp_path / "out"
    (out / "test").mkdir(parents=True)
    for path, _, original in rows:
        (out / path).write_bytes((folder / original).read_bytes())
    write_truth(str(out / name), rows)
    blind = ImageTable.from_folder(out / "test")
    assert set(blind.labels) == {None}
    labelled = with_truth(blind, out / name)
    assert len(labelled) == len(rows)
    for path, label in zip(labelled.paths, labelled.labels, strict=True):
        with open(path) as file:
            assert file.read().split("/")[0] == label


def test_blind_pictures_are_not_in_the_order_of_their_classes():
    names = [f"{label}/{i:03}.jpg" for label in "ab" for i in range(100)]
    table = make_table({"a": 100, "b": 100})
    assert table.names == names
    order = blind_order(table, seed=0)
    runs = 1 + sum(a != b for a, b in pairwise(order))
    assert runs > 60  # 2 when sorted; by chance 101 on average, standard deviation 7
    assert order != blind_order(table, seed=1)


def blind_order(table, *, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "tamis.splits.plan.Transfer.of", lambda source, destination: (source, destination)
        )
        plan = plan_split(table, {"test": range(len(table))}, "/none", blind=True, seed=seed)
    return [label for _, label, _ in plan.truth["test-truth.csv"]]


def test_a_blind_name_keeps_no_suffix_that_is_not_of_pictures(tmp_path):
    # A file is known as a picture by its first bytes too, whatever follows the last dot.
    path = tmp_path / "dino" / "3.dino"
    path.parent.mkdir()
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8))
    table = ImageTable.from_folder(tmp_path)
    plan = plan_split(table, {"test": [0]}, str(tmp_path / "out"), blind=True)
    assert [t.destination for t in plan.transfers] == ["test/0001"]


def test_every_fold_may_be_blind(folder, tmp_path):
    table = ImageTable.from_folder(folder)
    parts = assign_folds(table, 2)
    plan = plan_split(table, parts, str(tmp_path / "out"), blind=True)
    assert list(plan.truth) == ["fold-1/test-truth.csv", "fold-2/test-truth.csv"]
    for manifest, rows in plan.truth.items():
        fold = os.path.dirname(manifest)
        destinations = [t.destination for t in plan.transfers]
        assert all(f"{fold}/{path}" in destinations for path, _, _ in rows)
    assert sum(len(rows) for rows in plan.truth.values()) == len(table)


def test_destinations_are_unique_on_systems_that_ignore_case(tmp_path):
    names = ["one/x.jpg", "two/X.jpg", "three/x.JPG"]
    for name in names:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    table = ImageTable(
        tuple(str(tmp_path / name) for name in names), ("c",) * 3, (None,) * 3, str(tmp_path)
    )
    plan = plan_split(table, {"train": [0, 1, 2]}, str(tmp_path / "out"))
    destinations = [t.destination for t in plan.transfers]
    assert destinations == ["train/c/x.jpg", "train/c/X-2.jpg", "train/c/x-3.JPG"]


def test_names_that_are_taken_on_disk_are_passed_over(folder, tmp_path):
    taken = tmp_path / "out" / "train" / "cat"
    taken.mkdir(parents=True)
    (taken / "0.jpg").write_bytes(b"")
    table = ImageTable.from_folder(folder, classes=["cat"])
    plan = plan_split(table, {"train": [0]}, str(tmp_path / "out"))
    assert [t.destination for t in plan.transfers] == ["train/cat/0-2.jpg"]


def test_a_class_that_cannot_be_a_folder_is_refused():
    table = ImageTable(("/p/1.jpg",), ("../up",), (None,), "/p")
    with pytest.raises(TableError, match="cannot become a folder"):
        plan_split(table, {"train": [0]}, "/none")


# Truth


def test_a_picture_that_the_manifest_does_not_name_is_refused(tmp_path):
    (tmp_path / "test").mkdir()
    for name in ("0001.jpg", "0002.jpg"):
        (tmp_path / "test" / name).write_bytes(b"")
    table = ImageTable.from_folder(tmp_path / "test")
    manifest = tmp_path / "test-truth.csv"
    write_truth(str(manifest), [("test/0001.jpg", "cat", "cat/7.jpg")])
    with pytest.raises(TableError, match=r"does not say what .*0002\.jpg is"):
        with_truth(table, manifest)
    write_truth(str(manifest), [("test/0001.jpg", "cat", "x"), ("test/0002.jpg", "", "cat/8.jpg")])
    with pytest.raises(TableError, match=r"does not say what .*0002\.jpg is"):
        with_truth(table, manifest)


def test_a_manifest_may_name_pictures_that_are_gone(tmp_path):
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "0002.jpg").write_bytes(b"")
    manifest = tmp_path / "test-truth.csv"
    write_truth(str(manifest), [("test/0001.jpg", "cat", "x"), ("test/0002.jpg", "dog", "y")])
    assert with_truth(ImageTable.from_folder(tmp_path / "test"), manifest).labels == ("dog",)


def test_a_missing_manifest_is_refused(tmp_path):
    with pytest.raises(TableError, match="cannot read"):
        with_truth(ImageTable((), (), ()), tmp_path / "none.csv")


def test_any_name_survives_the_manifest(tmp_path):
    originals = ["a,b.jpg", 'q"q.jpg', "two\nlines.jpg", "cr\rcr.jpg", "\udce9.jpg", "日本.jpg"]
    rows = [(f"test/{i:04}.jpg", "c\udcff", name) for i, name in enumerate(originals)]
    file = tmp_path / "t-truth.csv"
    write_truth(str(file), rows)
    read = [(r["path"], r["label"], r["original"]) for r in read_csv(file, required=("path",))]
    assert read == rows


def test_a_draw_keeps_the_proportions_and_does_not_depend_on_order():
    paths = tuple(
        f"{label}/{i:03}.jpg" for label, n in (("a", 60), ("b", 30), ("c", 10)) for i in range(n)
    )
    table = ImageTable(paths, tuple(path[0] for path in paths), (None,) * 100)
    rows = draw(table, 20, seed=1)
    assert rows == sorted(set(rows))
    assert Counter(table.labels[row] for row in rows) == {"a": 12, "b": 6, "c": 2}
    backwards = table.select(range(99, -1, -1))
    assert {backwards.paths[r] for r in draw(backwards, 20, seed=1)} == {paths[r] for r in rows}
    assert draw(table, 20, seed=2) != rows
    assert draw(table, 100) == draw(table, 1000) == list(range(100))
