"""One system call after the other fails, in every command that writes.

A small library, compiled here and loaded before all others, counts the calls below the
folder of the results that make, write, rename or link a file, and lets one of them fail:
once, or with all later ones, as on a full disk. A command must then say in one line what
was wrong, with exit code 1, and leave nothing half made: what it wrote is whole or is not
there, and the same command, run again, finishes. A call that the result does not depend on
may fail without a word.
"""

import argparse
import errno
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SHIM = Path(__file__).with_name("failing_calls.c")
# Not EEXIST: a name that is taken gets a number, as it should.
ERRORS = ("ENOSPC", "EDQUOT", "EACCES", "EIO", "EMFILE", "EROFS", "ENAMETOOLONG")
REASONS = ("skipping ", "could not place ", "keeping ", "passing over ", "leaving out ")


@dataclass(frozen=True)
class Case:
    """A command: its words, commands that come before it, and whether a run goes on later."""

    words: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    resumes: bool = False


BY = ("--by", "moments")
SORT = ("sort", "--train", "train", "--input", "in", "--out", "out/sorted", *BY)
CASES = {
    "search --json": Case(("search", "train", "in/x/0.png", *BY, "--json", "out/r.json")),
    "search --html": Case(("search", "train", "in/x/0.png", *BY, "--html", "out/r.html")),
    "evaluate --report": Case(
        ("evaluate", "--train", "train", "--test", "in", *BY, "--report", "out/r.html")
    ),
    "compare --json": Case(("compare", "train", *BY, "--folds", "2", "--json", "out/r.json")),
    "descriptors --json": Case(("descriptors", "color", "--json", "out/r.json")),
    "train --out": Case(("train", "train", *BY, "--out", "out/m.tamis")),
    "index": Case(("index", "train", *BY, "--into", "out/p.tamis"), resumes=True),
    "index, a column more": Case(
        ("index", "train", "--by", "moments,color", "--into", "out/p.tamis"),
        before=(("index", "train", *BY, "--into", "out/p.tamis"),),
        resumes=True,
    ),
    "index --approximate": Case(
        ("index", "train", *BY, "--into", "out/p.tamis", "--approximate"), resumes=True
    ),
    "split": Case(("split", "train", "out/parts", "--blind"), resumes=True),
    "sort": Case(SORT, resumes=True),
    "sort --mode move": Case((*SORT, "--mode", "move"), resumes=True),
    "undo": Case(("undo", "out/sorted"), before=(SORT,), resumes=True),
}


def make_pictures(folder: Path) -> None:
    """Make two classes to learn from, and pictures to sort."""
    for name, colour, number in (("train/fox", 200, 4), ("train/owl", 60, 4), ("in/x", 190, 3)):
        (folder / name).mkdir(parents=True)
        for i in range(number):
            noise = np.random.default_rng([i, colour]).normal(colour, 25, (48, 64, 3))
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(folder / name / f"{i}.png")


def run(words: tuple[str, ...], folder: Path, **fail: object) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder, with the variables of the library."""
    variables = {f"FAIL_{name.upper()}": str(value) for name, value in fail.items()}
    return subprocess.run(
        [sys.executable, "-m", "tamis", *words],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def state(folder: Path) -> dict[str, bytes]:
    """Hold every file below a folder that is not a journal or a collection, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not {".tamis", "images.lance"} & set(path.parts)
        # These hold the time that the command took, or the versions of a dataset; and what an
        # earlier run into the same folder said of it keeps a number.
        and path.suffix not in (".json", ".html")
        and not re.fullmatch(r"predictions-\d+\.csv|failures(-\d+)?\.csv", path.name)
    }


