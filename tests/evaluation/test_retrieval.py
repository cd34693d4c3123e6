"""Retrieval scores: brute force over the full matrix of distances, and who is left out."""

import json
import math
import platform

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import average_precision_score, ndcg_score

from tamis.errors import Failure, InvalidParameterError, TableError, UnknownNameError
from tamis.evaluation.retrieval import evaluate_retrieval
from tamis.evaluation.retrieval_scores import FIGURES, RetrievalEvaluation
from tamis.features import FeatureTable
from tamis.metrics.intervals import wilson_interval

METRIC = {"l1": "cityblock", "l2": "euclidean", "cosine": "cosine"}


def table(features, labels, *, name="g", spec="color(bins=4)", failures=()):
    """A table of vectors, or of single values."""
    vectors = np.asarray(features, np.float32)
    return FeatureTable(
        paths=tuple(f"{name}{i}.jpg" for i in range(len(labels))),
        labels=tuple(labels),
        features=vectors if vectors.ndim == 2 else vectors[:, np.newaxis],
        spec=spec,
        failures=tuple(failures),
    )


def clouds(n=60, classes="aaabbc", seed=0, name="g"):
    """Pictures of a few classes that overlap, of different sizes, in no order."""
    random = np.random.default_rng(seed)
    labels = random.choice(list(classes), n).tolist()
    centres = {"a": 0.0, "b": 1.0, "c": 2.0, "d": 3.0}
    features = random.normal([[centres[x]] * 5 for x in labels], 0.8).astype(np.float32)
    return table(features, labels, name=name)


def slow(gallery, queries, depth, distance="l1"):
    """Every figure, query by query, from all distances and a full sort."""
    matrix = cdist(
        (queries or gallery).features.astype(float),
        gallery.features.astype(float),
        METRIC[distance],
    )
    rows = {}
    for q, label in enumerate((queries or gallery).labels):
        order = [g for g in np.argsort(matrix[q], kind="stable") if queries or g != q]
        relevant = [gallery.labels[g] == label for g in order]
        total = sum(relevant)
        if not total:
            continue
        near = relevant[:depth]
        precisions = [sum(near[: i + 1]) / (i + 1) for i, hit in enumerate(near) if hit]
        rows.setdefault(label, []).append(
            {
                "map": sum(precisions) / len(precisions) if precisions else 0,
                "map_all": sum(precisions) / total,
                "precision": sum(near) / depth,
                "recall": sum(near) / total,
                "ndcg": ndcg_score([relevant], [-np.arange(len(relevant))], k=depth),
                "first_tier": sum(relevant[:total]) / total,
                "error_rate": float(not relevant[0]),
            }
        )
    return rows


def assert_is_slow(found: RetrievalEvaluation, gallery, queries=None, distance="l1"):
    for scores in found.depths:
        rows = slow(gallery, queries, scores.depth, distance)
        assert list(found.classes) == list(scores.per_class) == sorted(rows)
        everyone = [row for of_class in rows.values() for row in of_class]
        assert found.n_images == len(everyone)
        for name in ("precision", "recall", "ndcg", "first_tier", "error_rate"):
            assert getattr(scores, name) == pytest.approx(np.mean([r[name] for r in everyone]))
        means = {c: {m: np.mean([r[m] for r in of]) for m in of[0]} for c, of in rows.items()}
        for name, row in scores.per_class.items():
            assert row.pop("n_queries") == len(rows[name])
            assert row.pop("n_relevant") == gallery.labels.count(name) - (queries is None)
            assert row == pytest.approx(means[name])
            assert scores.map_per_class[name] == row["map"]
        assert scores.mmap == pytest.approx(np.mean([m["map"] for m in means.values()]))
        assert scores.mmap_all == pytest.approx(np.mean([m["map_all"] for m in means.values()]))


@pytest.mark.parametrize("distance", METRIC)
def test_leave_one_out_by_brute_force(distance):
    gallery = clouds()
    found = evaluate_retrieval(gallery, depths=[1, 5, 10, 59], distance=distance)
    assert [scores.depth for scores in found.depths] == [1, 5, 10, 59]
    assert_is_slow(found, gallery, distance=distance)


@pytest.mark.parametrize("distance", METRIC)
def test_gallery_and_queries_by_brute_force(distance):
    gallery, queries = clouds(), clouds(17, "abcd", seed=1, name="q")
    found = evaluate_retrieval(gallery, queries, depths=[3, 60], distance=distance)
    assert_is_slow(found, gallery, queries, distance)


def test_blocks_and_threads_change_nothing(monkeypatch):
    gallery = clouds()
    once = evaluate_retrieval(gallery, depths=[5], jobs=1).to_dict()
    monkeypatch.setattr("tamis.evaluation.retrieval._BLOCK_BYTES", 7_000)
    done = []
    in_blocks = evaluate_retrieval(gallery, depths=[5], jobs=2, progress=done.append)
    assert in_blocks.to_dict() == once
    assert len(done) > 5 and sum(done) == 60


