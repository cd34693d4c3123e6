"""Several descriptors seen as one: weights, specs, and what is the same as alone."""

import pickle

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from pictures import picture, write_kinds
from tamis.descriptors import Fusion, descriptor
from tamis.errors import InvalidParameterError, UnknownNameError
from tamis.features import describe_chunks, extract, extract_several
from tamis.table import ImageTable

SPEC = "color(bins=4)+edge+gist"
IMAGES = [picture(kind, seed) for kind in ("bars", "sky", "tiles") for seed in range(6)]


@pytest.fixture(scope="module")
def parts():
    return [descriptor(spec).describe(IMAGES) for spec in SPEC.split("+")]


@pytest.fixture(scope="module")
def fitted(parts):
    return descriptor(SPEC).fit(parts)


def test_a_spec_with_plus_is_a_fusion():
    one = descriptor(SPEC)
    assert isinstance(one, Fusion)
    assert [part.name for part in one.parts] == ["color", "edge", "gist"]
    assert one.leaves == one.parts
    assert one.dim == sum(part.dim for part in one.parts)
    assert not one.fitted
    assert descriptor(one.spec) == one


def test_its_weights_travel_in_its_spec(fitted, parts):
    again = descriptor(fitted.spec)
    assert again == fitted
    assert again.fitted
    assert (again.describe(IMAGES) == fitted.combine(parts)).all()
    assert pickle.loads(pickle.dumps(fitted)) == fitted


def test_each_part_counts_alike(fitted, parts):
    """By L1 the distance is the sum of the parts' distances, each over its median."""
    for weight, part in zip(fitted.weights, parts, strict=True):
        assert weight * np.median(pdist(part, "cityblock")) == pytest.approx(1, rel=1e-4)
    together = cdist(fitted.combine(parts), fitted.combine(parts), "cityblock")
    alone = [cdist(part, part, "cityblock") for part in parts]
    summed = sum(w * d for w, d in zip(fitted.weights, alone, strict=True))
    np.testing.assert_allclose(together, summed, rtol=1e-4, atol=1e-5)


def test_other_scales(parts):
    one = descriptor(SPEC)
    assert descriptor(f"{SPEC}@none").weights == (1, 1, 1)
    spread = [1 / part.astype(np.float64).std(axis=0).sum() for part in parts]
    np.testing.assert_allclose(
        descriptor(f"{SPEC}@deviation").fit(parts).weights, spread, rtol=1e-4
    )
    by_l2 = one.fit(parts, distance="l2").weights
    medians = [1 / np.median(pdist(part)) for part in parts]
    np.testing.assert_allclose(by_l2, medians, rtol=1e-4)
    with pytest.raises(InvalidParameterError, match="scale must be one of"):
        Fusion(parts=one.parts, scale="largest")


def test_a_part_without_any_spread_keeps_its_values(parts):
    flat = [np.ones_like(part) for part in parts]
    assert descriptor(SPEC).fit(flat).weights == (1, 1, 1)
    assert descriptor(SPEC).fit([part[:1] for part in parts]).weights == (1, 1, 1)


def test_weights_that_are_fitted_stay(fitted, parts):
    assert fitted.fit([2 * part for part in parts]) is fitted


def test_a_leaf_has_nothing_to_learn(parts):
    one = descriptor("edge")
    assert one.fitted
    assert one.fit([parts[1]]) is one
    assert one.combine([parts[1]]) is parts[1]


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("color+color", InvalidParameterError, "twice"),
        ("2*color", InvalidParameterError, "two descriptors"),
        ("2*color+edge", InvalidParameterError, "or none of them"),
        ("0*color+1*edge", InvalidParameterError, "positive"),
        ("1.2.3*color+1*edge", InvalidParameterError, "cannot read the weights"),
        ("color+lpb", UnknownNameError, "lbp"),
        ("+", InvalidParameterError, "two descriptors"),
        ("color+", InvalidParameterError, "two descriptors"),
    ],
)
def test_bad_specs_say_so(spec, error, message):
    with pytest.raises(error, match=message):
        descriptor(spec)


def test_without_weights_it_cannot_describe():
    with pytest.raises(InvalidParameterError, match="no weights yet"):
        descriptor(SPEC).describe(IMAGES)


def test_extraction_gives_what_the_parts_give(tmp_path, fitted):
    write_kinds(tmp_path, 5)
    table = ImageTable.from_folder(tmp_path)
    several = extract_several(table, fitted.parts)
    whole = extract(table, fitted)
    assert (whole.features == fitted.combine([one.features for one in several])).all()
    assert whole.spec == fitted.spec


def test_a_part_that_is_asked_for_twice_is_computed_once(tmp_path, fitted, monkeypatch):
    write_kinds(tmp_path, 5)
    table = ImageTable.from_folder(tmp_path)
    seen = []
    edge = fitted.parts[1]
    real = type(edge).describe
    monkeypatch.setattr(
        type(edge), "describe", lambda self, images: seen.append(len(images)) or real(self, images)
    )
    chunks = list(describe_chunks(table, [edge, fitted], jobs=1))
    assert sum(seen) == len(table)
    assert (chunks[0].features[0] == extract(table, edge).features[: len(chunks[0].rows)]).all()
