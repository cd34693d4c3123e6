"""`tamis evaluate`."""

from typing import Annotated

import typer

from tamis.cli.console import (
    By,
    ClassifierName,
    Distance,
    FollowLinks,
    Jobs,
    Json,
    MaxMemory,
    MaxPixels,
    NoIcc,
    Strict,
    Trust,
    writes,
)
from tamis.files.kinds import PAGE

_CLASSIFYING = "Classification"
_RETRIEVING = "Retrieval"


def evaluate(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="DIR", help="A folder per class: each picture is looked for among the others."
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="A folder per class.", rich_help_panel=_CLASSIFYING),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Or a model, as tamis train writes it.",
            rich_help_panel=_CLASSIFYING,
        ),
    ] = None,
    trust: Trust = False,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="A folder per class, or a blind test folder.",
            rich_help_panel=_CLASSIFYING,
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "--k",
            "-k",
            min=1,
            help="Neighbours that vote.",
            show_default="5",
            rich_help_panel=_CLASSIFYING,
        ),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write an HTML report with pictures.",
            callback=writes(PAGE),
            rich_help_panel=_CLASSIFYING,
        ),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="What is searched: a folder per class.", rich_help_panel=_RETRIEVING
        ),
    ] = None,
    queries: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="What is looked for: a folder per class, or a blind test folder.",
            rich_help_panel=_RETRIEVING,
        ),
    ] = None,
    depth: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N,...",
            help="Results to look at; several with commas between.",
            show_default="10",
            rich_help_panel=_RETRIEVING,
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B,...",
            help="Take only these classes; give it again for names with commas.",
            rich_help_panel=_RETRIEVING,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Take only these parts of a split.",
            rich_help_panel=_RETRIEVING,
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="CSV", help="path,label of a blind test.", show_default="DIR-truth.csv"
        ),
    ] = None,
    by: By = None,
    classifier: ClassifierName = None,
    distance: Distance = "",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = 200_000_000,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    strict: Strict = False,
    json: Json = None,
) -> None:
    """Score how well pictures whose class is known are found, or classified.

    Retrieval: each picture of DIR is looked for among the others, or each of --queries
    in --gallery; a result is right if it has the same class. Classification: --train
    teaches, or --model has learned, and --test is scored. The truth comes from the class
    folders or, after `tamis split --blind`, from the manifest beside it. Figures have
    95 % intervals.

        tamis evaluate photos --by color --depth 10,50

        tamis evaluate --train parts/train --test parts/test --by color --report report.html

        tamis evaluate --model animals.tamis --test parts/test
    """
    from tamis.cli.answering import teacher
    from tamis.cli.evaluation.classification import score_classification
    from tamis.cli.evaluation.retrieval import parse_depths, score_retrieval
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
    if source is None and gallery is None and queries is None:
        if test is None or (train is None and model is None):
            raise InvalidParameterError(
                "--train and --test are needed both, or --model and --test."
            )
        _refuse("retrieval", {"--depth": depth, "--classes": classes, "--split": split})
        skipped = score_classification(
            teacher(
                train, model, by=by, classifier=classifier, k=k, distance=distance, trust=trust
            ),
            test,
            truth=truth,
            report=report,
            follow_links=follow_links,
            seed=seed,
            jobs=jobs,
            max_pixels=max_pixels,
            json=json,
        )
    else:
        _refuse("classification", {"-k": k, "--report": report, "--classifier": classifier})
        if source is None and (gallery is None or queries is None):
            raise InvalidParameterError("--gallery and --queries are needed both.")
        skipped = score_retrieval(
            source or gallery or "",
            queries,
            depths=parse_depths(depth) if depth else None,
            classes=classes,
            splits=split,
            truth=truth,
            by=by or "color",
            distance=distance,
            follow_links=follow_links,
            seed=seed,
            jobs=jobs,
            max_pixels=max_pixels,
            json=json,
        )
    if strict and skipped:
        raise typer.Exit(1)


def _refuse(kind: str, options: dict[str, object]) -> None:
    from tamis.errors import InvalidParameterError

    for name, value in options.items():
        if value is not None:
            raise InvalidParameterError(f"{name} is for the scoring of {kind}. Leave it out.")
