"""The page on the real photos: how soon, how smooth, how quickly it learns, what a kill loses.

    tamis index CORELDB --into photos.tamis --by efficientnet-lite0,efficientnet-lite1,hsv,lbp
    python benchmarks/page.py photos.tamis [--only browser,robot,kills,many]

`browser`: from the command to the first tiles, from a key to the changed tile, frames while
scrolling from end to end, in Chromium. `many`: the frames among 100,000 links to the same photos.
`robot`: what a person who always says the truth gets from so many corrections, in the order that
the page proposes (Ask me), least certain first, or at random. `kills`: the server is killed with
signal 9 amid a stream of corrections, and what was acknowledged is looked for afterwards. Ten
examples of each of the 80 classes teach.
"""

import argparse
import contextlib
import csv
import http.client
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from answers import draw
from machine import coreldb, describe
from tamis.table import ImageTable

STEPS = (0, 100, 200, 400, 800)
BATCH = 20
PRESSES = 100
KILLS = 50
MANY = 100_000


class Page:
    """A served page, and a client of its API."""

    def __init__(self, *words: object) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tamis", "serve", *map(str, words), "--no-browser"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = next(line.strip() for line in self.process.stdout if line.startswith("http"))
        address, _, self.token = self.url.partition("/?token=")
        self.port = int(address.rpartition(":")[2])

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """Ask the API; raise OSError if it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            connection.request(
                method, f"/api/v1{path}", None if body is None else json.dumps(body),
                {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            )  # fmt: skip
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise OSError(content[:200])
            return content

    def get(self, path: str):
        """Return the JSON of an address."""
        return json.loads(self.ask("GET", path))

    def settled(self, revision: int = 1) -> dict:
        """Wait until answers of a revision, or of a later one, are published."""
        while True:
            state = self.get("/state")
            if state["phase"]["doing"] == "failed":
                raise SystemExit(state["phase"]["error"])
            if state["revision"] >= revision:
                return state
            time.sleep(0.02)

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what is answered, and what a person said (65535: nothing)."""
        body = self.ask("GET", "/rows")
        n = struct.unpack_from("<4sIII", body)[1]
        return np.frombuffer(body, "<u2", n, 16), np.frombuffer(body, "<u2", n, 16 + 2 * n)

    def stop(self) -> None:
        """End the page as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


def examples(table: ImageTable, seed: int, folder: Path) -> Path:
    """Write a list of ten photos of each class."""
    codes = np.unique(np.array(table.labels), return_inverse=True)[1]
    known, _ = draw(codes, 10, seed)
    file = folder / f"examples-{seed}.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "label"))
        writer.writerows((table.paths[row], table.labels[row]) for row in known)
    return file


@contextlib.contextmanager
def browser(url: str):
    """Open a page in Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as run:
        chromium = run.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        page.goto(url)
        yield page
        chromium.close()


SCROLL = """async () => {
  const grid = document.getElementById("grid"), most = grid.scrollHeight - grid.clientHeight;
  const start = performance.now(), lasts = 6000, gaps = [];
  let last = start;
  await new Promise((done) => {
    const step = (now) => {
      gaps.push(now - last); last = now;
      grid.scrollTop = most * Math.min(1, (now - start) / lasts);
      now - start < lasts ? requestAnimationFrame(step) : done();
    };
    requestAnimationFrame(step);
  });
  gaps.sort((a, b) => a - b);
  return {frames: gaps.length / (lasts / 1000), slow: gaps[Math.floor(gaps.length * 0.99)],
    nodes: document.querySelectorAll(".tile").length};
}"""

PRESS = """async ([key, place]) => {
  const at = performance.now(), grid = document.getElementById("grid");
  const tile = () => document.getElementById("t" + place)?.className ?? "";
  grid.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  while (!tile().includes("seen")) await new Promise((done) => setTimeout(done));
  return performance.now() - at;
}"""


def in_browser(collection: str, list_of: Path, work: Path) -> None:
    """Measure the first tiles, keys and scrolling."""
    words = (collection, "--train", list_of, "--out", work / "sorted")
    first = Page(*words)
    first.settled()
    first.stop()
    served = Page(*words)
    with browser(served.url) as page:
        page.locator(".tile img").first.wait_for()
        shown = time.perf_counter() - served.started
        page.locator(".tile .bar > span").first.wait_for(timeout=120_000)
        print(
            f"from the command to the first tiles {shown:.1f} s, to the first answers "
            f"{time.perf_counter() - served.started:.1f} s",
            flush=True,
        )
        served.settled()
        time.sleep(3)
        times = []
        for place in range(PRESSES):
            times.append(page.evaluate(PRESS, [str(1 + place % 9), place]))
            time.sleep(0.2)
        print(f"a key to its tile: median {np.median(times):.1f} ms, p95 "
              f"{np.quantile(times, 0.95):.1f} ms of {PRESSES}")  # fmt: skip
        told = page.evaluate(SCROLL)
        print(f"scrolling {len(served.rows()[0])} photos in 6 s: {told['frames']:.1f} frames a "
              f"second, 99th percentile {told['slow']:.0f} ms, {told['nodes']} tiles")  # fmt: skip
    state = served.get("/state")
    print(f"a fit after a correction: {state['fit_seconds']:.2f} s of {len(served.rows()[0])}")
    served.stop()


