"""Where a benchmark runs, and where its photos are."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from tamis.descriptors import list_descriptors
from tamis.descriptors.neural.catalog import ENTRIES
from tamis.features import available_processors

ROOT = Path(__file__).resolve().parent.parent
SIX = ("art_dino", "fitness", "obj_decoys", "obj_dish", "obj_train", "pet_cat")


def describe() -> str:
    """Name the processor, its count, and the versions that matter."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        model = next(
            (x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), model
        )
    packages = ("numpy", "numba", "simplejpeg", "opencv-python-headless")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{model}, {available_processors()} processors, Python {platform.python_version()}, "
        f"tamis {version('tamis')}, {versions}"
    )


def by_hand() -> list[str]:
    """Name the descriptors that are no networks: backbones have benchmarks of their own."""
    return [name for name in list_descriptors() if name not in ENTRIES]


def coreldb() -> Path:
    """Find the CorelDB photos, or say where they were looked for."""
    folder = Path(os.environ.get("TAMIS_CORELDB", ROOT.parent / "shared/data/coreldb"))
    if not folder.is_dir():
        sys.exit(f"CorelDB is not in {folder}; set TAMIS_CORELDB to the folder of its classes.")
    return folder
