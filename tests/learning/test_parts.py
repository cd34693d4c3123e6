"""What is learned from, and what is set aside."""

from collections import Counter

import pytest

from tamis.errors import InvalidParameterError, TableError
from tamis.learning import is_split_folder, training_parts
from tamis.parts import with_parts
from tamis.table import ImageTable


def table(*names, root="photos"):
    labels = tuple(name.split("/")[0] if "/" in name else None for name in names)
    paths = tuple(f"{root}/{name}" for name in names)
    return ImageTable(paths, labels, (None,) * len(names), root=root)


def named(counts):
    return table(*(f"{label}/{i:03}.jpg" for label, n in counts.items() for i in range(n)))


def test_a_part_of_every_class_is_set_aside():
    parts = training_parts(named({"ant": 50, "bee": 10}), share=0.2, seed=0)
    assert parts.set_aside
    assert Counter(parts.validation.labels) == {"ant": 10, "bee": 2}
    assert not set(parts.train.paths) & set(parts.validation.paths)
    assert len(parts.train) + len(parts.validation) == 60


def test_the_seed_decides_which():
    whole = named({"ant": 50, "bee": 10})
    drawn = [set(training_parts(whole, seed=seed).validation.paths) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_folders_of_a_split_are_taken_as_they_are():
    parts = training_parts(
        table("train/ant/1", "train/bee/deep/2", "val/ant/3", "test/ant/4", "train/5")
    )
    assert not parts.set_aside
    assert (parts.train.paths, parts.train.labels) == (
        ("photos/train/ant/1", "photos/train/bee/deep/2"),
        ("ant", "bee"),
    )
    assert (parts.validation.paths, parts.validation.labels) == (("photos/val/ant/3",), ("ant",))
    assert parts.n_unlabelled == 1


def test_pictures_that_know_their_part_are_taken_by_it():
    whole = with_parts(
        table("train/ant/1", "train/bee/2", "val/ant/3", "test/ant/4", "wasp/5"),
        ["train", "val", "test"],
    )
    parts = training_parts(whole)
    assert parts.train.paths == ("photos/train/ant/1", "photos/train/bee/2")
    assert parts.train.labels == ("ant", "bee")
    assert parts.validation.paths == ("photos/val/ant/3",)
    assert not parts.set_aside


def test_folds_are_not_learned_from_together():
    names = ("fold-1/train/ant/1", "fold-1/test/bee/2", "fold-2/train/bee/2")
    whole = with_parts(table(*names), ["fold-1/train", "fold-1/test", "fold-2/train"])
    with pytest.raises(TableError, match=r"Name one of them: photos/fold-1\."):
        training_parts(whole)


def test_a_split_without_val_sets_some_of_train_aside():
    names = [f"train/{label}/{i}" for label in ("ant", "bee") for i in range(5)]
    parts = training_parts(table(*names, "test/0001"))
    assert parts.set_aside
    assert Counter(parts.validation.labels) == {"ant": 1, "bee": 1}


def test_a_class_may_be_called_train_among_others():
    parts = training_parts(named({"train": 10, "bus": 10}))
    assert set(parts.train.labels) == {"train", "bus"}


def test_nothing_is_set_aside_where_nothing_can_be():
    parts = training_parts(named({"ant": 1, "bee": 1}))
    assert (len(parts.train), len(parts.validation)) == (2, 0)
    parts = training_parts(named({"ant": 9, "bee": 9}), share=0)
    assert (len(parts.train), len(parts.validation), parts.set_aside) == (18, 0, False)


@pytest.mark.parametrize("given", [named({"ant": 5}), table("a.jpg"), table("train/a.jpg")])
def test_one_class_is_not_enough(given):
    with pytest.raises(TableError, match="at least two classes"):
        training_parts(given)


@pytest.mark.parametrize("share", [-0.1, 0.95])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(InvalidParameterError, match="share must be in"):
        training_parts(named({"ant": 5, "bee": 5}), share=share)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["train", "val", "test"], True),
        (["train", "test", ".tamis"], True),
        (["val", "test"], False),
        (["train", "bus"], False),
    ],
)
def test_the_folder_of_a_split_is_known(tmp_path, folders, expected):
    for name in folders:
        (tmp_path / name).mkdir()
    assert is_split_folder(str(tmp_path)) is expected
    assert not is_split_folder(str(tmp_path / "missing"))