def among_many(work: Path) -> None:
    """Measure scrolling among 100,000 links to the photos."""
    photos = ImageTable.from_folder(coreldb()).paths
    folder = work / "many"
    for i in range(MANY):
        place = folder / f"{i // 10_000}" / f"{i}.jpg"
        if i % 10_000 == 0:
            place.parent.mkdir(parents=True)
        os.symlink(photos[i % len(photos)], place)
    known = work / "few.csv"
    known.write_text(f"path,label\n{photos[0]},a\n{photos[-1]},b\n")
    served = Page(folder, "--train", known, "--by", "moments", "--classifier", "knn",
                  "--follow-links")  # fmt: skip
    served.settled()
    with browser(served.url) as page:
        page.locator(".tile img").first.wait_for()
        time.sleep(2)
        told = page.evaluate(SCROLL)
    print(f"scrolling {MANY} links in 6 s: {told['frames']:.1f} frames a second, 99th percentile "
          f"{told['slow']:.0f} ms, {told['nodes']} tiles; a fit takes "
          f"{served.get('/state')['fit_seconds']:.2f} s")  # fmt: skip
    served.stop()


def robot(collection: str, list_of: Path, truth: dict[str, str], work: Path, way: str) -> None:
    """Correct as a person would who is always right."""
    served = Page(collection, "--train", list_of, "--out", work / "sorted")
    state = served.settled(2)  # the first is in haste
    names, classes = served.get("/names"), state["classes"]
    true = np.array([classes.index(truth[name]) for name in names])
    random, asked, said = np.random.default_rng(0), 0, []
    while True:
        answers, person = served.rows()
        open_ = person == 0xFFFF
        if asked in STEPS:
            said.append(f"{asked}: {(answers == true)[open_].mean():.4f}")
            print(f"  {way}, {said[-1]}", flush=True)
        if asked >= STEPS[-1]:
            break
        if way == "random":
            rows = random.permutation(np.flatnonzero(open_))[:BATCH]
        else:
            by = "ask" if way == "ask" else "unsure"
            order = np.frombuffer(served.ask("GET", f"/order/{by}"), "<u4")
            rows = order[open_[order]][:BATCH]
        revision = served.get("/state")["revision"]
        for code in np.unique(true[rows]):
            body = {"rows": rows[true[rows] == code].tolist(), "class": classes[code]}
            served.ask("POST", "/labels", body)
        asked += len(rows)
        served.settled(revision + 1)
        time.sleep(0.3)
    print(f"{way}: accuracy of the rest after corrections: {', '.join(said)}", flush=True)
    served.stop()


def kills(work: Path) -> None:
    """Kill the server amid corrections, again and again."""
    photos = work / "photos"
    photos.mkdir()
    some = ImageTable.from_folder(coreldb()).paths[:300]
    for path in some:
        shutil.copy(path, photos)
    known = work / "two.csv"
    known.write_text(f"path,label\n{some[0]},a\n{some[-1]},b\n")
    kept: dict[int, str] = {}
    lost = unknown = sent = 0
    random = np.random.default_rng(0)
    for number in range(KILLS):
        served = Page(photos, "--train", known, "--by", "moments", "--classifier", "knn")
        names = served.settled()["classes"]
        person = served.rows()[1]
        for row, name in kept.items():
            now = names[person[row]] if person[row] != 0xFFFF else None
            lost += now != name
        timer = threading.Timer(random.uniform(0.05, 0.6), served.process.kill)
        timer.start()
        try:
            while True:
                row, name = int(random.integers(len(person))), f"class {random.integers(5)}"
                kept.pop(row, None)  # until it is acknowledged, either may be there
                served.ask("POST", "/labels", {"rows": [row], "class": name})
                kept[row] = name
                sent += 1
        except (OSError, http.client.HTTPException):
            unknown += 1
        served.process.wait()
        if number % 10 == 9:
            print(f"  {number + 1} kills, {sent} acknowledged, {lost} lost", flush=True)
    print(f"{KILLS} kills: {sent} acknowledged corrections, {lost} lost")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection")
    parser.add_argument("--only", default="browser,many,robot,kills")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    print(describe())
    table = ImageTable.from_folder(coreldb())
    truth = dict(zip(table.names, map(str, table.labels), strict=True))
    for part in options.only.split(","):
        for seed in range(options.seeds if part == "robot" else 1):
            ways = ("ask", "unsure", "random") if part == "robot" else ("",)
            for way in ways:
                with tempfile.TemporaryDirectory() as made:
                    work = Path(made)
                    collection = shutil.copytree(options.collection, work / "photos.tamis")
                    list_of = examples(table, seed, work)
                    if part == "browser":
                        in_browser(str(collection), list_of, work)
                    elif part == "many":
                        among_many(work)
                    elif part == "kills":
                        kills(work)
                    else:
                        robot(str(collection), list_of, truth, work, way)


if __name__ == "__main__":
    main()
