"""Batches: every picture once, the right class with it, the same for the same seed."""

import numpy as np
import pytest

from pictures import KINDS, picture
from tamis.classifiers.network.augment import NONE, STRONG, Augmentation
from tamis.classifiers.network.loader import Loader
from tamis.classifiers.network.pixel_cache import read_all


@pytest.fixture(scope="module")
def cache():
    photos = np.stack([picture(KINDS[i % 3], i) for i in range(20)])
    cache, _, _ = read_all(photos, 32)
    with cache:
        yield cache


def loader(cache, **options):
    rows = np.arange(1, 20)
    how = {"batch_size": 8, "augment": STRONG, "seed": 3} | options
    return Loader(cache, rows, (rows % 3).astype(np.int64), **how)


def epochs(some, *numbers):
    return [batch for number in numbers for batch in some.epoch(number)]


def test_an_epoch_shows_every_picture_once_with_its_class(cache):
    some = loader(cache, augment=NONE)
    batches = epochs(some, 0)
    assert [len(batch.targets) for batch in batches] == [8, 8, 3]
    assert len(some) == 3
    seen = []
    for batch in batches:
        for shown, target in zip(batch.pictures, batch.targets, strict=True):
            (row,) = [row for row in range(20) if np.array_equal(cache.pixels[row], shown)]
            assert target == row % 3
            seen.append(row)
    assert sorted(seen) == list(range(1, 20))


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_chance_is_the_same_whatever_the_threads_and_what_went_before(cache, threads):
    how = Augmentation(flip=True, rotation=20, mixup=0.4, cutmix=1.0)
    whole = epochs(loader(cache, augment=how), 0, 1)[3:]
    alone = epochs(loader(cache, augment=how, threads=threads), 1)
    for one, other in zip(whole, alone, strict=True):
        assert np.array_equal(one.pictures, other.pictures)
        assert np.array_equal(one.targets, other.targets)
        assert np.array_equal(one.partners, other.partners)
        assert one.share == other.share


def test_epochs_and_seeds_differ(cache):
    first = epochs(loader(cache), 0)[0].pictures
    assert not np.array_equal(first, epochs(loader(cache), 1)[0].pictures)
    assert not np.array_equal(first, epochs(loader(cache, seed=4), 0)[0].pictures)


def test_balanced_sampling_shows_a_rare_class_as_often(cache):
    rows = np.arange(20)
    targets = (rows >= 18).astype(np.int64)
    some = Loader(cache, rows, targets, batch_size=8, augment=NONE, seed=0, balanced=True)
    shown = np.concatenate([batch.targets for batch in epochs(some, *range(30))])
    assert 0.42 < shown.mean() < 0.58


def test_mixed_pictures_are_a_blend_of_two(cache):
    batches = epochs(loader(cache, augment=Augmentation(mixup=1.0)), 0)
    plain = epochs(loader(cache, augment=Augmentation(mixup=1.0)), 0)
    for batch in batches:
        assert batch.partners is not None
        assert 0 <= batch.share <= 1
    assert np.array_equal(plain[0].pictures, batches[0].pictures)
    cut = epochs(loader(cache, augment=Augmentation(cutmix=1.0)), 0)[0]
    originals = [np.abs(cache.pixels.astype(int) - one).min(0).max() for one in cut.pictures]
    assert max(originals) == 0  # every pixel is that of some picture


def test_an_iterator_may_be_left(cache):
    for _ in loader(cache).epoch(0):
        break


def test_plain_pictures_come_as_they_are(cache):
    batches = list(loader(cache).plain(7))
    assert np.array_equal(np.concatenate([b.pictures for b in batches]), cache.pixels[1:])
    assert np.concatenate([b.targets for b in batches]).tolist() == [r % 3 for r in range(1, 20)]
