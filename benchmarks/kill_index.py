"""kill -9 of `tamis index`, at random moments and at system calls, in every phase.

Each trial makes a collection (or adds a column, or brings one up to date after files were
added, changed, renamed and deleted), kills the run, and gives the same command again. It must exit
with 0, and what the collection then holds must be equal, to the bit, to what an
uninterrupted run gives; nothing may be left aside. System calls are counted by strace, if
it is installed: every trial of that kind kills at one call that changes the disk.
"""

import argparse
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import simplejpeg

from machine import describe
from tamis.store import Collection, is_committed

CALLS = "openat,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,write,pwrite64,link,linkat"
PHASES = ("new", "column", "update")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def photos(folder: Path, n: int) -> None:
    """Write n small pictures in three folders."""
    random_ = np.random.default_rng(0)
    for i in range(n):
        place = folder / "abc"[i % 3]
        place.mkdir(parents=True, exist_ok=True)
        image = random_.integers(0, 255, (24, 32, 3), np.uint8)
        (place / f"{i:04}.jpg").write_bytes(simplejpeg.encode_jpeg(image))


def command(folder: Path, by: str) -> list[str]:
    """Say the run that is killed, as a user types it."""
    words = [sys.executable, "-m", "tamis", "index", folder / "photos"]
    return [*map(str, words), "--into", str(folder / "p.tamis"), "--by", by]


def prepare(folder: Path, phase: str, n: int) -> list[str]:
    """Bring a folder to where a phase begins; gives the command of the phase."""
    photos(folder / "photos", n)
    if phase == "new":
        return command(folder, "edge,color(bins=4)")
    subprocess.run(command(folder, "edge"), check=True, **QUIET)
    if phase == "column":
        return command(folder, "color(bins=4),lbp(scales=1)")
    files = sorted((folder / "photos").rglob("*.jpg"))
    for file in files[::7]:
        file.unlink()
    for file in files[1::7]:
        file.rename(file.with_name(f"new-{file.name}"))
    for file in files[2::7]:
        file.write_bytes(file.read_bytes() + b"changed")
    for file in files[3::7]:
        shutil.copyfile(file, file.with_name(f"copy-{file.name}"))
    return command(folder, "edge,color(bins=4)")


def held(folder: Path) -> dict[str, str]:
    """All that a collection says: each picture's facts and vectors, in digests."""
    collection = Collection.open(folder / "p.tamis")
    rows = collection.rows
    found = {"names": repr([rows.names, rows.labels, rows.hashes, rows.failures])}
    found["number"] = repr(collection.dataset.count_rows())
    for spec in sorted(collection.specs):
        features = collection.features(spec).features
        found[spec] = hashlib.sha256(features.tobytes()).hexdigest()
    found["left aside"] = str((folder / "p.tamis" / "adding.lance").exists())
    return found


def kill_at_a_moment(words: list[str], moment: float) -> bool:
    """Run and kill after some seconds; gives whether it was killed."""
    process = subprocess.Popen(words, start_new_session=True, **QUIET)
    try:
        process.wait(timeout=moment)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def strace(folder: Path, words: list[str], inject: str = "") -> list[str]:
    """Run under strace; gives the calls below the collection, one a line."""
    log = folder / "calls"
    extra = ["-e", f"inject={inject}"] if inject else []
    tracer = ["strace", "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={CALLS}", *extra]
    subprocess.run([*tracer, *words], check=False, **QUIET)
    lines = log.read_text(errors="replace").splitlines()
    return lines


def moments_of_calls(folder: Path, words: list[str]) -> list[tuple[str, int]]:
    """List the calls that touch the collection, as the name and number of each."""
    counts: Counter[str] = Counter()
    found = []
    for line in strace(folder, words):
        call = line.split(maxsplit=1)[-1].partition("(")[0]
        if call in CALLS.split(","):
            counts[call] += 1
            if "p.tamis" in line:
                found.append((call, counts[call]))
    return found


def phase_of(folder: Path, before: bool) -> str:
    """Say in a word where a kill hit."""
    path = folder / "p.tamis"
    if not is_committed(path):
        return "before the first commit"
    if (path / "adding.lance").exists():
        return "while a column was added"
    return "between commits" if before else "after the run"


def begin_again(whole: Path, start: Path) -> None:
    """Bring the folder of a trial to where its phase begins."""
    shutil.rmtree(whole, ignore_errors=True)
    shutil.copytree(start, whole)


def main() -> None:
    """Count the trials by where they were hit; name each that needed help or differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=1500)
    options = parser.parse_args()
    chance = random.Random(0)
    traced = shutil.which("strace") is not None
    hits: Counter[str] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        start, whole = Path(name) / "start", Path(name) / "trial"
        expected, durations, calls, words = {}, {}, {}, {}
        for phase in PHASES:
            words[phase] = prepare(whole, phase, options.pictures)
            shutil.copytree(whole, start / phase)  # a collection knows the path of its pictures
            begin = time.perf_counter()
            subprocess.run(words[phase], check=True, **QUIET)
            durations[phase] = time.perf_counter() - begin
            expected[phase] = held(whole)
            begin_again(whole, start / phase)
            if traced:
                calls[phase] = moments_of_calls(whole, words[phase])
            shutil.rmtree(whole)
        for i in range(options.count):
            phase = PHASES[i % len(PHASES)]
            begin_again(whole, start / phase)
            if traced and i % 2:
                call, number = chance.choice(calls[phase])
                strace(whole, words[phase], f"{call}:signal=KILL:when={number}")
                how, killed = f"{call} {number}", True
            else:
                moment = chance.uniform(0.1, 1.05) * durations[phase]
                how, killed = f"{moment:.2f} s", kill_at_a_moment(words[phase], moment)
            hits[f"{phase}, {phase_of(whole, killed)}"] += 1
            again = subprocess.run(words[phase], capture_output=True, text=True, check=False)
            if again.returncode:
                wrong.append(f"{phase} killed at {how}: exit {again.returncode}: {again.stderr}")
            elif held(whole) != expected[phase]:
                wrong.append(f"{phase} killed at {how}: differs")
    print(describe())
    print(f"{options.count} kills of an index of {options.pictures} pictures; {len(wrong)} wrong:")
    for where, number in sorted(hits.items()):
        print(f"- {where}: {number}")
    print(*wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
