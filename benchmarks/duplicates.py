"""Duplicates: recall and precision on planted copies, and what a picture costs among many.

Planted: 200 copies of each kind of `plant.py` among the 10,800 photos of CorelDB. Found is a
copy in one group with its original; wrong is what else is in that group, unless it is grouped
with the original where nothing is planted.

``--made 100000 1000000`` makes so many JPEGs of 64 x 48 pixels, of which a hundredth is there
twice (saved anew), and measures time and memory in a process of its own for each number;
``--keep`` is the folder in which they are made, where a later run finds them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from machine import coreldb, describe
from plant import DEFAULT, KINDS, plant

KIND_SETS = {"default": None, "on request": ("copy", "same", "mirrored", "turned")}
PER_FOLDER = 10_000
WORK = """
import json, os, resource, sys, time
import tamis
source, n, kinds = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
folders = sorted(os.listdir(source))[-(-n // 10000):] if n else []
table = tamis.open(source, exclude=[os.path.join(source, name) for name in folders]).table
start, before = time.perf_counter(), time.process_time()
found = tamis.duplicates(table, **({"kinds": kinds} if kinds else {}))
children = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "n": len(table), "seconds": time.perf_counter() - start,
    "processor": time.process_time() - before + children.ru_utime + children.ru_stime,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "groups": [[one.kind, list(one.paths)] for one in found.groups], "root": table.root,
}))
"""


def find(source: Path, n: int = 0, kinds: Sequence[str] | None = None) -> dict:
    """Look for duplicates in a process of its own."""
    words = [sys.executable, "-c", WORK, str(source), str(n), json.dumps(kinds)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def by_name(found: dict) -> dict[str, set[str]]:
    """Give the group of each picture, bursts aside; by its name below the source."""
    groups = {}
    for kind, paths in found["groups"]:
        if kind != "burst":
            names = {os.path.relpath(path, found["root"]) for path in paths}
            groups.update(dict.fromkeys(names, names))
    return groups


def planted(work: Path) -> None:
    """Measure recall and precision."""
    photos = coreldb()
    rows = plant(photos, work / "photos")
    copies = {copy for _, copy, _ in rows}
    for name, kinds in KIND_SETS.items():
        base, found = find(photos, kinds=kinds), find(work / "photos", kinds=kinds)
        before, now = by_name(base), by_name(found)
        hits, wrong = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
        for kind, copy, original in rows:
            group = now.get(copy, set())
            hits[kind] += original in group
            known = before.get(original, {original}) | copies
            wrong[kind] += len(group - known) if original in group else len(group - copies)
        print(f"{name}: {found['n']} pictures, {found['processor']:.1f} s of processor")
        for kind in KINDS:
            print(f"| {kind} | {hits[kind] / 200:.3f} | {wrong[kind]} |")
        asked = KINDS if kinds else DEFAULT
        right, off = sum(hits[kind] for kind in asked), sum(wrong[kind] for kind in asked)
        print(
            f"together: recall {right / 200 / len(asked):.3f}, precision "
            f"{right / (right + off):.3f}",
            flush=True,
        )


def make(folder: Path, n: int) -> None:
    """Make pictures, as far as they are not there yet."""
    if (folder / f"{(n - 1) // PER_FOLDER:03}" / f"{n - 1:07}.jpg").exists():
        return
    for start in range(0, n, 100):
        place = folder / f"{start // PER_FOLDER:03}"
        place.mkdir(parents=True, exist_ok=True)
        if (place / f"{start + 99:07}.jpg").exists():
            continue
        random = np.random.default_rng(start)
        coarse = random.integers(0, 256, (99, 6, 8, 3), np.uint8)
        fine = random.normal(0, 6, (99, 48, 64, 1))
        for i in range(100):
            row, quality = (i, 90) if i < 99 else (0, 60)  # the hundredth is the first again
            picture = cv2.resize(coarse[row], (64, 48), interpolation=cv2.INTER_CUBIC)
            picture = np.clip(picture + fine[row], 0, 255).astype(np.uint8)
            how = [cv2.IMWRITE_JPEG_QUALITY, quality]
            cv2.imwrite(str(place / f"{start + i:07}.jpg"), picture, how)


def among_many(folder: Path, sizes: Sequence[int]) -> None:
    """Measure time and memory."""
    for n in sizes:
        make(folder, n)
        found = find(folder, n)
        right = sum(
            kind != "burst"
            and len(paths) == 2
            and int(Path(paths[0]).stem) // 100 == int(Path(paths[1]).stem) // 100
            for kind, paths in found["groups"]
        )
        each = 1000 / n
        print(
            f"| {n:,} | {each * found['processor']:.2f} | {each * found['seconds']:.2f} | "
            f"{found['peak']:.0f} | {right / (n // 100):.3f} |",
            flush=True,
        )


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--made", type=int, nargs="*")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as work:
        if options.made:
            print("| pictures | ms of processor each | ms each | peak MB | recall |")
            among_many(options.keep or Path(work) / "made", options.made)
        else:
            planted(Path(work))


if __name__ == "__main__":
    main()
