"""Which share of the ten nearest photos of CorelDB approximate search finds.

A row per descriptor and metric of the index: the cells that a query looks into and the candidates
per result, which are chosen when the index is made, and recall@10 on 100 stored photos, ranked by
the distance asked for, each without itself. The metric in bold is the default of `tamis index
--approximate`.
"""

import argparse
import tempfile
import time
from pathlib import Path

from machine import coreldb, describe
from tamis.descriptors import descriptor, split_specs
from tamis.errors import InvalidParameterError
from tamis.store import METRICS, Approximate, Collection, build, update
from tamis.store.ann.folder import folders
from tamis.table import ImageTable


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--by", default="color,hsv,lbp,edge,gist,vlad,efficientnet-lite0")
    parser.add_argument("--distances", default="", help="by default that of the descriptor, and l1")
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--into", default=None, help="a collection to be used again")
    options = parser.parse_args()
    wanted = [descriptor(spec) for spec in split_specs(options.by)]
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        path = options.into or str(Path(folder) / "corel.tamis")
        update(path, ImageTable.from_folder(coreldb()), wanted)
        print("| descriptor | index by | made in s | cells | candidates | distance | recall@10 |")
        print("|---|---|---|---|---|---|---|")
        for one in wanted:
            build(path, one)
            (chosen,) = (each.manifest for each in folders(path) if each.manifest.spec == one.spec)
            for metric in METRICS:
                start = time.perf_counter()
                try:
                    build(path, one, metric=metric)
                except InvalidParameterError:  # hellinger of negative values
                    continue
                taken = time.perf_counter() - start
                name = f"**{metric}**" if metric == chosen.metric else metric
                for distance in (
                    options.distances.split(",")
                    if options.distances
                    else (dict.fromkeys((one.default_distance, "l1")))
                ):
                    index = Approximate.open(Collection.open(path), one, distance=distance)
                    known = index._indexes[0].known
                    share = index.recall(10, distance=distance, sample=options.sample)
                    print(
                        f"| {one.name} | {name} | {taken:.1f} | {known.probes} of {known.n_cells} "
                        f"| {index._factor(distance)} | {distance} | {share:.3f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
