"""A model that answers by its examples: nothing is shifted by a damaged file."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pictures import write_kinds
from tamis.dataset import Dataset
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError, ModelError, TableError
from tamis.features import extract_several
from tamis.model import Model, fit
from tamis.table import ImageTable

COLOR = descriptor("color(bins=4)")


def classify(train, table, *, by, jobs=None, progress=None, **choice):
    model = fit(Dataset.open(train), by=by, classifier="knn", jobs=jobs, **choice)
    return model.predict(table, jobs=jobs, progress=progress)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Examples of three kinds, and 75 pictures to sort with eight bad files among them."""
    top = tmp_path_factory.mktemp("classify")
    write_kinds(top / "train", 4)
    truth = write_kinds(top / "input", 25, first=100, flat=True)
    bad = []
    for number, (path, _) in enumerate(sorted(truth.items())):
        if number % 10 == 3:  # right before a good one, by name
            file = Path(path[: -len(".jpg")] + "!.jpg")
            file.write_bytes(b"" if number % 20 == 3 else Path(path).read_bytes()[:300])
            bad.append(os.fspath(file))
    return top, truth, bad


@pytest.fixture(scope="module")
def train(folders):
    return ImageTable.from_folder(folders[0] / "train")


def equal(one, other):
    """Whether two predictions are the same, all of them."""
    return (
        one.paths == other.paths
        and one.classes == other.classes
        and (one.probabilities == other.probabilities).all()
        and (one.neighbours.indices == other.neighbours.indices).all()
        and (one.neighbours.distances == other.neighbours.distances).all()
        and one.failures == other.failures
        and one.settings == other.settings
    )


def test_bad_files_are_named_and_shift_nothing(folders, train):
    top, truth, bad = folders
    table = ImageTable.from_folder(top / "input")
    assert len(table) == len(truth) + len(bad) == 83
    found = classify(train, table, by=COLOR, k=3)
    assert [failure.path for failure in found.failures] == [p for p in table.paths if p in bad]
    assert {failure.reason for failure in found.failures}  # each says why
    assert all(failure.reason for failure in found.failures)
    assert list(found.paths) == [path for path in table.paths if path not in bad]
    assert found.labels == [truth[path] for path in found.paths]
    assert len(found) == len(found.confidence) == len(found.runners_up) == len(truth)
    # The same as each picture alone.
    for row in (0, 9, 40, 74):
        picked = table.select([table.paths.index(found.paths[row])])
        alone = classify(train, picked, by=COLOR, k=3)
        assert (alone.probabilities[0] == found.probabilities[row]).all()


def test_the_neighbours_lead_to_the_examples(folders, train):
    top, truth, _ = folders
    found = classify(train, ImageTable.from_folder(top / "input"), by=COLOR, k=3)
    assert found.train_paths == train.paths
    assert found.train_labels == train.labels
    assert found.neighbours.indices.shape == (len(truth), 3)
    for path, row in zip(found.paths, found.neighbours.indices, strict=True):
        assert {found.train_labels[i] for i in row} == {truth[path]}
        for i in row:
            assert os.path.basename(os.path.dirname(found.train_paths[i])) == truth[path]


def test_an_example_among_the_pictures_finds_itself(folders, train):
    table = ImageTable.from_folder(folders[0] / "train")
    assert classify(train, table, by=COLOR, k=4).labels == list(table.labels)
    found = classify(train, table, by=COLOR, k=4, vote="inverse")
    assert found.labels == list(table.labels)
    assert (found.confidence == 1).all()
    assert (found.neighbours.distances[:, 0] == 0).all()


@pytest.mark.parametrize("jobs", [1, 3])
def test_piece_by_piece_is_as_in_one_piece(folders, train, monkeypatch, jobs):
    table = ImageTable.from_folder(folders[0] / "input")
    whole = classify(train, table, by=COLOR, k=3, jobs=1)
    lengths = []

    def counted(piece, *args, **kwargs):
        lengths.append(len(piece))
        return extract_several(piece, *args, **kwargs)

    monkeypatch.setattr("tamis.dataset.vectors.extract_several", counted)
    monkeypatch.setattr("tamis.dataset.vectors._PIECE_BYTES", 0)
    done = []
    pieces = classify(train, table, by=COLOR, k=3, jobs=jobs, progress=done.append)
    assert lengths == [len(train), 64, 19]
    assert sum(done) == 83
    assert equal(pieces, whole)


def test_a_piece_of_bad_files_only(folders, train, monkeypatch):
    top, _, bad = folders
    monkeypatch.setattr("tamis.dataset.vectors._PIECE_BYTES", 0)
    good = ImageTable.from_folder(top / "input").select([0])
    paths = (*(bad * 9)[:64], *good.paths)
    table = ImageTable(paths, (None,) * 65, (None,) * 65)
    found = classify(train, table, by=COLOR)
    assert (len(found), len(found.failures)) == (1, 64)
    assert found.paths == good.paths


@pytest.mark.parametrize("n_bad", [0, 8])
def test_no_readable_picture_gives_no_rows(folders, train, n_bad):
    bad = tuple(folders[2][:n_bad])
    table = ImageTable(bad, (None,) * n_bad, (None,) * n_bad)
    found = classify(train, table, by=COLOR)
    assert len(found) == 0 and len(found.failures) == n_bad
    assert found.labels == found.runners_up == []
    assert found.confidence.shape == (0,)
    assert found.probabilities.shape == (0, 3)
    assert found.neighbours.indices.shape == found.neighbours.distances.shape == (0, 5)


