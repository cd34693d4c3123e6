"""Decoding and color for all of CorelDB, against decoding alone.

One process, one thread, the same decoder, several rounds of both in turn; the
first pair warms the disk cache and the compiled kernels and does not count.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import simplejpeg

from machine import coreldb, describe
from tamis.descriptors import descriptor
from tamis.features import chunks, extract
from tamis.table import ImageTable


def timed(work: Callable[[], None]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print one row per descriptor spec."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by", default="color;color(size=none);edge;edge(variant=absolute)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    table = ImageTable.from_folder(coreldb())

    def decode() -> None:
        for path in table.paths:
            with open(path, "rb") as file:
                simplejpeg.decode_jpeg(file.read())

    print(describe())
    print(f"{len(table)} photos, one thread, median of {options.rounds} rounds")
    print("| descriptor | decode ms | decode + descriptor ms | ratio | lowest | highest |")
    print("|---|---|---|---|---|---|")
    for spec in options.by.split(";"):
        how = descriptor(spec)

        def describe_all(how=how) -> None:
            for piece in chunks(table, 2048):  # vectors of all would be 670 MB
                extract(piece, how, jobs=1)

        decode(), describe_all()
        pairs = [(timed(decode), timed(describe_all)) for _ in range(options.rounds)]
        ratios = sorted(b / a for a, b in pairs)
        alone, both = (1e3 * statistics.median(x) / len(table) for x in zip(*pairs, strict=True))
        print(
            f"| {how.spec} | {alone:.4f} | {both:.4f} | {statistics.median(ratios):.2f} "
            f"| {ratios[0]:.2f} | {ratios[-1]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
