"""What the defaults reach on real photos: the six classes of the report."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tamis.classifiers.knn import KNNClassifier
from tamis.descriptors import descriptor, list_descriptors
from tamis.descriptors.neural.catalog import ENTRIES
from tamis.distances import Gallery
from tamis.evaluation.retrieval import evaluate_retrieval
from tamis.features import extract
from tamis.images import read_image
from tamis.splits.assign import assign_parts
from tamis.table import ImageTable

SIX = ("art_dino", "fitness", "obj_decoys", "obj_dish", "obj_train", "pet_cat")
ROOT = Path(__file__).resolve().parent.parent
PHOTOS = Path(os.environ.get("TAMIS_CORELDB", ROOT.parent / "shared/data/coreldb"))

pytestmark = [
    pytest.mark.coreldb,
    pytest.mark.skipif(
        not PHOTOS.is_dir(), reason=f"CorelDB is not in {PHOTOS} (set TAMIS_CORELDB)"
    ),
]


@pytest.mark.parametrize(("spec", "least"), [("color", 0.955), ("edge", 0.94)])
def test_the_mean_accuracy_over_twenty_splits(spec: str, least: float) -> None:
    table = ImageTable.from_folder(PHOTOS, classes=SIX)
    assert len(table) == 900
    features = extract(table, descriptor(spec)).features
    labels = np.array(table.labels)
    accuracies = []
    for seed in range(20):
        parts = assign_parts(table, ratio=(0.7, 0.0, 0.3), seed=seed)
        train, test = parts["train"], parts["test"]
        assert (len(train), len(test)) == (630, 270)
        voter = KNNClassifier().fit(features[train], labels[train])
        accuracies.append(voter.score(features[test], labels[test]))
    assert np.mean(accuracies) >= least


@pytest.mark.parametrize(
    ("spec", "least", "most"),
    [
        # Within 0.003 of what the code of the system that tamis descends from gives.
        ("color(size=none)", 0.961, 0.967),
        ("gabor(regions=1,size=none)", 0.834, 0.840),
        ("daisy(size=none)", 0.861, 0.867),
        ("hog(variant=values,size=none)", 0.892, 0.898),
        # That system's edge was unusable; from 0.91 on it serves.
        ("edge", 0.91, 1.0),
    ],
)
def test_the_retrieval_of_six_classes(spec: str, least: float, most: float) -> None:
    features = extract(ImageTable.from_folder(PHOTOS, classes=SIX), descriptor(spec))
    found = evaluate_retrieval(features, depths=[10], distance="l1")
    assert found.n_images == 900
    assert least <= found.depths[0].mmap <= most


# What facts of the field ask for at 96 px is .88 for Gabor filters and .97 or more for the
# others: the responses of the finest filters are noise on an enlarged photo.
LEAST = {"gabor": 0.85}


@pytest.mark.parametrize("name", list_descriptors())
def test_a_photo_finds_itself_at_another_size(name: str) -> None:
    """Share of photos whose copy at 96, 224 or 1200 px finds them first."""
    table = ImageTable.from_folder(PHOTOS)
    photos = [read_image(table.paths[row], size=None) for row in range(0, len(table), 54)][:200]
    one = descriptor(name)
    if name in ENTRIES:
        if one.missing:
            pytest.skip(f"{name} is not installed: {one.missing}")
        photos = photos[::4]  # they take longer
    gallery = Gallery(one.describe(photos))
    for size in (96, 224, 1200):
        copies = [at_size(photo, size) for photo in photos]
        found, _ = gallery.nearest(one.describe(copies), 1, jobs=2)
        share = float((found[:, 0] == np.arange(len(photos))).mean())
        assert share >= LEAST.get(name, 0.97), f"{share:.3f} at {size} px"


def at_size(photo: np.ndarray, size: int) -> np.ndarray:
    height, width = photo.shape[:2]
    scale = size / max(height, width)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(photo, (round(width * scale), round(height * scale)), interpolation=how)
