"""Kill, or let fail, every system call of `tamis sort`, `split` and `undo`, one at a time.

Each command runs in a forked process in which the n-th call of the rooms that touch files
(`os.link`, `os.unlink`, `os.open`, `os.fsync`, ...) is the last one (`kill -9`), or fails
with ENOSPC, EACCES, EIO, EXDEV or EMFILE; n runs from the first to the last call. Then the
run is, in turn, finished by the same command or undone; a killed or failed undo is undone
again. After each step every picture must exist with its bytes; at the end everything must
be as before, times included, with nothing left behind. A failing call must end with exit
code 0 or 1 and without a traceback.

Moves across disks go from the temporary folder to /dev/shm, if these are two disks.
"""

import argparse
import contextlib
import errno
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from machine import describe

ROOMS = (
    "tamis.files.entry tamis.files.evidence tamis.files.copying tamis.files.result "
    "tamis.files.transfer tamis.files.placing tamis.files.recognition "
    "tamis.files.planning tamis.files.journal_file "
    "tamis.files.journal tamis.files.lock"
).split()
PRELOADED = (
    "tamis.cli tamis.cli.writing tamis.cli.answering tamis.sorting "
    "tamis.splits.assign "
    "tamis.report tamis.descriptors.classical.moments sklearn.metrics rich.progress"
).split()
CALLS = (
    "open close link unlink symlink readlink rename mkdir makedirs rmdir listdir stat lstat "
    "fstat fsync ftruncate lseek read write utime fchmod setxattr getxattr listxattr"
).split()
ERRORS = ("ENOSPC", "EACCES", "EIO", "EXDEV", "EMFILE")
MODES = ("copy", "hardlink", "symlink", "move")


# Between removing its own folder from the result and the result itself, which is empty then,
# nothing can say that the result was made by tamis.
EMPTY = "left the empty folder of the result"


class Calls:
    """Stands for `os` in the rooms that touch files, and strikes at one call."""

    def __init__(self, at: int, error: int | None) -> None:
        self.number, self.at, self.error = 0, at, error

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*args: object, **options: object) -> object:
            self.number += 1
            if self.number == self.at:
                if self.error is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                if name != "close":
                    raise OSError(self.error, os.strerror(self.error))
            return real(*args, **options)

        return call


class OsModule:
    """`os` whose calls are counted; what `os.supports_fd` and the like hold stays true."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __getattr__(self, name: str) -> object:
        return getattr(self._calls, name)


def run(words: list[str], *, at: int = 0, error: int | None = None) -> tuple[int, int, str]:
    """Run a command in a process of its own; exit code (or minus the signal), calls, stderr."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            try:
                os.dup2(said.fileno(), 2)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                calls = Calls(at, error)
                for room in ROOMS:
                    importlib.import_module(room).os = OsModule(calls)
                code = 0
                sys.argv = ["tamis", *words]
                try:
                    importlib.import_module("tamis.cli").main()
                except SystemExit as end:
                    code = int(end.code or 0)
                except BaseException:
                    import traceback

                    traceback.print_exc()
                    code = 70
                sys.stderr.flush()
                os.write(writing, b"%d" % calls.number)
                os._exit(code)
            finally:
                os._exit(71)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        number = int(os.read(reading, 20) or 0)
        os.close(reading)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return os.waitstatus_to_exitcode(status), number, text