def test_by_hand():
    # On a line: a a b . . . b, so that both classes are found once right, once wrong.
    found = evaluate_retrieval(table([0, 1, 2.5, 9], list("aabb")), depths=[1, 2])
    one, two = found.depths
    # Nearest others: 0 -> 1, 2.5; 1 -> 0, 2.5; 2.5 -> 1, 0; 9 -> 2.5, 1.
    assert one.map_per_class == {"a": 1, "b": 0.5}
    assert (one.mmap, one.mmap_all, one.precision, one.recall) == (0.75, 0.75, 0.75, 0.75)
    assert (one.error_rate, one.first_tier, one.ndcg) == (0.25, 0.75, 0.75)
    assert (two.mmap, two.precision, two.recall) == (0.75, 3 / 8, 0.75)
    assert one.per_class["b"] == {
        **{"n_queries": 2, "n_relevant": 1, "map": 0.5, "map_all": 0.5, "precision": 0.5},
        **{"recall": 0.5, "ndcg": 0.5, "first_tier": 0.5, "error_rate": 0.5},
    }


def test_the_two_definitions_of_average_precision():
    # Ten of a class; of the nearest four, three are right.
    found = evaluate_retrieval(
        table([0, 1, 2, 3, 4, *range(50, 56)], list("aaabaaaaaaa")),
        table([0.1], "a", name="q"),
        depths=[4],
    ).depths[0]
    assert (found.mmap, found.mmap_all) == (1, pytest.approx(0.3))
    assert (found.precision, found.recall) == (0.75, 0.3)


def test_at_full_depth_both_are_the_usual_one():
    gallery = clouds()
    found = evaluate_retrieval(gallery, depths=[59]).depths[0]
    assert found.mmap == pytest.approx(found.mmap_all)
    matrix = cdist(gallery.features, gallery.features, "cityblock")
    scores = {}
    for q, label in enumerate(gallery.labels):
        others = [g for g in range(60) if g != q]
        right = [gallery.labels[g] == label for g in others]
        scores.setdefault(label, []).append(average_precision_score(right, -matrix[q, others]))
    assert found.map_per_class == pytest.approx({c: np.mean(s) for c, s in scores.items()})


# Who is left out


def test_a_picture_is_left_out_by_its_row_and_its_copies_are_not():
    # All alike: by distance nobody could say which of them is the query.
    found = evaluate_retrieval(table([1] * 5, list("aabbb")), depths=[2, 4])
    assert_is_slow(found, table([1] * 5, list("aabbb")))
    # 0 finds 1, 2; 1 finds 0, 2; all others find 0, 1: their own rows lie beyond.
    assert found.depths[0].map_per_class == {"a": 1, "b": 0}


def test_queries_are_not_left_out_of_another_gallery():
    gallery = clouds()
    found = evaluate_retrieval(gallery, gallery, depths=[1])
    assert found.depths[0].error_rate == 0
    assert found.signature["self-match"] == "not excluded, 60 pictures are in both"
    assert evaluate_retrieval(gallery).signature["self-match"] == "excluded, by row"


def test_a_class_of_one_picture_is_counted_and_scored_in_no_figure():
    features, labels = [0, 1, 5, 6, 100], [*"aabb", "lonely"]
    found = evaluate_retrieval(table(features, labels), depths=[1])
    assert found.classes == ("a", "b")
    assert (found.n_images, found.n_without_relevant) == (4, 1)
    assert found.signature["n_queries"] == 4 and found.signature["n_gallery"] == 5
    scores = found.depths[0]
    assert (scores.mmap, scores.precision, scores.error_rate) == (1, 1, 0)
    assert not any(math.isnan(value) for row in scores.per_class.values() for value in row.values())
    # It can still be found, wrongly.
    near = evaluate_retrieval(table([0, 1, 5, 6, 0.1], labels), depths=[1])
    assert near.depths[0].error_rate == 0.5


def test_a_query_of_a_class_that_the_gallery_lacks_is_counted():
    found = evaluate_retrieval(
        table([0, 1, 5], "aab"), table([0, 5, 9], "abz", name="q"), depths=[1]
    )
    assert (found.n_images, found.n_without_relevant, found.classes) == (2, 1, ("a", "b"))


def test_pictures_without_a_class_are_left_out_and_counted():
    labels = ["a", None, "a", "b", None, "b"]
    found = evaluate_retrieval(table([0, 0.5, 1, 5, 5.5, 6], labels), depths=[1, 3])
    assert (found.n_images, found.n_unlabelled, found.signature["n_gallery"]) == (4, 2, 4)
    assert found.depths[0].precision == 1
    both = evaluate_retrieval(
        table([0, 0.5, 1, 5, 5.5, 6], labels), table([1, 2], ["a", None], name="q"), depths=[1]
    )
    assert (both.n_images, both.n_unlabelled) == (1, 3)


