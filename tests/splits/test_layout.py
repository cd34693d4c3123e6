"""Which folders and lists are splits: one answer for every command."""

import shutil

import pytest

from command import answer, tamis
from pictures import write_kinds
from tamis.errors import TableError
from tamis.splits import part_named, split_of, take_part, with_split
from tamis.table import ImageTable


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts") / "photos"
    write_kinds(folder, 8)
    return folder


def part_folders(root):
    split = split_of(ImageTable.from_folder(root))
    return () if split is None else tuple(split.parts)


def table(*names, splits=()):
    labels = tuple(name.split("/")[0] if "/" in name else None for name in names)
    return ImageTable(
        tuple(f"photos/{name}" for name in names),
        labels,
        (None,) * len(names),
        root="photos",
        splits=splits,
    )


def listed(root):
    table = ImageTable.from_folder(root)
    table = with_split(table, split_of(table))
    return table, dict(zip(table.names, zip(table.splits, table.labels, strict=True), strict=True))


def test_the_parts_are_splits_and_the_folders_in_them_classes(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out, "--ratio", "0.5", "0.25", "0.25")
    assert part_folders(out) == ("train", "val", "test")
    table, found = listed(out)
    assert len(found) == 24
    assert table.classes == sorted({folder.name for folder in photos.iterdir()})
    for name, (part, label) in found.items():
        assert name.startswith(f"{part}/{label}/")


def test_what_was_added_to_a_part_since_belongs_to_it(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out)
    kind = sorted(photos.iterdir())[0]
    picture = sorted(kind.iterdir())[0]
    shutil.copy(picture, out / "train" / kind.name / f"new{picture.suffix}")
    shutil.copy(picture, out / f"stray{picture.suffix}")
    (out / "extra").mkdir()
    shutil.copy(picture, out / "extra" / picture.name)
    _, found = listed(out)
    assert found[f"train/{kind.name}/new{picture.suffix}"] == ("train", kind.name)
    assert found[f"stray{picture.suffix}"] == (None, None)
    assert found[f"extra/{picture.name}"] == (None, None)


def test_a_blind_test_stays_blind(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out, "--blind")
    assert part_folders(out) == ("train", "test")
    _, found = listed(out)
    assert {label for part, label in found.values() if part == "test"} == {None}
    assert None not in {label for part, label in found.values() if part == "train"}


def test_folds_are_parts_of_two_folders(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out, "--folds", "2")
    assert part_folders(out) == ("fold-1/train", "fold-1/test", "fold-2/train", "fold-2/test")
    table, _ = listed(out)
    assert len(table) == 48
    assert len(table.classes) == 3


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *[(word, "train") for word in ("train", "Training", "TRAIN")],
        *[(word, "val") for word in ("val", "valid", "Validation", "dev")],
        *[(word, "test") for word in ("test", "Testing")],
        *[("fold-12/train", "fold-12/train"), ("Fold-1/Valid", "fold-1/val")],
        *[(word, None) for word in ("fox", "trained", "", "a/train", "fold-1", "fold-1/fox")],
    ],
)
def test_names_of_parts(written, name):
    assert part_named(written) == name


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("train", "valid", "test"), ("train", "val", "test")),
        (("Training", "Testing"), ("train", "test")),
        (("train", "dev"), ("train", "val")),
        (("TRAIN", "Validation"), ("train", "val")),
        (("train",), ("train",)),
        (("val", "test"), ("val", "test")),
    ],
)
def test_a_split_is_known_by_the_names_of_its_folders(folders, names):
    whole = table(*(f"{folder}/{kind}/a.jpg" for folder in folders for kind in ("fox", "owl")))
    split = split_of(whole)
    assert split.parts == dict(zip(folders, names, strict=True))
    divided = with_split(whole, split)
    assert divided.classes == ["fox", "owl"]
    assert set(divided.splits) == set(names)
    again = split_of(divided)
    assert with_split(divided, again) == divided


def test_a_split_says_which_folder_is_which_part():
    whole = table("Training/fox/a.jpg", "valid/fox/b.jpg", "test/fox/c.jpg")
    assert str(split_of(whole)) == "train (Training), val (valid), test"


@pytest.mark.parametrize("other", ["cat/b.jpg", "cat/big/b.jpg", "unlabelled/b.jpg"])
def test_a_folder_that_is_half_a_split_is_refused(other):
    whole = table("train/fox/a.jpg", "train/owl/b.jpg", other)
    name = other.split("/")[0]
    with pytest.raises(TableError, match=f"half a split: train is a part .* {name} is not a part"):
        split_of(whole)
    assert split_of(whole, refuse=False) is None


def test_train_is_a_class_where_it_holds_pictures_and_no_folders():
    assert split_of(table("train/a.jpg", "bus/b.jpg", "plane/big/c.jpg")) is None
    assert split_of(table("train/a.jpg")) is None


def test_parts_without_class_folders_have_no_classes():
    whole = table("train/a.jpg", "test/b.jpg")
    divided = with_split(whole, split_of(whole))
    assert (divided.splits, divided.labels) == (("train", "test"), (None, None))


def test_two_words_for_one_part_are_refused():
    with pytest.raises(TableError, match="dev and val, which both stand for the part val"):
        split_of(table("train/fox/a.jpg", "dev/fox/b.jpg", "val/fox/c.jpg"))
    twice = split_of(table("train/fox/a.jpg", "Train/fox/b.jpg"))
    assert set(twice.parts.values()) == {"train"}


