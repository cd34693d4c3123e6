import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tamis.descriptors import descriptor

STEPS = ((0, 1), (1, 1), (1, 0), (1, -1))
SMALL = arrays(
    np.uint8,
    st.tuples(st.integers(2, 10), st.integers(2, 10)),
    elements=st.sampled_from([0, 1, 2, 3, 100, 254, 255]),
)
NOISE = np.random.default_rng(14).integers(0, 256, (40, 30), np.uint8)


def describe(grey, regions=1, distance=1):
    """(regions, regions, 4 directions, 13 features)."""
    spec = f"haralick(regions={regions},distance={distance},size=none)"
    return descriptor(spec).describe([grey])[0].reshape(regions, regions, 4, 13)


def unscaled(values):
    """The features as published."""
    out = values.astype(float)
    out[..., 0] **= 2
    out[..., 1] = (255 * out[..., 1]) ** 2
    out[..., 2] *= 2
    out[..., 3] = (127.5 * out[..., 3]) ** 2
    out[..., 5] *= 510
    out[..., 6] = (255 * out[..., 6]) ** 2
    out[..., 7] *= 9
    out[..., 8] *= 16
    out[..., 9] = (127.5 * out[..., 9]) ** 2
    out[..., 10] *= 8
    return out


def entropy(shares):
    shares = shares[shares > 0]
    return -(shares * np.log2(shares)).sum()


def naive(grey, step):
    """The published features of one direction, from the whole table."""
    table = np.zeros((256, 256))
    height, width = grey.shape
    for y in range(height):
        for x in range(width):
            i, j = y + step[0], x + step[1]
            if 0 <= i < height and 0 <= j < width:
                table[grey[y, x], grey[i, j]] += 1
                table[grey[i, j], grey[y, x]] += 1
    if table.sum() == 0:
        return np.zeros(13)
    p = table / table.sum()
    i, j = np.indices(p.shape)
    level = p.sum(axis=1)
    mean = (level * np.arange(256)).sum()
    variance = (level * (np.arange(256) - mean) ** 2).sum()
    sums = np.bincount((i + j).ravel(), p.ravel(), 511)
    differences = np.bincount(np.abs(i - j).ravel(), p.ravel(), 256)
    sum_mean = (sums * np.arange(511)).sum()
    difference_mean = (differences * np.arange(256)).sum()
    product = np.outer(level, level)
    used = product > 0
    hxy1 = -(p[used] * np.log2(product[used])).sum()
    hxy2 = entropy(product)
    return np.array(
        [
            (p**2).sum(),
            (p * (i - j) ** 2).sum(),
            (p * (i - mean) * (j - mean)).sum() / variance if variance > 1e-9 else 1,
            variance,
            (p / (1 + (i - j) ** 2)).sum(),
            sum_mean,
            (sums * (np.arange(511) - sum_mean) ** 2).sum(),
            entropy(sums),
            entropy(p),
            (differences * (np.arange(256) - difference_mean) ** 2).sum(),
            entropy(differences),
            (entropy(p) - hxy1) / entropy(level) if entropy(level) > 0 else 0,
            np.sqrt(max(0, 1 - np.exp(-2 * (hxy2 - entropy(p))))),
        ]
    )


@settings(max_examples=40)
@given(SMALL, st.integers(1, 3))
def test_follows_the_definition(grey, distance):
    found = unscaled(describe(grey, distance=distance)[0, 0])
    for direction, (down, along) in enumerate(STEPS):
        expected = naive(grey, (distance * down, distance * along))
        np.testing.assert_allclose(found[direction], expected, rtol=1e-5, atol=2e-3)


def test_follows_the_definition_on_noise():
    found = unscaled(describe(NOISE)[0, 0])
    for direction, step in enumerate(STEPS):
        np.testing.assert_allclose(found[direction], naive(NOISE, step), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("distance", [1, 2, 5])
def test_agrees_with_mahotas(distance):
    mahotas = pytest.importorskip("mahotas")
    y, x = np.mgrid[0:60, 0:80]
    smooth = 120 + 60 * np.sin(x / 9) + y + np.random.default_rng(15).normal(0, 4, x.shape)
    for grey in (NOISE, smooth.astype(np.uint8)):
        expected = mahotas.features.haralick(grey, distance=distance)
        found = unscaled(describe(grey, distance=distance)[0, 0])
        # It takes the variance of the difference's shares, not of the difference.
        same = np.arange(13) != 9
        np.testing.assert_allclose(found[:, same], expected[:, same], rtol=1e-4, atol=1e-6)


def test_a_flat_picture():
    found = unscaled(describe(np.full((20, 20), 51, np.uint8))[0, 0])
    expected = [1, 0, 1, 0, 1, 102, 0, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(found, [expected] * 4, atol=1e-5)


def test_stripes():
    """Black and white rows: level 0 meets 0 along them, 255 across."""
    grey = np.zeros((21, 20), np.uint8)
    grey[::2] = 255
    along, _, across, _ = unscaled(describe(grey)[0, 0])
    assert along[1] == 0
    assert along[2] == pytest.approx(1, abs=1e-5)
    assert along[8] == pytest.approx(1, abs=0.01)
    assert across[1] == pytest.approx(255**2, rel=1e-5)
    assert across[2] == pytest.approx(-1, abs=1e-5)


@given(SMALL)
def test_turning_the_picture_turns_the_directions(grey):
    found, turned = describe(grey)[0, 0], describe(np.rot90(grey))[0, 0]
    np.testing.assert_allclose(turned, found[[2, 3, 0, 1]], atol=1e-6)


@given(SMALL)
def test_values_are_about_one_at_most(grey):
    found = describe(grey)
    assert found.min() >= -1
    assert found.max() <= 1 + 1e-5


def test_regions_are_described_alone():
    found = describe(NOISE, regions=2, distance=2)
    alone = describe(NOISE[20:, :15], distance=2)[0, 0]
    np.testing.assert_array_equal(found[1, 0], alone)


def test_a_region_too_small_for_a_pair_is_zero():
    found = describe(NOISE[:1, :9], distance=3)[0, 0]
    assert found[0].any()
    assert not found[1:].any()
    assert not describe(NOISE[:2, :2], distance=2).any()
    assert descriptor("haralick").dim == 468
