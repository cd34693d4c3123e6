"""Options that several commands take, each declared once.

The names are those of the concepts, the same in every command; a name of an earlier version
stands behind it and still works.
"""

import os
from collections.abc import Callable
from typing import Annotated

import typer

from tamis.errors import DestinationError, printable
from tamis.files.atomic import check_output
from tamis.files.kinds import JSON, PAGE, Kind


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
        help="Write the result as JSON to FILE; - prints it.",
        callback=writes(JSON),
    ),
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Number of threads.", show_default="one per processor")
]
MAX_PIXELS = 200_000_000
"""The default of `tamis.images.DEFAULT_MAX_PIXELS`, without loading the images."""

MaxPixels = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Skip pictures that have more pixels."),
]


def _no_icc(ctx: typer.Context, value: bool) -> bool:
    from tamis.images import reading_with

    ctx.with_resource(reading_with(icc=not value))
    return value


def _max_memory(ctx: typer.Context, value: int) -> int:
    from tamis.images import reading_with

    ctx.with_resource(reading_with(max_memory=value * 1_000_000))
    return value


def _quiet(ctx: typer.Context, value: bool) -> bool:
    from tamis.cli.progress import quiet

    token = quiet.set(value)
    ctx.call_on_close(lambda: quiet.reset(token))
    return value


def _verbose(ctx: typer.Context, value: bool) -> bool:
    from tamis.cli.progress import verbose

    token = verbose.set(value)
    ctx.call_on_close(lambda: verbose.reset(token))
    return value


# These act by themselves, for as long as the command runs.
NoIcc = Annotated[
    bool,
    typer.Option("--no-icc", help="Ignore embedded colour profiles.", callback=_no_icc),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.", callback=_quiet)]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        help="Say how long each stage took, and where an error arose.",
        callback=_verbose,
    ),
]
MaxMemory = Annotated[
    int,
    typer.Option(
        metavar="MB",
        min=1,
        help="Limit the memory for decoding; skip pictures that need more.",
        callback=_max_memory,
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with code 1 if a file was skipped.")]
FollowLinks = Annotated[
    bool,
    typer.Option("--follow-links", help="Follow links to folders outside of DIR."),
]
TakeOutside = Annotated[
    bool,
    typer.Option(
        "--follow-links",
        "--follow",
        help="Also take pictures outside of the folder, where links or lists lead.",
    ),
]
Root = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Folder of the pictures that a list or a collection names.",
        show_default="the folder of the file; as the collection says",
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Allow the model to read other files and to download, as it says.",
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--classes",
        "--label",
        metavar="A,B,...",
        help="Take only these classes; repeat the option for names with commas.",
    ),
]
Parts = Annotated[
    str | None,
    typer.Option(
        "--parts",
        "--split",
        metavar="A,B,...",
        help="Take only these parts of a split.",
        show_default="all",
    ),
]
Report = Annotated[
    str | None,
    typer.Option(
        "--report",
        "--html",
        metavar="FILE",
        help="Write an HTML page with pictures to FILE.",
        callback=writes(PAGE),
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of all random choices.")]
By = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="Descriptor, or several joined by +, such as a+b; `tamis descriptors` lists them. "
        "auto is two small networks, beside which the classifier auto looks at colour and texture.",
        show_default="auto",
    ),
]
ClassifierName = Annotated[
    str | None,
    typer.Option(
        "--classifier",
        metavar="NAME",
        help="Classifier that learns from --train: auto (chosen by cross-validation), knn (the "
        "nearest examples vote), class-means, discriminant or probe.",
        show_default="auto; knn with -k, --distance or --vote",
    ),
]
K = Annotated[
    int | None,
    typer.Option(
        "--k",
        "-k",
        min=1,
        help="Number of neighbours that vote.",
        show_default="chosen by leave-one-out; 5 with --vote inverse",
    ),
]
Vote = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How the nearest examples vote: kernel, whose weights are fitted to the examples, or "
        "inverse, each with the weight 1/distance.",
        show_default="kernel",
    ),
]
Distance = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Distance between vectors: l1, l2, cosine, chi2 or another.",
        show_default="the descriptor's default",
    ),
]
Ks = Annotated[
    list[str] | None,
    typer.Option(
        "--k",
        "-k",
        metavar="N,...",
        help="Number of neighbours that vote; several, such as 1,3,5,10, are each scored.",
        show_default="chosen by leave-one-out; 5 with --vote inverse",
    ),
]
Votes = Annotated[
    str | None,
    typer.Option(
        "--vote",
        metavar="NAME,...",
        help="How the nearest examples vote: kernel, whose weights are fitted to the examples, or "
        "inverse, each with the weight 1/distance; both are each scored.",
        show_default="kernel",
    ),
]


def numbers_of(values: list[str], option: str) -> list[int]:
    """Read numbers of at least 1, each given alone or several with commas between."""
    from tamis.errors import InvalidParameterError

    numbers = []
    for word in ",".join(values).split(","):
        if not (word.strip().isdecimal() and int(word) > 0):
            raise InvalidParameterError(
                f"{option} takes numbers of at least 1, such as 10,50. Got {word!r}."
            )
        numbers.append(int(word))
    return numbers


Abstain = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Put images into _unsure/, so that at most this share of those in class folders "
        "is wrong.",
    ),
]


def _seconds(text: str | None) -> str | None:
    if text is not None:
        from tamis.model import seconds_of

        seconds_of(text)
    return text


Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Let the default look at pictures by more networks, as far as describing and learning "
        "take no more than this time, such as 10m, and where they help.",
        callback=_seconds,
    ),
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        metavar="CSV",
        help="Groups that are not torn apart when it is tried what the examples teach: a list with "
        "the columns path,group; or the word duplicates, for pictures that tamis duplicates "
        "finds together, bursts included; or the word tenths, for each tenth of a folder.",
    ),
]
UnlikeAny = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="Put images that are unlike all examples into _unlike-any/; of images like the "
        "examples about this share is taken for such.",
    ),
]
Sets = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="List for each image the classes that come into question, so that this share of "
        "the lists holds the true class.",
    ),
]