def files(*folders: Path) -> dict[str, tuple[str, int]]:
    """Every path below folders, with hash and time of a file, and "" for a folder."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = str(path)
            if path.is_symlink():
                found[name] = ("-> " + os.readlink(path), 0)
            elif path.is_file():
                found[name] = (sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            else:
                found[name] = ("", 0)
    return found


def pictures(*folders: Path) -> set[str]:
    """Hash all pictures below folders."""
    return {
        digest
        for name, (digest, _) in files(*folders).items()
        if name.endswith((".jpg", ".png")) and not digest.startswith("-> ")
    }


class Scene:
    """Pictures to sort or to split, made anew for each trial."""

    def __init__(self, command: str, mode: str, across: bool) -> None:
        self.name = f"{command} --mode {mode}" + (", across disks" if across else "")
        self.base = Path(tempfile.mkdtemp(prefix="tamis-kill-"))
        self.other = Path(
            tempfile.mkdtemp(prefix="tamis-kill-", dir="/dev/shm" if across else None)
        )
        self.out = self.other / "out"
        noise = np.random.default_rng(0)
        for label, colour in (("fox", (200, 40, 40)), ("owl", (40, 180, 60))):
            for i in range(3):
                pixels = np.array(colour, float) + noise.normal(0, 25, (24, 32, 3))
                folder = self.base / ("train" if command == "sort" else "in") / label
                folder.mkdir(parents=True, exist_ok=True)
                image = Image.fromarray(pixels.clip(0, 255).astype("uint8"))
                image.save(folder / f"{label}{i}.png")
                if command == "sort" and i < 2:
                    (self.base / "in" / label).mkdir(parents=True, exist_ok=True)
                    image.rotate(180).save(self.base / "in" / label / f"{label}{i}.png")
        self.words = (
            ["sort", "--train", str(self.base / "train"), "--input", str(self.base / "in"),
             "--out", str(self.out), "--by", "moments", "-k", "1", "--mode", mode]
            if command == "sort"
            else ["split", str(self.base / "in"), str(self.out), "--mode", mode, "--blind"]
        )  # fmt: skip
        self.times = True
        self.back = ["undo", str(self.out)]
        self.before = files(self.base, self.other)
        self.kept = self.base.with_name(self.base.name + "-kept")
        shutil.copytree(self.base, self.kept, symlinks=True)

    def reset(self) -> None:
        """Bring everything to its beginning."""
        for folder in (self.base, self.out):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.kept, self.base, symlinks=True)

    def remove(self) -> None:
        """Remove all that the scene made."""
        for folder in (self.base, self.other, self.kept):
            shutil.rmtree(folder, ignore_errors=True)

    def wrong(self) -> str:
        """Say what differs from the beginning."""
        now = files(self.base, self.other)
        more, less = (
            sorted(now.keys() - self.before.keys()),
            sorted(self.before.keys() - now.keys()),
        )
        # A failing call may be the one that sets the times: then they are not those of before.
        n = 2 if self.times else 1
        other = [
            name
            for name in self.before.keys() & now.keys()
            if self.before[name][:n] != now[name][:n]
        ]
        if more == [str(self.out)] and not less and not other:
            return EMPTY
        return f"left {more}, lost {less}, changed {other}" if more or less or other else ""

    def lost(self) -> bool:
        """Tell whether the bytes of a picture are nowhere."""
        return not pictures(self.kept) <= pictures(self.base, self.other)


def settle(scene: Scene, finish: bool) -> str:
    """Finish or undo what was struck, and undo it all; say what is wrong then."""
    if finish:
        code, _, said = run(scene.words)
        if (code and "an earlier split" not in said) or scene.lost():  # it was finished already
            return f"finishing: exit {code}, {said[-300:]}"
    for _ in range(3):  # one run or two; the last finds nothing, or what another had to leave
        code, _, said = run(scene.back)
        if code and "nothing to undo" not in said:
            return f"undoing: exit {code}, {said[-300:]}"
        if not scene.out.exists():
            break
    return scene.wrong()


def trial(scene: Scene, at: int, error: int | None, undoing: bool, finish: bool) -> str:
    """Strike at one call; say what is wrong afterwards, or nothing."""
    scene.reset()
    scene.times = error is None
    if undoing and (code := run(scene.words)[0]):
        return f"could not begin: {code}"
    code, _, said = run(scene.back if undoing else scene.words, at=at, error=error)
    if error is None and code != -signal.SIGKILL:
        return f"was not killed, exit {code}: {said[-300:]}"
    if error is not None and (code not in (0, 1) or "Traceback" in said):
        return f"exit {code}: {said[-600:]}"
    if error is not None and code == 1 and not said.strip():
        return "failed without a word"
    if scene.lost():
        return "a picture is lost"
    return settle(scene, finish and not undoing)


def scenes() -> list[tuple[str, str, bool]]:
    """List the commands, modes and disks to try."""
    two = (
        os.path.isdir("/dev/shm")
        and os.stat("/dev/shm").st_dev != os.stat(tempfile.gettempdir()).st_dev
    )
    return [
        (command, mode, across)
        for command in ("split", "sort")
        for mode in MODES
        for across in ((False, True) if two and mode != "hardlink" else (False,))
    ]


def main() -> None:
    """Try every call, or a number of them by chance; stop with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, help="Trials by chance; by default all.")
    parser.add_argument("--only", default="", help="Scenes whose name has this.")
    options = parser.parse_args()
    chance = random.Random(0)
    os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="tamis-kill-")
    for room in (*ROOMS, *PRELOADED):
        importlib.import_module(room)
    start, counts, faults, empty = time.perf_counter(), Counter(), 0, 0
    chosen = [one for one in scenes() if options.only in f"{one[0]} {one[1]} {one[2]}"]
    for command, mode, across in chosen:
        with contextlib.ExitStack() as stack:
            scene = Scene(command, mode, across)
            stack.callback(scene.remove)
            trials = []
            for undoing in (False, True):
                scene.reset()
                code, number, said = run(scene.words)
                if undoing:
                    code, number, said = run(scene.back)
                if code:
                    sys.exit(f"{scene.name}: exit {code}: {said}")
                for at in range(1, number + 1):
                    trials.append((at, None, undoing, False))
                    trials.append((at, None, undoing, True))
                    trials += [(at, getattr(errno, name), undoing, at % 2 == 0) for name in ERRORS]
            if options.count:
                trials = chance.sample(trials, min(len(trials), options.count // len(chosen) + 1))
            for at, error, undoing, finish in trials:
                kind = "killed" if error is None else errno.errorcode[error]
                counts[scene.name, kind] += 1
                fault = trial(scene, at, error, undoing, finish)
                empty += fault == EMPTY
                if fault and fault != EMPTY:
                    faults += 1
                    doing = "undo" if undoing else "run"
                    then = "finish" if finish else "undo"
                    print(
                        f"{scene.name}: {doing}, call {at}, {kind}, then {then}: {fault}",
                        flush=True,
                    )
    shutil.rmtree(os.environ["XDG_CONFIG_HOME"], ignore_errors=True)
    print(describe())
    for (name, kind), number in sorted(counts.items()):
        print(f"- {name}, {kind}: {number}")
    print(f"{sum(counts.values())} trials in {time.perf_counter() - start:.0f} s, {faults} wrong;")
    print(f"{empty} {EMPTY}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
