"""`tamis study`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tamis.cli.options import (
    MAX_PIXELS,
    By,
    Distance,
    FollowLinks,
    Jobs,
    Json,
    K,
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
    from tamis.evaluation import ClassChoice


def study(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="Pictures in a folder per class, a split, or a collection."
        ),
    ],
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--classes",
            metavar="A,B,...",
            help="Classes whose place among all choices is asked for; repeat the option for names "
            "with commas.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=2, help="Number of classes in a choice.", show_default="as many as --classes, or 6"
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Number of choices to draw at random.")] = 1000,
    by: By = None,
    classifier: Annotated[
        str | None,
        typer.Option(
            "--classifier",
            metavar="NAME",
            help="Classifier that learns each choice: knn (the nearest examples vote), "
            "class-means, discriminant, probe or auto.",
            show_default="discriminant; knn with -k or --distance",
        ),
    ] = None,
    k: K = None,
    distance: Distance = "",
    seed: Seed = 0,
    report: Report = None,
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
    """Show what the choice of classes does to accuracy.

    A thousand choices of six classes are learned and scored, and yours has its place
    among them: an accuracy says as much about the classes as about the method. Also which
    classes are confused, and how accuracy falls with the number of classes and grows with
    the number of examples.

        tamis study photos --classes cat,dog,horse --report study.html
    """
    import time

    from tamis.cli.console import as_dicts, say, warn_failures, write_json, write_page
    from tamis.cli.notes import print_remarks
    from tamis.cli.progress import progress
    from tamis.dataset import Dataset
    from tamis.descriptors import AUTO
    from tamis.errors import InvalidParameterError, printable
    from tamis.evaluation import study as study_choices

    start = time.perf_counter()
    opened = Dataset.open(source, role="scored", root=root, follow_links=follow_links)
    known = print_remarks(opened.labelled())
    wanted = known.classes_named(classes or ())
    if size is not None and wanted and size != len(wanted):
        raise InvalidParameterError(
            f"--size is the number of --classes, {len(wanted)}. Got {size}. Leave one out."
        )
    result = study_choices(
        known,
        by=by or AUTO,
        classifier=classifier,
        chosen=wanted,
        size=size or 6,
        draws=draws,
        k=k,
        distance=distance,
        seed=seed,
        jobs=jobs,
        max_pixels=max_pixels,
        stages=progress,
    )
    warn_failures(result.failures)
    if json != "-":
        _print(result)
    if report is not None:
        from tamis.report import render_study

        title = f"What the choice of classes does in {printable(source)}"
        page = render_study(
            result, title=title, ignored=known.table.ignored, max_pixels=max_pixels, jobs=jobs
        )
        write_page(report, page)
        say(f"see {printable(report)}", unless=json)
    write_json(
        json,
        result.to_dict()
        | {
            "n_images": result.n_examples + result.n_test,
            "failures": as_dicts(result.failures),
            "ignored": list(known.table.ignored),
            "seconds": time.perf_counter() - start,
        },
    )
    if strict and result.failures:
        raise typer.Exit(1)


def _print(found: "ClassChoice") -> None:
    """Print the figures, one sentence each."""
    from tamis.cli.console import say
    from tamis.errors import printable
    from tamis.metrics.intervals import wilson_interval
    from tamis.report.class_choice import MEASURE_NAMES, examples_in_words

    values = found.accuracies
    say(
        f"{len(values):,} choices of {found.size} classes: accuracy {values.mean():.1%} in the "
        f"mean, from {values.min():.1%} to {values.max():.1%}"
    )
    if (own := found.chosen) is not None:
        low, high = wilson_interval(round(own.accuracy * own.n_test), own.n_test)
        better = int((values > own.accuracy).sum())
        say(
            f"{printable(', '.join(own.classes))}: accuracy {own.accuracy:.1%} (95 % interval "
            f"{low:.1%} to {high:.1%}), at the percentile {found.percentile:.1f}: {better:,} of "
            f"{len(values):,} choices are told apart better"
        )
        inside = [pair for pair in found.pairs if set(pair[:2]) <= set(own.classes) and pair[2]]
        for first, second, error in inside[:3]:
            say(f"  {printable(first)} and {printable(second)}: {error:.1%} confused")
    say("most confused of all classes, two by two:")
    for first, second, error in found.pairs[:5]:
        say(f"  {printable(first)} and {printable(second)}: {error:.1%}")
    if found.correlations:
        say("what tells the accuracy of a choice without a test picture (rank correlation):")
        for name, value in found.correlations.items():
            say(f"  {value:+.2f}  {MEASURE_NAMES[name]}")
    by_size = ", ".join(f"{point.x}: {point.accuracy:.1%}" for point in found.by_size)
    say(f"accuracy by the number of classes: {by_size}")
    whose = "the chosen classes" if found.chosen is not None else "all classes"
    by_examples = ", ".join(f"{one.x}: {one.accuracy:.1%}" for one in found.learning.points)
    say(f"accuracy of {whose} by the number of examples of each: {by_examples}")
    if words := examples_in_words(found):
        say(words)
    say(" | ".join(f"{key}: {value}" for key, value in found.signature.items()))
