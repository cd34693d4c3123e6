"""Search: latency and recall beside FAISS and usearch, and what updates do to the answers.

Vectors of 512 values are drawn from 1,000 Gaussian clusters, each spread mostly along 16
directions of its own. Queries are drawn likewise, and sought one at a time, k = 10. Every
approximate search is given the least effort of a short list with which recall@10 is at
least .95 (or the most, if none reaches it), measured against an exact search.

``--updates`` deletes 1,000 of 100,000 vectors and adds them again, and compares with a
fresh build. Needs faiss-cpu and usearch, which tamis itself does not.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from machine import describe
from tamis.descriptors import descriptor
from tamis.features import FeatureTable
from tamis.index import Index
from tamis.store import Approximate, Collection, build, update
from tamis.store.approximate import refresh
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
        found, matches = index.search(as_query(query), K, distance=distance)
        return [int(Path(found.paths[i]).stem) for i in matches.indices[0]]

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


def others(vectors: Vectors) -> Iterator[tuple[str, float, Iterator[tuple[str, Search]]]]:
    """Build the indexes of FAISS and usearch, each when it is asked for."""
    import faiss
    from usearch.index import Index as USearch

    def plain(index: object) -> Search:
        return lambda query: index.search(query[np.newaxis], K)[1][0].tolist()

    n = len(vectors)
    faiss.omp_set_num_threads(1)  # a query is answered by one anyway; two wait for each other
    start = time.perf_counter()
    flat = faiss.IndexFlatL2(DIM)
    flat.add(vectors)
    yield "FAISS flat (exact)", time.perf_counter() - start, iter([("", plain(flat))])

    start = time.perf_counter()
    usearch = USearch(ndim=DIM, metric="l2sq", dtype="f32")
    usearch.add(np.arange(n), vectors)

    def usearch_efforts() -> Iterator[tuple[str, Search]]:
        for effort in (16, 32, 64, 128, 256, 512):
            usearch.expansion_search = effort
            yield f", ef {effort}", lambda query: usearch.search(query, K).keys.tolist()

    yield "usearch HNSW, M 16", time.perf_counter() - start, usearch_efforts()

    start = time.perf_counter()
    hnsw = faiss.IndexHNSWFlat(DIM, 32)
    hnsw.add(vectors)

    def hnsw_efforts() -> Iterator[tuple[str, Search]]:
        for effort in (16, 32, 64, 128, 256, 512):
            hnsw.hnsw.efSearch = effort
            yield f", ef {effort}", plain(hnsw)

    yield "FAISS HNSW, M 32, one thread", time.perf_counter() - start, hnsw_efforts()

    start = time.perf_counter()
    cells = int(4 * n**0.5)
    ivf = faiss.index_factory(DIM, f"IVF{cells},PQ64,RFlat")
    ivf.train(vectors[: max(40 * cells, 40 * 256)])
    ivf.add(vectors)
    ivf.k_factor = 5

    def ivf_efforts() -> Iterator[tuple[str, Search]]:
        for effort in (1, 2, 4, 8, 16, 32, 64):
            faiss.extract_index_ivf(ivf.base_index).nprobe = effort
            yield f", nprobe {effort}", plain(ivf)

    yield (
        f"FAISS IVF{cells},PQ64 and re-ranking, one thread",
        time.perf_counter() - start,
        ivf_efforts(),
    )


def latency(n: int, n_queries: int, folder: Path) -> None:
    """Print the table for n vectors."""
    vectors, queries = clustered(n, n_queries)
    gallery = FeatureTable(tuple(names(np.arange(n))), (None,) * n, vectors, GIST.spec)
    truth = {}
    for distance in ("l2", "l1"):
        whole = Index(gallery, distance)
        table = FeatureTable(("query",) * n_queries, (None,) * n_queries, queries, GIST.spec)
        truth[distance] = whole.search(table, K).indices.tolist()
    print(f"\n{n:,} vectors, {n_queries} queries:\n")
    print("| search | build s | p50 ms | p99 ms | recall@10 |\n|---|---:|---:|---:|---:|")
    for distance in ("l2", "l1"):
        whole = Index(gallery, distance)

        def search(query: Vectors, whole: Index = whole) -> list[int]:
            return whole.search(as_query(query), K).indices[0].tolist()

        few = min(n_queries, 100)
        tried = iter([("", search)])
        report(f"tamis exact, {distance}", 0, tried, queries[:few], truth[distance][:few])
    stored = collection(folder / str(n), vectors)
    start = time.perf_counter()
    build(stored.path, GIST)
    built = time.perf_counter() - start
    index = Approximate.open(Collection.open(stored.path), GIST)
    for distance in ("l2", "l1"):
        tried = iter([("", searcher(index, distance))])
        report(f"tamis approximate, {distance}", built, tried, queries, truth[distance])
    for what, built, tried in others(vectors):
        report(f"{what}, l2", built, tried, queries, truth["l2"])


def updates(n: int, n_queries: int, folder: Path) -> None:
    """Delete and add again 1,000 vectors; compare with a fresh build."""
    vectors, queries = clustered(n, n_queries)
    table = FeatureTable(("query",) * n_queries, (None,) * n_queries, queries, GIST.spec)
    stored, fresh = (collection(folder / name, vectors) for name in ("changed", "fresh"))
    for one in (stored, fresh):
        build(one.path, GIST)
    gone = np.sort(np.random.default_rng(1).permutation(n)[:1000])

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

    print(f"\n1,000 of {n:,} vectors deleted and added again, {n_queries} queries:\n")
    print("| state | approximate recall@10 |\n|---|---:|")
    print(f"| before | {recall(stored.path):.4f} |")
    dataset = Collection.open(stored.path).dataset
    dataset.delete(f"id IN ({', '.join(map(str, gone))})")
    print(f"| deleted, none of them found | {recall(stored.path, gone):.4f} |")
    insert(dataset, vectors, gone, n)
    refresh(dataset)
    print(f"| added again, not yet in the index | {recall(stored.path):.4f} |")
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
    dataset.optimize.optimize_indices()
    print(f"| added to the index | {recall(stored.path):.4f} |")
    print(f"| fresh build | {recall(fresh.path):.4f} |")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--updates", action="store_true")
    given = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("pylance", "faiss-cpu", "usearch"))
    print(f"{time.strftime('%Y-%m-%d')}, {describe()}, {packages}")
    with tempfile.TemporaryDirectory() as folder:
        for n in given.sizes:
            latency(n, given.queries, Path(folder))
        if given.updates:
            updates(100_000, given.queries, Path(folder) / "updates")


if __name__ == "__main__":
    main()
