"""Undo and resume journals that were mutated: no traceback, no hang, no file elsewhere touched.

A journal of each mode, finished or not, is changed at random: bytes, lines, values of other
types and ranges, paths that lead elsewhere (`..`, absolute, through links), deep nesting.
Half of them are signed again with the user's own key, so that only the checks stand between
them and the files; the others are undone as if a person had confirmed them. Only files below
the folder of the journal, and the sources that it names, may change.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tamis.errors import TamisError
from tamis.files.journal import Journal, journals
from tamis.files.signing import Signer, user_key
from tamis.files.transfer import Mode, Transfer

ODD = (
    None, True, -1, 0, 2**63, 2**70, 1e308, "", "..", "../v/x", "/etc/hostname", "a\0b", ".tamis/x",
    "a/../../v/x", "\ud800", "\udcff", "x" * 300, "a/" * 3000 + "b", [], {}, [[]], ["..", "a"],
    "link/x", "../victim/secret.png", "move", "copy", "sort", "made-0", "victim",
)  # fmt: skip


def make(folder: Path, mode: Mode, chance: random.Random) -> Path:
    """Make a run with a journal, finished or not, and what lies around it."""
    source, out, victim = folder / "in", folder / "out", folder / "victim"
    source.mkdir()
    victim.mkdir()
    (victim / "secret.png").write_bytes(b"picture 0")  # the very bytes of a picture of the run
    for i in range(3):
        (source / f"{i}.png").write_bytes(b"picture %d" % i)
    os.symlink("0.png", source / "9.png")
    journal = Journal.create(
        str(out),
        command=chance.choice(("sort", "split")),
        mode=mode,
        folders=["a"],
        transfers=[Transfer.of(str(path), f"a/{path.name}") for path in sorted(source.iterdir())],
        made={"report.html": lambda file: Path(file).write_text("report")},
        settings={"--mode": str(mode)},
    )
    if chance.random() < 0.7:
        journal.carry_out()
    if chance.random() < 0.3:  # what a stranger may have put there
        if (out / "a").exists():
            os.rename(out / "a", out / "b")
        os.symlink(victim, out / "a")
    if chance.random() < 0.2:
        os.symlink(victim, out / "link")
    return out / ".tamis" / "run-0001.jsonl"


def mutated(data: bytes, chance: random.Random, victim: Path) -> bytes:
    """Change a journal."""
    if chance.random() < 0.3:
        raw = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(raw))
            match chance.randint(0, 3):
                case 0:
                    raw[at] = chance.randrange(256)
                case 1:
                    del raw[at : at + chance.randint(1, 40)]
                case 2:
                    raw[at:at] = chance.choice((b"\n", b"[" * 5000, b'"', b"{}", b"9" * 5000))
                case _:
                    raw[at:at] = bytes(raw[: chance.randrange(len(raw))])
            raw = raw or bytearray(b"\n")
        return bytes(raw)
    records = [json.loads(line) for line in data.splitlines()]
    for _ in range(chance.randint(1, 3)):
        record = chance.choice(records)
        if not record:
            continue
        key = chance.choice(list(record))
        match chance.randint(0, 5):
            case 0:
                del record[key]
            case 1:
                record[chance.choice(("link", "digest", "aside", "made", "source", "odd"))] = (
                    chance.choice(ODD)
                )
            case 2 if len(records) > 2:
                records.remove(record)
            case 3:
                records.insert(chance.randrange(len(records)), dict(record))
            case 4 if key in ("source", "destination", "link"):
                record[key] = chance.choice(
                    (
                        "a/0.png",
                        "b/0.png",
                        "link/secret.png",
                        "a/secret.png",
                        "report.html",
                        str(victim / "secret.png"),
                        str(victim / "new.png"),
                        str(victim.parent / "in" / "0.png"),
                        str(victim.parent / "in" / "1.png"),
                        str(victim.parent / "out" / "a" / "0.png"),
                    )
                )
            case _:
                odd = chance.choice((*ODD, str(victim / "secret.png"), str(victim / "new.png")))
                record[key] = odd
    if chance.random() < 0.5:
        signer = Signer(user_key())
        for record in records:
            record.pop("mac", None)
        return b"".join(signer.signed(record) for record in records)
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def trial(chance: random.Random) -> str:
    """Undo or resume one; say how it ended."""
    with tempfile.TemporaryDirectory(prefix="tamis-fuzz-") as name:
        folder = Path(os.path.realpath(name))
        victim = folder / "victim"
        file = make(folder, chance.choice(list(Mode)), chance)
        file.write_bytes(mutated(file.read_bytes(), chance, victim))
        sources: set[str] = set()
        signal.alarm(10)
        try:
            for run in reversed(journals(str(folder / "out"))):
                sources = {transfer.source for transfer in run.transfers}
                if chance.random() < 0.5 and not run.finished:
                    run.carry_out(confirmed=True)
                run.undo(confirmed=True)
            ended = "done"
        except TamisError:
            ended = "refused"
        finally:
            signal.alarm(0)
        found = {str(path): path for path in victim.iterdir()}
        if (victim / "secret.png").read_bytes() != b"picture 0":
            return "changed a file elsewhere"
        if more := found.keys() - {str(victim / "secret.png")} - sources:
            return f"wrote elsewhere: {more}"
        kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
        if any(b"picture %d" % i not in kept for i in range(3)):
            return "lost a picture"
        return ended


def main() -> None:
    """Count how the trials ended; stop with 1 if one was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    settings = tempfile.mkdtemp(prefix="tamis-fuzz-")
    os.environ["XDG_CONFIG_HOME"] = settings
    chance, counts, start = random.Random(options.seed), Counter(), time.perf_counter()
    for i in range(options.count):
        try:
            ended = trial(chance)
        except Exception as error:
            ended = f"traceback: {type(error).__name__}: {error}"
        if ended not in ("done", "refused"):
            print(f"trial {i}: {ended}", flush=True)
            ended = "wrong"
        counts[ended] += 1
    shutil.rmtree(settings, ignore_errors=True)
    print(
        f"{options.count} mutated journals in {time.perf_counter() - start:.0f} s: {dict(counts)}"
    )
    sys.exit(bool(counts["wrong"]))


if __name__ == "__main__":
    main()
