"""Indexing: time, memory, scaling over cores, and the second run.

``--corel`` indexes all 10,800 photos of CorelDB by every descriptor, with one
thread and with all, then again with nothing changed. ``--synthetic N`` makes N
small JPEGs and indexes growing parts of them, then adds 100 and deletes 100. Each
run is a `tamis index` process of its own; its peak memory is what the system says.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import simplejpeg

from machine import by_hand, coreldb, describe
from tamis.features import available_processors


def index(folder: Path, into: Path, *words: str) -> tuple[float, float]:
    """Run `tamis index`; return seconds and peak memory in MB."""
    command = [sys.executable, "-m", "tamis", "index", str(folder), "--into", str(into), *words]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def corel(folder: Path) -> None:
    """All descriptors over CorelDB."""
    by = ",".join(by_hand())
    print(f"All {len(by_hand())} descriptors over the photos of {coreldb()}:")
    print("| run | seconds | peak MB |")
    print("|---|---|---|")
    times = []
    for jobs in sorted({1, available_processors()}):
        into = folder / f"corel-{jobs}.tamis"
        seconds, peak = index(coreldb(), into, "--by", by, "--jobs", str(jobs))
        times.append(seconds)
        print(f"| first, {jobs} threads | {seconds:.1f} | {peak:.0f} |", flush=True)
    again, peak = min(index(coreldb(), into) for _ in range(3))
    print(f"| second, nothing changed | {again:.2f} | {peak:.0f} |")
    size = sum(file.stat().st_size for file in into.rglob("*") if file.is_file()) / 1e6
    print(
        f"Speed-up over threads {times[0] / times[-1]:.2f}; the second run is "
        f"{times[-1] / again:.0f} times faster; the collection takes {size:.0f} MB."
    )


def make(folder: Path, first: int, n: int) -> None:
    """Write n small pictures: a few soft blobs each."""
    random = np.random.default_rng(first)
    y, x = np.mgrid[:48, :64].astype(np.float32)
    for i in range(first, first + n):
        image = np.empty((48, 64, 3), np.float32)
        image[:] = random.integers(0, 200, 3)
        for _ in range(3):
            cy, cx, r = random.random(3) * (48, 64, 20) + (0, 0, 4)
            blob = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / r**2)
            image += blob[..., None] * random.integers(-120, 120, 3)
        place = folder / f"class-{i % 50:02}"
        place.mkdir(parents=True, exist_ok=True)
        data = simplejpeg.encode_jpeg(image.clip(0, 255).astype(np.uint8), quality=85)
        (place / f"{i:07}.jpg").write_bytes(data)


def synthetic(folder: Path, n: int, by: str) -> None:
    """Growing folders, and small changes to the largest."""
    print(f"Synthetic JPEGs of 64x48, by {by}:")
    print("| run | seconds | peak MB |")
    print("|---|---|---|")
    photos, into = folder / "photos", folder / "photos.tamis"
    made = 0
    for total in (n // 10, n // 4, n // 2, n):
        make(photos, made, total - made)
        made = total
        fresh = folder / f"{total}.tamis"
        seconds, peak = index(photos, fresh, "--by", by)
        each = 1e3 * seconds / total
        print(
            f"| {total:,} from nothing ({each:.2f} ms each) | {seconds:.1f} | {peak:.0f} |",
            flush=True,
        )
        into = fresh
    seconds, peak = index(photos, into)
    print(f"| {n:,}, nothing changed | {seconds:.1f} | {peak:.0f} |")
    make(photos, n, 100)
    seconds, peak = index(photos, into)
    print(f"| 100 more | {seconds:.1f} | {peak:.0f} |")
    for file in sorted(photos.rglob("*.jpg"))[:: n // 100][:100]:
        file.unlink()
    seconds, peak = index(photos, into)
    print(f"| 100 fewer | {seconds:.1f} | {peak:.0f} |")


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corel", action="store_true")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N")
    parser.add_argument("--by", default="color,edge,lbp")
    options = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        if options.corel:
            corel(Path(name))
        if options.synthetic:
            synthetic(Path(name), options.synthetic, options.by)


if __name__ == "__main__":
    main()
