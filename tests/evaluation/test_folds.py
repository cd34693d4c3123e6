"""Learned weights scored by folds: no query has a say in the weights that serve it."""

import numpy as np
import pytest

from tamis.descriptors import descriptor
from tamis.errors import TableError
from tamis.evaluation.folds import evaluate_in_folds
from tamis.evaluation.retrieval import evaluate_retrieval
from tamis.features import FeatureTable, combine
from tamis.features.index import Index
from tamis.splits.assign import assign_folds
from tamis.table import ImageTable

SPEC = "edge+cedd@learned"
N = 60


@pytest.fixture(scope="module")
def leaves():
    """One part that knows the classes a little, one that knows nothing; as if described."""
    random = np.random.default_rng(2)
    paths = tuple(f"photos/{i % 3}/{i:02}.jpg" for i in range(N))
    labels = tuple(f"class-{i % 3}" for i in range(N))
    found = []
    for part, spread in zip(descriptor(SPEC).leaves, (1.5, 0.0), strict=True):
        vectors = random.normal(0, 1, (N, part.dim))
        vectors += spread * random.normal(0, 0.25, (3, part.dim))[np.arange(N) % 3]
        found.append(FeatureTable(paths, labels, vectors.astype(np.float32), part.spec))
    return found


def test_each_fold_is_served_by_what_the_others_teach(leaves):
    one = descriptor(SPEC)
    found = evaluate_in_folds(leaves, one, folds=4, depths=[5], seed=3)
    table = ImageTable(leaves[0].paths, leaves[0].labels, (None,) * N, "photos")
    parts = assign_folds(table, 4, seed=3)
    labels = np.array(leaves[0].labels)
    right = np.empty(N)
    for fold in range(1, 5):
        train, test = parts[f"fold-{fold}/train"], np.array(parts[f"fold-{fold}/test"])
        known = [leaf.select(train) for leaf in leaves]
        fitted = one.fit([leaf.features for leaf in known], labels=known[0].labels)
        vectors = combine(fitted, leaves)
        near = Index(vectors).search(vectors.select(list(test)), 5, skip=test)
        right[test] = (labels[near.indices] == labels[test][:, np.newaxis]).mean(axis=1)
    assert found.depths[0].precision == pytest.approx(right.mean())
    assert found.n_images == N
    assert found.signature["descriptor"] == one.spec
    assert "4 folds" in found.signature["weights"]


def test_it_does_not_flatter(leaves):
    """Of parts that know nothing the best weights look good, and are not."""
    one = descriptor("edge+cedd+fcth+colorlayout@learned")
    random = np.random.default_rng(0)
    blind = [
        FeatureTable(
            leaves[0].paths,
            leaves[0].labels,
            random.normal(0, 1, (N, part.dim)).astype(np.float32),
            part.spec,
        )
        for part in one.leaves
    ]
    whole = one.fit([leaf.features for leaf in blind], labels=leaves[0].labels)
    naive = evaluate_retrieval(combine(whole, blind)).depths[0].mmap
    honest = evaluate_in_folds(blind, one).depths[0].mmap
    assert honest < naive - 0.01


def test_pictures_without_a_class_are_refused(leaves):
    blank = [FeatureTable(one.paths, (None,) * N, one.features, one.spec) for one in leaves]
    with pytest.raises(TableError, match="all have a class"):
        evaluate_in_folds(blank, descriptor(SPEC))
