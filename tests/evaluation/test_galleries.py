"""`evaluate_gallery` from Python: folders in, figures out."""

import os
import shutil

import pytest

from pictures import write_kinds
from tamis.dataset import Dataset
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError
from tamis.evaluation.galleries import evaluate_gallery, needs_folds
from tamis.evaluation.retrieval import evaluate_retrieval

COLOR = "color(bins=4)"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery") / "photos"
    write_kinds(folder, 8)
    return folder


def test_a_folder_is_scored_as_its_vectors_are(photos):
    found = evaluate_gallery(photos, by=COLOR, depths=[3, 5], jobs=1)
    table = Dataset.open(photos).features(descriptor(COLOR), jobs=1)
    expected = evaluate_retrieval(table, depths=[3, 5], jobs=1)
    assert found.to_dict() == expected.to_dict()


def test_queries_in_the_gallery_are_told_apart(photos):
    kind = sorted(os.listdir(photos))[0]
    queries = Dataset.open(photos).select(classes=[kind])
    found = evaluate_gallery(photos, queries, by=COLOR, depths=[2], jobs=1)
    assert len(found.overlap) == found.n_images == len(queries) == 8
    assert found.without_overlap is None


def test_pictures_without_a_class_are_counted(tmp_path):
    first = next(iter(write_kinds(tmp_path / "photos", 4)))
    shutil.copyfile(first, tmp_path / "photos" / "loose.jpg")
    assert evaluate_gallery(tmp_path / "photos", by=COLOR, depths=[2], jobs=1).n_unlabelled == 1


def test_learned_weights_are_scored_in_folds(photos):
    learned = "color(bins=4)+edge@learned"
    assert needs_folds(descriptor(learned)) and not needs_folds(descriptor(COLOR))
    found = evaluate_gallery(photos, by=learned, depths=[2], jobs=1)
    assert "5 folds" in str(found.signature["weights"])


def test_what_cannot_be_scored_is_refused_before_any_work(photos):
    with pytest.raises(InvalidParameterError, match="depths"):
        evaluate_gallery(photos, by=COLOR, depths=[99], stages=None)
    with pytest.raises(InvalidParameterError, match="l7"):
        evaluate_gallery(photos, by=COLOR, distance="l7", stages=None)
