"""`tamis compare`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tamis.cli.console import (
    Classes,
    Distance,
    FollowLinks,
    Jobs,
    Json,
    MaxMemory,
    MaxPixels,
    NoIcc,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.descriptors import Descriptor
    from tamis.evaluation.comparison_result import Candidate, Comparison
    from tamis.features import FeatureTable


def compare(
    source: Annotated[
        str, typer.Argument(metavar="DIR", help="A folder per class, or a collection.")
    ],
    by: Annotated[
        str, typer.Option(metavar="SPECS", help="Descriptors, with commas between.")
    ] = "color,hsv,lbp,edge,hog,gabor,daisy",
    fuse: Annotated[
        str, typer.Option(metavar="A-B", help="Also score all fusions of A to B of them.")
    ] = "1-1",
    depth: Annotated[
        int | None, typer.Option(min=1, help="Results that count.", show_default="10")
    ] = None,
    distance: Distance = "",
    method: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="How to fuse: early (vectors), sum (of distances) or rrf (of ranks).",
            show_default="as a+b does",
        ),
    ] = "",
    scale: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Weights in a fusion: by median distance, by deviation, learned, or none.",
        ),
    ] = "median",
    unit: Annotated[
        str,
        typer.Option(metavar="NORM", help="Divide vectors by their l1 or l2 norm first, or none."),
    ] = "none",
    folds: Annotated[int, typer.Option(min=2, help="Of the nested cross-validation.")] = 5,
    classes: Classes = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Take only these parts of a split.",
            show_default="all but test",
        ),
    ] = None,
    most: Annotated[
        int, typer.Option(min=10, help="Compare on so many pictures, drawn at random, at most.")
    ] = 4000,
    seed: Annotated[int, typer.Option(help="Of the draw, the folds and the bootstrap.")] = 0,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = 200_000_000,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    json: Json = None,
) -> None:
    """Find the descriptor, or the fusion of several, that serves pictures best.

    Scores each by leave-one-out retrieval: every picture asks for the ones most like
    it, and those of its class are right. The best of many figures flatters; the
    honest figure beside it comes from pictures that had no say in the choice.

        tamis compare photos --by color,lbp,gist,edge --fuse 2-4
    """
    import shlex
    import time

    from tamis.cli.console import as_dicts, progress, say, warn, warn_failures, write_json
    from tamis.cli.notes import told
    from tamis.cli.tables import print_comparison
    from tamis.dataset import Dataset
    from tamis.descriptors import descriptor, split_specs
    from tamis.distances import check_distance
    from tamis.errors import InvalidParameterError, printable
    from tamis.evaluation.comparison import DEFAULT_DEPTH
    from tamis.evaluation.comparison import compare as score
    from tamis.splits import check_classes, check_one_fold
    from tamis.splits.assign import draw

    start = time.perf_counter()
    try:
        least, largest = (
            int(word) for word in (fuse if "-" in fuse else f"{fuse}-{fuse}").split("-")
        )
    except ValueError:
        raise InvalidParameterError(f"fuse must be a range such as 2-7. Got {fuse!r}.") from None
    if distance:
        check_distance(distance)
    several = [descriptor(spec) for spec in split_specs(by)]
    _check_made(several, largest)
    opened = told(
        Dataset.open(
            source, role="examples", classes=classes, parts=split, follow_links=follow_links
        )
    )
    table = opened.table
    if split is None:
        check_one_fold(table)
        # To choose is to learn: the test part is to stay unseen.
        kept = [row for row, part in enumerate(table.splits) if part != "test"]
        if 0 < len(kept) < len(table):
            warn(f"leaving the part test of {printable(source)} alone; --split takes it too")
            split = ",".join(sorted({part for part in table.splits if part and part != "test"}))
            table = table.select(kept)
    check_classes(table, purpose="a comparison")
    table = told(opened.having(table).labelled()).table
    n_all = len(table)
    if n_all > most:
        warn(f"comparing on {most} of {n_all} pictures, drawn at random; --most takes more")
        table = table.select(draw(table, most, seed=seed))
    leaves = {leaf.spec: leaf for one in several for leaf in one.leaves}
    with progress("pictures", len(table)) as advance:
        found = opened.having(table).features_by(
            list(leaves.values()), jobs=jobs, max_pixels=max_pixels, progress=advance
        )
    warn_failures(found[0].failures)
    by_spec = dict(zip(leaves, found, strict=True))
    tables = [
        _fitted(one, [by_spec[leaf.spec] for leaf in one.leaves], distance) for one in several
    ]
    n_candidates = _combinations(len(several), least, largest)
    with progress("combinations", n_candidates * (folds + 1) + folds) as advance:
        result = score(
            tables,
            fuse=(least, largest),
            depth=depth,
            distance=distance,
            method=method,
            scale=scale,
            unit=unit,
            folds=folds,
            seed=seed,
            jobs=jobs,
            progress=advance,
        )
    used = int(result.signature["depth"])
    if depth is None and used < DEFAULT_DEPTH:
        warn(f"only {used} pictures to choose from: depth {used} instead of {DEFAULT_DEPTH}")
    if json != "-":
        print_comparison(result)
    winner = _spec(several, result, result.candidates[0])
    options = f"--by {shlex.quote(winner)}" + (f" --distance {distance}" if distance else "")
    say("its figure again, and how to use it:", unless=json)
    again = f"tamis evaluate {shlex.quote(printable(source))} {options} --depth {used}"
    if len(table) < n_all:
        again += "    (of all pictures, not of those drawn)"
    else:
        again += "".join(f" --classes {shlex.quote(printable(one))}" for one in classes or ())
        again += f" --split {shlex.quote(printable(split))}" if split else ""
    say(f"  {again}", unless=json)
    say(f"  tamis sort --train DIR --input DIR --out DIR {options}", unless=json)
    warn(
        f"{n_candidates} candidates on {len(table)} pictures in {time.perf_counter() - start:.1f} s"
    )
    write_json(
        json,
        {
            "candidates": [
                {
                    "by": [result.specs[part] for part in one.parts],
                    "spec": _spec(several, result, one),
                    "depth": used,
                    "mmap": one.mmap,
                    "mmap_all": one.mmap_all,
                    "precision": one.precision,
                }
                for one in result.candidates
            ],
            "winner": winner,
            "nested_mmap": result.nested,
            "chosen": [[result.specs[part] for part in parts] for parts in result.chosen],
            "leads": [
                {
                    "over": [result.specs[part] for part in one.other],
                    "difference": one.difference,
                    "interval": list(one.interval),
                }
                for one in result.leads
            ],
            "signature": result.signature,
            "n_images": len(tables[0]),
            "failures": as_dicts(tables[0].failures),
            "seconds": time.perf_counter() - start,
        },
    )


def _check_made(several: "Sequence[Descriptor]", largest: int) -> None:
    """Refuse what cannot be compared, before anything is computed."""
    from tamis.errors import InvalidParameterError

    for one in several:
        if one.learns_classes:
            raise InvalidParameterError(
                f"{one.spec} learns from the classes by which it would be scored. Name its parts, "
                "and take --fuse with --scale learned, which is scored by folds."
            )
        if largest > 1 and one.leaves != (one,):
            raise InvalidParameterError(
                f"{one.spec} is made of others already and cannot be fused. Compare it without "
                "--fuse."
            )


def _fitted(one: "Descriptor", leaves: "list[FeatureTable]", distance: str) -> "FeatureTable":
    """Fit a reduction or a fusion to the pictures that are compared; it sees no class."""
    from dataclasses import replace

    from tamis.features import combine

    if not one.fitted:
        one = one.fit([leaf.features for leaf in leaves], distance=distance)
    found = combine(one, leaves)
    return replace(found, distance=one.compared_by(distance)) if one.leaves != (one,) else found


def _spec(several: "Sequence[Descriptor]", result: "Comparison", one: "Candidate") -> str:
    """Write a candidate as --by takes it, with the weights that it was scored with."""
    from tamis.descriptors import Fusion

    parts = tuple(several[part] for part in one.parts)
    if len(parts) == 1:
        return parts[0].spec
    return Fusion(parts=parts, weights=one.weights, method=result.method, unit=result.unit).spec


def _combinations(n: int, least: int, largest: int) -> int:
    from math import comb

    return sum(comb(n, size) for size in {1, *range(least, largest + 1)})
