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

    _check_own(folder)
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


def _check_own(folder: str) -> None:
    """Refuse a folder that holds anything but the result of an earlier demo."""
    import os

    from tamis.cli.demo_photos import SOURCES
    from tamis.errors import DestinationError, printable
    from tamis.files.journal import journals

    photos, parts = os.path.join(folder, "photos"), os.path.join(folder, "parts")
    if not os.path.isdir(folder):
        return
    odd = set(os.listdir(folder)) - {"photos", "parts", "sorted", "report.html"}
    if os.path.isdir(photos):
        odd |= set(os.listdir(photos)) - SOURCES.keys()
    if os.path.isdir(parts) and os.listdir(parts):
        sources = [run.settings.get("SRC") for run in journals(parts) if run.command == "split"]
        if os.path.abspath(photos) not in sources:
            odd.add("parts")
    for name in ("sorted", "report.html"):
        if os.path.exists(os.path.join(folder, name)) and not os.path.isdir(parts):
            odd.add(name)
    if odd:
        raise DestinationError(
            f"{printable(folder)} is there already, and holds {printable(sorted(odd)[0])}, which "
            "is not of a demo. Name a new folder: tamis demo NAME."
        )
