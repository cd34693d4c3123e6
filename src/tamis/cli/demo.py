"""`tamis demo`."""

from typing import Annotated

import typer


def demo(
    folder: Annotated[str, typer.Argument(help="Where to put it all.")] = "tamis-demo",
) -> None:
    """Try everything on real pictures: split, sort, score.

    The pictures are tiles cut from the photographs that come with scikit-image;
    the class of a tile is the photograph it was cut from. It needs the extra demo:
    pip install "tamis[demo]".

        tamis demo
    """
    import os
    import shlex
    import time

    from tamis.cli.console import say
    from tamis.cli.demo_photos import SOURCES, write_tiles
    from tamis.cli.evaluate import evaluate
    from tamis.cli.sort import sort
    from tamis.cli.split import split
    from tamis.errors import printable
    from tamis.files.journal import journals

    start = time.perf_counter()
    photos, parts, result, report = (
        os.path.join(folder, name) for name in ("photos", "parts", "sorted", "report.html")
    )
    for earlier in reversed(journals(result)):  # of a demo before this one
        earlier.undo()
    number = write_tiles(photos)
    say(f"{number} tiles of {len(SOURCES)} photographs in {printable(photos)}\n")

    def announce(*words: str) -> None:
        say(f"$ tamis {' '.join(map(shlex.quote, words))}")

    announce("split", photos, parts, "--blind")
    split(photos, parts, blind=True, force=os.path.isdir(parts))
    train, test = os.path.join(parts, "train"), os.path.join(parts, "test")
    say("")
    announce("sort", "--train", train, "--input", test, "--out", result)
    sort(train=train, source=test, out=result)
    say("")
    announce("evaluate", "--train", train, "--test", test, "--report", report)
    evaluate(train=train, test=test, report=report)
    say(
        f"\nAll of it took {time.perf_counter() - start:.1f} s. Look at\n"
        f"  {printable(os.path.abspath(report))}\n"
        f"  {printable(os.path.abspath(result))}\n\n"
        "With pictures of your own: put a few of each kind into a folder per class, then\n"
        "  tamis sort --train EXAMPLES --input PICTURES --out SORTED --dry-run\n"
        "and again without --dry-run. tamis undo SORTED takes it back."
    )
