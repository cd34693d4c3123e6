"""A few queries at a time, on one thread and on all: threads must never cost time.

Random vectors of 512 values by l1; the median and the least of some calls of
`Gallery.nearest`, in ms.
"""

import argparse
import time

import numpy as np

from machine import describe
from tamis.distances import Gallery
from tamis.features import available_processors

CASES = (
    (1_000, 64),
    (10_000, 1),
    (10_000, 64),
    (100_000, 1),
    (100_000, 2),
    (100_000, 4),
    (1_000_000, 1),
    (1_000_000, 2),
    (1_000_000, 64),
)
CALLS = 15


def timed(gallery: Gallery, queries: np.ndarray, jobs: int) -> str:
    """Search several times, and say how long it took."""
    gallery.nearest(queries, 10, jobs=jobs)
    taken = []
    for _ in range(CALLS):
        start = time.perf_counter()
        gallery.nearest(queries, 10, jobs=jobs)
        taken.append((time.perf_counter() - start) * 1e3)
    return f"{np.median(taken):.2f} ({min(taken):.2f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=1_000_000, help="vectors")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    vectors = random.random((options.most, 512), np.float32)
    jobs = available_processors()
    print(describe())
    print(f"| vectors | queries | 1 thread, ms (least) | {jobs} threads |\n|---|---|---|---|")
    for n, n_queries in CASES:
        if n <= options.most:
            gallery = Gallery(vectors[:n], distance="l1")
            queries = random.random((n_queries, 512), np.float32)
            both = " | ".join(timed(gallery, queries, threads) for threads in (1, jobs))
            print(f"| {n:,} | {n_queries} | {both} |", flush=True)


if __name__ == "__main__":
    main()
