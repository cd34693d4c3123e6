"""Descriptors of an earlier version beside those of this one: what a change costs in time.

    git worktree add ../before COMMIT
    python benchmarks/side_by_side.py ../before/src --by gabor,vlad

Both are loaded into one process and take turns on the same noise, which is the worst case
for most; the best of many rounds, in milliseconds per picture of 128 x 96.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from machine import describe
from tamis.descriptors import Descriptor, descriptor

PICTURES = 8
ROUNDS = 40


def of_version(source: str, specs: Sequence[str]) -> list[Descriptor]:
    """Build descriptors by the tamis below another folder, and let this one be again."""
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_ours(name)}
    sys.path.insert(0, source)
    try:
        theirs = importlib.import_module("tamis.descriptors")
        if not Path(theirs.__file__ or "").is_relative_to(Path(source).resolve()):
            sys.exit(f"there is no tamis in {source}: name the folder src of a working tree")
        return [theirs.descriptor(spec) for spec in specs]
    finally:
        sys.path.remove(source)
        for name in filter(_is_ours, list(sys.modules)):
            del sys.modules[name]
        sys.modules.update(ours)


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == "tamis"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row per descriptor."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("before", help="folder src of the earlier version")
    parser.add_argument("--by", default="edge,gabor,daisy,vlad,colorlayout", help="with commas")
    parser.add_argument("--count", type=int, default=ROUNDS, help="rounds")
    options = parser.parse_args(arguments)
    specs = options.by.split(",")
    random = np.random.default_rng(0)
    shown = [random.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(PICTURES)]
    versions = (of_version(options.before, specs), [descriptor(spec) for spec in specs])
    print(f"> {describe()}\n\n| descriptor | before, ms | now, ms | ratio | largest difference |")
    print("|---|---|---|---|---|")
    for spec, *pair in zip(specs, *versions, strict=True):
        vectors = [one.describe(shown) for one in pair]
        times: list[list[float]] = [[], []]
        for _ in range(options.count):
            for one, own in zip(pair, times, strict=True):
                start = time.perf_counter()
                one.describe(shown)
                own.append((time.perf_counter() - start) / PICTURES * 1e3)
        before, now = map(min, times)
        off = np.abs(vectors[0] - vectors[1]).max() / np.abs(vectors[0]).max()
        print(f"| {spec} | {before:.3f} | {now:.3f} | {now / before:.2f} | {off:.1e} |", flush=True)


if __name__ == "__main__":
    main()
