"""Search: latency and recall beside FAISS and usearch, and what updates do to the answers.

Vectors of 512 values are drawn from 1,000 Gaussian clusters, each spread mostly along 16
directions of its own. Queries are drawn likewise, and sought one at a time, k = 10. Every
approximate search is given the least effort of a short list with which recall@10 is at
least .95 (or the most, if none reaches it), measured against an exact search.

``--keep`` leaves the indexes in a folder, where a later run finds them; ``--only-build``
makes them and measures nothing. All are built on all processors, and searched on one, but
for tamis' exact search, which takes what it wants.

``--updates`` deletes 10,000 of 100,000 vectors and adds them again, and compares with a
fresh build. Needs faiss-cpu and usearch, which tamis itself does not.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from machine import describe
from tamis.descriptors import descriptor
from tamis.features import FeatureTable
from tamis.features.index import Index
from tamis.store import Approximate, Collection, build, update
from tamis.store.ann import refresh
from tamis.table import ImageTable

Vectors = npt.NDArray[np.float32]
Search = Callable[[Vectors], list[int]]

K, DIM, GOAL = 10, 512, 0.95
GIST = descriptor("gist")  # of 512 values too: the store takes the vectors for its own


def clustered(n: int, n_queries: int, *, seed: int = 0) -> tuple[Vectors, Vectors]:
    """Draw vectors, and queries of the same kind."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((1000, DIM), dtype=np.float32)
    ways = random.standard_normal((1000, 16, DIM), dtype=np.float32) / 4

    def draw(n: int) -> Vectors:
        drawn = np.empty((n, DIM), np.float32)
        for start in range(0, n, 2000):
            cluster = random.integers(1000, size=min(2000, n - start))
            along = random.standard_normal((len(cluster), 16), dtype=np.float32)
            noise = random.standard_normal((len(cluster), DIM), dtype=np.float32)
            inside = np.einsum("ij,ijk->ik", along, ways[cluster])
            drawn[start : start + 2000] = centres[cluster] + 0.7 * inside + 0.1 * noise
        return drawn

    return draw(n), draw(n_queries)


def names(rows: npt.NDArray[np.intp]) -> list[str]:
    """Give the name of the picture that a row stands for."""
    return [f"{row:08}.jpg" for row in rows]


def insert(dataset: object, vectors: Vectors, rows: npt.NDArray[np.intp], first: int) -> None:
    """Write rows into the dataset of a collection, as `update` does."""
    for start in range(0, len(rows), 20_000):
        some = rows[start : start + 20_000]
        known = {
            "id": pa.array(range(first + start, first + start + len(some)), pa.int64()),
            "path": pa.array([name.encode() for name in names(some)], pa.binary()),
            "size": pa.array([1] * len(some), pa.int64()),
            "mtime_ns": pa.array([1] * len(some), pa.int64()),
            "vector_0": pa.FixedSizeListArray.from_arrays(pa.array(vectors[some].ravel()), DIM),
        }
        arrays = [
            known.get(field.name, pa.nulls(len(some), field.type)) for field in dataset.schema
        ]
        columns = {
            field.name: array.cast(field.type) if field.name != "vector_0" else array
            for field, array in zip(dataset.schema, arrays, strict=True)
        }
        dataset.insert(pa.table(columns).cast(dataset.schema))


def collection(folder: Path, vectors: Vectors) -> Collection:
    """Make a collection of vectors."""
    (folder / "pictures").mkdir(parents=True)
    path = folder / "vectors.tamis"
    update(path, ImageTable((), (), (), root=str(folder / "pictures")), [GIST])
    insert(Collection.open(path).dataset, vectors, np.arange(len(vectors)), 0)
    return Collection.open(path)


def as_query(vector: Vectors) -> FeatureTable:
    """Wrap one vector."""
    return FeatureTable(("query",), (None,), vector[np.newaxis], GIST.spec)


def searcher(index: Approximate, distance: str) -> Search:
    """Search a collection through its index; gives rows."""

    def search(query: Vectors) -> list[int]:
        found = index.search(as_query(query), K, distance=distance)
        return [int(hit.path[-12:-4]) for hit in found]

    return search


def measure(search: Search, queries: Vectors, truth: list[list[int]]) -> tuple[float, ...]:
    """Recall, and latency in ms at the median and the 99th percentile."""
    search(queries[0])
    seconds, hits = [], 0
    for query, right in zip(queries, truth, strict=True):
        start = time.perf_counter()
        found = search(query)
        seconds.append(time.perf_counter() - start)
        hits += len(set(found) & set(right))
    return hits / (K * len(queries)), *(np.quantile(seconds, (0.5, 0.99)) * 1e3)


