"""The map: like pictures are near each other, and places are kept."""

import os
import time

import numpy as np
import pytest

from reviewing import served
from tamis.web import plane
from tamis.web.plane import positions


def test_like_vectors_are_near_each_other(monkeypatch):
    monkeypatch.setattr(plane, "LANDMARKS", 60)
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(3), 40)
    values = np.eye(3, 8)[group] + 0.05 * random.normal(size=(120, 8))
    values = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    spots = positions(values)
    assert spots.shape == (120, 2) and spots.dtype == np.float32
    assert spots.min() >= 0 and spots.max() <= 1
    middle = np.stack([spots[group == one].mean(axis=0) for one in range(3)])
    away = np.linalg.norm(spots[:, None] - middle, axis=2)
    assert (away.argmin(axis=1) == group).mean() > 0.95
    assert np.array_equal(positions(values), spots)


@pytest.mark.parametrize("n", [0, 1, 2, 4, 5, 7])
def test_a_few_pictures_have_places_too(n):
    values = np.eye(8, dtype=np.float32)[:n]
    spots = positions(values)
    assert spots.shape == (n, 2) and np.isfinite(spots).all()


def laid_out(client):
    for _ in range(2400):
        body = client.ask("GET", "/api/v1/map")[2]
        if body:
            return np.frombuffer(body, "<f4").reshape(-1, 2)
        time.sleep(0.05)
    raise AssertionError("there is no map")


def test_the_map_of_a_review_is_kept(pictures):
    with served(pictures / "photos", pictures / "examples") as client:
        client.wait()
        first = laid_out(client)
        broken = client.get("/names").index("broken.jpg")
        assert len(first) == 26 and np.isnan(first[broken]).all()
        assert np.isfinite(np.delete(first, broken, axis=0)).all()
    kept = pictures / "photos.review" / "map.npz"
    before = os.stat(kept).st_mtime_ns
    with served(pictures / "photos", pictures / "examples") as client:
        client.wait()
        assert np.array_equal(laid_out(client), first, equal_nan=True)
    assert os.stat(kept).st_mtime_ns == before
