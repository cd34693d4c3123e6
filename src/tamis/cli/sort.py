"""`tamis sort`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tamis.cli.options import (
    MAX_PIXELS,
    Abstain,
    Budget,
    By,
    Classes,
    ClassifierName,
    Distance,
    GroupBy,
    Jobs,
    Json,
    K,
    MaxMemory,
    MaxPixels,
    NoIcc,
    Quiet,
    Root,
    Sets,
    Strict,
    TakeOutside,
    Trust,
    UnlikeAny,
    Verbose,
    Vote,
)
from tamis.files.transfer import Mode

if TYPE_CHECKING:
    from tamis.classifiers.predictions import Predictions


def sort(
    source: Annotated[str, typer.Option("--input", metavar="DIR", help="Pictures to sort.")],
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder that receives a folder per class.")
    ],
    train: Annotated[
        str | None, typer.Option(metavar="DIR", help="Examples in a folder per class.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="FILE", help="Model of tamis train, instead of examples.")
    ] = None,
    by: By = None,
    classifier: ClassifierName = None,
    k: K = None,
    distance: Distance = "",
    vote: Vote = None,
    budget: Budget = None,
    group_by: GroupBy = None,
    classes: Classes = None,
    abstain: Abstain = None,
    unlike_any: UnlikeAny = None,
    sets: Sets = None,
    mode: Annotated[Mode, typer.Option(help="Way in which pictures come to --out.")] = Mode.COPY,
    sidecars: Annotated[
        bool,
        typer.Option(
            "--sidecars", help="Take along files that go with a picture, such as cat.xmp."
        ),
    ] = False,
    keywords: Annotated[
        bool,
        typer.Option(
            "--keywords",
            help="Write the class of each picture as a keyword into an XMP file beside it, for "
            "programs such as digiKam and darktable.",
        ),
    ] = False,
    keep_folders: Annotated[
        bool,
        typer.Option(
            "--keep-folders", help="Keep the folders of --input below the folder of each class."
        ),
    ] = False,
    learn_from_corrections: Annotated[
        bool,
        typer.Option(
            "--learn-from-corrections",
            help="Learn also from pictures of earlier runs that were moved by hand in --out.",
        ),
    ] = False,
    csv_for_spreadsheets: Annotated[
        bool,
        typer.Option(
            "--csv-for-spreadsheets",
            help="Put an apostrophe before cells of CSV files that look like formulas.",
        ),
    ] = False,
    root: Root = None,
    trust: Trust = False,
    follow_links: TakeOutside = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")
    ] = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    strict: Strict = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Sort pictures into class folders, by example.

    Each picture goes to the class that its nearest examples vote for, or to the one
    that a trained model takes for the likeliest. Nothing is overwritten; `tamis undo`
    takes everything back; a run that was interrupted is finished by the same command,
    and by no other.
    Beside the class folders: predictions.csv and report.html.

    Sorting again makes the folder what the new answers say: what an earlier run placed
    goes to another folder if nobody touched it. What was moved by hand stays, and is
    listed in corrections.csv.

        tamis sort --train examples --input photos --out sorted --by color

        tamis sort --model animals.tamis --input photos --out sorted
    """
    import os
    import time
    from dataclasses import asdict
    from functools import partial

    from tamis.cli import sorting_again, writing
    from tamis.cli.answering import answer, teacher
    from tamis.cli.console import as_dicts, say, warn, warn_failures, write_json
    from tamis.cli.notes import check_apart, print_remarks, roots
    from tamis.dataset import Dataset
    from tamis.dataset.grouping import WORDS
    from tamis.errors import printable
    from tamis.evaluation.signature import versions
    from tamis.files.lock import locked
    from tamis.images import DEFAULT_MAX_PIXELS
    from tamis.report.promises import set_notes
    from tamis.sorting import (
        OUTPUTS,
        Earlier,
        check_destination,
        check_folders,
        outputs,
        plan_sort,
        predictions_as_dicts,
    )
    from tamis.table.sidecars import find_sidecars

    start = time.perf_counter()
    sorting_again.check_learning(learn_from_corrections, model)
    how = teacher(
        train,
        model,
        by=by,
        classifier=classifier,
        k=k,
        distance=distance,
        vote=vote,
        classes=classes,
        trust=trust,
        budget=budget,
        group_by=group_by,
    )
    check_folders(out, train=train, source=source)
    check_apart(
        "The examples have their classes already: name other pictures. How well examples are told "
        "apart is for tamis evaluate.",
        **{"--train": train, "--input": source},
    )
    input_root, train_root = roots(root, source, train)
    check_destination(out, () if how.model is None else how.model.classes)
    settings = writing.options(
        {
            "--by": how.by if model is None else None,
            "--classifier": classifier,
            "-k": k,
            "--distance": distance,
            "--vote": vote,
            "--budget": budget,
            "--classes": classes,
            "--abstain": abstain,
            "--unlike-any": unlike_any,
            "--sets": sets,
            "--mode": str(mode),
            "--sidecars": sidecars,
            "--keywords": keywords,
            "--keep-folders": keep_folders,
            "--learn-from-corrections": learn_from_corrections,
            "--csv-for-spreadsheets": csv_for_spreadsheets,
            "--follow-links": follow_links,
            "--max-pixels": max_pixels if max_pixels != DEFAULT_MAX_PIXELS else None,
            "--max-memory": max_memory if max_memory != 1000 else None,
            "--no-icc": no_icc,
        },
        paths={
            "--group-by": group_by,
            "--train": train,
            "--model": model,
            "--input": source,
            "--root": root,
        },
        words=WORDS,
    )
    with locked(out, inside=True):
        if dry_run:
            writing.warn_if_interrupted(out)
        else:
            writing.finish_interrupted(out, command="sort", settings=settings, json=json)
        earlier = Earlier.read(out)
        opened = Dataset.open(
            source,
            root=input_root,
            exclude=[out] if train is None else [out, train],
            follow_links=follow_links,
            may_be_empty=bool(earlier.moved_from(source)),
        )
        pictures = print_remarks(opened.to_take(follow_links=follow_links) if opened else opened)
        pictures = sorting_again.with_moved(pictures, earlier)
        learned, answers = answer(
            how,
            pictures,
            root=train_root,
            follow_links=follow_links,
            check_folders=partial(check_destination, out),
            more=sorting_again.examples_of(earlier, classes) if learn_from_corrections else (),
            jobs=jobs,
            max_pixels=max_pixels,
        )
        beside = find_sidecars(answers.paths)
        if sets is not None:
            answers = learned.with_sets(answers, sets)
        aside = learned.set_aside(answers, abstain=abstain, unlike_any=unlike_any)
        plan = plan_sort(
            answers, out, mode=mode, sidecars=beside if sidecars else None, aside=aside,
            earlier=earlier, root=pictures.table.root or None, keep_folders=keep_folders,
            keywords=keywords,
        )  # fmt: skip
        warn_failures(plan.failures)
        failures = (*learned.failures, *answers.failures, *plan.failures)
        placed: list[str] = []
        unplaced: list[dict[str, str]] = []
        if dry_run:
            for transfer in plan.transfers:
                say(f"{printable(transfer.source)}\t{printable(transfer.destination)}", unless=json)
            for place, xmp in plan.keywords.items():
                say(f"keyword {printable(xmp.label or '')}\t{printable(place)}", unless=json)
        else:
            made = outputs(
                answers,
                plan,
                title=f"{os.path.basename(os.path.abspath(source))}, sorted",
                unused=learned.failures,
                ignored=pictures.table.ignored,
                aside=aside,
                coverage=sets,
                for_spreadsheets=csv_for_spreadsheets,
                max_pixels=max_pixels,
            )
            outcome, placed = writing.carry_out(
                plan,
                out,
                command="sort",
                mode=mode,
                made=made,
                absent=[name for name in OUTPUTS if name not in made],
                settings=settings,
            )
            warn_failures(outcome.failures, doing="could not place")
            unplaced = as_dicts(outcome.failures)
    _warn_if_examples(answers, learned.examples)

    per_class = sorting_again.per_class(plan, (*answers.classes, *aside.spare))
    for label, count in per_class.items():
        say(f"{printable(label)}\t{count}", unless=json)
    for note in (*aside.notes, *set_notes(answers, sets)):
        warn(note)
    verb = "would sort" if dry_run else "sorted"
    n_sorted, n_sidecars = sorting_again.counts(plan, {one["path"] for one in unplaced})
    summary = f"{verb} {n_sorted} of {len(answers) + len(answers.failures)} pictures"
    if n_sidecars:
        what = "file that goes" if n_sidecars == 1 else "files that go"
        summary += f" and {n_sidecars} {what} with them"
    if plan.keywords:
        n_keywords = len(plan.keywords)
        summary += f"; {n_keywords} XMP file{'s' * (n_keywords != 1)} with a keyword"
    summary += sorting_again.summary(plan)
    if answers.failures:
        summary += f"; {len(answers.failures)} could not be read"
    warn(f"{summary}, in {time.perf_counter() - start:.1f} s")
    sorting_again.tell(plan, learned=learn_from_corrections)
    for file in placed:
        warn(f"see {printable(file)}")
    in_place = {
        *plan.present, *plan.resorted, *plan.edited, *plan.removed,
        *(one.path for one in plan.corrections), *(failure.path for failure in plan.failures),
    }  # fmt: skip
    left = [one for path in answers.paths if path not in in_place for one in beside.get(path, ())]
    if left and not sidecars:
        _warn_left(left)
    if not dry_run:
        warn(f"to take it all back: tamis undo {printable(out)}")
    write_json(
        json,
        {
            "out": out,
            "dry_run": dry_run,
            "mode": str(mode),
            "n_images": len(answers),
            "n_sorted": n_sorted,
            "n_sidecars": n_sidecars,
            "n_keywords": len(plan.keywords),
            **sorting_again.as_json(plan),
            "classes": {label: n for label, n in per_class.items() if label not in aside.spare},
            "predictions": predictions_as_dicts(answers, plan),
            "promise": None if aside.promise is None else asdict(aside.promise),
            "unlike_any": unlike_any,
            "signature": versions() | answers.settings,
            "failures": as_dicts(failures),
            "unplaced": unplaced,
            "ignored": list(pictures.table.ignored),
            "seconds": time.perf_counter() - start,
        },
    )
    if unplaced or (strict and failures):
        raise typer.Exit(1)


def _warn_if_examples(answers: "Predictions", examples: Sequence[str]) -> None:
    """Say that pictures were sorted by themselves: the folder to sort is a class, or holds one."""
    import os

    from tamis.cli.console import warn
    from tamis.errors import printable

    known = {os.path.realpath(path) for path in examples}
    shared = [path for path in answers.paths if os.path.realpath(path) in known]
    where = ", where each finds itself" if answers.settings.get("k") else ""
    if shared:
        warn(
            f"{len(shared)} of the {len(answers)} pictures are among the examples{where} "
            f"({printable(shared[0])} is one). If their folder is no class, move it "
            "out of the training folder."
        )


def _warn_left(sidecars: Sequence[str]) -> None:
    """Say that files which go with pictures were not taken along."""
    import os

    from tamis.cli.console import warn
    from tamis.errors import printable

    kinds = sorted({os.path.splitext(path)[1].lower() for path in sidecars})
    what = "1 file that goes with a picture stays where it is"
    if len(sidecars) > 1:
        what = f"{len(sidecars)} files that go with pictures stay where they are"
    shown = ", ".join(map(printable, kinds[:8])) + (", ..." if len(kinds) > 8 else "")
    warn(f"{what} ({shown}); --sidecars takes such files along")
