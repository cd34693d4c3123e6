"""The ten nearest of every photo of CorelDB, itself left out, against scipy.

Three tables: every descriptor by l1; every distance on one descriptor; the dense
against the sparse kernels. A fresh process describes the photos and searches, so
that its peak memory is its own. scipy's ``cdist`` (it lets go of Python's lock) and
a sort work in as many threads, on a sample of the queries, scaled up to all. Times
of other programs on the machine do not enter the processor seconds of a process;
they are given as well as the wall times.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import additive_chi2_kernel

from machine import by_hand, coreldb, describe
from tamis.descriptors import descriptor
from tamis.distances import DISTANCES, Gallery
from tamis.features import available_processors, extract
from tamis.table import ImageTable

K = 10
BLOCK = 10  # queries that scipy is given at once
JOBS = available_processors()
CDIST = {
    "l1": "cityblock",
    "l2": "euclidean",
    "sqeuclidean": "sqeuclidean",
    "cosine": "cosine",
    "canberra": "canberra",
    "braycurtis": "braycurtis",
    "jensenshannon": "jensenshannon",
}


def others(distance: str) -> tuple[str, Callable]:
    """Name what computes the distance elsewhere, and a function of two float64 matrices."""
    if distance in CDIST:
        return f"cdist {CDIST[distance]}", lambda a, b: cdist(a, b, CDIST[distance])
    if distance == "chi2":
        return "sklearn additive_chi2_kernel", lambda a, b: additive_chi2_kernel(a, b) / -2
    if distance == "hellinger":
        return (
            "cdist euclidean of roots",
            lambda a, b: cdist(np.sqrt(a), b, "euclidean") / np.sqrt(2),
        )

    def intersection(a, b):
        a_sums, b_sums = a.sum(axis=1)[:, np.newaxis], b.sum(axis=1)
        larger = np.maximum(a_sums, b_sums)
        return (cdist(a, b, "cityblock") + abs(a_sums - b_sums)) / (2 * larger)

    return "cdist cityblock", intersection


def clocks() -> np.ndarray:
    """Read the wall clock, and the seconds that this process had a processor."""
    return np.array([time.perf_counter(), time.process_time()])


def search(features: np.ndarray, distance: str) -> tuple[np.ndarray, dict[str, float]]:
    """Leave one out, once to compile and once to measure."""
    Gallery(features[:100], distance=distance).nearest(features[:100], K, jobs=JOBS)
    start = clocks()
    gallery = Gallery(features, distance=distance)
    indices, _ = gallery.nearest(features, K, jobs=JOBS, skip=np.arange(len(features)))
    wall, processor = clocks() - start
    return indices, {"wall": wall, "processor": processor, "sparse": gallery.sparse}


def peak_memory() -> float:
    """Read the peak memory of this process in GB; getrusage includes the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def described(spec: str, folder: Path) -> dict[str, float]:
    """Do in this process what is to be measured, and leave the vectors in a file."""
    table = ImageTable.from_folder(coreldb())
    features = extract(table, descriptor(spec)).features
    indices, figures = search(features, "l1")
    figures["peak"] = peak_memory()
    figures["used"] = float(np.count_nonzero(features) / features.size)
    np.save(folder / "features.npy", features)
    np.save(folder / "indices.npy", indices)
    return figures


