"""`tamis train`."""

from typing import Annotated, Literal

import typer

from tamis.cli.options import (
    MAX_PIXELS,
    Budget,
    Classes,
    Distance,
    FollowLinks,
    GroupBy,
    Jobs,
    Json,
    K,
    MaxMemory,
    NoIcc,
    Quiet,
    Report,
    Root,
    Seed,
    Strict,
    Verbose,
    Vote,
    writes,
)
from tamis.files.kinds import MODEL

_NETWORKS = "Networks"


def train(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR", help="Examples in a folder per class, or a split with train/ and val/."
        ),
    ],
    out: Annotated[
        str,
        typer.Option(metavar="FILE", help="File of the model, NAME.tamis.", callback=writes(MODEL)),
    ],
    classifier: Annotated[
        str,
        typer.Option(
            "--classifier",
            "--net",
            metavar="NAME",
            help="Classifier: auto (chosen by cross-validation), knn, class-means, discriminant or "
            "probe on a descriptor; report, small or finetune on pixels.",
        ),
    ] = "auto",
    by: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Descriptor on which classifiers other than networks learn.",
            show_default="auto",
        ),
    ] = None,
    k: K = None,
    distance: Distance = "",
    vote: Vote = None,
    budget: Budget = None,
    group_by: GroupBy = None,
    classes: Classes = None,
    validation: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of each class set aside for validation, if DIR has no val/.",
            show_default="0, as cross-validation checks the model; 0.2 with a network",
        ),
    ] = None,
    class_weight: Annotated[
        Literal["none", "balanced"],
        typer.Option(
            help="Weights of classes: balanced lets small ones count as much as large ones."
        ),
    ] = "none",
    seed: Seed = 0,
    report: Report = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace FILE if it is a model of tamis.")
    ] = False,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Passes over the training pictures.",
            show_default="as the network's recipe",
            rich_help_panel=_NETWORKS,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Pictures per batch.",
            show_default="16",
            rich_help_panel=_NETWORKS,
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            min=1,
            help="Side of the square to which pictures are scaled.",
            show_default="the network's own",
            rich_help_panel=_NETWORKS,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Augmentation of the training pictures.",
            show_default="as the network's recipe",
            rich_help_panel=_NETWORKS,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Stop after this many epochs without a better validation; 0 never stops.",
            show_default="as the network's recipe",
            rich_help_panel=_NETWORKS,
        ),
    ] = None,
    root: Root = None,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Skip pictures that have more pixels.",
            show_default=str(MAX_PIXELS),
        ),
    ] = None,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
    strict: Strict = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Train a model on pictures whose class is known; it answers without them.

    The default, auto, combines several classifiers on a descriptor (--by) as
    cross-validation says, and learns from all examples. The networks look at the pixels
    themselves and need tamis[train]; one that was interrupted goes on by the same command.
    The accuracy of the model is measured on pictures that it was not taught: those of val/,
    those that a cross-validation left out, or for a network a part of each class.

        tamis train examples --out animals.tamis

        tamis train parts --classifier small --out animals.tamis --report training.html
    """
    from tamis.cli.learning import Options, train_and_tell

    skipped = train_and_tell(
        source,
        out,
        net=classifier,
        by=by,
        k=k,
        distance=distance,
        vote=vote,
        budget=budget,
        group_by=group_by,
        network=Options(
            epochs=epochs, batch_size=batch_size, size=size, augment=augment, patience=patience
        ),
        validation=validation,
        class_weight=None if class_weight == "none" else class_weight,
        root=root,
        follow_links=follow_links,
        classes=classes,
        seed=seed,
        report=report,
        force=force,
        jobs=jobs,
        max_pixels=max_pixels,
        json=json,
    )
    if strict and skipped:
        raise typer.Exit(1)
