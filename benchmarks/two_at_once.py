"""Two runs into one folder at once, kept apart in every way that made locks miss each other.

Each pair of processes sorts other pictures into one folder that does not exist yet. They
differ in their temporary folders, reach the folder by other paths, belong to another user
(in a user namespace), or have no lock at all, as on network disks without locks. Each must
either be refused or leave a journal of its own; then all is undone, the last run first, and
everything must be as before.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tamis.files.journal import journals

CODE = """
import contextlib, os, sys, time
from tamis.errors import DestinationError
from tamis.files.journal import Journal
from tamis.files.lock import locked
from tamis.files.transfer import Mode, Transfer
out, pictures, start, lock = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4] == "lock"
while time.time() < start:
    pass
try:
    with locked(out, inside=True) if lock else contextlib.nullcontext():
        Journal.create(
            out, command="sort", mode=Mode.MOVE, folders=["a"],
            transfers=[Transfer.of(e.path, "a/" + e.name) for e in os.scandir(pictures)],
            made={"report.html": lambda file: open(file, "w").write("same")},
        ).carry_out()
except DestinationError as error:
    sys.exit(3 if "another tamis" in str(error) or not lock else str(error))
"""
KINDS = ("temporary folder", "path", "user", "no lock")


def begin(folder: Path, kind: str, number: int, start: float) -> "subprocess.Popen[str]":
    """Start one of the two runs."""
    out, environment = folder / "out", dict(os.environ)
    command = [sys.executable, "-c", CODE]
    if kind == "temporary folder":
        environment["TMPDIR"] = str(folder / f"tmp{number}")
    if kind == "path" and number:
        out = folder / "way" / "out"
    if kind == "user" and number:
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]
    words = [str(out), str(folder / f"in{number}"), str(start), "" if kind == "no lock" else "lock"]
    return subprocess.Popen([*command, *words], env=environment, stderr=subprocess.PIPE, text=True)


def trial(kind: str, counts: Counter) -> str:
    """Run two at once; say what is wrong."""
    with tempfile.TemporaryDirectory(prefix="tamis-two-") as name:
        folder = Path(name)
        (folder / "way").symlink_to(".")
        for number in range(2):
            (folder / f"tmp{number}").mkdir()
            (folder / f"in{number}").mkdir()
            for i in range(20):
                (folder / f"in{number}" / f"{i}.png").write_bytes(b"%d %d" % (number, i))
        start = time.time() + 2.5
        runs = [begin(folder, kind, number, start) for number in range(2)]
        said = [run.communicate()[1] for run in runs]
        codes = [run.returncode for run in runs]
        if not set(codes) <= {0, 3}:
            return f"exit {codes}: {said}"
        found = journals(str(folder / "out"))
        counts[kind, "both" if codes == [0, 0] else "one"] += 1
        if len(found) != codes.count(0):
            return f"{codes.count(0)} runs, {len(found)} journals"
        for run in reversed(found):
            if failures := run.undo(confirmed=True).failures:
                return f"not undone: {failures}"
        for number in range(2):
            for i in range(20):
                if (folder / f"in{number}" / f"{i}.png").read_bytes() != b"%d %d" % (number, i):
                    return f"picture {i} of {number} is another"
        # Without a lock each may find the class folder made by the other, and leave it, empty.
        left = [path for path in (folder / "out").rglob("*") if not path.is_dir()]
        if left or (kind != "no lock" and (folder / "out").exists()):
            return f"left {left or 'the result'}"
        return ""


def main() -> None:
    """Try each kind in turn; stop with 1 if one was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    settings = tempfile.mkdtemp(prefix="tamis-two-")
    os.environ["XDG_CONFIG_HOME"] = settings
    counts, wrong = Counter(), 0
    for i in range(options.count):
        kind = KINDS[i % len(KINDS)]
        if fault := trial(kind, counts):
            wrong += 1
            print(f"{kind}: {fault}", flush=True)
    shutil.rmtree(settings, ignore_errors=True)
    print(f"{options.count} pairs of runs at once, {wrong} wrong:")
    for (kind, ended), number in sorted(counts.items()):
        print(f"- {kind}: {number} times {ended} done")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
