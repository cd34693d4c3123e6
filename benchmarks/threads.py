"""Threads against processes for extraction, over the photos of CorelDB.

Both describe every sixth photo by the same descriptors with two workers and bring
the vectors to the calling process: threads write them where they belong, processes
send them through a pipe. Rounds in turn; each number is against one thread.
"""

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from machine import by_hand, coreldb, describe
from tamis.descriptors import descriptor
from tamis.features import describe_chunks
from tamis.table import ImageTable

_SPECS: list[str] = []


def _prepare(specs: list[str]) -> None:
    _SPECS[:] = specs


def _describe(table: ImageTable) -> list[np.ndarray]:
    several = [descriptor(spec) for spec in _SPECS]
    chunks = list(describe_chunks(table, several, jobs=1))
    return [np.concatenate([c.features[i] for c in chunks]) for i in range(len(several))]


def threads(table: ImageTable, specs: list[str], jobs: int) -> float:
    """Seconds with threads."""
    several = [descriptor(spec) for spec in specs]
    start = time.perf_counter()
    for _ in describe_chunks(table, several, jobs=jobs):
        pass
    return time.perf_counter() - start


def processes(table: ImageTable, pool: ProcessPoolExecutor) -> float:
    """Seconds with processes that are warm already."""
    pieces = [table.select(range(i, min(i + 32, len(table)))) for i in range(0, len(table), 32)]
    start = time.perf_counter()
    for _ in pool.map(_describe, pieces):
        pass
    return time.perf_counter() - start


def main() -> None:
    """Print one row per set of descriptors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    table = ImageTable.from_folder(coreldb())
    table = table.select(range(0, len(table), 6))
    print(describe())
    print(f"{len(table)} photos, two workers, median of {options.rounds} rounds")
    print("| descriptors | one thread, ms per photo | two threads | two processes |")
    print("|---|---|---|---|")
    for specs in (["color"], ["edge", "lbp", "hsv"], by_hand()):
        context = get_context("spawn")
        with ProcessPoolExecutor(2, context, _prepare, (specs,)) as pool:
            processes(table, pool)
            threads(table, specs, 1)
            rounds = [
                (threads(table, specs, 1), threads(table, specs, 2), processes(table, pool))
                for _ in range(options.rounds)
            ]
        one, two, split = (statistics.median(times) for times in zip(*rounds, strict=True))
        label = "all" if len(specs) > 3 else ", ".join(specs)
        print(f"| {label} | {1e3 * one / len(table):.2f} | {one / two:.2f}x | {one / split:.2f}x |")


if __name__ == "__main__":
    main()
