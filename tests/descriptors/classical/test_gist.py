import math
import pickle

import cv2
import numpy as np
import pytest

from tamis.descriptors.classical import gist
from tamis.descriptors.classical.gist import Gist
from tamis.descriptors.registry import descriptor
from tamis.errors import InvalidParameterError

ODD_SHAPES = [(1, 1), (1, 5000), (5000, 1), (2, 3), (7, 300)]


def naive(image, regions):
    """Compute in float64 and in the whole plane, one filter after the other."""
    grey = np.log(1.0 + cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    height, width = grey.shape
    margins = [(16, gist._good_length(n + 32) - n - 16) for n in grey.shape]
    framed = np.pad(grey, margins, mode="symmetric")
    fy = np.fft.fftfreq(framed.shape[0])[:, np.newaxis]
    fx = np.fft.fftfreq(framed.shape[1])[np.newaxis]
    cycles = max(height, width) ** 2 * (fx**2 + fy**2)
    low = np.exp(-cycles * math.log(2) / 4**2)
    framed = framed - np.fft.ifft2(np.fft.fft2(framed) * low).real
    contrast = np.abs(np.fft.ifft2(np.fft.fft2(framed**2) * low))
    spectrum = np.fft.fft2(framed / (0.2 + np.sqrt(contrast)))
    rows = np.round(np.linspace(0, height, regions + 1)).astype(int)
    columns = np.round(np.linspace(0, width, regions + 1)).astype(int)
    cells = np.zeros((regions, regions, 4, 8))
    for scale in range(4):
        for k in range(8):
            turned = np.angle(np.exp(1j * (np.arctan2(fy, fx) + k * np.pi / 8)))
            away = np.hypot(fx, fy) / (0.3 / 1.85**scale) - 1
            kernel = np.exp(-3.5 * away**2 - 2 * np.pi * turned**2)
            energy = np.abs(np.fft.ifft2(spectrum * kernel))[16 : 16 + height, 16 : 16 + width]
            for i in range(regions):
                for j in range(regions):
                    cell = energy[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
                    cells[i, j, scale, k] = cell.mean() if cell.size else 0
    return cells.ravel()


@pytest.mark.parametrize("regions", [1, 4])
@pytest.mark.parametrize("shape", [(42, 64), (64, 64), (9, 50), (3, 2)])
def test_equals_a_naive_filter_bank(photo, shape, regions):
    image = photo(*shape)
    found = Gist(regions=regions, size=None).describe([image])[0]
    np.testing.assert_allclose(found, naive(image, regions), rtol=1e-3, atol=1e-5)


def test_large_pictures_are_filtered_one_orientation_at_a_time(photo, monkeypatch):
    image = photo(40, 64)
    together = Gist().describe([image])
    monkeypatch.setattr(gist, "_KEPT_PIXELS", 0)
    np.testing.assert_allclose(Gist().describe([image]), together, rtol=1e-5)


def test_orientation_of_a_grating():
    image = np.empty((64, 64, 3), np.uint8)
    # 0.3 cycles per pixel along x: the finest scale, no turn.
    image[:] = (128 + 100 * np.sin(2 * np.pi * 0.3 * np.arange(64)))[:, np.newaxis]
    energies = Gist(regions=1).describe([image])[0].reshape(4, 8)
    assert energies.argmax() == 0
    turned = Gist(regions=1).describe([image.transpose(1, 0, 2)])[0].reshape(4, 8)
    assert turned.argmax() == 4


def test_light_hardly_counts(photo):
    image = photo(64, 64) // 2 + 20
    shade = np.linspace(1, 2, 64)[:, np.newaxis]
    vector, shaded, other = Gist().describe(
        [image, (image * shade).astype(np.uint8), photo(64, 64, seed=1)]
    )
    assert np.abs(shaded - vector).sum() < 0.2 * np.abs(other - vector).sum()


@pytest.mark.parametrize("spec", ["gist", "gist(regions=16)", "gist(size=none)"])
@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_any_shape_gives_a_finite_vector(spec, shape):
    rng = np.random.default_rng(0)
    kind = descriptor(spec)
    vector = kind.describe([rng.integers(0, 256, (*shape, 3), np.uint8)])[0]
    assert vector.shape == (kind.dim,)
    assert np.isfinite(vector).all()
    assert vector.min() >= 0


@pytest.mark.parametrize("level", [0, 1, 77, 255])
def test_one_colour_gives_zeros(level):
    assert not Gist().describe([np.full((50, 70, 3), level, np.uint8)]).any()


@pytest.mark.parametrize("length", range(1, 200))
def test_good_lengths(length):
    good = gist._good_length(length)
    assert length <= good <= 1.25 * length + 8
    assert good % 8 == 0


def test_what_is_kept_is_bounded_and_stays_out_of_pickles(photo):
    kind = Gist()
    kind.describe([photo(30, 40 + i) for i in range(0, 24, 8)])
    assert gist._filters.cache_info().maxsize is not None
    assert gist._low_pass.cache_info().maxsize is not None
    assert len(pickle.dumps(kind)) < 1000


def test_dimension_and_spec():
    assert Gist().dim == 512
    assert Gist().spec == "gist(regions=4,size=64)"


@pytest.mark.parametrize("regions", [0, 17, 1.5, None])
def test_refuses_other_regions(regions):
    with pytest.raises(InvalidParameterError, match="regions must be an integer"):
        Gist(regions=regions)
