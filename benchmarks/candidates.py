"""Which share of the ten nearest photos of CorelDB approximate search finds.

A row per descriptor and metric of the index: recall@10 with 5, 20 and 50 candidates per
result, ranked by the distance asked for, on 100 stored photos; the index is built anew for
each. By these figures `tamis.store.ann` chooses metrics and how many candidates.
"""

import argparse
import tempfile
import time
from pathlib import Path

from machine import coreldb, describe
from tamis.descriptors import descriptor, split_specs
from tamis.store import METRICS, Approximate, Collection, build, update
from tamis.table import ImageTable

FACTORS = (5, 20, 50)


class Asked(Approximate):
    """Approximate search with as many candidates as it is told."""

    factor = 5

    def _factor(self, _distance: str) -> int:
        return self.factor


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by", default="color,hsv,lbp,edge,gist,vlad,color+lbp,color+vlad")
    parser.add_argument("--metrics", default=",".join(METRICS), help="'' for the default one")
    parser.add_argument("--distances", default="l1")
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--into", default=None, help="a collection to be used again")
    options = parser.parse_args()
    wanted = [descriptor(spec) for spec in split_specs(options.by)]
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        path = options.into or str(Path(folder) / "corel.tamis")
        update(path, ImageTable.from_folder(coreldb()), wanted)
        factors = " | ".join(map(str, FACTORS))
        print(f"| descriptor | index | distance | {factors} | index s |")
        print("|---|---|---|" + "---|" * (len(FACTORS) + 1))
        for one in wanted:
            for metric in options.metrics.split(","):
                start = time.perf_counter()
                try:
                    for leaf in one.leaves:
                        build(path, leaf, metric=metric or None)
                except ValueError as error:  # hellinger of negative values
                    print(f"| {one.spec} | {metric} | {error} |", flush=True)
                    continue
                taken = time.perf_counter() - start
                for distance in options.distances.split(","):
                    index = Asked.open(Collection.open(path), one, distance=distance)
                    shares = []
                    for Asked.factor in FACTORS:
                        shares.append(index.recall(10, distance=distance, sample=options.sample))
                    name = "+".join(leaf.name for leaf in one.leaves)
                    print(
                        f"| {name} | {index.metric} | {distance} "
                        f"| {' | '.join(f'{share:.3f}' for share in shares)} | {taken:.1f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