def test_examples_without_a_class_are_passed_over(folders, train):
    table = ImageTable.from_folder(folders[0] / "input")
    known = [row for row, label in enumerate(train.labels) if label != "sky"]
    partly = replace(train, labels=tuple(None if c == "sky" else c for c in train.labels))
    found = classify(partly, table, by=COLOR, k=3)
    assert found.classes == ("bars", "tiles")
    assert found.settings["n_train"] == 8
    assert equal(found, classify(train.select(known), table, by=COLOR, k=3))


def test_what_the_answers_depend_on_is_said(folders, train):
    table = ImageTable.from_folder(folders[0] / "input").select([0])
    how = {"k": 2, "distance": "cosine", "vote": "inverse"}
    assert classify(train, table, by=COLOR, **how).settings == {
        "descriptor": COLOR.spec,
        "distance": "cosine",
        "k": 2,
        "vote": "1/distance",
        "n_train": 12,
    }


def test_one_example_for_each_of_many_classes_gives_no_warning(train):
    rows = [i % len(train) for i in range(24)]
    unknown = (None,) * 24
    labels = tuple(f"class-{i:02}" for i in range(24))
    many = ImageTable(tuple(train.paths[i] for i in rows), labels, unknown)
    assert len(classify(many, ImageTable((), (), ()), by=COLOR, k=1).classes) == 24


def test_nothing_to_learn_is_refused(train):
    unlabelled = replace(train, labels=(None,) * len(train))
    with pytest.raises(TableError, match="nothing to learn"):
        classify(unlabelled, ImageTable((), (), ()), by=COLOR)


def test_more_neighbours_than_examples_are_brought_down(folders, train):
    table = ImageTable.from_folder(folders[0] / "input").select([0])
    assert classify(train, table, by=COLOR, k=13).settings["k"] == 12
    with pytest.raises(InvalidParameterError, match=r"at least 1\. Got 0"):
        classify(train, table, by=COLOR, k=0)


def test_a_file_of_examples_answers_alike(folders, train, tmp_path):
    table = ImageTable.from_folder(folders[0] / "input")
    model = fit(Dataset.open(train), by="moments+lbp", classifier="knn", k=3, distance="canberra")
    digest = model.save(tmp_path / "m.tamis")
    read = Model.open(tmp_path / "m.tamis")
    assert repr(read).startswith("Model(knn by ")
    one, two = model.predict(table), read.predict(table)
    assert replace(one, settings={}).paths == two.paths
    assert equal(replace(one, settings={}), replace(two, settings={}))
    assert two.train_paths == train.paths
    assert two.train_labels == train.labels
    assert two.settings["model"] == f"knn {digest}"
    assert (two.settings["k"], two.settings["distance"]) == (3, one.settings["distance"])
    score = read.score(folders[0] / "train")
    assert (score.accuracy, len(score.overlap)) == (1, 12)


def test_examples_that_do_not_fit_are_refused(train, tmp_path):
    model = fit(Dataset.open(train), by=COLOR)
    for examples, said in ((["a"], "a list of 12 paths"), ([7] * 12, "no path")):
        replace(model, examples=examples).save(tmp_path / "m.tamis")
        with pytest.raises(ModelError, match=said):
            Model.open(tmp_path / "m.tamis")


def test_a_file_without_its_examples_answers_without_neighbours(folders, train, tmp_path):
    table = ImageTable.from_folder(folders[0] / "input")
    model = fit(Dataset.open(train), by=COLOR, k=3)
    whole = model.predict(table)
    replace(model, examples=()).save(tmp_path / "m.tamis")
    found = Model.open(tmp_path / "m.tamis").predict(table)
    assert (found.probabilities == whole.probabilities).all()
    assert found.neighbours.indices.shape == (len(found), 0)
    assert not found.voted


def test_a_probe_fitted_here_knows_what_it_learned_from(train, tmp_path):
    model = fit(Dataset.open(train), by=COLOR, classifier="probe")
    assert model.examples == train.paths
    assert len(model.score(train).overlap) == 12
    model.save(tmp_path / "m.tamis")
    read = Model.open(tmp_path / "m.tamis")
    assert read.examples == ()
    assert read.score(train).overlap is None
    assert not read.predict(train).voted


def test_options_of_another_classifier_are_refused(train):
    with pytest.raises(InvalidParameterError, match="k does not belong to the classifier probe"):
        fit(Dataset.open(train), by=COLOR, classifier="probe", k=3)


def test_a_file_of_auto_shows_and_compares_with_its_examples_as_the_fit_does(folders, tmp_path):
    top, _, _ = folders
    fitted = fit(Dataset.open(top / "train"), by="moments", classifier="auto")
    fitted.save(tmp_path / "auto.tamis")
    opened = Model.open(tmp_path / "auto.tamis")
    before, after = fitted.predict(top / "input"), opened.predict(top / "input")
    assert (before.probabilities == after.probabilities).all()
    assert (before.neighbours.indices == after.neighbours.indices).all()
    assert (before.neighbours.distances == after.neighbours.distances).all()
    assert after.train_paths == fitted.examples
    assert (fitted.novelty(before) == opened.novelty(after)).all()
    assert len(opened.set_aside(after, unlike_any=0.05).folders) == len(after)
