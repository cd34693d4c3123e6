"""The page under load: many clients on thumbnails, search and labels.

    tamis index CORELDB --into photos.tamis --by efficientnet-lite0,efficientnet-lite1,hsv,lbp
    python benchmarks/page_load.py photos.tamis [--minutes 10] [--clients 50]

A client does what a person's page does, over one connection: 20 thumbnails of a screen, a search
for what looks like a picture, a class for one picture; then it waits one to three seconds. First
one client alone, then all. Printed are the errors, the milliseconds of each kind of request
(median, 99th percentile) and the memory of the server as time passes. The clients are threads of
one process on the same machine, so that their work counts too.
"""

import argparse
import http.client
import json
import random
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from machine import coreldb, describe
from page import Page, examples
from tamis.table import ImageTable

SCREEN = 20


class Client(threading.Thread):
    """One person at the page."""

    def __init__(self, served: Page, number: int, n: int, until: float) -> None:
        super().__init__(daemon=True)
        self.served, self.n, self.until = served, n, until
        self.random = random.Random(number)
        self.times: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []
        self.classes = served.get("/state")["classes"]

    def run(self) -> None:
        """Look, search, label, wait."""
        while time.perf_counter() < self.until:
            connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=60)
            try:
                while time.perf_counter() < self.until:
                    self.screen(connection)
            except OSError as error:
                self.errors.append(repr(error))
            finally:
                connection.close()

    def screen(self, connection: http.client.HTTPConnection) -> None:
        """Do what a person does with one screen."""
        first = self.random.randrange(self.n - SCREEN)
        for row in range(first, first + SCREEN):
            self.ask(connection, "thumbnail", "GET", f"/thumbs/small/{row}")
        self.ask(connection, "search", "POST", "/search", {"rows": [first], "count": 100})
        label = self.random.choice(self.classes)
        self.ask(connection, "label", "POST", "/labels", {"rows": [first], "class": label})
        time.sleep(self.random.uniform(1, 3))

    def ask(self, connection, kind: str, method: str, path: str, body: object = None) -> None:
        """Ask, and note how long it took."""
        start = time.perf_counter()
        connection.request(
            method, f"/api/v1{path}", None if body is None else json.dumps(body),
            {"Authorization": f"Bearer {self.served.token}", "Content-Type": "application/json"},
        )  # fmt: skip
        answer = connection.getresponse()
        content = answer.read()
        self.times[kind].append(1000 * (time.perf_counter() - start))
        if answer.status != 200:
            self.errors.append(f"{kind}: {answer.status} {content[:100]!r}")


def memory(process: int) -> float:
    """Return the resident MB of a process, without the files that it has mapped."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


def load(served: Page, clients: int, seconds: float, n: int) -> None:
    """Let clients work, and print how it went."""
    until = time.perf_counter() + seconds
    working = [Client(served, number, n, until) for number in range(clients)]
    for one in working:
        one.start()
    used = []
    while time.perf_counter() < until:
        used.append(memory(served.process.pid))
        time.sleep(min(5.0, max(0.1, until - time.perf_counter())))
    for one in working:
        one.join(90)
    errors = [error for one in working for error in one.errors]
    print(f"\n{clients} clients, {seconds:.0f} s: {len(errors)} errors {errors[:3]}")
    print("| request | number | median ms | p99 ms | worst ms |")
    for kind in ("thumbnail", "search", "label"):
        times = np.concatenate([one.times[kind] for one in working])
        median, late = np.quantile(times, (0.5, 0.99))
        print(f"| {kind} | {len(times):,} | {median:.1f} | {late:.0f} | {times.max():.0f} |")
    quarters = [np.mean(part) for part in np.array_split(used, 4)]
    print("memory by quarters:", ", ".join(f"{one:.0f} MB" for one in quarters), flush=True)


def main() -> None:
    """Measure one client, then all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("collection", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=50)
    options = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        collection = shutil.copytree(options.collection, work / "photos.tamis")
        list_of = examples(ImageTable.from_folder(coreldb()), 0, work)
        served = Page(collection, "--train", list_of, "--out", work / "sorted")
        served.settled()
        n = len(served.rows()[0])
        for row in range(0, n, 97):  # all are made in the background meanwhile
            served.ask("GET", f"/thumbs/small/{row}")
        time.sleep(60)
        load(served, 1, 60, n)
        load(served, options.clients, 60 * options.minutes, n)
        served.stop()


if __name__ == "__main__":
    main()