def test_values_of_a_column_are_parts_by_the_same_names():
    whole = table("a", "b", "c", "d", splits=("Train", "validation", "gallery", None))
    divided = with_split(whole, split_of(whole))
    assert divided.splits == ("train", "val", "gallery", None)
    assert take_part(divided, "train").names == ["a"]


def test_a_list_beside_a_split_is_none():
    """The manifest of a blind test names pictures below `test`; their class is not test."""
    whole = ImageTable(("photos/test/1.jpg",), ("fox",), (None,), root="photos")
    assert split_of(whole) is None


def test_take_part():
    whole = table("train/fox/a.jpg", "val/owl/b.jpg")
    divided = with_split(whole, split_of(whole))
    assert take_part(divided, "train").names == ["train/fox/a.jpg"]
    with pytest.raises(TableError, match=r"without the part test\. It has: train, val\."):
        take_part(divided, "test", or_only="val")
    assert take_part(divided.select([1]), "test", or_only="val").names == ["val/owl/b.jpg"]
    plain = table("fox/a.jpg", "owl/b.jpg")
    assert take_part(plain, "train") is plain


def test_a_split_that_was_undone_is_none(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out)
    tamis("undo", out)
    out.mkdir(exist_ok=True)
    assert part_folders(out) == ()


def test_what_was_sorted_is_no_split(photos, tmp_path):
    out = tmp_path / "out"
    write_kinds(tmp_path / "new", 2, first=20, flat=True)
    tamis("sort", "--train", photos, "--input", tmp_path / "new", "--out", out, "--by", "edge")
    assert part_folders(out) == ()


def test_every_command_takes_a_split_alike(photos, tmp_path):
    """A folder of parts by any of their names: taught from train only, tested on test only."""
    out = tmp_path / "data"
    for folder in ("Training", "valid", "Testing"):
        shutil.copytree(photos, out / folder)
    line = "is a split: train (Training), val (valid), test (Testing) are its parts"
    by = ("--by", "moments")
    model = tmp_path / "m.tamis"
    done = tamis("train", out, "--out", model, *by)
    assert line in done.stderr
    assert "3 classes, 24 training pictures" in done.stdout
    assert f"--test {out / 'Testing'}" in done.stdout
    done = tamis("evaluate", "--model", model, "--test", out)
    assert line in done.stderr
    assert "24 of 24 pictures right" in done.stdout
    found = answer("evaluate", "--train", out, "--test", out, *by)
    assert (found["signature"]["n_train"], found["n_images"]) == (24, 24)
    done = tamis("evaluate", out, *by, "--depth", "2")
    assert line in done.stderr
    assert "72 pictures of 3 classes" in done.stdout
    done = tamis("compare", out, "--by", "moments", "--folds", "2", "--depth", "2")
    assert line in done.stderr
    assert "leaving the part test" in done.stderr
    assert "--parts train,val" in done.stdout
    done = tamis("index", out, "--into", tmp_path / "p.tamis", *by)
    assert line in done.stderr
    assert answer("evaluate", tmp_path / "p.tamis", *by, "--split", "valid")["n_images"] == 24
    query = next((out / "Testing" / "sky").iterdir())
    done = tamis("search", out, query, *by, "--split", "train", "-k", "99")
    assert line in done.stderr
    assert len(done.stdout.splitlines()) == 24
    to = ("--input", photos / "sky", "--out", tmp_path / "sorted")
    done = tamis("sort", "--train", out, *to, *by)
    assert line in done.stderr
    assert f"taking the part train of {out}, 24 pictures" in done.stderr
    assert answer("split", out, tmp_path / "again")["classes"] == ["bars", "sky", "tiles"]


def test_half_a_split_is_refused_by_those_who_need_classes(photos, tmp_path):
    out = tmp_path / "data"
    shutil.copytree(photos, out / "train")
    shutil.copytree(photos / "sky", out / "sky")
    by = ("--by", "moments")
    for words in (
        ("train", out, "--out", tmp_path / "m.tamis"),
        ("evaluate", out),
        ("evaluate", "--train", photos, "--test", out),
        ("compare", out),
        ("split", out, tmp_path / "parts"),
        ("sort", "--train", out, "--input", photos, "--out", tmp_path / "sorted"),
    ):
        done = tamis(*words, *(() if words[0] == "split" else by), check=False)
        assert done.returncode == 1, words
        assert "is half a split: train is a part by its name" in done.stderr
    assert answer("index", out, "--into", tmp_path / "p.tamis", *by)["n_images"] == 32


def test_commands_take_the_parts(photos, tmp_path):
    out = tmp_path / "out"
    tamis("split", photos, out, "--ratio", "0.5", "0", "0.5")
    done = tamis("evaluate", out, "--by", "edge", "--depth", "3")
    assert "24 pictures of 3 classes" in done.stdout
    assert "train, test are its parts" in done.stderr
    query = sorted((out / "test").rglob("*.*"))[0]
    found = tamis("search", out, query, "--by", "edge", "--split", "train", "-k", "50")
    paths = [line.split("\t")[0] for line in found.stdout.splitlines()]
    assert len(paths) == 12
    assert all("/train/" in path for path in paths)
    wrong = tamis("search", out, query, "--by", "edge", "--split", "val", check=False)
    assert wrong.returncode == 1
    assert "has no split val. It has: test, train" in wrong.stderr
