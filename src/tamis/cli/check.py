"""`tamis check`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tamis.cli.options import (
    MAX_PIXELS,
    By,
    Classes,
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
    Strict,
)

if TYPE_CHECKING:
    from tamis.checking import Checkup
    from tamis.dataset import Dataset

_ALL = "all"
_SHOWN = 20  # pairs of classes, and findings of a kind, that are printed


def check(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="Examples in a folder per class, a list with labels, a collection."
        ),
    ],
    by: By = None,
    classifier: Annotated[
        str,
        typer.Option(
            "--classifier",
            metavar="NAME",
            help="Classifier whose answers without an example are asked: auto, or the quicker "
            "probe.",
        ),
    ] = "auto",
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            help="Write the doubtful examples as a table to FILE, for --apply.",
        ),
    ] = None,
    report: Report = None,
    apply: Annotated[
        str | None,
        typer.Option(
            "--apply",
            metavar="FILE",
            help="Move examples to the class that the column to of FILE says, a table of --csv "
            "that you have gone through: write the class that a picture has to confirm it, remove "
            "the row to leave it open. The word all moves every doubtful example.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="With --apply: print what would be moved, move nothing."),
    ] = False,
    classes: Classes = None,
    seed: Seed = 0,
    root: Root = None,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    strict: Strict = False,
    quiet: Quiet = False,
    json: Json = None,
) -> None:
    """Find examples in the wrong class, odd classes, and pictures that show too little.

    Every example is answered for by a fit without it, and by its nearest neighbours. Prints a
    line per doubtful example, the most doubtful first: its class, the likeliest other class,
    how likely this is, its path. Nothing is moved without --apply, and `tamis undo DIR` takes
    the moves back.

        tamis check examples --report doubtful.html --csv doubtful.csv

        tamis check examples --apply doubtful.csv
    """
    import time

    from tamis.checking import check as check_examples
    from tamis.cli.console import as_dicts, say, warn, warn_failures, write_json, write_page
    from tamis.cli.notes import chosen_by, print_remarks
    from tamis.cli.progress import progress
    from tamis.dataset import Dataset
    from tamis.errors import InvalidParameterError, printable
    from tamis.evaluation.signature import program, versions

    start = time.perf_counter()
    if apply is None and dry_run:
        raise InvalidParameterError("--dry-run belongs to --apply. Add it, or leave it out.")
    if apply not in (None, _ALL) and (csv is not None or report is not None):
        raise InvalidParameterError(
            "--apply FILE carries out what is decided, and looks for nothing: --csv and --report "
            "belong to a check. Leave one of them out."
        )
    if apply is not None and not dry_run:
        _finish(source, apply, json)
    opened = Dataset.open(
        source, role="scored", classes=classes, root=root, follow_links=follow_links
    )
    opened = print_remarks(opened.labelled())
    if apply is not None and apply != _ALL:
        done = _apply(opened, source, apply, dry_run, json)
        write_json(json, {"moved": done, "signature": program()})
        if done["failures"]:
            raise typer.Exit(1)
        return
    found = check_examples(
        opened,
        by=chosen_by(opened, by),
        classifier=classifier,
        seed=seed,
        jobs=jobs,
        max_pixels=max_pixels,
        stages=progress,
    )
    for remark in found.remarks:
        warn(remark)
    warn_failures(found.failures)
    if json != "-":
        _print(found)
    warn(
        f"{len(found)} of {found.n_checked} examples are doubtful, in "
        f"{time.perf_counter() - start:.1f} s"
    )
    if left := len(opened) - found.n_checked - len(found.failures):
        warn(f"{left} could not be checked: alone in the class, or with a copy among the others")
    if found.n_confirmed:
        are = "is" if found.n_confirmed == 1 else "are"
        warn(f"{found.n_confirmed} more would be, and {are} confirmed")
    if csv is not None:
        found.to_csv(csv)
        say(f"see {printable(csv)}", unless=json)
    if report is not None:
        from tamis.report import render_checkup

        page = render_checkup(
            found,
            title=f"{printable(opened.source)}, what is doubtful",
            versions=versions("scikit-learn", "onnxruntime"),
            max_pixels=max_pixels,
            jobs=jobs,
        )
        write_page(report, page)
        say(f"see {printable(report)}", unless=json)
    moved = None if apply is None else _apply(found, source, apply, dry_run, json)
    write_json(
        json,
        found.to_dict()
        | {
            "moved": moved,
            "signature": {**found.signature, **program()},
            "failures": as_dicts(found.failures),
            "ignored": list(opened.table.ignored),
            "seconds": time.perf_counter() - start,
        },
    )
    if (strict and found.failures) or (moved is not None and moved["failures"]):
        raise typer.Exit(1)


def _print(found: "Checkup") -> None:
    from tamis.cli.console import say
    from tamis.errors import printable

    for one in found.suspects:
        said = f"{printable(one.label)}\t{printable(one.answer)}\t{one.likelihood:.2f}"
        say(f"{said}\t{printable(one.path)}")
    if found.noise:
        say("which class is taken for which:")
        for label, answer, n in found.noise[:_SHOWN]:
            say(f"  {n} of {printable(label)} for {printable(answer)}")
        if (more := len(found.noise) - _SHOWN) > 0:
            say(f"  and {more} other pairs")
    if found.classes:
        say("odd classes:")
        for finding in found.classes:
            say(f"  {finding.sentence}")
    if found.looks:
        say("pictures that show too little:")
        for look in found.looks[:_SHOWN]:
            say(f"  {look.kind}\t{printable(look.path)}")
        if (more := len(found.looks) - _SHOWN) > 0:
            say(f"  and {more} more")


def _settings(source: str, apply: str) -> dict[str, object]:
    from tamis.cli import writing

    return writing.options({"--apply": apply}, paths={"DIR": source})


def _finish(source: str, apply: str, json: str | None) -> None:
    """Finish an earlier run in the folder if it was interrupted."""
    import os

    from tamis.cli import writing
    from tamis.files.lock import locked
    from tamis.files.result import FOLDER

    if os.path.isdir(os.path.join(source, FOLDER)):
        with locked(source, inside=True):
            settings = _settings(source, apply)
            writing.finish_interrupted(source, command="check", settings=settings, json=json)


def _apply(
    found: "Checkup | Dataset", source: str, apply: str, dry_run: bool, json: str | None
) -> "dict[str, object]":
    """Move the examples, and remember the confirmed; gives what became of it."""
    from tamis.checking import relabel
    from tamis.cli import writing
    from tamis.cli.console import as_dicts, counted, say, warn, warn_failures
    from tamis.errors import printable
    from tamis.files.lock import locked
    from tamis.files.transfer import Mode

    plan = relabel(found, None if apply == _ALL else apply)
    warn_failures(plan.failures, doing="moving")
    failures = list(plan.failures)
    n_moved = 0
    if dry_run:
        for transfer in plan.transfers:
            say(f"{printable(transfer.source)}\t{printable(transfer.destination)}", unless=json)
        warn(f"would move {counted(len(plan.transfers), 'picture')} within {printable(plan.out)}")
    else:
        plan.remember()
        if plan.confirmed:
            confirmed = counted(len(plan.confirmed), "picture")
            warn(f"confirmed {confirmed}, which will not be asked for again")
        if plan.transfers:
            with locked(plan.out, inside=True):
                outcome, _ = writing.carry_out(
                    plan, plan.out, command="check", mode=Mode.MOVE,
                    settings=_settings(source, apply),
                )  # fmt: skip
            warn_failures(outcome.failures, doing="could not move")
            failures += outcome.failures
            n_moved = outcome.done
        warn(f"moved {counted(n_moved, 'picture')} to another class within {printable(plan.out)}")
        if n_moved:
            warn(f"to take it back: tamis undo {printable(plan.out)}")
    return {
        "dry_run": dry_run,
        "n_moved": n_moved,
        "n_confirmed": len(plan.confirmed),
        "failures": as_dicts(failures),
    }
