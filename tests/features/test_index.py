"""The index: the nearest pictures of a gallery."""

import numpy as np
import pytest

from tamis.distances import DISTANCES, nearest
from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.features import FeatureTable
from tamis.features.index import COMBINATIONS, Index


def features(n, *, seed=0, spec="color(size=128)"):
    return FeatureTable(
        paths=tuple(f"{seed}-{i}.jpg" for i in range(n)),
        labels=(None,) * n,
        features=np.random.default_rng(seed).random((n, 6), dtype=np.float32),
        spec=spec,
    )


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("jobs", [None, 1, 3])
def test_search_gives_the_nearest(distance, jobs):
    gallery, queries = features(20), features(9, seed=1)
    matches = Index(gallery, distance).search(queries, 4, jobs=jobs)
    indices, distances = nearest(queries.features, gallery.features, 4, distance=distance)
    assert len(matches) == 9
    assert (matches.indices == indices).all()
    assert (matches.distances == distances).all()


def test_a_gallery_finds_itself():
    gallery = features(20)
    matches = Index(gallery).search(gallery, 1)
    assert (matches.indices[:, 0] == np.arange(20)).all()
    assert (matches.distances == 0).all()


def test_no_queries_give_no_matches():
    matches = Index(features(5)).search(features(0), 3)
    assert len(matches) == 0
    assert matches.indices.shape == matches.distances.shape == (0, 3)


def test_another_descriptor_is_refused():
    with pytest.raises(InvalidParameterError, match=r"described alike.*size=64.*size=128"):
        Index(features(5)).search(features(5, spec="color(size=64)"), 1)


@pytest.mark.parametrize("k", [0, 6])
def test_k_is_bounded_by_the_gallery(k):
    with pytest.raises(InvalidParameterError, match="at most"):
        Index(features(5)).search(features(2), k)


def test_an_unknown_distance_is_refused_at_once():
    with pytest.raises(UnknownNameError, match="Did you mean l1"):
        Index(features(5), "l11")


def brute_force(queries, gallery, combine):
    a = queries.features.astype(np.float64)
    if combine == "average":
        a = a.mean(axis=0, keepdims=True)
    return np.abs(a[:, None] - gallery.features[None]).sum(axis=2).min(axis=0)


@pytest.mark.parametrize("combine", COMBINATIONS)
@pytest.mark.parametrize("n_left_out", [0, 3, 150])
@pytest.mark.parametrize("k", [1, 7, 200])
def test_several_queries_as_one(combine, n_left_out, k):
    gallery, queries = features(160), features(4, seed=1)
    matches = Index(gallery).search(queries, k, combine=combine, exclude=gallery.paths[:n_left_out])
    distances = brute_force(queries, gallery, combine)
    distances[:n_left_out] = np.inf
    k = min(k, 160 - n_left_out)
    assert (matches.indices[0] == np.argsort(distances)[:k]).all()
    assert matches.distances[0] == pytest.approx(np.sort(distances)[:k], rel=1e-5)


def test_of_equal_distances_the_first_row_comes_first():
    queries = features(2)
    gallery = features(6).select([3, 1, 0, 4, 0, 1])
    matches = Index(gallery).search(queries, 4, combine="best")
    assert matches.indices.tolist() == [[1, 2, 4, 5]]


def test_what_is_left_out_may_be_everything():
    matches = Index(features(3)).search(features(1), 2, combine="best", exclude=features(3).paths)
    assert matches.indices.shape == matches.distances.shape == (1, 0)


def test_queries_together_are_checked():
    index = Index(features(5))
    with pytest.raises(UnknownNameError, match="average, best"):
        index.search(features(2), 1, combine="worst")
    with pytest.raises(InvalidParameterError, match="at least one query"):
        index.search(features(0), 1, combine="best")
    with pytest.raises(InvalidParameterError, match="k must be at least 1"):
        index.search(features(1), 0, combine="best")