def report(
    what: str, built: float, tried: Iterator[tuple[str, Search]], queries: Vectors, truth: list
) -> None:
    """Measure with growing effort up to the goal, and print a row."""
    for shown, search in tried:
        effort = shown
        recall, *_ = measure(search, queries[:100], truth[:100])
        if recall >= GOAL:
            break
    recall, median, worst = measure(search, queries, truth)
    seconds = f"{built:.1f}" if built else "-"
    print(f"| {what}{effort} | {seconds} | {median:.2f} | {worst:.2f} | {recall:.3f} |", flush=True)


def kept(file: Path, make: Callable[[], object], save: Callable[[object], object]) -> float:
    """Build and save an index unless its file is there; the seconds that building took."""
    seconds = file.with_suffix(".seconds")
    if not seconds.exists():
        start = time.perf_counter()
        built = make()
        taken = time.perf_counter() - start
        save(built)
        seconds.write_text(repr(taken))
    return float(seconds.read_text())


def make_faiss(factory: str, vectors: Vectors, n_train: int) -> object:
    """Train and fill an index of FAISS on all processors."""
    import faiss

    index = faiss.index_factory(DIM, factory)
    if not index.is_trained:
        index.train(vectors[:n_train])
    index.add(vectors)
    return index


def make_usearch(vectors: Vectors) -> object:
    """Fill an index of usearch on all processors."""
    from usearch.index import Index as USearch

    index = USearch(ndim=DIM, metric="l2sq", dtype="f16")
    index.add(np.arange(len(vectors)), vectors)
    return index


def others(
    vectors: Vectors, folder: Path, *, with_usearch: bool
) -> Iterator[tuple[str, float, Any]]:
    """Indexes of FAISS and usearch: name, seconds of building, and a way to try efforts."""
    import faiss

    n = len(vectors)
    cells = round(n**0.5)
    factories = {
        "FAISS flat (exact)": ("Flat", "", ()),
        "FAISS HNSW, M 32": ("HNSW32", "ef", (16, 32, 64, 128, 256, 512)),
        f"FAISS IVF{cells},PQ128x4fs, re-ranked": (
            f"IVF{cells},PQ128x4fs,RFlat",
            "nprobe",
            (1, 2, 4, 8, 16, 32, 64, 128),
        ),
    }
    for what, (factory, word, efforts) in factories.items():
        file = folder / f"{factory.replace(',', '_')}.faiss"
        built = kept(
            file,
            partial(make_faiss, factory, vectors, min(n, 64 * cells)),
            lambda index, file=file: faiss.write_index(index, str(file)),
        )
        yield what, built, partial(faiss_efforts, file, word, efforts)
    if not with_usearch:
        return
    file = folder / "hnsw.usearch"
    built = kept(file, partial(make_usearch, vectors), lambda index: index.save(str(file)))
    yield "usearch HNSW, M 16, f16", built, partial(usearch_efforts, file)


def faiss_efforts(file: Path, word: str, efforts: Sequence[int]) -> Iterator[tuple[str, Search]]:
    """Search with growing effort, on one thread: two would wait for each other."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.read_index(str(file))

    def search(query: Vectors) -> list[int]:
        return index.search(query[np.newaxis], K)[1][0].tolist()

    if not efforts:
        yield "", search
    for effort in efforts:
        if word == "ef":
            index.hnsw.efSearch = effort
        else:
            index.k_factor = 10
            faiss.extract_index_ivf(index.base_index).nprobe = effort
        yield f", {word} {effort}", search


def usearch_efforts(file: Path) -> Iterator[tuple[str, Search]]:
    """Search with growing effort."""
    from usearch.index import Index as USearch

    index = USearch(ndim=DIM, metric="l2sq", dtype="f16")
    index.load(str(file))
    for effort in (16, 32, 64, 128, 256, 512):
        index.expansion_search = effort
        yield f", ef {effort}", lambda query: index.search(query, K).keys.tolist()


def make_ours(vectors: Vectors, folder: Path) -> tuple[Path, float]:
    """Make a collection and its approximate index, by l2, unless it is there."""
    path = folder / "ours" / "vectors.tamis"
    seconds = folder / "ours.seconds"
    if not seconds.exists():
        shutil.rmtree(folder / "ours", ignore_errors=True)
        collection(folder / "ours", vectors)
        start = time.perf_counter()
        build(path, GIST)
        seconds.write_text(repr(time.perf_counter() - start))
    return path, float(seconds.read_text())


def latency(n: int, n_queries: int, folder: Path, *, only_build: bool, with_usearch: bool) -> None:
    """Print a table for n vectors; or only make all indexes and keep them in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    vectors, queries = clustered(n, n_queries)
    path, built = make_ours(vectors, folder)
    rivals = list(others(vectors, folder, with_usearch=with_usearch))
    if only_build:
        return
    print(f"\n{n:,} vectors, {n_queries} queries:\n")
    print("| search | build s | p50 ms | p99 ms | recall@10 |\n|---|---:|---:|---:|---:|")
    gallery = FeatureTable(tuple(names(np.arange(n))), (None,) * n, vectors, GIST.spec)
    table = FeatureTable(("query",) * n_queries, (None,) * n_queries, queries, GIST.spec)
    truths = {}
    for distance in ("l2", "l1"):
        exact = Index(gallery, distance)
        truths[distance] = exact.search(table, K).indices.tolist()

        def search(query: Vectors, exact: Index = exact) -> list[int]:
            return exact.search(as_query(query), K).indices[0].tolist()

        report(f"tamis exact, {distance}", 0, iter([("", search)]), queries, truths[distance])
    approximate = Approximate.open(Collection.open(path), GIST)
    for distance in ("l2", "l1"):
        tried = iter([("", searcher(approximate, distance))])
        report(f"tamis approximate, {distance}", built, tried, queries, truths[distance])
    for what, seconds, efforts in rivals:
        report(f"{what}, l2", seconds, efforts(), queries, truths["l2"])