def test_pictures_that_could_not_be_read_are_named():
    bad, worse = Failure("x.jpg", "is empty"), Failure("y.jpg", "is empty")
    gallery = table([0, 1, 5, 6], "aabb", failures=[bad])
    assert evaluate_retrieval(gallery, depths=[1]).failures == (bad,)
    queries = table([0], "a", name="q", failures=[worse])
    assert evaluate_retrieval(gallery, queries, depths=[1]).failures == (bad, worse)


# Intervals, the signature, JSON


def test_intervals_hold_their_figures():
    scores = evaluate_retrieval(clouds(), depths=[5]).depths[0]
    assert scores.intervals.keys() == FIGURES.keys()
    for name, (low, high) in scores.intervals.items():
        assert 0 <= low < getattr(scores, name) < high <= 1
    wrong = round(scores.error_rate * 60)
    assert scores.intervals["error_rate"] == wilson_interval(wrong, 60)


def test_a_seed_settles_the_intervals():
    first = evaluate_retrieval(clouds(), depths=[5], seed=1)
    assert first.to_dict() == evaluate_retrieval(clouds(), depths=[5], seed=1).to_dict()
    other = evaluate_retrieval(clouds(), depths=[5], seed=2)
    assert first.depths[0].mmap == other.depths[0].mmap
    assert first.depths[0].intervals != other.depths[0].intervals
    assert "seed 1" in first.signature["bootstrap"]


def test_more_queries_narrow_the_intervals():
    def width(n):
        low, high = evaluate_retrieval(clouds(n), depths=[5]).depths[0].intervals["mmap"]
        return high - low

    assert width(400) < 0.6 * width(60)


def test_a_figure_does_not_depend_on_the_other_depths():
    alone = evaluate_retrieval(clouds(), depths=[5])
    among = evaluate_retrieval(clouds(), depths=[20, 5, 5, 1])
    assert [scores.depth for scores in among.depths] == [1, 5, 20]
    assert among.depths[1].to_dict() == alone.depths[0].to_dict()


def test_the_signature_says_what_the_numbers_depend_on():
    signature = evaluate_retrieval(clouds(), depths=[10, 5], distance="l2", seed=3).signature
    expected = {
        "task": "retrieval, leave-one-out",
        "descriptor": "color(bins=4)",
        "distance": "l2",
        "depths": "5, 10",
        "self-match": "excluded, by row",
        "n_gallery": 60,
        "n_queries": 60,
        "bootstrap": "2000 resamples of the queries, seed 3",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    assert signature.items() >= expected.items()
    assert "AP over hits found" in signature["mmap"]
    assert "AP over all relevant" in signature["mmap_all"]


def test_in_plain_types_it_is_json():
    failures = [Failure("bad \udce9.jpg", "is empty (0 bytes)")]
    found = evaluate_retrieval(table([0, 1, 5, 6], "aabb", failures=failures), depths=[1, 2])
    plain = found.to_dict()
    assert {"depths", "signature", "n_images", "failures"} <= plain.keys()
    # The keys that the project promises, wherever the same thing is said.
    promised = ("depth", "mmap", "mmap_all", "precision", "recall", "error_rate", "map_per_class")
    for scores in plain["depths"]:
        assert {*promised, "first_tier", "ndcg", "intervals"} <= scores.keys()
    back = json.loads(json.dumps(plain, allow_nan=False))
    assert back == plain
    assert [scores["depth"] for scores in back["depths"]] == [1, 2]
    assert back["failures"] == [{"path": "bad \udce9.jpg", "reason": "is empty (0 bytes)"}]


# What is refused


@pytest.mark.parametrize("depths", [[0], [60], [5, -1], []])
def test_a_depth_out_of_range_is_refused(depths):
    with pytest.raises(InvalidParameterError, match=r"pictures to choose from, 59\. Got"):
        evaluate_retrieval(clouds(), depths=depths)


def test_a_gallery_of_others_may_be_read_to_its_end():
    evaluate_retrieval(clouds(), clouds(5, seed=1), depths=[60])
    with pytest.raises(InvalidParameterError, match=r"choose from, 60\. Got 61"):
        evaluate_retrieval(clouds(), clouds(5, seed=1), depths=[61])


@pytest.mark.parametrize("labels", [["a"] * 4, [None] * 4, ["a", "a", None, None], []])
def test_fewer_than_two_classes_are_refused(labels):
    with pytest.raises(TableError, match="at least two classes"):
        evaluate_retrieval(table(np.zeros((len(labels), 2)), labels), depths=[1])


def test_nothing_to_find_is_refused():
    with pytest.raises(TableError, match="nothing to find"):
        evaluate_retrieval(table([0, 1, 2], "abc"), depths=[1])
    with pytest.raises(TableError, match="nothing to find"):
        evaluate_retrieval(table([0, 1], "ab"), table([0], "c"), depths=[1])


def test_other_descriptors_and_distances_are_refused():
    with pytest.raises(InvalidParameterError, match="described alike"):
        evaluate_retrieval(clouds(), table([[0] * 5], "a", spec="hsv"), depths=[1])
    with pytest.raises(UnknownNameError, match="l1"):
        evaluate_retrieval(clouds(), depths=[1], distance="l3")
