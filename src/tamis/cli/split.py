"""`tamis split`."""

from typing import Annotated

import typer

from tamis.cli.options import (
    Classes,
    GroupBy,
    Json,
    Quiet,
    Root,
    Seed,
    TakeOutside,
    Verbose,
)
from tamis.files.transfer import Mode


def split(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help="Pictures in a folder per class, or a list.")
    ],
    out: Annotated[str, typer.Argument(metavar="OUT", help="New or empty folder for the parts.")],
    ratio: Annotated[
        tuple[float, float, float] | None,
        typer.Option(help="Shares of train, val and test.", show_default="0.7 0.0 0.3"),
    ] = None,
    seed: Seed = 0,
    folds: Annotated[
        int | None,
        typer.Option(min=2, metavar="K", help="Make K folds instead, each with train/ and test/."),
    ] = None,
    blind: Annotated[
        bool,
        typer.Option(
            "--blind",
            help="Give the pictures of test/ neutral names, and write the truth beside it.",
        ),
    ] = False,
    group_by: GroupBy = None,
    classes: Classes = None,
    mode: Annotated[Mode, typer.Option(help="Way in which files come to OUT.")] = Mode.COPY,
    force: Annotated[
        bool, typer.Option("--force", help="Undo an earlier split in OUT first.")
    ] = False,
    root: Root = None,
    follow_links: TakeOutside = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Split class folders into train, val and test.

    Every class in the same proportions, at random by --seed, the same on every
    machine. A class of one picture goes to train, of two to train and test. Files with
    the same content, whatever their names, go to the same part.

        tamis split photos parts --ratio 0.7 0 0.3 --seed 0 --blind
    """
    import os
    import time

    from tamis.cli import writing
    from tamis.cli.console import as_dicts, say, warn, warn_failures, write_json
    from tamis.cli.notes import print_remarks
    from tamis.cli.progress import progress
    from tamis.dataset import Dataset
    from tamis.dataset import split as plan_of
    from tamis.dataset.grouping import WORDS
    from tamis.dataset.verbs import check_folds
    from tamis.errors import InvalidParameterError, printable
    from tamis.evaluation.signature import program
    from tamis.files.lock import locked
    from tamis.sorting import check_destination
    from tamis.splits import only_class
    from tamis.splits.assign import DEFAULT_RATIO

    start = time.perf_counter()
    if folds is not None and ratio is not None:
        raise InvalidParameterError(
            "--folds and --ratio exclude each other: each of K folds is the test part of the "
            "others. Leave one of them out."
        )
    check_folds(folds, mode)
    ratio = ratio or DEFAULT_RATIO
    settings = writing.options(
        {
            "--ratio": ratio if folds is None else None,
            "--seed": seed,
            "--folds": folds,
            "--blind": blind,
            "--classes": classes,
            "--mode": str(mode),
            "--follow-links": follow_links,
        },
        paths={
            "SRC": source,
            "--group-by": group_by,
            "--root": root,
        },
        words=WORDS,
    )
    check_destination(out, ())
    with locked(out, inside=True):
        writing.finish_interrupted(out, command="split", settings=settings, force=force, json=json)
        writing.make_room(out, force=force)
        opened = Dataset.open(
            source, role="examples", root=root, classes=classes, exclude=[out],
            follow_links=follow_links,
        )  # fmt: skip
        planned = plan_of(
            print_remarks(opened), out, ratio=ratio, folds=folds, blind=blind, groups=group_by,
            seed=seed, mode=mode, follow_links=follow_links, stages=progress,
        )  # fmt: skip
        table = print_remarks(planned.images).table
        if not classes and (remark := only_class(table)):
            warn(remark)
        plan, copies = planned.placements, planned.copies
        if copies:
            warn(
                f"{sum(map(len, copies))} pictures have the same content as others: each group of "
                f"copies stays in one part (groups: {len(copies)})"
            )
        if (alike := planned.duplicates) is not None:
            warn(
                f"{len(alike.together())} pictures look like others: each of "
                f"{len(set(alike.together().values()))} groups stays in one part "
                f"(same picture: {len(alike) - alike.count('burst')}, bursts: "
                f"{alike.count('burst')})"
            )
        outcome, _ = writing.carry_out(
            plan, out, command="split", mode=mode, made=planned.manifests, settings=settings
        )

    for part, counts in plan.counts.items():
        if lacking := [label for label in table.classes if not counts[label]]:
            warn(f"{part} has no picture of {', '.join(map(printable, lacking))}")
    warn_failures(table.failures)
    warn_failures(outcome.failures, doing="could not place")
    failures = (*table.failures, *outcome.failures)
    for part, counts in plan.counts.items():
        say(f"{os.path.join(out, part)}\t{counts.total()} pictures", unless=json)
    for manifest in plan.truth:
        say(f"{os.path.join(out, manifest)}\tthe true classes", unless=json)
    write_json(
        json,
        {
            "n_images": len(table),
            "classes": table.classes,
            "parts": {part: dict(sorted(counts.items())) for part, counts in plan.counts.items()},
            "truth": list(plan.truth),
            "n_copies": sum(map(len, copies)),
            "duplicates": None if alike is None else alike.to_dict(),
            "copies": [[table.paths[row] for row in rows] for rows in copies],
            "signature": {
                "seed": seed,
                **({"ratio": list(ratio)} if folds is None else {"folds": folds}),
                "blind": blind,
                "group_by": group_by,
                "mode": str(mode),
                **program(),
            },
            "ignored": list(table.ignored),
            "failures": as_dicts(failures),
            "seconds": time.perf_counter() - start,
        },
    )
    if failures:
        raise typer.Exit(1)
