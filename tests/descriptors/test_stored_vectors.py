"""A collection made on one machine serves another: vectors are those of a stored file.

Each setting is a process of its own, as libraries choose their kernels when they load.
numba compiles again for a generic processor; it keeps that beside the rest of its cache.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import stored_vectors as stored

SETTINGS = {
    "generic": {"NUMBA_CPU_NAME": "generic", "OPENBLAS_CORETYPE": "Haswell"},
    "prescott": {"OPENBLAS_CORETYPE": "Prescott"},
}


@pytest.fixture(scope="module")
def kept():
    return dict(np.load(stored.FILE))


def vectors_under(folder, settings):
    file = folder / "found.npz"
    environment = {k: v for k, v in os.environ.items() if k not in SETTINGS["generic"]}
    command = [sys.executable, stored.__file__, str(file)]
    subprocess.run(command, env=environment | settings, check=True, timeout=500)
    return dict(np.load(file))


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    return vectors_under(tmp_path_factory.mktemp("native"), {})


def off(vectors, wanted):
    """The largest difference, per vector, as a share of its largest value."""
    largest = np.abs(wanted).max(axis=1)
    return (np.abs(vectors - wanted).max(axis=1) / np.where(largest > 0, largest, 1)).max()


def test_vectors_are_those_of_the_file(native, kept):
    assert native.keys() == kept.keys() - set(stored.NEURAL)
    differences = {name: off(vectors, kept[name]) for name, vectors in native.items()}
    too_far = {name: by for name, by in differences.items() if by > stored.CLOSE}
    assert not too_far, f"if they changed on purpose: python {stored.__file__}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_vectors_are_the_same_to_the_bit_on_another_processor(tmp_path, native, setting):
    found = vectors_under(tmp_path, SETTINGS[setting])
    assert [name for name in native if not np.array_equal(found[name], native[name])] == []


def test_backbones_give_those_of_the_file(kept):
    for name, vectors in stored.neural().items():
        if name in kept:
            assert off(vectors, kept[name]) <= stored.CLOSE_NEURAL, name


def test_the_pictures_tell_a_difference(kept):
    for name, vectors in kept.items():
        assert np.isfinite(vectors).all()
        assert len(np.unique(vectors, axis=0)) == len(stored.pictures()), name
