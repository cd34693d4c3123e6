"""Options that several commands take, each declared once."""

import os
from collections.abc import Callable
from typing import Annotated

import typer

from tamis.errors import DestinationError, printable
from tamis.files.atomic import check_output
from tamis.files.kinds import JSON, Kind


def writes(kind: Kind) -> Callable[[typer.Context, typer.CallbackParam, str | None], str | None]:
    """Make the callback of an option that names a file to be written.

    The file is checked when the option is read, so that no work is done for a result
    that cannot be written.
    """

    def check(context: typer.Context, option: typer.CallbackParam, file: str | None) -> str | None:
        if file is None or (file == "-" and kind is JSON):
            return file
        check_output(file, kind)
        named: dict[str, str] = context.meta.setdefault("tamis.outputs", {})
        place, name = os.path.realpath(file), option.opts[0]
        if os.path.exists(place) and not os.path.isfile(place):
            return file  # a device or a pipe takes any number
        if named.setdefault(place, name) != name:
            raise DestinationError(
                f"{named[place]} and {name} name the same file, {printable(file)}. Choose another "
                "name for one of them."
            )
        return file

    return check


Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the result as JSON to FILE; - is the output.",
        callback=writes(JSON),
    ),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Threads.", show_default="one per processor")]
MaxPixels = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Skip pictures of more pixels than this."),
]


def _no_icc(ctx: typer.Context, value: bool) -> bool:
    from tamis.images import reading_with

    ctx.with_resource(reading_with(icc=not value))
    return value


def _max_memory(ctx: typer.Context, value: int) -> int:
    from tamis.images import reading_with

    ctx.with_resource(reading_with(max_memory=value * 1_000_000))
    return value


# These two act by themselves, for as long as the command runs.
NoIcc = Annotated[
    bool,
    typer.Option(
        "--no-icc", help="Take colours as stored, not by embedded profiles.", callback=_no_icc
    ),
]
MaxMemory = Annotated[
    int,
    typer.Option(
        metavar="MB",
        min=1,
        help="Memory for all pictures being decoded; larger ones are skipped.",
        callback=_max_memory,
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if a file was skipped.")]
FollowLinks = Annotated[
    bool,
    typer.Option("--follow-links", help="Enter linked folders that lead out of DIR, too."),
]
TakeOutside = Annotated[
    bool,
    typer.Option(
        "--follow-links", "--follow", help="Also take what lies outside, where links or lists lead."
    ),
]
Root = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Where the pictures of a CSV file or collection lie.",
        show_default="the folder of the file; as the collection says",
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="With --model: let the model read other files, or download, as it says.",
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B,...",
        help="Take only these classes; give it again for names with commas.",
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="Descriptor, or several as a+b or a+b@learned; `tamis descriptors` lists them.",
        show_default="color",
    ),
]
ClassifierName = Annotated[
    str | None,
    typer.Option(
        "--classifier",
        metavar="NAME",
        help="What learns from --train: knn (the nearest examples vote) or probe.",
        show_default="knn",
    ),
]
K = Annotated[
    int | None,
    typer.Option("--k", "-k", min=1, help="Neighbours that vote.", show_default="5"),
]
Distance = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="l1, l2, cosine, chi2 or another.",
        show_default="the descriptor's own",
    ),
]
