"""`tamis duplicates`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tamis.cli.options import (
    MAX_PIXELS,
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
    Strict,
)

if TYPE_CHECKING:
    from tamis.deduplication import Duplicates

_KINDS = "copy,same,burst"


def duplicates(
    source: Annotated[str, typer.Argument(metavar="DIR", help="Pictures: a folder, or a list.")],
    kinds: Annotated[
        str,
        typer.Option(
            metavar="A,B,...",
            help="Kinds to look for: copy (the same bytes), same (saved anew, resized, brighter, a "
            "little cut, grey, with a caption), mirrored, turned, burst (neighbours).",
        ),
    ] = _KINDS,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            help="Write the groups as a table to FILE.",
        ),
    ] = None,
    report: Report = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="best",
            help="Keep the best of each group (most pixels, in colour, sharpest), and move the "
            "others to --out. Bursts are left alone.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="Folder for the others.", show_default="DIR/_duplicates"
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="With --keep: print what would be moved, move nothing."),
    ] = False,
    apart: Annotated[
        list[str] | None,
        typer.Option(
            "--apart",
            metavar="A::B",
            help="Remember that A and B are two pictures, and do not ask again; repeat the option.",
        ),
    ] = None,
    decisions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File that remembers what --apart says.",
            show_default="DIR-duplicates.csv",
        ),
    ] = None,
    classes: Classes = None,
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
    """Find pictures that are there again, in the same or in another form.

    Prints a line per picture: the number of its group, the kind, how far it agrees, its
    path; the best of each group comes first. What counts as the same is learned from the
    pictures themselves. Nothing is deleted: --keep best moves the others, and
    `tamis undo DIR/_duplicates` brings them back.

        tamis duplicates photos --report groups.html

        tamis duplicates photos --keep best
    """
    import os
    import time

    from tamis.cli.console import (
        as_dicts,
        counted,
        say,
        warn,
        warn_failures,
        write_json,
        write_page,
    )
    from tamis.cli.notes import print_remarks
    from tamis.cli.progress import progress
    from tamis.dataset import Dataset
    from tamis.dataset import duplicates as find
    from tamis.deduplication import KINDS
    from tamis.errors import InvalidParameterError, printable
    from tamis.evaluation.signature import program, versions

    start = time.perf_counter()
    if keep not in (None, "best"):
        raise InvalidParameterError(f"--keep takes best. Got {keep!r}.")
    if keep is None and (out is not None or dry_run):
        raise InvalidParameterError("--out and --dry-run belong to --keep best. Add it.")
    wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    if keep is not None:
        _finish(source, wanted, out, json)
    opened = print_remarks(
        Dataset.open(
            source,
            root=root,
            classes=classes,
            follow_links=follow_links,
            exclude=[] if out is None else [out],
        )
    )
    found = find(
        opened,
        kinds=wanted,
        apart=[_pair(word) for word in apart or ()],
        decisions=decisions,
        jobs=jobs,
        max_pixels=max_pixels,
        stages=progress,
    )
    warn_failures(found.failures)
    for number, group in enumerate(found, start=1):
        for path, kind, score in zip(group.paths, group.kinds, group.agreement, strict=True):
            said = f"{number}\t{kind or 'best'}\t{score:.3f}\t{printable(path)}"
            say(said, unless=json)
    counts = ", ".join(f"{found.count(kind)} {kind}" for kind in KINDS if kind in wanted)
    warn(
        f"{counted(len(found), 'group')} among {counted(len(opened), 'picture')} ({counts}); "
        f"{counted(len(found.extra), 'picture')} {'is' if len(found.extra) == 1 else 'are'} there "
        f"again, in {time.perf_counter() - start:.1f} s"
    )
    if found.n_decided:
        warn(f"{counted(found.n_decided, 'pair')} kept apart, as decided")
    signature = {"kinds": ",".join(wanted), **found.thresholds}
    if csv is not None:
        found.to_csv(csv)
        warn(f"see {printable(csv)}")
    if report is not None:
        from tamis.report import duplicate_sheet

        title = f"{os.path.basename(os.path.abspath(source))}, what is there again"
        shown = {k: round(v, 4) if isinstance(v, float) else v for k, v in signature.items()}
        page = duplicate_sheet(
            found, title=title, signature=shown | versions(), max_pixels=max_pixels, jobs=jobs
        )
        write_page(report, page)
        warn(f"see {printable(report)}")
    moved = None if keep is None else _keep(found, source, wanted, out, dry_run, json)
    write_json(
        json,
        found.to_dict()
        | {
            "moved": moved,
            "signature": signature | program(),
            "failures": as_dicts((*opened.table.failures, *found.failures)),
            "ignored": list(opened.table.ignored),
            "seconds": time.perf_counter() - start,
        },
    )
    if (strict and found.failures) or (moved is not None and moved["failures"]):
        raise typer.Exit(1)


def _pair(word: str) -> tuple[str, str]:
    from tamis.errors import InvalidParameterError

    first, between, second = word.partition("::")
    if not (first and between and second):
        raise InvalidParameterError(
            f"--apart takes two pictures with :: between, such as a.jpg::b.jpg. Got {word!r}."
        )
    return first, second


def _settings(source: str, kinds: list[str]) -> dict[str, object]:
    from tamis.cli import writing

    return writing.options({"--kinds": ",".join(kinds), "--keep": "best"}, paths={"DIR": source})


def _finish(source: str, kinds: list[str], out: str | None, json: str | None) -> None:
    """Finish an earlier run into the folder if it was interrupted."""
    import os

    from tamis.cli import writing
    from tamis.deduplication.keeping import FOLDER
    from tamis.files.lock import locked

    place = os.path.join(source, FOLDER) if out is None else out
    if os.path.isdir(place):
        with locked(place, inside=True):
            settings = _settings(source, kinds)
            writing.finish_interrupted(place, command="duplicates", settings=settings, json=json)


def _keep(
    found: "Duplicates", source: str, kinds: list[str], out: str | None, dry_run: bool,
    json: str | None,
) -> "dict[str, object]":  # fmt: skip
    """Move all but the best of each group; gives what became of it."""
    from tamis.cli import writing
    from tamis.cli.console import as_dicts, counted, say, warn, warn_failures
    from tamis.deduplication import keep_best
    from tamis.errors import printable
    from tamis.files.lock import locked
    from tamis.files.transfer import Mode

    plan = keep_best(found, out)
    warn_failures(plan.failures, doing="keeping")
    failures = list(plan.failures)
    n_moved = 0
    if dry_run:
        for transfer in plan.transfers:
            say(f"{printable(transfer.source)}\t{printable(transfer.destination)}", unless=json)
        warn(f"would move {counted(len(plan.transfers), 'picture')} into {printable(plan.out)}")
    elif plan.transfers:
        with locked(plan.out, inside=True):
            outcome, _ = writing.carry_out(
                plan, plan.out, command="duplicates", mode=Mode.MOVE,
                settings=_settings(source, kinds),
            )  # fmt: skip
        warn_failures(outcome.failures, doing="could not move")
        failures += outcome.failures
        n_moved = outcome.done
        warn(f"moved {counted(n_moved, 'picture')} into {printable(plan.out)}")
        warn(f"to take it all back: tamis undo {printable(plan.out)}")
    return {"out": plan.out, "dry_run": dry_run, "n_moved": n_moved, "failures": as_dicts(failures)}
