"""The index: the nearest pictures of a gallery."""

import numpy as np
import pytest

from tamis.distances import DISTANCES, nearest
from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.features import FeatureTable
from tamis.index import Index


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
