"""`tamis evaluate`."""

from typing import Annotated

import typer

from tamis.cli.console import By, Distance, Jobs, Json, K, MaxPixels, Strict


def evaluate(
    train: Annotated[str, typer.Option(metavar="DIR", help="Examples: a folder per class.")],
    test: Annotated[
        str, typer.Option(metavar="DIR", help="A folder per class, or a blind test folder.")
    ],
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="CSV", help="path,label of a blind test.", show_default="DIR-truth.csv"
        ),
    ] = None,
    by: By = "color",
    k: K = 5,
    distance: Distance = "l1",
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write an HTML report with pictures.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    jobs: Jobs = None,
    max_pixels: MaxPixels = 200_000_000,
    strict: Strict = False,
    json: Json = None,
) -> None:
    """Score how well examples classify pictures whose class is known.

    The truth comes from the class folders of --test or, after `tamis split
    --blind`, from the manifest beside it. Each overall figure has a 95 % interval.

        tamis evaluate --train parts/train --test parts/test --by color --report report.html
    """
    import os
    import time

    from tamis.cli.answering import answer
    from tamis.cli.console import say, warn, write_json
    from tamis.cli.sources import read_table
    from tamis.cli.tables import print_evaluation
    from tamis.descriptors import descriptor
    from tamis.errors import DestinationError, TableError, printable
    from tamis.evaluate import evaluate as score
    from tamis.split import TRUTH_SUFFIX, with_truth

    start = time.perf_counter()
    pictures = read_table(test)
    if truth is None and not pictures.classes:
        truth = os.path.normpath(test) + TRUTH_SUFFIX
        if not os.path.exists(truth):
            raise TableError(
                f"{printable(test)} has no class folders, and there is no {printable(truth)}. "
                "Name the manifest of a blind test by --truth."
            )
    if truth is not None:
        pictures = with_truth(pictures, truth)
    elif None in pictures.labels:
        stray = [row for row, label in enumerate(pictures.labels) if label is None]
        warn(f"leaving out {len(stray)} pictures of {printable(test)} that are in no class folder")
        pictures = pictures.select(
            r for r, label in enumerate(pictures.labels) if label is not None
        )

    known, answers = answer(
        train,
        test,
        pictures,
        descriptor(by),
        k=k,
        distance=distance,
        jobs=jobs,
        max_pixels=max_pixels,
    )
    labels = {
        path: label
        for path, label in zip(pictures.paths, pictures.labels, strict=True)
        if label is not None
    }
    result = score(answers, labels, seed=seed)
    if json != "-":
        print_evaluation(result)
    if report is not None:
        from tamis.report import render

        page = render(
            answers,
            result,
            truth=labels,
            title=f"How well {by} tells {len(result.classes)} classes apart",
            train_failures=known.failures,
            ignored=pictures.ignored,
            max_pixels=max_pixels,
        )
        try:
            with open(report, "w", encoding="utf-8") as file:
                file.write(page)
        except OSError as error:
            raise DestinationError(
                f"cannot write {printable(report)}: {error.strerror}."
            ) from error
        say(f"see {printable(report)}", unless=json)
    write_json(
        json,
        result.to_dict()
        | {"ignored": list(pictures.ignored), "seconds": time.perf_counter() - start},
    )
    if strict and (known.failures or answers.failures):
        raise typer.Exit(1)