def updates(n: int, n_queries: int, folder: Path) -> None:
    """Delete a tenth of the vectors and add them again; compare with a fresh build."""
    vectors, queries = clustered(n, n_queries)
    table = FeatureTable(("query",) * n_queries, (None,) * n_queries, queries, GIST.spec)
    stored, fresh = (collection(folder / name, vectors) for name in ("changed", "fresh"))
    for one in (stored, fresh):
        build(one.path, GIST)
    gone = np.sort(np.random.default_rng(1).permutation(n)[: n // 10])

    def recall(path: str, without: npt.NDArray[np.intp] | None = None) -> float:
        gallery = Collection.open(path).features(GIST.spec)
        truth = Index(gallery, "l2").search(table, K)
        right = [[int(Path(gallery.paths[i]).stem) for i in row] for row in truth.indices]
        index = Approximate.open(Collection.open(path), GIST)
        found = [searcher(index, "l2")(query) for query in queries]
        if without is not None and set(without.tolist()) & set(np.ravel(found).tolist()):
            sys.exit("a deleted vector was found")
        return sum(len(set(a) & set(b)) for a, b in zip(found, right, strict=True)) / (
            K * n_queries
        )

    print(f"\n{len(gone):,} of {n:,} vectors deleted and added again, {n_queries} queries:\n")
    print("| state | approximate recall@10 |\n|---|---:|")
    print(f"| before | {recall(stored.path):.4f} |")
    dataset = Collection.open(stored.path).dataset
    dataset.delete(f"id IN ({', '.join(map(str, gone))})")
    print(f"| deleted, none of them found | {recall(stored.path, gone):.4f} |")
    insert(dataset, vectors, gone, n)
    print(f"| added again, newer than the index | {recall(stored.path):.4f} |")
    refresh(stored.path, dataset)
    print(f"| added to the index | {recall(stored.path):.4f} |")
    for distance in ("l2", "l1"):
        answers = []
        for one in (stored, fresh):
            gallery = Collection.open(one.path).features(GIST.spec)
            found = Index(gallery, distance).search(table, K)
            answers.append(
                ([[gallery.paths[i][-12:] for i in row] for row in found.indices], found)
            )
        same = answers[0][0] == answers[1][0] and np.array_equal(
            answers[0][1].distances, answers[1][1].distances
        )
        print(f"| exact, {distance}: answers {'equal' if same else 'NOT EQUAL'} to fresh | |")
    print(f"| fresh build | {recall(fresh.path):.4f} |")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--updates", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder of the indexes")
    parser.add_argument("--only-build", action="store_true")
    parser.add_argument("--without-usearch", action="store_true")
    given = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("pylance", "faiss-cpu", "usearch"))
    print(f"{time.strftime('%Y-%m-%d')}, {describe()}, {packages}")
    with tempfile.TemporaryDirectory() as folder:
        for n in given.sizes:
            at = (given.keep or Path(folder)) / str(n)
            usearch = not given.without_usearch
            latency(n, given.queries, at, only_build=given.only_build, with_usearch=usearch)
        if given.updates:
            updates(100_000, given.queries, Path(folder) / "updates")


if __name__ == "__main__":
    main()
