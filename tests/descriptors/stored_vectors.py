"""Vectors of a few pictures by every descriptor, kept in a file that all machines compare with.

    python tests/descriptors/stored_vectors.py [FILE]

writes them anew, into the file beside this one by default. Do so when a descriptor has
changed on purpose, and say it in the changelog: collections made before are out of date.
Backbones whose weights are not installed are left out.
"""

import sys
from pathlib import Path

import numpy as np

from tamis.classifiers.linear import LinearHead
from tamis.descriptors import descriptor
from tamis.descriptors.components import Components
from tamis.descriptors.neural.catalog import ENTRIES
from tamis.descriptors.reduction import Reduction
from tamis.descriptors.registry import DESCRIPTORS

FILE = Path(__file__).with_name("stored_vectors.npz")

CLASSICAL = [name for name in DESCRIPTORS if name not in ENTRIES]
NEURAL = [name for name in DESCRIPTORS if name in ENTRIES]

CLOSE, CLOSE_NEURAL = 1e-6, 1e-3
"""By how much of its largest value a vector may differ from the stored one.

That of a classical descriptor by what the logarithms and angles of another system's C
library differ; that of a backbone by how ONNX Runtime adds up.
"""


def pictures():
    """Three pictures, made by integers alone: waves with noise, a larger one, a nearly flat one."""

    def waves(height, width, seed):
        random = np.random.default_rng(seed)
        y, x = np.mgrid[:height, :width]
        steps = [abs((a * x + b * y) % 256 - 128) for a, b in ((3, 1), (1, -5), (7, 4))]
        return (np.stack(steps, axis=-1) + random.integers(0, 100, (height, width, 3))).astype(
            np.uint8
        )

    flat = np.full((96, 128, 3), (120, 90, 60), np.uint8)
    flat[40:60, 70:75] += 3
    return [waves(96, 128, 0), waves(301, 203, 1), flat]


def _fixed(*shape):
    return np.random.default_rng(shape).integers(-99, 100, shape).astype(np.float32) / 128


def reductions():
    """Reductions that need no training, or have a fixed one, by their names."""
    base = descriptor("moments")
    learned = Components(base.spec, _fixed(base.dim), _fixed(40, base.dim), abs(_fixed(40)))
    return {
        f"moments>{method}": Reduction(
            base=base,
            method=method,
            length=40,
            components=learned if method in ("pca", "whiten") else None,
        )
        for method in ("pca", "whiten", "gauss", "sparse")
    }


def classical():
    """What needs no weights, by its name."""
    shown = pictures()
    found = {name: descriptor(name).describe(shown) for name in CLASSICAL}
    found |= {name: one.describe(shown) for name, one in reductions().items()}
    head = LinearHead((225,), _fixed(225, 5), _fixed(5), 0.5)
    return found | {"moments, probe": head.probabilities(found["moments"])}


def neural():
    """Backbones whose weights are installed, by their names."""
    there = (one for one in map(descriptor, NEURAL) if not one.missing)
    return {one.name: one.describe(pictures()) for one in there}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        np.savez(sys.argv[1], **classical())
    else:
        np.savez_compressed(FILE, **classical(), **neural())