def elsewhere(
    features: np.ndarray, distance: str, sample: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All distances of some queries, sorted: the clocks scaled to all queries."""
    _, function = others(distance)
    gallery = features.astype(float)
    rows = np.linspace(0, len(features) - 1, sample).astype(int)
    start = clocks()
    prepared = np.sqrt(gallery) if distance == "hellinger" else gallery

    def work(at: int) -> tuple[np.ndarray, np.ndarray]:
        some = rows[at : at + BLOCK]
        found = function(gallery[some], prepared)
        found[np.arange(len(some)), some] = np.inf  # itself
        return found, np.argsort(found, axis=1, kind="stable")[:, : K + 1]

    with ThreadPoolExecutor(JOBS) as pool:
        done = list(pool.map(work, range(0, sample, BLOCK)))
    taken = (clocks() - start) * len(features) / sample
    order = np.concatenate([one[1] for one in done])
    distances = np.concatenate([np.take_along_axis(*one, axis=1) for one in done])
    return order, distances, taken


def differences(ours: np.ndarray, order: np.ndarray, distances: np.ndarray) -> str:
    """Count where two rankings differ, and how far apart the distances are there."""
    theirs = order[:, :K]
    different = ours != theirs
    if not different.any():
        return "0"
    widest = 0.0
    for row, place in np.argwhere(different):
        at = np.flatnonzero(order[row] == ours[row, place])
        gap = distances[row, at[0]] - distances[row, place] if len(at) else np.inf
        widest = max(widest, abs(gap) / distances[row, place])
    return f"{different.sum()} (within {widest:.0e})"


def compare_descriptors(specs: list[str], sample: int) -> None:
    """Print a row per descriptor, by l1."""
    print(f"\nl1, top {K}, {JOBS} threads; cdist on {sample} queries, scaled to all")
    print(
        "| descriptor | values | not 0 | kernels | tamis s | peak GB | cdist s "
        f"| wall ratio | processor ratio | of {sample * K} places differ |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for spec in specs:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--describe", spec, folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            figures = json.loads(done.stdout)
            features = np.load(Path(folder) / "features.npy")
            ours = np.load(Path(folder) / "indices.npy")
        order, distances, (wall, processor) = elsewhere(features, "l1", sample)
        rows = np.linspace(0, len(features) - 1, sample).astype(int)
        print(
            f"| {spec} | {features.shape[1]} | {figures['used']:.0%} "
            f"| {'sparse' if figures['sparse'] else 'dense'} | {figures['wall']:.2f} "
            f"| {figures['peak']:.2f} | {wall:.1f} | {wall / figures['wall']:.1f} "
            f"| {processor / figures['processor']:.1f} "
            f"| {differences(ours[rows], order, distances)} |",
            flush=True,
        )


def compare_distances(spec: str, sample: int) -> None:
    """Print a row per distance, on one descriptor."""
    features = extract(ImageTable.from_folder(coreldb()), descriptor(spec)).features
    print(f"\n{spec}, {features.shape[1]} values, top {K}, {JOBS} threads, {sample} queries there")
    print(
        "| distance | kernels | tamis s | elsewhere | s | wall ratio | processor ratio "
        f"| of {sample * K} places differ |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rows = np.linspace(0, len(features) - 1, sample).astype(int)
    for distance in DISTANCES:
        ours, figures = search(features, distance)
        order, distances, (wall, processor) = elsewhere(features, distance, sample)
        print(
            f"| {distance} | {'sparse' if figures['sparse'] else 'dense'} "
            f"| {figures['wall']:.2f} | {others(distance)[0]} | {wall:.1f} "
            f"| {wall / figures['wall']:.1f} | {processor / figures['processor']:.1f} "
            f"| {differences(ours[rows], order, distances)} |",
            flush=True,
        )


def compare_faiss(spec: str, sample: int) -> None:
    """Print a row per distance that FAISS has, if it is installed; it answers in float32."""
    try:
        import faiss
    except ImportError:
        print("\nfaiss-cpu is not installed: not compared.")
        return
    faiss.omp_set_num_threads(JOBS)
    features = extract(ImageTable.from_folder(coreldb()), descriptor(spec)).features
    shares = features / features.sum(axis=1, keepdims=True)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    metrics = {
        "l1": (faiss.METRIC_L1, features),
        "sqeuclidean": (faiss.METRIC_L2, features),
        "cosine": (faiss.METRIC_INNER_PRODUCT, units),
        "canberra": (faiss.METRIC_Canberra, features),
        "braycurtis": (faiss.METRIC_BrayCurtis, features),
        "jensenshannon": (faiss.METRIC_JensenShannon, shares),
    }
    rows = np.linspace(0, len(features) - 1, sample).astype(int)
    print(f"\n{spec}, {sample} queries, FAISS {faiss.__version__}; processor seconds")
    print("| distance | tamis | FAISS | ratio | queries at exactly 0 from themselves there |")
    print("|---|---|---|---|---|")
    for distance, (metric, vectors) in metrics.items():
        index = faiss.IndexFlat(features.shape[1], metric)
        index.add(vectors)
        gallery = Gallery(features, distance=distance)
        gallery.nearest(features[:4], K, jobs=JOBS)
        start = clocks()
        gallery.nearest(features[rows], K, jobs=JOBS)
        middle = clocks()
        far, _ = index.search(vectors[rows], K)
        end = clocks()
        zero = 1 if distance == "cosine" else 0
        ours, theirs = (middle - start)[1], (end - middle)[1]
        print(
            f"| {distance} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f} "
            f"| {(far[:, 0] == zero).mean():.0%} |",
            flush=True,
        )


def compare_kernels(specs: list[str], sample: int) -> None:
    """Print the sparse kernels' time over the dense ones', one thread."""
    kinds = ("l1", "l2", "chi2", "canberra", "jensenshannon")
    print(f"\nsparse kernels over dense ones, processor seconds, {sample} queries, one thread")
    print(f"| descriptor | not 0 | {' | '.join(kinds)} |")
    print("|---|---|" + "---|" * len(kinds))
    for spec in specs:
        features = extract(ImageTable.from_folder(coreldb()), descriptor(spec)).features
        rows = np.linspace(0, len(features) - 1, sample).astype(int)
        ratios = []
        for distance in kinds:
            taken = []
            for sparse in (False, True):
                gallery = Gallery(features, distance=distance, sparse=sparse)
                gallery.nearest(features[:2], K)
                start = clocks()
                gallery.nearest(features[rows], K, skip=rows)
                taken.append((clocks() - start)[1])
            ratios.append(taken[1] / taken[0])
        used = np.count_nonzero(features) / features.size
        print(
            f"| {spec} | {used:.0%} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |",
            flush=True,
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by", default=",".join(by_hand()))
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--distances-on", default="lbp")
    parser.add_argument("--kernels-on", default="hsv,correlogram,cedd,lbp")
    parser.add_argument("--describe", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.describe:
        print(json.dumps(described(options.describe[0], Path(options.describe[1]))))
        return
    print(describe())
    compare_descriptors(options.by.split(","), options.sample)
    compare_distances(options.distances_on, options.sample)
    compare_faiss(options.distances_on, options.sample)
    compare_kernels(options.kernels_on.split(","), options.sample)


if __name__ == "__main__":
    main()
