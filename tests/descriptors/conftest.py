import os
from pathlib import Path

import numpy as np
import pytest

ORACLE = Path(
    os.environ.get("TAMIS_ORACLE")
    or Path(__file__).parents[3] / "shared" / "oracle" / "cbir_reference.npz"
)


class Oracle:
    """What the original system gives, and for which pictures."""

    def __init__(self, path):
        self._arrays = np.load(path)

    def images(self, kind):
        count = len(self._arrays[f"{kind}_color"])
        return [self._arrays[f"{kind}_image_{i}"] for i in range(count)]

    def vectors(self, kind, name):
        return self._arrays[f"{kind}_{name}"]


@pytest.fixture(scope="session")
def oracle():
    if not ORACLE.is_file():
        pytest.skip(f"no vectors of the original system at {ORACLE} (set TAMIS_ORACLE)")
    return Oracle(ORACLE)


@pytest.fixture(scope="session")
def photo():
    """Return a function that makes a picture with structure at all scales."""

    def make(height, width, seed=0):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width]
        channels = []
        for _ in range(3):
            field = rng.normal(0, 12, (height, width))
            for _ in range(6):
                fy, fx = rng.normal(0, 0.08, 2)
                field += 25 * np.sin(2 * np.pi * (fy * y + fx * x) + rng.uniform(0, 6))
            channels.append(field + rng.uniform(90, 160))
        return np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)

    return make
