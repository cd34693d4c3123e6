"""Comparisons: against brute force, and what an honest figure must not be."""

from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from tamis.errors import InvalidParameterError, TableError
from tamis.evaluation.candidates import compare_tables
from tamis.features import FeatureTable
from tamis.metrics.paired import mcnemar_exact


def table_of(features, labels, spec):
    paths = tuple(f"{i:03}.jpg" for i in range(len(labels)))
    return FeatureTable(paths, tuple(labels), np.asarray(features, np.float32), spec)


@pytest.fixture(scope="module")
def labels():
    return [f"class-{i % 4}" for i in range(48)]


@pytest.fixture(scope="module")
def tables(labels):
    """A good descriptor, a fair one and one that knows nothing."""
    random = np.random.default_rng(3)
    centres = random.normal(0, 1, (4, 6))
    codes = np.array([int(label[-1]) for label in labels])
    spreads = {"good": 0.9, "fair": 2.0, "blind": 50.0}
    return [
        table_of(centres[codes] + random.normal(0, spread, (48, 6)), labels, spec)
        for spec, spread in spreads.items()
    ]


def brute(tables, parts, labels, depth, method="early"):
    """MMAP over the hits found, by plain loops."""
    total = 0
    for part in parts:
        x = tables[part].features.astype(np.float64)
        distances = cdist(x, x, "cityblock")
        if method == "rrf":
            np.fill_diagonal(distances, -1)  # of itself rank 0, of the nearest other 1
            ranks = np.argsort(np.argsort(distances, axis=1, kind="stable"), axis=1)
            total = total - 1 / (60 + ranks)
        else:
            total = total + distances / np.median(pdist(x, "cityblock"))
    np.fill_diagonal(total, np.inf)
    per_class = {}
    for query, label in enumerate(labels):
        ranked = np.argsort(total[query], kind="stable")[:depth]
        hits, gained = 0, 0.0
        for rank, other in enumerate(ranked, start=1):
            if labels[other] == label:
                hits += 1
                gained += hits / rank
        per_class.setdefault(label, []).append(gained / hits if hits else 0.0)
    return np.mean([np.mean(values) for values in per_class.values()])


@pytest.mark.parametrize("method", ["early", "sum", "rrf"])
def test_every_combination_has_the_figure_of_brute_force(tables, labels, method):
    result = compare_tables(tables, fuse=(2, 3), depth=7, method=method)
    found = {one.parts: one.mmap for one in result.candidates}
    expected = [p for n in (1, 2, 3) for p in combinations(range(3), n)]
    assert sorted(found) == sorted(expected)
    for parts in expected:
        assert found[parts] == pytest.approx(brute(tables, parts, labels, 7, method), abs=2e-3)
    mmaps = [one.mmap for one in result.candidates]
    assert mmaps == sorted(mmaps, reverse=True)
    assert result.specs == ("good", "fair", "blind")


def test_singles_alone_unless_fusions_are_asked_for(tables):
    result = compare_tables(tables)
    assert {one.parts for one in result.candidates} == {(0,), (1,), (2,)}
    assert result.candidates[0].parts == (0,)
    assert set(result.chosen) == {(0,)}
    assert result.nested == pytest.approx(result.candidates[0].mmap)


def test_the_honest_figure_does_not_reward_luck(labels):
    """Of many descriptors that know nothing the best looks good, and is not."""
    random = np.random.default_rng(0)
    blind = [table_of(random.normal(0, 1, (48, 3)), labels, f"blind-{i}") for i in range(30)]
    result = compare_tables(blind, depth=5)
    mean = np.mean([one.mmap for one in result.candidates])
    assert result.candidates[0].mmap > mean + 0.05
    assert result.nested < result.candidates[0].mmap - 0.02


def test_leads_are_paired_differences(tables):
    result = compare_tables(tables, fuse=(2, 3), depth=7)
    found = {one.parts: one.mmap for one in result.candidates}
    for lead in result.leads:
        assert lead.difference == pytest.approx(result.candidates[0].mmap - found[lead.other])
        assert lead.interval[0] <= lead.difference <= lead.interval[1]
        assert lead.shown == (lead.interval[0] > 0)
    again = compare_tables(tables, fuse=(2, 3), depth=7, jobs=3)
    assert again.leads == result.leads
    assert again.candidates == result.candidates
    assert again.nested == result.nested


def test_first_results_are_compared_on_the_same_queries(tables):
    result = compare_tables(tables, depth=7)
    right = {}
    for part, table in enumerate(tables):
        distances = cdist(table.features, table.features, "cityblock")
        np.fill_diagonal(distances, np.inf)
        nearest = distances.argmin(axis=1)
        right[part,] = sum(table.labels[i] == table.labels[n] for i, n in enumerate(nearest))
    best = result.candidates[0].parts
    for lead in result.leads:
        found = lead.first_result
        assert found.only_first - found.only_second == right[best] - right[lead.other]
        assert found.p_value >= mcnemar_exact(found.only_first, found.only_second)


def test_progress_tells_of_every_scoring(tables):
    told = []
    compare_tables(tables, fuse=(2, 2), folds=4, progress=told.append)
    assert sum(told) == 6 * 5 + 4


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"fuse": (2, 4)}, InvalidParameterError, "fuse must be a range"),
        ({"depth": 48}, InvalidParameterError, "depth must be"),
        ({"method": "product"}, InvalidParameterError, "method must be one of early, sum, rrf"),
        ({"folds": 1}, InvalidParameterError, "folds must be"),
    ],
)
def test_bad_parameters_say_so(tables, change, error, message):
    with pytest.raises(error, match=message):
        compare_tables(tables, **change)


def test_bad_tables_say_so(tables, labels):
    with pytest.raises(TableError, match="same pictures"):
        compare_tables([tables[0], tables[1].select(list(range(47)))])
    with pytest.raises(TableError, match="two classes or more"):
        compare_tables([table_of(tables[0].features, ["one"] * 48, "x")])
    with pytest.raises(TableError, match="all with a class"):
        compare_tables([table_of(tables[0].features, [None, *labels[1:]], "x")])
