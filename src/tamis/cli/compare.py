"""`tamis compare`."""

from typing import Annotated

import typer

from tamis.cli.options import (
    MAX_PIXELS,
    Classes,
    Distance,
    FollowLinks,
    Jobs,
    Json,
    MaxMemory,
    MaxPixels,
    NoIcc,
    Quiet,
    Report,
    Root,
    Seed,
    Verbose,
)


def compare(
    source: Annotated[
        str, typer.Argument(metavar="DIR", help="Pictures in a folder per class, or a collection.")
    ],
    by: Annotated[
        str, typer.Option(metavar="SPECS", help="Descriptors to compare, separated by commas.")
    ] = "auto,color,hsv,lbp,edge,hog,gabor,daisy",
    fuse: Annotated[
        str, typer.Option(metavar="A-B", help="Also score all fusions of A to B descriptors.")
    ] = "1-1",
    depth: Annotated[
        int | None, typer.Option(min=1, help="Number of results that count.", show_default="10")
    ] = None,
    distance: Distance = "",
    method: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="What a fusion joins: vectors (early), distances (sum) or ranks (rrf).",
            show_default="as a+b does",
        ),
    ] = "",
    scale: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Source of a fusion's weights: median (distance), deviation, learned or none.",
        ),
    ] = "median",
    unit: Annotated[
        str,
        typer.Option(
            metavar="NORM", help="Norm by which vectors are divided first: l1, l2 or none."
        ),
    ] = "none",
    folds: Annotated[
        int, typer.Option(min=2, help="Number of folds of the nested cross-validation.")
    ] = 5,
    classes: Classes = None,
    parts: Annotated[
        str | None,
        typer.Option(
            "--parts",
            "--split",
            metavar="A,B,...",
            help="Take only these parts of a split.",
            show_default="all but test",
        ),
    ] = None,
    most: Annotated[
        int, typer.Option(min=10, help="Draw this many pictures at random if there are more.")
    ] = 4000,
    seed: Seed = 0,
    report: Report = None,
    root: Root = None,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Find the descriptor, or the fusion of several, that serves pictures best.

    Scores each by leave-one-out retrieval: every picture asks for the ones most like
    it, and those of its class are right. The best of many figures flatters; the
    honest figure beside it comes from pictures that had no say in the choice.

        tamis compare photos --by color,lbp,gist,edge --fuse 2-4 --report compare.html
    """
    import shlex
    import time

    from tamis.cli.console import say, warn, warn_failures, write_json, write_page
    from tamis.cli.notes import print_remarks
    from tamis.cli.progress import progress
    from tamis.cli.tables import print_comparison
    from tamis.dataset import Dataset
    from tamis.errors import printable
    from tamis.evaluation.candidates import DEFAULT_DEPTH
    from tamis.evaluation.comparison import compare as compare_descriptors
    from tamis.evaluation.comparison import draw_most, to_choose_on

    start = time.perf_counter()
    sizes = _range(fuse)
    opened = Dataset.open(
        source, role="examples", classes=classes, root=root, follow_links=follow_links
    )
    known = print_remarks(to_choose_on(opened, parts=parts))
    drawn = print_remarks(draw_most(known, most, seed=seed))
    result = compare_descriptors(
        drawn,
        by,
        parts=parts,
        fuse=sizes,
        depth=depth,
        distance=distance,
        method=method,
        scale=scale,
        unit=unit,
        folds=folds,
        most=most,
        seed=seed,
        jobs=jobs,
        max_pixels=max_pixels,
        stages=progress,
    )
    warn_failures(result.failures)
    if depth is None and result.depth < DEFAULT_DEPTH:
        warn(
            f"only {result.depth} pictures to choose from: depth {result.depth} instead of "
            f"{DEFAULT_DEPTH}"
        )
    if json != "-":
        print_comparison(result)
    options = f"--by {shlex.quote(result.winner)}" + (f" --distance {distance}" if distance else "")
    again = f"tamis evaluate {shlex.quote(printable(source))} {options} --depth {result.depth}"
    if len(drawn) < len(known):
        again += "    (of all pictures, not of those drawn)"
    else:
        again += "".join(f" --classes {shlex.quote(printable(one))}" for one in classes or ())
        kept = {part for part in known.table.splits if part}
        if parts is None and kept < set(opened.table.splits):
            parts = ",".join(sorted(kept))
        again += f" --parts {shlex.quote(printable(parts))}" if parts else ""
    use = [again, f"tamis sort --train DIR --input DIR --out DIR {options}"]
    say("its figure again, and how to use it:", unless=json)
    for command in use:
        say(f"  {command}", unless=json)
    if report is not None:
        from tamis.report import render_comparison

        title = f"Which descriptor serves {printable(source)} best"
        write_page(report, render_comparison(result, title=title, commands=use))
        say(f"see {printable(report)}", unless=json)
    warn(
        f"{len(result.candidates)} candidates on {len(drawn)} pictures in "
        f"{time.perf_counter() - start:.1f} s"
    )
    write_json(json, result.to_dict() | {"seconds": time.perf_counter() - start})


def _range(text: str) -> tuple[int, int]:
    """Read ``2-4``, or ``2`` alone."""
    from tamis.errors import InvalidParameterError

    least, _, largest = text.partition("-")
    try:
        return int(least), int(largest or least)
    except ValueError:
        raise InvalidParameterError(f"fuse must be a range such as 2-7. Got {text!r}.") from None
