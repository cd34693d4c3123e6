"""What is learned from, and what is set aside."""

from collections import Counter
from dataclasses import replace

import pytest

from tamis.errors import InvalidParameterError, TableError
from tamis.splits.hold_out import hold_out
from tamis.table import ImageTable


def table(*names, root="photos"):
    labels = tuple(name.split("/")[0] if "/" in name else None for name in names)
    paths = tuple(f"{root}/{name}" for name in names)
    return ImageTable(paths, labels, (None,) * len(names), root=root)


def named(counts):
    return table(*(f"{label}/{i:03}.jpg" for label, n in counts.items() for i in range(n)))


def test_a_part_of_every_class_is_set_aside():
    parts = hold_out(named({"ant": 50, "bee": 10}), share=0.2, seed=0)
    assert parts.set_aside
    assert Counter(parts.validation.labels) == {"ant": 10, "bee": 2}
    assert not set(parts.train.paths) & set(parts.validation.paths)
    assert len(parts.train) + len(parts.validation) == 60


def test_the_seed_decides_which():
    whole = named({"ant": 50, "bee": 10})
    drawn = [set(hold_out(whole, seed=seed).validation.paths) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_folders_of_a_split_are_taken_as_they_are():
    parts = hold_out(table("train/ant/1", "train/bee/deep/2", "val/ant/3", "test/ant/4", "train/5"))
    assert not parts.set_aside
    assert (parts.train.paths, parts.train.labels) == (
        ("photos/train/ant/1", "photos/train/bee/deep/2"),
        ("ant", "bee"),
    )
    assert (parts.validation.paths, parts.validation.labels) == (("photos/val/ant/3",), ("ant",))
    assert parts.n_unlabelled == 1


def test_pictures_that_know_their_part_are_taken_by_it():
    names = ("1", "2", "3", "4", "5")
    splits = ("Training", "Training", "dev", "test", None)
    labels = ("ant", "bee", "ant", "ant", "wasp")
    whole = replace(table(*names), splits=splits, labels=labels)
    parts = hold_out(whole)
    assert parts.train.paths == ("photos/1", "photos/2")
    assert parts.train.labels == ("ant", "bee")
    assert parts.validation.paths == ("photos/3",)
    assert (parts.set_aside, parts.test.paths) == (False, ("photos/4",))


def test_folds_are_not_learned_from_together():
    whole = table("fold-1/train/ant/1", "fold-1/test/bee/2", "fold-2/train/bee/2")
    with pytest.raises(TableError, match=r"Name one of them: photos/fold-1\."):
        hold_out(whole)


def test_a_split_without_val_sets_some_of_train_aside():
    names = [f"train/{label}/{i}" for label in ("ant", "bee") for i in range(5)]
    parts = hold_out(table(*names, "test/0001"))
    assert parts.set_aside
    assert Counter(parts.validation.labels) == {"ant": 1, "bee": 1}


def test_a_class_may_be_called_train_among_others():
    parts = hold_out(named({"train": 10, "bus": 10}))
    assert set(parts.train.labels) == {"train", "bus"}


def test_nothing_is_set_aside_where_nothing_can_be():
    parts = hold_out(named({"ant": 1, "bee": 1}))
    assert (len(parts.train), len(parts.validation)) == (2, 0)
    parts = hold_out(named({"ant": 9, "bee": 9}), share=0)
    assert (len(parts.train), len(parts.validation), parts.set_aside) == (18, 0, False)


@pytest.mark.parametrize("given", [named({"ant": 5}), table("a.jpg"), table("train/a.jpg")])
def test_one_class_is_not_enough(given):
    with pytest.raises(TableError, match="at least two classes"):
        hold_out(given)


@pytest.mark.parametrize("share", [-0.1, 0.95])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(InvalidParameterError, match="share must be in"):
        hold_out(named({"ant": 5, "bee": 5}), share=share)


def test_without_its_part_train_a_split_teaches_nothing():
    with pytest.raises(TableError, match=r"without the part train\. It has: test, val\."):
        hold_out(table("val/ant/1", "val/bee/2", "test/ant/3"))
