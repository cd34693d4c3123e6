"""`tamis serve`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tamis.cli.options import (
    MAX_PIXELS,
    By,
    Classes,
    ClassifierName,
    FollowLinks,
    Jobs,
    MaxMemory,
    MaxPixels,
    NoIcc,
    Root,
    Trust,
)

if TYPE_CHECKING:
    from tamis.web import Served


def serve(
    photos: Annotated[str, typer.Argument(help="Pictures: a folder, a list or a collection.")],
    train: Annotated[
        str | None, typer.Option(metavar="DIR", help="Examples in a folder per class.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="FILE", help="Model of tamis train, instead of examples.")
    ] = None,
    by: By = None,
    classifier: ClassifierName = None,
    classes: Classes = None,
    collection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME.tamis",
            help="Where vectors are kept.",
            show_default="beside the corrections, in PHOTOS.review",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the sorted pictures that the page proposes.",
            show_default="PHOTOS.review/sorted",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free port.")
    ] = 0,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Listen for others too; needs --token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What others must know.", show_default="random"),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    root: Root = None,
    trust: Trust = False,
    follow_links: FollowLinks = False,
    jobs: Jobs = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    max_memory: MaxMemory = 1000,
    no_icc: NoIcc = False,
) -> None:
    """Look at the answers on a local page, correct them, and sort.

    The page shows the pictures, least certain first. Keys give classes; every correction is
    kept at once, in PHOTOS.review, and learned from. Then the page sorts as `tamis sort`
    does, and `tamis undo` takes that back. Ctrl-C ends it; nothing is lost.

        tamis serve photos --train examples
    """
    from tamis.cli.console import say, warn
    from tamis.cli.notes import roots
    from tamis.dataset import Dataset
    from tamis.descriptors import AUTO
    from tamis.errors import InvalidParameterError, printable
    from tamis.model import Model
    from tamis.web import serve as serve_page

    if train is not None and model is not None:
        raise InvalidParameterError("name --train DIR or --model FILE, not both.")
    if train is None and model is None:
        raise InvalidParameterError(
            "say what answers: --train DIR, a folder of examples, or --model FILE, which tamis "
            "train wrote."
        )
    for name, value in {"--by": by, "--classifier": classifier, "--classes": classes}.items():
        if model is not None and value is not None:
            raise InvalidParameterError(f"{name} goes with --train. Leave it out.")
    photo_root, train_root = roots(root, photos, train)

    def ready(served: "Served") -> None:
        for remark in served.remarks:
            warn(remark)
        warn(f"corrections are kept in {printable(served.folder)}; Ctrl-C ends the page")
        say(served.url)

    serve_page(
        Dataset.open(
            photos,
            root=photo_root,
            exclude=[] if train is None else [train],
            follow_links=follow_links,
        ),
        train=None
        if train is None
        else Dataset.open(
            train, role="examples", classes=classes, root=train_root, follow_links=follow_links
        ),
        model=None if model is None else Model.open(model, trust=trust),
        by=by or AUTO,
        classifier=classifier or "auto",
        collection=collection,
        out=out,
        host=host,
        port=port,
        token=token,
        browser=not no_browser,
        jobs=jobs,
        max_pixels=max_pixels,
        ready=ready,
    )
