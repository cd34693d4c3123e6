"""What a reduction costs in MMAP, and what it gains in bytes and in search time.

The first 20 of each of the 80 classes of CorelDB (1,600 photos). Every photo asks for
its 10 nearest others, by L2 and by L1; MMAP over the hits found, as in quality.py. `pca`
and `whiten` are fitted twice: to the gallery itself, as `tamis` does it (no label is
seen), and to the next 20 of each class, of which none is in the gallery.

The search time is that of all 1,600 queries by the kernels of `tamis.distances`, the best
of up to 5; the whole vectors are searched in the same run.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from machine import coreldb, describe
from quality import DEPTH, ranking
from tamis.descriptors import Reduction, descriptor
from tamis.descriptors.reduction import LEARNED, METHODS
from tamis.distances import nearest
from tamis.features import available_processors, extract_several
from tamis.table import ImageTable

BASES = ("color", "lbp", "gist", "color+lbp")
LENGTHS = (32, 64, 128, 256)
DISTANCES = ("l2", "l1")
EACH = 20
REPEATS = 5
ENOUGH = 2.0  # seconds, after which a search is not repeated

Vectors = npt.NDArray[np.float32]


def score(vectors: Vectors, labels: npt.NDArray[np.str_], distance: str) -> tuple[float, float]:
    """MMAP over hits found, leave one out, and the seconds of the search."""
    jobs = available_processors()
    nearest(vectors[:64], vectors, DEPTH + 1, distance=distance, jobs=jobs)
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < ENOUGH:
        start = time.perf_counter()
        found, _ = nearest(vectors, vectors, DEPTH + 1, distance=distance, jobs=jobs)
        times.append(time.perf_counter() - start)
    # The query itself, or the last one where equal pictures crowd it out.
    itself = found == np.arange(len(vectors))[:, np.newaxis]
    itself[~itself.any(axis=1), -1] = True
    return float(ranking(found[~itself].reshape(-1, DEPTH), labels)[0]), min(times)


def row(cells: Sequence[object]) -> None:
    """Print a row of the table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def table_of(base: str, gallery: list[Vectors], apart: list[Vectors], labels: npt.NDArray) -> None:
    """Print the table of one descriptor."""
    # One fusion for all: as `tamis sort --distance l2` would weigh it.
    whole = descriptor(base).fit(gallery, distance="l2")
    vectors = whole.combine(gallery)
    full = {distance: score(vectors, labels, distance) for distance in DISTANCES}
    print(f"\n## {base}: {whole.dim:,} values\n")
    heads = ["", "MMAP l2", "change", "fitted apart", "MMAP l1", "change"]
    heads += ["bytes", "times fewer", "l2 search, times faster", "l1", "fit, s", "project, us"]
    row(heads)
    row(["---"] * len(heads))
    first = [f"{full['l2'][0]:.3f}", "", "", f"{full['l1'][0]:.3f}", "", f"{4 * whole.dim:,}"]
    row(["whole", *first, "", f"({full['l2'][1]:.2f} s)", f"({full['l1'][1]:.2f} s)", "", ""])
    for method in METHODS:
        for length in LENGTHS:
            if length > whole.dim:
                continue
            one = Reduction(base=whole, method=method, length=length)
            start = time.perf_counter()
            ready = one.fit(gallery)
            fitted = time.perf_counter() - start
            ready.combine([part[:1] for part in gallery])  # a random matrix is made once
            start = time.perf_counter()
            short = ready.combine(gallery)
            seconds = time.perf_counter() - start
            scores = {distance: score(short, labels, distance) for distance in DISTANCES}
            other = ""
            if method in LEARNED:
                other = f"{score(one.fit(apart).combine(gallery), labels, 'l2')[0]:.3f}"
            cells = [f"{scores['l2'][0]:.3f}", f"{scores['l2'][0] - full['l2'][0]:+.3f}", other]
            cells += [f"{scores['l1'][0]:.3f}", f"{scores['l1'][0] - full['l1'][0]:+.3f}"]
            cells += [f"{4 * length:,}", f"{whole.dim / length:.0f}"]
            cells += [f"{full[d][1] / scores[d][1]:.0f}" for d in DISTANCES]
            cells += [f"{fitted:.1f}" if other else "", f"{seconds / len(short) * 1e6:.0f}"]
            row([f"{method}{length}", *cells])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table per descriptor."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--by", default=",".join(BASES), help="descriptors, separated by commas")
    options = parser.parse_args(arguments)
    table = ImageTable.from_folder(coreldb())
    labels = np.array(table.labels)
    rows = [np.flatnonzero(labels == label) for label in table.classes]
    bases = options.by.split(",")
    leaves = {leaf.spec: leaf for base in bases for leaf in descriptor(base).leaves}
    parts = []
    for start in (0, EACH):
        chosen = np.concatenate([some[start : start + EACH] for some in rows])
        found = extract_several(table.select(chosen), list(leaves.values()))
        if found[0].failures:
            sys.exit(f"{found[0].failures[0].path}: {found[0].failures[0].reason}")
        parts.append(dict(zip(leaves, found, strict=True)))
    print(f"> {describe()}")
    gallery = next(iter(parts[0].values()))
    for base in bases:
        of = [leaf.spec for leaf in descriptor(base).leaves]
        here, apart = ([part[spec].features for spec in of] for part in parts)
        table_of(base, here, apart, np.array(gallery.labels))


if __name__ == "__main__":
    main()
