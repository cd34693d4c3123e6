"""How fast photos become vectors by a backbone, beside plain torch, and in how much memory.

``tamis`` is `tamis.features.extract`. ``torch eager`` is the same network by the package
efficientnet-lite-pytorch, as it is mostly written down: Pillow opens a photo, brings it to
the size by `Image.resize`, and a batch goes through the network in eager mode, on as many
threads as there are processors. With ``loader`` two worker processes of
torch.utils.data.DataLoader read the photos meanwhile; ``channels_last`` also lays the
memory out so. Rounds in turn, median.

The floor: reading, decoding and bringing to size alone, and the network alone on pixels
that are there already. ``--memory`` prints the peak memory of whole processes over more
and more photos; ``--threads`` what threads and batches do to the network alone.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from machine import coreldb, describe
from tamis.descriptors import descriptor
from tamis.descriptors.neural.backbone import Backbone
from tamis.descriptors.neural.runtime import session
from tamis.features import available_processors, describe_chunks, extract
from tamis.images import read_picture
from tamis.table import ImageTable

BATCH = 32


class Photos:
    """A data set of torch: photos by Pillow."""

    def __init__(self, paths: list[str], one: Backbone) -> None:
        self.paths, self.side = paths, one.input_size.side
        self.mean = np.array(one.entry.mean, np.float32)[:, None, None]
        self.std = np.array(one.entry.std, np.float32)[:, None, None]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> np.ndarray:
        from PIL import Image

        with Image.open(self.paths[i]) as picture:
            square = picture.convert("RGB").resize((self.side, self.side))
        return (np.asarray(square, np.float32).transpose(2, 0, 1) - self.mean) / self.std


Way = Callable[[ImageTable], object]


def by_torch(one: Backbone, workers: int, last: bool) -> Way:
    """Make a function that describes photos by torch."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet
    from torch.utils.data import DataLoader

    from tamis.descriptors.neural.weights.locate import file_of

    network = EfficientNet.from_name(one.name).eval()
    network.load_state_dict(torch.load(file_of(one.entry), weights_only=True))
    if last:
        network = network.to(memory_format=torch.channels_last)

    def run(table: ImageTable) -> np.ndarray:
        photos = Photos(list(table.paths), one)
        loader = DataLoader(photos, BATCH, num_workers=workers)  # type: ignore[arg-type]
        torch.set_num_threads(available_processors())
        found = []
        with torch.inference_mode():
            for batch in loader:
                if last:
                    batch = batch.to(memory_format=torch.channels_last)
                found.append(network.extract_features(batch).mean((2, 3)).numpy())
        return np.concatenate(found)

    return run


def speed(spec: str, count: int, rounds: int) -> None:
    """Print images per second, ours and theirs, and the floors."""
    one = descriptor(spec)
    assert isinstance(one, Backbone)
    table = ImageTable.from_folder(coreldb())
    table = table.select(range(0, len(table), max(len(table) // count, 1))[:count])
    jobs = available_processors()

    def decode(table: ImageTable) -> None:
        with ThreadPoolExecutor(jobs) as pool:
            list(
                pool.map(
                    lambda path: read_picture(path, [one.input_size]).at(one.input_size),
                    table.paths,
                )
            )

    opened = session(one.graph())
    ready = one.prepare([np.zeros((8, 8, 3), np.uint8)])

    def arithmetic(table: ImageTable) -> None:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda _: opened.run(None, {"pixels": ready}), table.paths))

    ways: dict[str, Way] = {
        "tamis": lambda table: extract(table, one).features,
        "torch eager": by_torch(one, 0, False),
        "torch eager, loader": by_torch(one, 2, False),
        "torch channels_last, loader": by_torch(one, 2, True),
        "floor: decode and resize": decode,
        "floor: the network alone": arithmetic,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, object] = {}
    for way in ways.values():
        way(table.select(range(min(BATCH, len(table)))))
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            found[name] = way(table)
            times[name].append(time.perf_counter() - start)
            print(f"{name}: {times[name][-1]:.2f} s", file=sys.stderr, flush=True)
    print(f"{len(table)} photos, {jobs} processors, median of {rounds} rounds, {one.spec}")
    print("| way | images per second | ms per image | tamis is faster by |")
    print("|---|---|---|---|")
    ours = statistics.median(times["tamis"])
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        ratio = statistics.median(a / b for a, b in zip(seconds, times["tamis"], strict=True))
        print(
            f"| {name} | {len(table) / middle:.1f} | {1000 * middle / len(table):.2f} | "
            f"{ratio:.2f} |"
        )
    least = statistics.median(times["floor: the network alone"])
    print(f"The network alone is {least / ours:.0%} of the time of tamis.")
    a, b = np.asarray(found["tamis"]), np.asarray(found["torch eager"]) ** one.power
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    print(
        f"Cosine of both vectors of a photo: mean {cosines.mean():.4f}, least {cosines.min():.4f}"
    )


def grid(spec: str) -> None:
    """Print images per second of the network alone by threads and batch."""
    one = descriptor(spec)
    assert isinstance(one, Backbone)
    pixels = np.random.default_rng(0).normal(size=(32, 3, one.input_size.side, one.input_size.side))
    pixels = pixels.astype(np.float32)
    count = 96
    print("| threads in a call | calls at once | " + " | ".join(f"batch {b}" for b in (1, 4, 32)))
    for inside, calls in ((1, 1), (2, 1), (1, 2), (2, 2)):
        opened = session(one.graph(), threads=inside)
        cells = []
        for batch in (1, 4, 32):
            feed = {"pixels": pixels[:batch]}
            opened.run(None, feed)
            rates = []
            for _ in range(3):
                start = time.perf_counter()
                with ThreadPoolExecutor(calls) as pool:
                    list(pool.map(lambda _: opened.run(None, feed), range(count // batch)))  # noqa: B023
                rates.append(count / (time.perf_counter() - start))
            cells.append(f"{statistics.median(rates):.1f}")
        print(f"| {inside} | {calls} | {' | '.join(cells)} |", flush=True)


def memory(spec: str) -> None:
    """Print the peak memory of processes that describe more and more photos."""
    total = len(ImageTable.from_folder(coreldb()))
    print("| photos | peak MB |")
    print("|---|---|")
    for count in (200, 1000, 4000):
        command = [sys.executable, __file__, "--by", spec, "--only", str(min(count, total))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(f"| {min(count, total)} | {done.stdout.strip()} |", flush=True)


def only(spec: str, count: int) -> None:
    """Describe some photos and let go of the vectors; print the peak memory in MB."""
    import resource

    table = ImageTable.from_folder(coreldb())
    for _ in describe_chunks(table.select(range(count)), [descriptor(spec)]):
        pass
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by", default="efficientnet-lite0")
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        only(options.by, options.only)
        return
    print(describe())
    if options.memory:
        memory(options.by)
    elif options.threads:
        grid(options.by)
    else:
        speed(options.by, options.photos, options.rounds)


if __name__ == "__main__":
    main()
