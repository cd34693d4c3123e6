"""What decoding in other processes costs, against decoding in the threads of this one.

    python benchmarks/isolation.py FOLDER [--by color] [--rounds 5] [--limit 1000]

Both ways alternate in one run; the ratio of their medians is what counts.
"""

import argparse
import statistics
import time

from tamis.descriptors import descriptor
from tamis.features import extract
from tamis.images import Decoders
from tamis.images import decoders as module
from tamis.table import ImageTable


def in_threads(self, paths, sizes, *, digest=False):
    """Stand in for `Decoders.read`: decode in the thread that asks."""
    wanted = list(dict.fromkeys(module.decoding_size(size) for size in sizes))
    for path in paths:
        yield module._here(path, wanted, self._how, digest)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--by", nargs="+", default=["color", "efficientnet-lite0"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--jobs", type=int)
    given = parser.parse_args()
    table = ImageTable.from_folder(given.folder)
    table = table.select(range(min(given.limit, len(table))))
    in_processes = Decoders.read
    for spec in given.by:
        seconds = {"threads": [], "processes": []}
        for turn in range(given.rounds + 1):
            for how, read in (("threads", in_threads), ("processes", in_processes)):
                Decoders.read = read
                start = time.perf_counter()
                extract(table, descriptor(spec), jobs=given.jobs)
                if turn:  # the first one compiles and starts
                    seconds[how].append(time.perf_counter() - start)
        middle = {how: statistics.median(found) for how, found in seconds.items()}
        print(
            f"{spec}: {len(table)} pictures, threads {middle['threads']:.2f} s, processes "
            f"{middle['processes']:.2f} s, ratio {middle['processes'] / middle['threads']:.3f}"
        )


if __name__ == "__main__":
    main()
