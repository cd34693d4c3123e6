"""Fusions that compare part by part, parts with distances of their own, learned weights."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from pictures import picture, write_kinds
from tamis.descriptors import Fusion, descriptor
from tamis.descriptors.base import PixelDescriptor
from tamis.errors import InvalidParameterError, TableError, UnknownNameError
from tamis.evaluation.retrieval import evaluate_retrieval
from tamis.features import combine, extract, extract_several
from tamis.features.index import Index
from tamis.table import ImageTable

KINDS = ("bars", "sky", "tiles")
IMAGES = [picture(kind, seed) for kind in KINDS for seed in range(8)]
LABELS = [kind for kind in KINDS for _ in range(8)]


@dataclass(frozen=True, kw_only=True)
class Angle(PixelDescriptor):
    """A descriptor whose vectors say something by their direction, and nothing by length."""

    name: ClassVar[str] = "angle"
    summary: ClassVar[str] = "a toy"
    reference: ClassVar[str] = "nobody"
    default_distance: ClassVar[str] = "cosine"

    dim: ClassVar[int] = 12  # type: ignore[misc]

    def _fill(self, image, out):
        rows = np.array_split(image.mean(axis=(1, 2)), 12)
        length = np.random.default_rng(int(image.sum()) % 1000).uniform(1, 1000)
        out[:] = np.array([row.mean() if len(row) else 0 for row in rows]) * length


EDGE, ANGLE = descriptor("edge"), Angle()


@pytest.fixture(scope="module")
def parts():
    return [EDGE.describe(IMAGES), ANGLE.describe(IMAGES)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("edge+gist@sum", "{edge}+{gist}@sum"),
        ("edge+gist@early", "{edge}+{gist}"),
        ("edge+gist@median", "{edge}+{gist}"),
        ("edge+gist@none", "1*{edge}+1*{gist}"),
        ("edge+gist@rrf", "1*{edge}+1*{gist}@rrf"),
        ("2*edge+0.5*gist@none", "2*{edge}+0.5*{gist}"),
        ("2*edge+0.5*gist@median", "2*{edge}+0.5*{gist}@median"),
        ("edge+gist@learned@l2unit@sum", "{edge}+{gist}@sum@l2unit@learned"),
        ("edge+gist @ rrf @ learned", "{edge}+{gist}@rrf@learned"),
        ("2*edge+1*gist@rrf@l1unit", "2*{edge}+1*{gist}@rrf@l1unit"),
        ("edge+gist@deviation", "{edge}+{gist}@deviation"),
    ],
)
def test_a_spec_says_what_is_not_as_usual_and_is_read_again(text, said):
    one = descriptor(text)
    specs = {name: descriptor(name).spec for name in ("edge", "gist")}
    assert one.spec == said.format(**specs)
    assert descriptor(one.spec) == one


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("edge+gist@maximum", UnknownNameError, "way to fuse"),
        ("edge+gist@sum@rrf", InvalidParameterError, "says the method of a fusion twice"),
        ("edge@rrf", InvalidParameterError, "two descriptors"),
        ("edge+gist@rrf@median", InvalidParameterError, "no scale"),
        ("2*edge+1*gist@learned", InvalidParameterError, "given or learned"),
        ("edge+gist@sum>pca4", InvalidParameterError, "@early before the >"),
        ("edge+gist@rrf>gauss4", InvalidParameterError, "@early before the >"),
    ],
)
def test_bad_ways_to_fuse_say_so(text, error, message):
    with pytest.raises(error, match=message):
        descriptor(text)


@pytest.mark.parametrize("unit", ["l1", "l2"])
def test_unit_vectors(unit):
    specs = ("color(bins=4)", "edge")
    vectors = [100 * descriptor(spec).describe(IMAGES) for spec in specs]
    vectors[1][3] = 0
    one = descriptor(f"2*color(bins=4)+1*edge@{unit}unit")
    norms = np.linalg.norm(one.combine(vectors)[:, :576], 1 if unit == "l1" else 2, axis=1)
    assert norms == pytest.approx(np.full(len(IMAGES), 2), rel=1e-5)
    assert (one.combine(vectors)[3, 576:] == 0).all()


def test_the_sum_of_l1_is_early_fusion(parts):
    color = descriptor("color(bins=4)").describe(IMAGES)
    early = descriptor("color(bins=4)+edge").fit([color, parts[0]])
    late = descriptor("color(bins=4)+edge@sum").fit([color, parts[0]])
    assert late.weights == early.weights
    assert early.default_distance == "l1"
    assert late.default_distance.startswith("sum(")
    vectors = early.combine([color, parts[0]])
    summed = cdist(vectors, vectors, "cityblock")
    found = late.distance_for()
    from tamis.distances import gallery_of

    plain = late.combine([color, parts[0]])
    assert gallery_of(plain, distance=found).distances(plain) == pytest.approx(summed, abs=1e-4)


def test_parts_with_distances_of_their_own_are_compared_by_them(parts):
    """Nothing needs to be said: each part counts alike, by the distance that suits it."""
    one = Fusion(parts=(EDGE, ANGLE))
    assert one.method == "sum"
    assert one.spec == f"{EDGE.spec}+{ANGLE.spec}"
    fitted = one.fit(parts)
    assert fitted.weights == pytest.approx(
        [1 / np.median(pdist(parts[0], "cityblock")), 1 / np.median(pdist(parts[1], "cosine"))],
        rel=1e-4,
    )
    w = fitted.weights
    assert fitted.default_distance == f"sum({w[0]:.6g}*l1[80],{w[1]:.6g}*cosine[12])"
    assert fitted.distance_for("l2") == f"sum({w[0]:.6g}*l2[80],{w[1]:.6g}*l2[12])"


def test_a_mixed_fusion_retrieves_by_each_part_as_it_should(tmp_path):
    write_kinds(tmp_path, 8)
    table = ImageTable.from_folder(tmp_path)
    several = extract_several(table, [EDGE, ANGLE])
    assert [one.distance for one in several] == ["l1", "cosine"]
    one = Fusion(parts=(EDGE, ANGLE)).fit([found.features for found in several])
    fused = combine(one, several)
    matches = Index(fused).search(fused, 5)
    w = one.weights
    expected = w[0] * cdist(several[0].features, several[0].features, "cityblock") + w[1] * cdist(
        several[1].features, several[1].features, "cosine"
    )
    np.testing.assert_allclose(matches.distances, np.sort(expected, axis=1)[:, :5], atol=1e-4)
    found = evaluate_retrieval(fused, depths=[3])
    assert found.signature["distance"] == one.default_distance
    assert extract(table, one).distance == one.default_distance
    # Whole vectors by L1 are another thing: there the long vectors of the toy decide.
    whole = Index(fused, "l1").search(fused, 5)
    assert (whole.indices != matches.indices).any()


def test_early_fusion_can_be_had_of_mixed_parts(parts):
    one = Fusion(parts=(EDGE, ANGLE), method="early").fit(parts)
    assert one.spec.endswith("@early")
    assert one.default_distance == "l1"
    two = Fusion(parts=(Angle(size=64), ANGLE), method="early")
    assert two.default_distance == "cosine"
    assert Fusion(parts=two.parts).method == "sum"


def test_given_weights_count_on_top_of_the_scale(parts):
    alike = Fusion(parts=(EDGE, ANGLE)).fit(parts).weights
    twice = Fusion(parts=(EDGE, ANGLE), weights=(2, 1), scale="median").fit(parts).weights
    assert twice == pytest.approx([2 * alike[0], alike[1]], rel=1e-5)


def test_deviation_of_distances(parts):
    one = Fusion(parts=(EDGE, ANGLE), scale="deviation").fit(parts)
    spread = [pdist(parts[0], "cityblock").std(), pdist(parts[1], "cosine").std()]
    assert one.weights == pytest.approx([1 / value for value in spread], rel=1e-4)


def test_learned_weights_forget_a_part_that_knows_nothing():
    random = np.random.default_rng(1)
    centres = random.normal(0, 1, (3, 80))
    codes = np.repeat(np.arange(3), 8)
    good = (centres[codes] + random.normal(0, 1.5, (24, 80))).astype(np.float32)
    noise = random.normal(0, 1, (24, 12)).astype(np.float32)
    blank = Fusion(parts=(EDGE, ANGLE), method="sum", scale="learned")
    learned = blank.fit([good, noise], labels=LABELS).weights
    median = Fusion(parts=(EDGE, ANGLE)).fit([good, noise]).weights
    assert learned[0] / learned[1] > 1.9 * median[0] / median[1]
    assert blank.needs_labels
    assert not blank.fitted


@pytest.mark.parametrize("method", ["early", "sum", "rrf"])
def test_learned_weights_are_part_of_the_spec(method, parts):
    one = descriptor(f"edge+gist@{method}@learned")
    vectors = [parts[0], descriptor("gist").describe(IMAGES)]
    fitted = one.fit(vectors, labels=LABELS, jobs=2)
    assert fitted == one.fit(vectors, labels=LABELS)
    assert descriptor(fitted.spec) == fitted
    assert fitted.fitted
    assert (fitted.combine(vectors) == descriptor(fitted.spec).describe(IMAGES)).all()


def test_learning_needs_classes(parts):
    one = Fusion(parts=(EDGE, ANGLE), scale="learned")
    for labels in (None, [None] * 24, ["one"] * 24, [str(i) for i in range(24)]):
        with pytest.raises(TableError, match="classes"):
            one.fit(parts, labels=labels)
    early = Fusion(parts=one.parts, method="early", scale="learned")
    with pytest.raises(InvalidParameterError, match="@sum@learned"):
        early.fit(parts, labels=LABELS, distance="cosine")


@pytest.mark.parametrize("method", ["early", "sum"])
def test_vectors_come_apart_again(parts, method):
    one = Fusion(parts=(EDGE, ANGLE), weights=(3, 0.5), method=method)
    for again, part in zip(one.apart(one.combine(parts)), parts, strict=True):
        np.testing.assert_allclose(again, part, rtol=1e-6)


def test_only_plain_descriptors_are_fused():
    with pytest.raises(InvalidParameterError, match="made of others"):
        Fusion(parts=(EDGE, descriptor("edge>gauss8")))


def test_a_late_fusion_without_weights_cannot_be_compared():
    with pytest.raises(InvalidParameterError, match="no weights yet"):
        descriptor("edge+gist@sum").distance_for()