class Campaign:
    """Commands in copies of one folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.shim = top / "failing_calls.so"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", self.shim, SHIM, "-ldl"]
        subprocess.run(command, check=True)
        self.folder = top / "work"
        self.starts: dict[tuple[tuple[str, ...], ...], Path] = {}

    def start(self, case: Case) -> Path:
        """Copy the state that a command begins with."""
        if case.before not in self.starts:
            # Made where it is used: a collection knows the path of its pictures.
            first = self.top / f"start-{len(self.starts)}"
            shutil.rmtree(self.folder, ignore_errors=True)
            make_pictures(self.folder)
            (self.folder / "out").mkdir()
            for words in case.before:
                done = run(words, self.folder)
                assert done.returncode == 0, done.stderr
            shutil.copytree(self.folder, first, symlinks=True)
            self.starts[case.before] = first
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.starts[case.before], self.folder, symlinks=True)
        return self.folder

    def fail(self, case: Case, **fail: object) -> "subprocess.CompletedProcess[str]":
        """Run a command whose call fails."""
        under = self.folder / "out"
        return run(case.words, self.folder, under=under, **fail)

    def calls(self, case: Case) -> tuple[list[str], dict[str, bytes]]:
        """Run a command whole: the calls that it makes, and what it leaves."""
        folder, log = self.start(case), self.top / "log"
        log.unlink(missing_ok=True)
        with Preloaded(self.shim):
            done = self.fail(case, log=log)
        assert done.returncode == 0, done.stderr
        return log.read_text().splitlines() if log.exists() else [], state(folder)

    def check(
        self, case: Case, whole: dict[str, bytes], number: int, error: str, on: bool
    ) -> str | None:
        """Let one call fail; say what is wrong, if anything is."""
        folder = self.start(case)
        before = state(folder)
        with Preloaded(self.shim):
            done = self.fail(case, at=number, errno=getattr(errno, error), on=int(on))
        lines = [line for line in done.stderr.splitlines() if line.startswith("tamis: ")]
        if "Traceback" in done.stderr or "panicked" in done.stderr:
            return f"traceback: {done.stderr[-1500:]}"
        if done.returncode not in (0, 1):
            return f"exit {done.returncode}: {done.stderr[-500:]}"
        if done.returncode == 0 and state(folder) != whole:
            return f"exit 0, and the result is not whole: {sorted(state(folder))}"
        named = [line for line in done.stderr.splitlines() if line.startswith(REASONS)]
        if done.returncode == 1 and len(lines) != 1 and not named:
            return f"{len(lines)} lines: {done.stderr[-500:]}"
        litter = [path.name for path in folder.rglob(".tamis-*") if path.is_file()]
        if litter:
            return f"left {litter}"
        if done.returncode == 1 and not case.resumes and state(folder) != before:
            return f"left {sorted(set(state(folder)) ^ set(before))}"
        if done.returncode == 1:
            again = run(case.words, folder)
            if "split" in case.words and "--force undoes it first" in again.stderr:
                again = run((*case.words, "--force"), folder)
            if again.returncode != 0 and not (
                "undo" in case.words and "no journal" in again.stderr
            ):
                return f"run again, exit {again.returncode}: {again.stderr[-700:]}"
            if state(folder) != whole:
                return f"run again, it differs: {sorted(set(state(folder)) ^ set(whole))}"
        return None


class Preloaded:
    """Load the library into the processes that are started inside."""

    def __init__(self, shim: Path) -> None:
        self.shim = shim

    def __enter__(self) -> None:
        os.environ["LD_PRELOAD"] = str(self.shim)

    def __exit__(self, *_: object) -> None:
        del os.environ["LD_PRELOAD"]


def main() -> None:
    """Choose calls at random, let each fail, and print a row per command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="trials over all commands")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="commands whose name contains this")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        campaign = Campaign(Path(scratch))
        cases = {name: case for name, case in CASES.items() if not given.only or given.only in name}
        print("| command | calls | trials | wrong |\n|---|---|---|---|")
        for name, case in cases.items():
            calls, whole = campaign.calls(case)
            every = [(n, e, on) for n in range(1, len(calls) + 1) for e in ERRORS for on in (0, 1)]
            trials = chance.sample(every, min(len(every), -(-given.count // len(cases))))
            for number, error, on in trials:
                said = campaign.check(case, whole, number, error, bool(on))
                if said is not None:
                    wrong[name] += 1
                    what = calls[number - 1].removeprefix(f"{number} ")
                    print(f"{name}: {error}{' on' * on} at {number}, {what}: {said}", flush=True)
            print(f"| {name} | {len(calls)} | {len(trials)} | {wrong[name]} |", flush=True)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
