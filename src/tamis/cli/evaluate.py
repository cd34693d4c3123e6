"""`tamis evaluate`."""

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
    FollowLinks,
    GroupBy,
    Jobs,
    Json,
    Ks,
    MaxMemory,
    MaxPixels,
    NoIcc,
    Parts,
    Quiet,
    Report,
    Root,
    Seed,
    Sets,
    Strict,
    Trust,
    UnlikeAny,
    Verbose,
    Votes,
    numbers_of,
)

if TYPE_CHECKING:
    from tamis.errors import Failure

_CLASSIFYING = "Classification"
_RETRIEVING = "Retrieval"


def evaluate(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="DIR",
            help="Pictures in a folder per class, each searched for among the others.",
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Examples in a folder per class.", rich_help_panel=_CLASSIFYING
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Model of tamis train, instead of examples.",
            rich_help_panel=_CLASSIFYING,
        ),
    ] = None,
    trust: Trust = False,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Pictures to classify, in a folder per class or a blind test folder.",
            rich_help_panel=_CLASSIFYING,
        ),
    ] = None,
    k: Ks = None,
    report: Report = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Pictures that are searched, in a folder per class.",
            rich_help_panel=_RETRIEVING,
        ),
    ] = None,
    queries: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Pictures to search for, in a folder per class or a blind test folder.",
            rich_help_panel=_RETRIEVING,
        ),
    ] = None,
    depth: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N,...",
            help="Number of results to look at, or several numbers separated by commas.",
            show_default="10",
            rich_help_panel=_RETRIEVING,
        ),
    ] = None,
    classes: Classes = None,
    parts: Parts = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="CSV",
            help="List with the columns path,label, for a blind test.",
            show_default="DIR-truth.csv",
        ),
    ] = None,
    by: By = None,
    classifier: ClassifierName = None,
    distance: Distance = "",
    vote: Votes = None,
    budget: Budget = None,
    group_by: GroupBy = None,
    abstain: Abstain = None,
    unlike_any: UnlikeAny = None,
    sets: Sets = None,
    seed: Seed = 0,
    root: Root = None,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    strict: Strict = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Score how well pictures whose class is known are found, or classified.

    Retrieval: each picture of DIR is looked for among the others, or each of --queries
    in --gallery; a result is right if it has the same class. Classification: --train
    teaches, or --model has learned, and --test is scored. The truth comes from the class
    folders or, after `tamis split --blind`, from the manifest beside it. Figures have
    95 % intervals.

        tamis evaluate photos --depth 10,50

        tamis evaluate --train parts/train --test parts/test --report report.html

        tamis evaluate --train parts --test parts/val --classifier knn -k 1,3,5,10

        tamis evaluate --model animals.tamis --test parts/test
    """
    from tamis.cli.answering import teacher
    from tamis.cli.classification import classification
    from tamis.errors import InvalidParameterError

    forms = {
        "DIR": source is not None,
        "--gallery DIR --queries DIR": gallery is not None or queries is not None,
        "--train DIR --test DIR (or --model FILE --test DIR)": (
            train is not None or model is not None or test is not None
        ),
    }
    if sum(forms.values()) != 1:
        named = " and ".join(form for form, used in forms.items() if used) or "nothing"
        raise InvalidParameterError(
            f"say what to score, in one of three ways: {', or '.join(forms)}. Got {named}."
        )
    skipped: Sequence[Failure]
    if source is None and gallery is None and queries is None:
        if test is None or (train is None and model is None):
            raise InvalidParameterError("give both --train and --test, or both --model and --test.")
        _refuse("retrieval", {"--depth": depth, "--parts": parts})
        ks = numbers_of(k, "-k") if k else []
        votes = [word.strip() for word in (vote or "").split(",") if word.strip()]
        skipped = classification(
            teacher(
                train,
                model,
                by=by,
                classifier=classifier,
                k=ks[0] if ks else None,
                distance=distance,
                vote=votes[0] if votes else None,
                classes=classes if model is None else None,
                trust=trust,
                budget=budget,
                group_by=group_by,
            ),
            test,
            ks=ks,
            votes=votes,
            classes=classes,
            truth=truth,
            abstain=abstain,
            unlike_any=unlike_any,
            sets=sets,
            report=report,
            root=root,
            follow_links=follow_links,
            seed=seed,
            jobs=jobs,
            max_pixels=max_pixels,
            json=json,
        )
    else:
        _refuse(
            "classification",
            {
                "-k": k,
                "--vote": vote,
                "--budget": budget,
                "--group-by": group_by,
                "--report": report,
                "--classifier": classifier,
                "--abstain": abstain,
                "--unlike-any": unlike_any,
                "--sets": sets,
            },
        )
        if source is None and (gallery is None or queries is None):
            raise InvalidParameterError("give both --gallery and --queries.")
        skipped = _retrieval(
            source or gallery or "",
            queries,
            depths=numbers_of(depth, "--depth") if depth else None,
            classes=classes,
            parts=parts,
            truth=truth,
            by=by,
            distance=distance,
            root=root,
            follow_links=follow_links,
            seed=seed,
            jobs=jobs,
            max_pixels=max_pixels,
            json=json,
        )
    if strict and skipped:
        raise typer.Exit(1)


def _retrieval(
    gallery: str,
    queries: str | None,
    *,
    depths: list[int] | None,
    classes: "Sequence[str] | None",
    parts: str | None,
    truth: str | None,
    by: str | None,
    distance: str,
    root: str | None,
    follow_links: bool,
    seed: int,
    jobs: int | None,
    max_pixels: int,
    json: str | None,
) -> "Sequence[Failure]":
    """Score searches and print the figures; gives the files that were skipped."""
    import time

    from tamis.cli.console import warn, warn_failures, write_json
    from tamis.cli.notes import chosen_by, roots, warn_overlap
    from tamis.cli.progress import progress
    from tamis.cli.scored import open_labelled
    from tamis.cli.tables import print_retrieval
    from tamis.descriptors import descriptor
    from tamis.evaluation.galleries import evaluate_gallery, needs_folds
    from tamis.evaluation.retrieval import DEFAULT_DEPTH

    start = time.perf_counter()
    if by:
        descriptor(by)  # wrong words first, before a folder is listed
    # A truth manifest is that of the queries, where there are queries.
    named = [(gallery, truth)] if queries is None else [(gallery, None), (queries, truth)]
    datasets = [
        open_labelled(
            source, csv, classes=classes, parts=parts, root=own, follow_links=follow_links
        )
        for (source, csv), own in zip(named, roots(root, gallery, queries), strict=False)
    ]
    looked_at_by = chosen_by(datasets[0], by)
    if queries is None and needs_folds(looked_at_by):
        warn("weights are learned in 5 folds, so that no picture is scored on its own example")
    result = evaluate_gallery(
        *datasets,
        by=looked_at_by,
        depths=depths,
        distance=distance,
        seed=seed,
        jobs=jobs,
        max_pixels=max_pixels,
        stages=progress,
    )
    warn_failures(result.failures)
    if queries is not None and result.overlap is not None:
        warn_overlap(
            result.overlap,
            ("query is", "queries are"),
            "in the gallery too, where each finds itself",
            {"--gallery": gallery, "--queries": queries},
        )
    used = result.depths[-1].depth
    if depths is None and used < DEFAULT_DEPTH:
        warn(f"only {used} pictures to choose from: depth {used} instead of {DEFAULT_DEPTH}")
    if json != "-":
        print_retrieval(result)
    write_json(
        json,
        result.to_dict()
        | {
            "ignored": [path for dataset in datasets for path in dataset.table.ignored],
            "seconds": time.perf_counter() - start,
        },
    )
    return result.failures


def _refuse(kind: str, options: dict[str, object]) -> None:
    from tamis.errors import InvalidParameterError

    for name, value in options.items():
        if value is not None:
            raise InvalidParameterError(f"{name} is for the scoring of {kind}. Leave it out.")
