"""The answers of a fixed set of commands, by an earlier version and by this one.

    git worktree add ../before COMMIT
    python benchmarks/same_answers.py ../before/src            # six classes, then all 80
    python benchmarks/same_answers.py ../before/src --only six --like sort

Every command runs twice, once with the modules of each version, in folders of its own. Its
JSON is compared value by value: predictions, confidences, neighbours, distances and scores
must be equal to the bit, those of a reduction by PCA to 1e-6, ends of intervals to 1e-14.
Times, versions, and the words of a signature are no answers. `--keep FILE` writes the values
of both sides as JSON.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import SIX, coreldb, describe

HERE = Path(__file__).resolve().parent.parent / "src"
NO_ANSWERS = ("seconds", "signature", "digest", "settings", "out", "model")
INTERVALS = (".accuracy_ci[", ".interval[", ".intervals.")
INTERVAL_TOLERANCE = 1e-14
PCA_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Trial:
    """Commands that run one after the other; the JSON of the last is the answer.

    In the words, ``@parts``, ``@photos`` and ``@query`` are inputs; other words that begin
    with @ are files in a folder of the trial.
    """

    name: str
    commands: tuple[str, ...]
    tolerance: float = 0.0


TRIALS = (
    Trial("split", ("split @photos @split --ratio 0.7 0 0.3 --seed 3 --blind --mode symlink",)),
    Trial("sort by color", ("sort --train @parts/train --input @parts/test --out @s --by color",)),
    Trial(
        "sort by color+lbp, k 9, canberra",
        (
            "sort --train @parts/train --input @parts/test --out @s --by color+lbp -k 9 "
            "--distance canberra --dry-run",
        ),
    ),
    Trial(
        "sort by pca",
        ("sort --train @parts/train --input @parts/test --out @s --by color>pca16 --dry-run",),
        PCA_TOLERANCE,
    ),
    Trial(
        "sort by a probe",
        (
            "train @parts/train --out @m.tamis --by color --seed 1",
            "sort --model @m.tamis --input @parts/test --out @s --dry-run",
        ),
    ),
    Trial(
        "sort by a probe of a fusion",
        (
            "train @parts/train --out @m.tamis --by color+edge --class-weight balanced",
            "sort --model @m.tamis --input @parts/test --out @s --dry-run",
        ),
    ),
    Trial("train", ("train @parts/train --out @m.tamis --by hsv",)),
    Trial(
        "sort from a collection",
        (
            "index @photos --into @c.tamis --by color,edge",
            "sort --train @parts/train --input @c.tamis --out @s --by edge --dry-run",
        ),
    ),
    Trial(
        "evaluate retrieval",
        ("evaluate @photos --by color --depth 1,10,100 --distance l1",),
    ),
    Trial("evaluate retrieval by a fusion", ("evaluate @photos --by hsv+edge --depth 10",)),
    Trial(
        "evaluate gallery and queries",
        ("evaluate --gallery @parts/train --queries @parts/test --by lbp --depth 5",),
    ),
    Trial(
        "evaluate classification", ("evaluate --train @parts/train --test @parts/test --by color",)
    ),
    Trial("compare", ("compare @photos --by color,edge,lbp --fuse 2-3 --depth 10 --most 900",)),
    Trial("search", ("search @photos @query -k 20 --by color",)),
    Trial(
        "search a collection",
        ("index @photos --into @c.tamis --by color", "search @c.tamis @query -k 20 --distance l2"),
    ),
    Trial(
        "search approximately",
        (
            "index @photos --into @c.tamis --by lbp --approximate",
            "search @c.tamis @query -k 20 --approximate --sample 0",
        ),
    ),
)


def run(source: Path, trial: Trial, inputs: dict[str, Path], folder: Path) -> Any:
    """Run the commands of a trial with the modules below `source`; give the last JSON."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    answer: Any = None
    for command in trial.commands:
        words = [_path(word, inputs, folder) for word in command.split()]
        done = subprocess.run(
            [sys.executable, "-m", "tamis", *words, "--json", "-"],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{trial.name}, {source}: exit {done.returncode}\n{done.stderr[-2000:]}")
        answer = json.loads(done.stdout)
    return answer


def _path(word: str, inputs: dict[str, Path], folder: Path) -> str:
    if not word.startswith("@"):
        return word
    name, _, rest = word[1:].partition("/")
    return str(inputs.get(name, folder / name) / rest)


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through JSON: the place of each value, and the value."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key not in NO_ANSWERS:
                yield from leaves(below, f"{place}.{key}")
    elif isinstance(value, list):
        yield f"{place}.length", len(value)
        for number, below in enumerate(value):
            yield from leaves(below, f"{place}[{number}]")
    else:
        yield place, value


def differences(before: Any, now: Any, tolerance: float) -> list[str]:
    """Name the places at which two answers differ; keys that are new are none."""
    later = dict(leaves(now))
    return [
        f"{place}: {value!r} before, {later.get(place)!r} now"
        for place, value in leaves(before)
        if place not in later
        or not _equal(
            value,
            later[place],
            max(tolerance, INTERVAL_TOLERANCE if any(key in place for key in INTERVALS) else 0),
        )
    ]


def _equal(first: Any, second: Any, tolerance: float) -> bool:
    if tolerance and isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=tolerance, abs_tol=tolerance)
    return bool(first == second)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row per trial; 1 if one of them differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("before", type=Path, help="folder src of the earlier version")
    parser.add_argument("--only", choices=("six", "all"), help="the classes; both by default")
    parser.add_argument("--like", default="", help="trials whose name contains this")
    parser.add_argument("--keep", type=Path, help="write the answers of both sides to this file")
    options = parser.parse_args(arguments)
    print(f"> {describe()}\n\n| classes | commands | values | differ |\n|---|---|---|---|")
    kept, wrong = {}, 0
    for classes in ("six", "all") if options.only is None else (options.only,):
        with tempfile.TemporaryDirectory() as folder:
            inputs = _inputs(classes, Path(folder))
            for trial in TRIALS:
                if options.like not in trial.name:
                    continue
                answers = []
                for source in (options.before.resolve(), HERE):
                    # The same names in both, since answers hold paths.
                    with tempfile.TemporaryDirectory(dir=folder) as own:
                        place = Path(folder, "trial")
                        Path(own).rename(place)
                        answers.append(run(source, trial, inputs, place))
                        place.rename(own)
                found = differences(*answers, trial.tolerance)
                wrong += bool(found)
                kept[f"{classes}: {trial.name}"] = answers
                count = sum(1 for _ in leaves(answers[0]))
                print(f"| {classes} | {trial.name} | {count} | {len(found)} |", flush=True)
                for line in found[:5]:
                    print(f"  {line}", file=sys.stderr)
    if options.keep:
        options.keep.write_text(json.dumps(kept, indent=1))
    return int(wrong > 0)


def _inputs(classes: str, folder: Path) -> dict[str, Path]:
    """Make a folder of the classes (a third of the photos of all 80), a split, and a query."""
    photos = folder / "photos"
    photos.mkdir()
    for place in sorted(coreldb().iterdir()):
        if place.is_dir() and (classes == "all" or place.name in SIX):
            (photos / place.name).mkdir()
            pictures = sorted(place.iterdir())
            for picture in pictures[:: 1 if classes == "six" else 3]:
                shutil.copyfile(picture, photos / place.name / picture.name)
    split = "--ratio 0.7 0 0.3 --seed 0 --mode copy"
    words = ["split", str(photos), str(folder / "parts"), *split.split(), "--json", "-"]
    subprocess.run(
        [sys.executable, "-m", "tamis", *words],
        env=os.environ | {"PYTHONPATH": str(HERE)},
        check=True,
        capture_output=True,
    )
    query = sorted((folder / "parts" / "test").rglob("*.*"))[0]
    return {"photos": photos, "parts": folder / "parts", "query": query}


if __name__ == "__main__":
    sys.exit(main())
